//! Reading the bytes of an image.

use crate::dataset::Source;
use crate::error::{Skip, SkipReason, Stage};
use std::borrow::Cow;
use std::fmt::Display;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Reads the bytes of an image.
///
/// # Errors
/// A skip `not_found`, `permission`, `not_a_file`, `empty`, `truncated`, `too_large` or `io`.
pub fn read(source: &Source) -> Result<Cow<'_, [u8]>, Skip> {
    match source {
        Source::File(path) => read_file(path, 0, None).map(Cow::Owned),
        Source::Slice {
            file,
            start,
            length,
        } => read_file(file, *start, Some(*length)).map(Cow::Owned),
        Source::Bytes(bytes) if bytes.is_empty() => {
            Err(skip(SkipReason::Empty, "there are no bytes"))
        }
        Source::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
        Source::Missing(reason) => Err(skip(SkipReason::Empty, reason)),
    }
}

/// The number of bytes that [`read`] would give, at most one more than it allows.
///
/// # Errors
/// A skip `not_found`, `permission` or `io`.
pub fn length(source: &Source) -> Result<u64, Skip> {
    Ok(match source {
        Source::File(path) => std::fs::metadata(path).map_err(io_skip)?.len(),
        Source::Slice { length, .. } => *length,
        Source::Bytes(bytes) => bytes.len() as u64,
        Source::Missing(_) => 0,
    })
}

/// Reads a file from `start`, to its end or exactly `length` bytes.
fn read_file(path: &Path, start: u64, length: Option<u64>) -> Result<Vec<u8>, Skip> {
    let bytes = read_range(path, start, length)?;
    let size = bytes.len() as u64;

    if length.is_some_and(|length| size < length.min(FILE_BYTES_MAX)) {
        let message = "the shard ends inside this image";
        return Err(skip(SkipReason::Truncated, message));
    }
    if size == 0 {
        return Err(skip(SkipReason::Empty, "the file is empty"));
    }
    if size > FILE_BYTES_MAX {
        let message = format!("over {} MiB", FILE_BYTES_MAX >> 20);
        return Err(skip(SkipReason::TooLarge, message));
    }
    Ok(bytes)
}

/// The bytes from `start`; at most one more than the limit, so that it shows when it is exceeded.
fn read_range(path: &Path, start: u64, length: Option<u64>) -> Result<Vec<u8>, Skip> {
    // Opening a named pipe would wait for a writer.
    if !std::fs::metadata(path).map_err(io_skip)?.is_file() {
        return Err(skip(SkipReason::NotAFile, "not a regular file"));
    }

    let mut file = File::open(path).map_err(io_skip)?;
    file.seek(SeekFrom::Start(start)).map_err(io_skip)?;
    let mut bytes = Vec::new();
    file.take(length.unwrap_or(u64::MAX).min(FILE_BYTES_MAX + 1))
        .read_to_end(&mut bytes)
        .map_err(io_skip)?;
    Ok(bytes)
}

fn io_skip(error: std::io::Error) -> Skip {
    let reason = match error.kind() {
        ErrorKind::NotFound => SkipReason::NotFound,
        ErrorKind::PermissionDenied => SkipReason::Permission,
        _ => SkipReason::Io,
    };
    skip(reason, error)
}

fn skip(reason: SkipReason, message: impl Display) -> Skip {
    Skip::new(Stage::Read, reason, message)
}
