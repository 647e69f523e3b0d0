//! One folder per class under the root; deeper files belong to the class of their top folder.

use crate::dataset::item::{Entry, Item, Skipped};
use crate::dataset::paths::top_folder;
use crate::dataset::unread::OUTSIDE;
use crate::dataset::walk::{self, Step};
use crate::error::Result;
use crate::plan::Links;
use std::path::{Path, PathBuf};

/// Streams the tree sorted by name. Files outside the class folders are ignored and counted.
///
/// # Errors
/// When the root cannot be opened.
pub fn items(root: &Path, links: Links) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    Ok(walk::images(root, links)?.map(item))
}

fn item(step: Step) -> Item {
    match step {
        Step::Image(path) => image(path),
        Step::Skipped(skipped) => Item::Skipped(Skipped {
            label: top_folder(Path::new(&skipped.path)),
            ..skipped
        }),
        Step::Ignored(kind) => Item::Ignored(kind),
    }
}

fn image(path: PathBuf) -> Item {
    match top_folder(&path) {
        Some(label) => Item::Found(Entry {
            label: Some(label),
            ..Entry::new(path)
        }),
        None => Item::Ignored(OUTSIDE),
    }
}
