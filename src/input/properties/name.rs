//! What the path of a file tells.

/// Longest prefix, in letters.
const PREFIX_MAX: usize = 16;

/// The letters that a file's name begins with.
pub fn prefix(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let letters = name.chars().take_while(|c| c.is_alphabetic());
    let prefix: String = letters.take(PREFIX_MAX).collect();
    (!prefix.is_empty()).then_some(prefix)
}

/// The folders of a path, without those that are called as the label.
pub fn folder(path: &str, label: &str) -> Option<String> {
    let (folders, _) = path.rsplit_once('/')?;
    let others = folders.split('/').filter(|folder| *folder != label);
    let folder = others.collect::<Vec<_>>().join("/");
    (!folder.is_empty()).then_some(folder)
}
