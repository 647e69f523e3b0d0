//! Files of a run folder and beside it: written whole or not at all.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Error numbers of calls that a file system does not have: EBADF and ENOTTY of network file
/// systems. The others have an [`ErrorKind`].
const UNSUPPORTED: [i32; 2] = [9, 25];

/// Writes a file whole or not at all: a temporary file beside it, synced, then renamed. The folder
/// is created where it is missing. A link of this name is replaced, not followed.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    try_write(path, bytes).map_err(Error::cause(format!("write {}", path.display())))
}

fn try_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;

    let mut temporary = temporary_file(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;

    // The rename is durable once the folder is synced.
    sync_folder(folder)
}

/// A temporary file with the rights of every other new file: temporary files are private to the
/// user, results are shared as the umask says.
#[cfg(unix)]
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .prefix(".writing-")
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".writing-")
        .tempfile_in(folder)
}

/// Syncs a folder where its file system can do that.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(e) if !is_unsupported(&e) => Err(e),
        _ => Ok(()),
    }
}

/// Whether a call failed because this file system, or this user, does not have it: not because of
/// the disk.
pub fn is_unsupported(error: &io::Error) -> bool {
    let is_missing_call = matches!(
        error.kind(),
        ErrorKind::Unsupported
            | ErrorKind::InvalidInput
            | ErrorKind::PermissionDenied
            | ErrorKind::IsADirectory
    );
    is_missing_call
        || error
            .raw_os_error()
            .is_some_and(|number| UNSUPPORTED.contains(&number))
}

/// The folder of a file; the working directory for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Refuses a link where the program writes: its target may be anywhere.
///
/// # Errors
/// When the path is a symbolic link; names it.
pub fn refuse_link(path: &Path) -> Result<()> {
    if !path.is_symlink() {
        return Ok(());
    }
    Err(Error::new(format!(
        "{} is a symbolic link, and nothing is written through links: remove it, or choose \
         another --out",
        path.display()
    )))
}
