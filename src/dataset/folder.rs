//! One folder per class under the root; what lies deeper belongs to the class of its top folder.

use super::walk::{self, Step};
use super::{Entry, Item, Lost};
use crate::error::Result;
use crate::plan::Links;
use std::path::Path;

/// Streams the tree sorted by name. Files outside the class folders are ignored and counted.
pub fn items(root: &Path, links: Links) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    Ok(walk::images(root, links)?.map(|step| match step {
        Step::Image(path) if path.components().count() < 2 => {
            Item::Ignored("file outside the class folders")
        }
        Step::Lost(lost) => Item::Lost(Lost {
            label: top(Path::new(&lost.path)),
            ..lost
        }),
        step => step.item(|path| {
            Item::Found(Entry {
                label: top(&path),
                path,
                ..Entry::default()
            })
        }),
    }))
}

/// Name of the folder directly under the root.
pub fn top(path: &Path) -> Option<String> {
    let mut parts = path.components();
    let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
    parts.next().map(|_| first)
}
