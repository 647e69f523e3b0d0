//! Image files below a folder, sorted by name. Hidden files and other file types are ignored and counted.

use super::{Item, Lost, display};
use crate::error::{Error, Result, Skip, Stage};
use crate::plan::Links;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// File names that are taken for images; the content decides what they are.
pub const EXTENSIONS: [&str; 9] = [
    "jpg", "jpeg", "jpe", "png", "webp", "bmp", "tif", "tiff", "gif",
];

/// One thing that the walk comes upon.
pub enum Step {
    /// Relative to the root.
    Image(PathBuf),
    Lost(Lost),
    /// Counted by kind.
    Ignored(&'static str),
}

impl Step {
    /// As an item of the set, where `entry` makes an image one.
    pub fn item(self, entry: impl FnOnce(PathBuf) -> Item) -> Item {
        match self {
            Self::Image(path) => entry(path),
            Self::Lost(lost) => Item::Lost(lost),
            Self::Ignored(kind) => Item::Ignored(kind),
        }
    }
}

/// Streams what lies below the root.
pub fn images(root: &Path, links: Links) -> Result<impl Iterator<Item = Step> + Send + use<>> {
    let real_root = root.canonicalize().map_err(Error::cause(format!(
        "open dataset.root {}",
        root.display()
    )))?;
    let root = root.to_path_buf();
    let mut walk = WalkDir::new(&root)
        .min_depth(1)
        .follow_links(links != Links::Never)
        .sort_by_file_name()
        .into_iter();
    Ok(std::iter::from_fn(move || {
        loop {
            let entry = match walk.next()? {
                Ok(entry) => entry,
                Err(e) => return Some(walk_error(&e, &root)),
            };
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            let escapes = links == Links::Inside
                && entry.path_is_symlink()
                && !stays_inside(entry.path(), &real_root);
            if entry.file_type().is_dir() {
                if hidden || escapes {
                    walk.skip_current_dir();
                }
                match (hidden, escapes) {
                    (true, _) => return Some(Step::Ignored("hidden folder")),
                    (_, true) => return Some(Step::Ignored("link that leaves the root")),
                    _ => continue,
                }
            }
            return Some(file(&entry, &root, hidden, escapes));
        }
    }))
}

/// All files of an extension below a folder, sorted by name; links are not followed.
pub fn files(root: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_map(std::result::Result::ok);
    let files = entries
        .filter(|e| e.file_type().is_file())
        .map(DirEntry::into_path);
    files
        .filter(|p| p.extension().is_some_and(|e| e == extension))
        .collect()
}

/// Whether a file that an annotation names may be read: what `links` says of links, on every part of its way.
pub fn allowed(path: &Path, root: &Path, links: Links) -> bool {
    let real = |p: &Path| p.canonicalize().ok();
    match links {
        Links::Anywhere => true,
        // A file that is not there is a matter of reading it.
        _ if !path.exists() => true,
        Links::Inside => real(root).is_some_and(|root| stays_inside(path, &root)),
        Links::Never => {
            let unlinked = path
                .strip_prefix(root)
                .ok()
                .and_then(|within| Some(real(root)?.join(within)));
            unlinked.is_some_and(|unlinked| real(path) == Some(unlinked))
        }
    }
}

fn stays_inside(path: &Path, root: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|target| target.starts_with(root))
}

fn file(entry: &DirEntry, root: &Path, hidden: bool, escapes: bool) -> Step {
    let path = entry
        .path()
        .strip_prefix(root)
        .unwrap_or(entry.path())
        .to_path_buf();
    let lost = |reason, message: &str| lost(&path, reason, message);
    if hidden {
        return Step::Ignored("hidden file");
    }
    if !is_image(&path) {
        return Step::Ignored("file without an image's extension");
    }
    if entry.file_type().is_symlink() {
        return lost("link", "a symbolic link; set dataset.links to follow it");
    }
    if escapes {
        return lost(
            "link_outside",
            "the link leaves dataset.root; set dataset.links = \"anywhere\" to follow it",
        );
    }
    if !entry.file_type().is_file() {
        return lost(
            "not_a_file",
            "neither a file nor a folder (a pipe, a socket or a device)",
        );
    }
    Step::Image(path)
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

fn lost(path: &Path, reason: &'static str, message: &str) -> Step {
    Step::Lost(Lost {
        path: display(path),
        label: None,
        skip: Skip::new(Stage::Walk, reason, message),
    })
}

fn walk_error(error: &walkdir::Error, root: &Path) -> Step {
    let path = error
        .path()
        .map(|p| p.strip_prefix(root).unwrap_or(p).to_path_buf())
        .unwrap_or_default();
    let kind = error.io_error().map(std::io::Error::kind);
    let hidden = path
        .file_name()
        .is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
    if error.loop_ancestor().is_none()
        && (hidden || (path.extension().is_some() && !is_image(&path)))
    {
        return Step::Ignored("unreadable file that is no image");
    }
    let (reason, message) = match kind {
        _ if error.loop_ancestor().is_some() => (
            "link_loop",
            "the link leads back to a folder above it".to_owned(),
        ),
        Some(std::io::ErrorKind::NotFound) => {
            ("dangling_link", "the link leads nowhere".to_owned())
        }
        Some(std::io::ErrorKind::PermissionDenied) => {
            ("permission", "permission denied".to_owned())
        }
        _ => ("walk", error.to_string()),
    };
    lost(&path, reason, &message)
}
