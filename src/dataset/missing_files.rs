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
    /// The first missing path, and the last one.
    ends: [PathBuf; 2],
}

impl MissingFiles {
    pub fn add(&mut self, path: &Path, is_missing: bool) {
        self.looked_up += 1;
        if !is_missing {
            return;
        }
        if self.missing == 0 {
            self.ends[0] = path.to_path_buf();
        }
        self.ends[1] = path.to_path_buf();
        self.missing += 1;
    }

    /// A warning where files are missing, with the folder that they are in where all of them are
    /// elsewhere.
    pub fn warning(&self, root: &Path) -> Option<String> {
        if self.missing == 0 {
            return None;
        }
        let limit = match self.looked_up {
            LOOKED_UP_MAX => "first ",
            _ => "",
        };
        let remedy = match self.missing == self.looked_up {
            true => other_place(root, &self.ends).unwrap_or_default(),
            false => String::new(),
        };
        let (are, first) = match self.missing {
            1 => ("is", ":"),
            _ => ("are", ", the first is"),
        };
        Some(format!(
            "{} of the {limit}{} files {are} not below dataset.root{first} {:?}{remedy}",
            self.missing,
            self.looked_up,
            display(&self.ends[0])
        ))
    }
}

/// Where missing files are instead: the root is a folder too low or too high.
fn other_place(root: &Path, missing: &[PathBuf; 2]) -> Option<String> {
    let depth = missing[0].components().count();
    for left_out in 1..depth {
        let below = |path: &PathBuf| path.components().skip(left_out).collect::<PathBuf>();
        if !missing.iter().all(|path| root.join(below(path)).is_file()) {
            continue;
        }
        let prefix: PathBuf = missing[0].components().take(left_out).collect();
        let upper = root.ancestors().nth(left_out);
        let upper = upper.filter(|_| root.ends_with(&prefix));
        let or_root = upper.map_or(String::new(), |upper| {
            format!(", or set dataset.root to {}", upper.display())
        });
        return Some(format!(
            "; there is {:?}: leave {:?} out of the paths{or_root}",
            display(&below(&missing[0])),
            display(&prefix)
        ));
    }

    let entries = std::fs::read_dir(root).ok()?.flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_file()));
    let mut names: Vec<_> = folders.map(|folder| folder.file_name()).collect();
    names.sort();
    let found = names.into_iter().take(FOLDERS_MAX).find(|name| {
        let folder = root.join(name);
        missing.iter().all(|path| folder.join(path).is_file())
    })?;
    let folder = root.join(found);
    Some(format!(
        "; it is in {}: set dataset.root to this folder",
        folder.display()
    ))
}
