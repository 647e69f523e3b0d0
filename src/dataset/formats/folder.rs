//! One folder per class under the root, or under the folders `train`, `val` and `test`; deeper
//! files belong to the class of their class folder.

use crate::dataset::item::{Entry, Item, Skipped};
use crate::dataset::unread::OUTSIDE;
use crate::dataset::walk::{self, Step};
use crate::error::Result;
use crate::plan::{Links, split_folders, split_of_folder};
use std::path::{Path, PathBuf};

/// Which folders name the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Those under the root.
    Classes,
    /// Those under the folders of the splits, which are all that the root holds.
    Splits,
}

impl Layout {
    pub fn of(root: &Path) -> Self {
        match split_folders(root) {
            Some(_) => Self::Splits,
            None => Self::Classes,
        }
    }

    /// The class of a file; `None` for a file outside the class folders.
    pub fn label(self, path: &Path) -> Option<String> {
        let mut folders = path.parent()?.components();
        if self == Self::Splits {
            folders.next()?;
        }
        let folder = folders.next()?;
        Some(folder.as_os_str().to_string_lossy().into_owned())
    }

    fn split(self, path: &Path) -> Option<String> {
        if self == Self::Classes {
            return None;
        }
        let folder = path.components().next()?.as_os_str().to_str()?;
        split_of_folder(folder).map(str::to_owned)
    }
}

/// Streams the tree sorted by name. Files outside the class folders are ignored and counted, and so
/// are those of splits that are not asked for.
///
/// # Errors
/// When the root cannot be opened.
pub fn items(
    root: &Path,
    links: Links,
    splits: Option<Vec<String>>,
) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let layout = Layout::of(root);
    let steps = walk::images(root, links)?;
    Ok(steps.map(move |step| item(step, layout, splits.as_deref())))
}

fn item(step: Step, layout: Layout, splits: Option<&[String]>) -> Item {
    match step {
        Step::File(path) => image(path, layout, splits),
        Step::Skipped(skipped) => Item::Skipped(Skipped {
            label: layout.label(Path::new(&skipped.path)),
            ..skipped
        }),
        Step::Ignored(kind) => Item::Ignored(kind),
    }
}

fn image(path: PathBuf, layout: Layout, splits: Option<&[String]>) -> Item {
    let split = layout.split(&path);
    let is_wanted = match (splits, &split) {
        (Some(wanted), Some(split)) => wanted.contains(split),
        (Some(_), None) => false,
        (None, _) => true,
    };
    if !is_wanted {
        return Item::Ignored("file of another split");
    }
    match layout.label(&path) {
        Some(label) => Item::Found(Entry {
            label: Some(label),
            split,
            ..Entry::new(path)
        }),
        None => Item::Ignored(OUTSIDE),
    }
}
