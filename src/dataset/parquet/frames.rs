//! Parquet files as data frames. The reader panics on some malformed files; that is an error like
//! any other.

use super::{footer, pages};
use crate::bounded;
use crate::error::{Error, Result, guarded};
use polars::prelude::{
    Column, DataFrame, FileMetadata, FileMetadataRef, ParquetReader, PolarsResult, SerReader,
};
use std::fs::File;
use std::path::Path;

/// The footer of a file, checked. To be called before [`read`].
///
/// # Errors
/// When the file is no Parquet file.
pub fn metadata(file: &Path) -> Result<FileMetadataRef> {
    guarded_read(file, || {
        footer::check(&bounded::open(file)?)?;
        open(file)?.get_metadata().cloned()
    })
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
