//! Paths relative to the root of a set.

use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};
use unicode_normalization::UnicodeNormalization;

/// A path for people and tables: `/` between parts, whatever is not UTF-8 replaced.
pub fn display(path: &Path) -> String {
    let text = path.to_string_lossy();
    if MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(MAIN_SEPARATOR, "/")
    }
}

/// The folder that paths of annotations are relative to.
#[derive(Debug, Clone, Default)]
pub struct SetRoot {
    /// The folder as an absolute path, as it is written and without links.
    absolute: Vec<PathBuf>,
}

impl SetRoot {
    pub fn new(root: &Path) -> Self {
        let written = std::path::absolute(root);
        let real = root.canonicalize();
        Self {
            absolute: written.into_iter().chain(real).collect(),
        }
    }

    /// The path below the root without `.` parts, of a path that is relative to the root or lies
    /// below it; `None` when it is empty or leaves the root.
    pub fn relative(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path);
        if !path.is_absolute() {
            return below(path);
        }

        let mut roots = self.absolute.iter();
        roots.find_map(|root| below(path.strip_prefix(root).ok()?))
    }
}

/// The path of an archive's member without `.` parts and without the root of an absolute name;
/// `None` when it is empty or leads upwards with `..`.
pub fn member(path: &str) -> Option<PathBuf> {
    below(Path::new(path.trim_start_matches('/')))
}

fn below(path: &Path) -> Option<PathBuf> {
    let mut below = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => below.push(name),
            _ => return None,
        }
    }
    (!below.as_os_str().is_empty()).then_some(below)
}

/// The file that a path means: of this very name, else of the name with `/` for `\\`, or in
/// another Unicode normal form, as Windows and macOS write names. The path as it is where there is
/// no such file.
pub fn existing(root: &Path, path: &Path) -> PathBuf {
    let file = root.join(path);
    if file.symlink_metadata().is_ok() {
        return file;
    }
    let Some(text) = path.to_str() else {
        return file;
    };

    let slashes = text.replace('\\', "/");
    let spellings = [
        slashes.clone(),
        slashes.nfc().collect(),
        slashes.nfd().collect(),
    ];
    for spelling in spellings {
        if let Some(path) = below(Path::new(&spelling))
            && root.join(&path).symlink_metadata().is_ok()
        {
            return root.join(path);
        }
    }
    file
}

/// A name in the normal form in which names are compared (NFC).
pub fn normal_form(name: &str) -> String {
    name.nfc().collect()
}
