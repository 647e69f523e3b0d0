//! Files that a manifest or annotations name and that do not exist.

use super::paths::display;
use std::path::{Path, PathBuf};

/// Most files that are looked up: each costs a question to the file system.
pub const LOOKED_UP_MAX: usize = 200_000;
/// Most folders below the root in which a missing file is looked for.
const FOLDERS_MAX: usize = 1000;

/// What was found of the files of a set.
#[derive(Debug, Default)]
pub struct MissingFiles {
    pub looked_up: usize,
    pub missing: usize,
    /// The first missing path.
    first: PathBuf,
}

impl MissingFiles {
    pub fn add(&mut self, path: &Path, exists: bool) {
        self.looked_up += 1;
        if exists {
            return;
        }
        if self.missing == 0 {
            self.first = path.to_path_buf();
        }
        self.missing += 1;
    }

    /// A warning where files are missing, with the folder that they are in where that is found.
    pub fn warning(&self, root: &Path) -> Option<String> {
        if self.missing == 0 {
            return None;
        }
        let limit = match self.looked_up {
            LOOKED_UP_MAX.. => "first ",
            _ => "",
        };
        let remedy = other_place(root, &self.first).unwrap_or_default();
        Some(format!(
            "{} of the {limit}{} files do not exist below dataset.root, the first is {:?}{remedy}",
            self.missing,
            self.looked_up,
            display(&self.first)
        ))
    }
}

/// Where a missing file is instead: the root is a folder too high or too low.
fn other_place(root: &Path, path: &Path) -> Option<String> {
    let mut rest = path.components();
    while rest.next().is_some() && rest.clone().next().is_some() {
        let below = rest.as_path();
        let Some(prefix) = path.parent().filter(|_| root.join(below).is_file()) else {
            continue;
        };
        let depth = path.components().count() - below.components().count();
        let prefix: PathBuf = prefix.components().take(depth).collect();
        return Some(format!(
            "; there is {:?}: leave {:?} out of the paths, or set dataset.root to the folder that \
             contains it",
            display(below),
            display(&prefix)
        ));
    }

    let folders = std::fs::read_dir(root).ok()?.flatten().take(FOLDERS_MAX);
    let mut names: Vec<_> = folders.map(|folder| folder.file_name()).collect();
    names.sort();
    let found = names
        .into_iter()
        .find(|name| root.join(name).join(path).is_file())?;
    let folder = root.join(found);
    Some(format!(
        "; it is in {}: set dataset.root to this folder",
        folder.display()
    ))
}
