//! Parquet as frames. On some hostile files the reader panics; that is an error like any other.

use super::{footer, pages};
use crate::error::{Error, Result, guarded};
use polars::prelude::{DataFrame, FileMetadataRef, ParquetReader, PolarsResult, SerReader};
use std::fs::File;
use std::path::Path;

/// What the footer says. Whoever reads a file asks for it first.
pub fn metadata(file: &Path) -> Result<FileMetadataRef> {
    caught(file, || {
        footer::check(&File::open(file)?)?;
        open(file)?.get_metadata().cloned()
    })
}

/// Rows `start .. start + count`, of these columns or of all.
pub fn read(
    file: &Path,
    columns: Option<Vec<String>>,
    start: usize,
    count: usize,
) -> Result<DataFrame> {
    caught(file, || {
        let mut reader = open(file)?;
        let rows = start..start.saturating_add(count);
        pages::check(
            &File::open(file)?,
            reader.get_metadata()?,
            columns.as_deref(),
            rows,
        )?;
        reader
            .with_slice(Some((start, count)))
            .with_columns(columns)
            .finish()
    })
}

fn open(file: &Path) -> PolarsResult<ParquetReader<File>> {
    Ok(ParquetReader::new(File::open(file)?))
}

fn caught<T>(file: &Path, work: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    let what = format!("read {}", file.display());
    match guarded(work) {
        Some(result) => result.map_err(Error::cause(what)),
        None => Err(Error::new(format!(
            "failed to {what}: it is no sound Parquet file"
        ))),
    }
}
