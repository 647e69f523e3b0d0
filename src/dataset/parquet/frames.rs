//! Parquet files as data frames. The reader panics on some malformed files; that is an error like
//! any other.

use super::{footer, pages};
use crate::bounded;
use crate::error::{Error, Result, guarded};
use polars::prelude::{
    Column, DataFrame, FileMetadata, FileMetadataRef, ParquetReader, PolarsResult, SerReader,
};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The first and the last bytes of a Parquet file.
const MAGIC: &[u8; 4] = b"PAR1";
/// How the file begins that Git LFS leaves in place of a large one.
const LFS_POINTER: &[u8] = b"version https://git-lfs";
/// Bytes that are looked at to tell what a file is.
const START: u16 = 64;

/// The footer of a file, checked. To be called before [`read`].
///
/// # Errors
/// When the file is no Parquet file.
pub fn metadata(file: &Path) -> Result<FileMetadataRef> {
    check_ends(file)?;
    guarded_read(file, || {
        footer::check(&bounded::open(file)?)?;
        open(file)?.get_metadata().cloned()
    })
}

/// Checks that a file begins and ends as Parquet files do.
fn check_ends(path: &Path) -> Result<()> {
    let what = format!("read {}", path.display());
    let mut file = File::open(path).map_err(Error::cause(&what))?;
    let mut start = Vec::new();
    let read = (&mut file).take(START.into()).read_to_end(&mut start);
    read.map_err(Error::cause(&what))?;

    let refused = |reason: &str| Err(Error::new(format!("failed to {what}: {reason}")));
    if start.starts_with(LFS_POINTER) {
        return refused("it is a pointer of Git LFS; fetch the file itself with `git lfs pull`");
    }
    if start.is_empty() {
        return refused("it is empty");
    }
    if !start.starts_with(MAGIC) {
        return refused("it is no Parquet file");
    }

    let mut end = [0; MAGIC.len()];
    let is_long = file.seek(SeekFrom::End(-(MAGIC.len() as i64))).is_ok();
    if !is_long || file.read_exact(&mut end).is_err() || end != *MAGIC {
        return refused("it does not end as a Parquet file does; is it cut off?");
    }
    Ok(())
}

/// Names of the columns.
pub fn columns(metadata: &FileMetadata) -> Vec<String> {
    let fields = metadata.schema().fields();
    fields.iter().map(|field| field.name().to_owned()).collect()
}

/// A column of a frame. Unlike polars' own look-up this makes no error text where there is none.
pub fn column<'f>(frame: &'f DataFrame, name: &str) -> Option<&'f Column> {
    let mut columns = frame.columns().iter();
    columns.find(|column| column.name().as_str() == name)
}

/// Rows `start .. start + count`, of these columns or of all.
///
/// # Errors
/// When they cannot be read, or claim more than the file can hold.
pub fn read(
    file: &Path,
    columns: Option<Vec<String>>,
    start: usize,
    count: usize,
) -> Result<DataFrame> {
    guarded_read(file, || {
        let mut reader = open(file)?;
        let metadata = reader.get_metadata()?;
        let rows = start..start.saturating_add(count);
        pages::check(&File::open(file)?, metadata, columns.as_deref(), rows)?;

        reader
            .with_slice(Some((start, count)))
            .with_columns(columns)
            .finish()
    })
}

fn open(file: &Path) -> PolarsResult<ParquetReader<File>> {
    Ok(ParquetReader::new(File::open(file)?))
}

fn guarded_read<T>(file: &Path, read: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    let what = format!("read {}", file.display());
    match guarded(read) {
        Some(result) => result.map_err(Error::cause(what)),
        None => Err(Error::new(format!(
            "failed to {what}: it is no valid Parquet file"
        ))),
    }
}
