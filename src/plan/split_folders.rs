//! Folders of splits above the class folders, the layout of PyTorch's own examples:
//! `train/<class>/..` and `val/<class>/..`.

use std::path::Path;

/// Names of folders, in lower case, and the split that each holds.
const FOLDERS: [(&str, &str); 7] = [
    ("train", "train"),
    ("training", "train"),
    ("val", "val"),
    ("valid", "val"),
    ("validation", "val"),
    ("test", "test"),
    ("testing", "test"),
];

/// The split of a folder by its name.
pub fn split_of_folder(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let known = FOLDERS.iter().find(|(folder, _)| *folder == name);
    known.map(|(_, split)| *split)
}

/// The names of the folders of splits under a root, sorted; `None` where the folders under the root
/// are classes.
///
/// They are splits where all have the name of a split, and each holds folders of its own.
pub fn split_folders(root: &Path) -> Option<Vec<String>> {
    let mut names = visible_folders(root)?;
    for name in &names {
        split_of_folder(name)?;
        let classes = visible_folders(&root.join(name))?;
        if classes.is_empty() {
            return None;
        }
    }
    names.sort();
    (!names.is_empty()).then_some(names)
}

/// The visible folders in a folder; `None` where it cannot be listed.
fn visible_folders(folder: &Path) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).ok()? {
        let entry = entry.ok()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.path().is_dir() {
            names.push(name);
        }
    }
    Some(names)
}
