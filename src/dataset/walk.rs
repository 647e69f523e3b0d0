//! Files below a folder, sorted by name: images, shards with images, annotation files. Hidden files
//! and other file types are ignored and counted; links are followed as `dataset.links` says.

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
    File(PathBuf),
    Skipped(Skipped),
    /// Counted by kind.
    Ignored(&'static str),
}

/// Streams the images below the root.
///
/// # Errors
/// When the root cannot be opened.
pub fn images(root: &Path, links: Links) -> Result<impl Iterator<Item = Step> + Send + use<>> {
    walk(root, links, Wanted::Images)
}

/// Streams the files below the root of one of these extensions.
///
/// # Errors
/// When the root cannot be opened.
pub fn files(
    root: &Path,
    extensions: &[&'static str],
    links: Links,
) -> Result<impl Iterator<Item = Step> + Send + use<>> {
    walk(root, links, Wanted::Extensions(extensions.to_vec()))
}

fn walk(root: &Path, links: Links, wanted: Wanted) -> Result<Walk> {
    let what = format!("open {}", root.display());
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
        wanted,
        entries,
    })
}

/// The files that a walk is for.
enum Wanted {
    Images,
    /// In lower case; an extension may have a dot inside (`tar.gz`).
    Extensions(Vec<&'static str>),
}

impl Wanted {
    fn accepts(&self, path: &Path) -> bool {
        let extensions = match self {
            Self::Images => return is_image(path),
            Self::Extensions(extensions) => extensions,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        extensions.iter().any(|extension| {
            let stem = name.strip_suffix(extension);
            stem.is_some_and(|stem| stem.ends_with('.'))
        })
    }

    /// The kind under which another file is counted.
    fn kind_of_other(&self, path: &Path) -> &'static str {
        match self {
            Self::Images if unread::is_picture(path) => unread::OTHER_FORMAT,
            Self::Images => "file without an image's extension",
            Self::Extensions(_) => "file that is no shard",
        }
    }
}

/// Whether an entry below the root is the folder of a run: the reports of an audit may lie inside
/// the set, and are never data.
fn is_run(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_type().is_dir() && is_run_folder(entry.path())
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
    wanted: Wanted,
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
        if !self.wanted.accepts(&path) {
            return Step::Ignored(self.wanted.kind_of_other(&path));
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
        Step::File(path)
    }

    fn error(&self, error: &walkdir::Error) -> Step {
        let path = error.path().map(|path| self.relative(path));
        let path = path.unwrap_or_default();
        if error.loop_ancestor().is_some() {
            let message = "the link leads back to a folder above it";
            return skipped(&path, SkipReason::LinkLoop, message);
        }

        let name = path.file_name().unwrap_or_default();
        if is_hidden(name.as_encoded_bytes()) {
            return Step::Ignored("hidden file");
        }
        let Some(cause) = error.io_error() else {
            return skipped(&path, SkipReason::Walk, &error.to_string());
        };
        if is_unlisted_folder(error.path(), cause) {
            let message =
                format!("the folder cannot be listed ({cause}): the images in it are not counted");
            return skipped(&path, SkipReason::UnlistedFolder, &message);
        }

        if path.extension().is_some() && !self.wanted.accepts(&path) {
            return Step::Ignored("unreadable file that is no image");
        }
        match cause.kind() {
            ErrorKind::NotFound => skipped(
                &path,
                SkipReason::DanglingLink,
                "the target of the link is missing",
            ),
            ErrorKind::PermissionDenied => {
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

/// Whether an error of the walk hides what is in a folder. A path that is too long for the system
/// can only be one of a folder: names of files are listed with their folder.
fn is_unlisted_folder(path: Option<&Path>, cause: &std::io::Error) -> bool {
    let is_folder = path.is_some_and(Path::is_dir);
    is_folder || cause.kind() == ErrorKind::InvalidFilename
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
