//! Files of others are read up to a limit, and only regular ones: a pipe may have no end.

use std::fs::File;
use std::io::{self, Error, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Opens a regular file.
///
/// # Errors
/// When it cannot be opened, or is a pipe, a socket, a device or a folder.
pub fn open(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        let message = "not a regular file; a pipe or a device may have no end: copy it to a file";
        return Err(Error::other(message));
    }
    File::open(path)
}

/// The bytes of a regular file of at most `bytes_max` bytes.
///
/// # Errors
/// When it cannot be read, or is larger.
pub fn bytes(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    check_length(file.metadata()?.len(), bytes_max)?;

    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    check_length(bytes.len() as u64, bytes_max)?;
    Ok(bytes)
}

/// The text of a regular file of at most `bytes_max` bytes.
///
/// # Errors
/// When it cannot be read, is larger, or is not UTF-8.
pub fn text(path: &Path, bytes_max: u64) -> io::Result<String> {
    let text = String::from_utf8(bytes(path, bytes_max)?);
    text.map_err(|error| Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

fn check_length(length: u64, bytes_max: u64) -> io::Result<()> {
    if length <= bytes_max {
        return Ok(());
    }
    let message = format!(
        "over the limit of {} MiB; is it the right file?",
        bytes_max >> 20
    );
    Err(Error::other(message))
}

/// What may still be read of a [`Bounded`] before it fails.
#[derive(Clone)]
pub struct Allowance {
    left: Arc<AtomicU64>,
    bytes_max: u64,
    /// What has the limit, for the message.
    part: &'static str,
}

impl Allowance {
    /// `part` may take `bytes_max` bytes; buffers that read ahead count.
    pub fn new(part: &'static str, bytes_max: u64) -> Self {
        Self {
            left: Arc::new(AtomicU64::new(bytes_max)),
            bytes_max,
            part,
        }
    }

    /// The next part begins.
    pub fn renew(&self) {
        self.left.store(self.bytes_max, Ordering::Relaxed);
    }

    /// The next part may be of any size: it is not kept.
    pub fn lift(&self) {
        self.left.store(u64::MAX, Ordering::Relaxed);
    }

    fn error(&self) -> Error {
        let (part, limit) = (self.part, self.bytes_max >> 20);
        Error::other(format!("{part} takes more than the limit of {limit} MiB"))
    }
}

/// A reader that fails where one part of it is too large, so that a library that keeps the whole
/// part in memory stops there.
pub struct Bounded<R> {
    inner: R,
    allowance: Allowance,
}

impl<R> Bounded<R> {
    pub fn new(inner: R, allowance: &Allowance) -> Self {
        Self {
            inner,
            allowance: allowance.clone(),
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(self.allowance.error());
        }
        let length = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self.inner.read(&mut buffer[..length])?;
        let left = left - read as u64;
        self.allowance.left.store(left, Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}
