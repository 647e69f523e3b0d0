//! Image files below a folder, sorted by name. Hidden files and other file types are ignored and
//! counted.

use super::item::Skipped;
use super::paths::display;
use super::unread;
use crate::error::{Error, Result, Skip, SkipReason, Stage};
use crate::plan::{Links, is_run_folder};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Extensions of files that are treated as images; the content decides what they are.
pub const EXTENSIONS: [&str; 9] = [
    "jpg", "jpeg", "jpe", "png", "webp", "bmp", "tif", "tiff", "gif",
];

/// One step of the walk.
pub enum Step {
    /// Relative to the root.
    Image(PathBuf),
    Skipped(Skipped),
    /// Counted by kind.
    Ignored(&'static str),
}

/// Streams the files below the root.
///
/// # Errors
/// When the root cannot be opened.
pub fn images(root: &Path, links: Links) -> Result<impl Iterator<Item = Step> + Send + use<>> {
    let what = format!("open dataset.root {}", root.display());
    let real_root = root.canonicalize().map_err(Error::cause(what))?;
    let entries = WalkDir::new(root)
        .min_depth(1)
        .follow_links(links != Links::Never)
        .sort_by_file_name()
        .into_iter();
    Ok(Walk {
        root: root.to_path_buf(),
        real_root,
        links,
        entries,
    })
}

/// All entries below a folder, sorted by name, without those of run folders: the reports of an
/// audit may lie inside the set. Links are not followed.
pub fn entries(folder: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> + Send + use<> {
    WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !is_run(entry))
}

/// Whether an entry below the root is the folder of a run.
fn is_run(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_type().is_dir() && is_run_folder(entry.path())
}

/// All files of an extension below a folder, sorted by name; links are not followed.
pub fn files(root: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in entries(root).flatten() {
        let has_extension = entry.path().extension().is_some_and(|e| e == extension);
        if entry.file_type().is_file() && has_extension {
            files.push(entry.into_path());
        }
    }
    files
}

/// Whether a file that an annotation names may be read, given what `links` allows on every part of
/// its path.
pub fn is_allowed(path: &Path, root: &Path, links: Links) -> bool {
    // Reading a missing file fails later, with a better message.
    if links == Links::Anywhere || !path.exists() {
        return true;
    }
    let Ok(real_root) = root.canonicalize() else {
        return false;
    };
    if links == Links::Inside {
        return stays_inside(path, &real_root);
    }

    let (Ok(relative), Ok(real_path)) = (path.strip_prefix(root), path.canonicalize()) else {
        return false;
    };
    real_path == real_root.join(relative)
}

fn stays_inside(path: &Path, real_root: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|target| target.starts_with(real_root))
}

struct Walk {
    root: PathBuf,
    /// The root without links.
    real_root: PathBuf,
    links: Links,
    entries: walkdir::IntoIter,
}

impl Iterator for Walk {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            let step = match self.entries.next()? {
                Ok(entry) if entry.file_type().is_dir() => self.enter(&entry),
                Ok(entry) => Some(self.file(&entry)),
                Err(error) => Some(self.error(&error)),
            };
            if step.is_some() {
                return step;
            }
        }
    }
}

impl Walk {
    /// Enters a folder, or says why it is ignored. A run is no part of the set and is not counted.
    fn enter(&mut self, folder: &DirEntry) -> Option<Step> {
        if is_run(folder) {
            self.entries.skip_current_dir();
            return None;
        }
        let ignored = if is_hidden(folder.file_name().as_encoded_bytes()) {
            "hidden folder"
        } else if self.escapes(folder) {
            "link that leaves the root"
        } else {
            return None;
        };
        self.entries.skip_current_dir();
        Some(Step::Ignored(ignored))
    }

    fn file(&self, entry: &DirEntry) -> Step {
        let path = self.relative(entry.path());
        if is_hidden(entry.file_name().as_encoded_bytes()) {
            return Step::Ignored("hidden file");
        }
        if !is_image(&path) {
            return Step::Ignored(if unread::is_picture(&path) {
                unread::OTHER_FORMAT
            } else {
                "file without an image's extension"
            });
        }
        if entry.file_type().is_symlink() {
            let message = "a symbolic link; set dataset.links to follow it";
            return skipped(&path, SkipReason::Link, message);
        }
        if self.escapes(entry) {
            let message =
                "the link leaves dataset.root; set dataset.links = \"anywhere\" to follow it";
            return skipped(&path, SkipReason::LinkOutside, message);
        }
        if !entry.file_type().is_file() {
            let message = "neither a file nor a folder (a pipe, a socket or a device)";
            return skipped(&path, SkipReason::NotAFile, message);
        }
        Step::Image(path)
    }

    fn error(&self, error: &walkdir::Error) -> Step {
        let path = error.path().map(|path| self.relative(path));
        let path = path.unwrap_or_default();
        if error.loop_ancestor().is_some() {
            let message = "the link leads back to a folder above it";
            return skipped(&path, SkipReason::LinkLoop, message);
        }

        let name = path.file_name().unwrap_or_default();
        let is_other_file = path.extension().is_some() && !is_image(&path);
        if is_hidden(name.as_encoded_bytes()) || is_other_file {
            return Step::Ignored("unreadable file that is no image");
        }
        match error.io_error().map(std::io::Error::kind) {
            Some(ErrorKind::NotFound) => skipped(
                &path,
                SkipReason::DanglingLink,
                "the target of the link is missing",
            ),
            Some(ErrorKind::PermissionDenied) => {
                skipped(&path, SkipReason::Permission, "permission denied")
            }
            _ => skipped(&path, SkipReason::Walk, &error.to_string()),
        }
    }

    /// Whether an entry is a link whose target may not be read.
    fn escapes(&self, entry: &DirEntry) -> bool {
        self.links == Links::Inside
            && entry.path_is_symlink()
            && !stays_inside(entry.path(), &self.real_root)
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_path_buf()
    }
}

fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".")
}

fn is_image(path: &Path) -> bool {
    let Some(extension) = path.extension() else {
        return false;
    };
    let extension = extension.to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

fn skipped(path: &Path, reason: SkipReason, message: &str) -> Step {
    Step::Skipped(Skipped {
        path: display(path),
        label: None,
        skip: Skip::new(Stage::Walk, reason, message),
    })
}
