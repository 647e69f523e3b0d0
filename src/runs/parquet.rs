//! Parquet files of a finished run, read back.

use crate::bounded;
use crate::error::{Error, Result};
use crate::tables::{SCHEMA_VERSION, checked};
use polars::prelude::{DataFrame, ParquetReader, SerReader};
use std::fs::File;
use std::path::Path;

/// The key of the footer that holds the schema version.
const SCHEMA_KEY: &str = "camaudit.schema_version";

/// Names of the parts of a table of a run folder, in the order in which they were written.
///
/// # Errors
/// When the table's folder cannot be listed; names it.
pub fn parts(run: &Path, table: &str) -> Result<Vec<String>> {
    let folder = run.join(table);
    let mut names =
        file_names(&folder).map_err(Error::cause(format!("read {}", folder.display())))?;
    names.retain(|name| name.ends_with(".parquet"));
    names.sort();
    Ok(names)
}

fn file_names(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Reads some columns of a file, in one chunk each.
///
/// # Errors
/// When the file is missing, damaged, of another schema version, or lacks a column; names the file
/// and the cause.
pub fn read(file: &Path, columns: &[&str]) -> Result<DataFrame> {
    let mut reader = open(file)?;
    check_schema(&mut reader, file)?;

    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    checked(file, || reader.with_columns(Some(columns)).finish())
}

fn open(file: &Path) -> Result<ParquetReader<File>> {
    let opened = bounded::open(file).map_err(Error::cause(format!("read {}", file.display())))?;
    Ok(ParquetReader::new(opened))
}

fn check_schema(reader: &mut ParquetReader<File>, file: &Path) -> Result<()> {
    let metadata = checked(file, || reader.get_metadata().cloned())?;
    let entries = metadata.key_value_metadata().iter().flatten();
    let version = entries
        .filter(|entry| entry.key == SCHEMA_KEY)
        .find_map(|entry| entry.value.clone());

    match version {
        Some(version) if version == SCHEMA_VERSION.to_string() => Ok(()),
        Some(version) => Err(Error::new(format!(
            "{}: schema version {version}, but this version of camaudit reads {SCHEMA_VERSION}; \
             run the pipeline again",
            file.display()
        ))),
        None => Err(Error::new(format!(
            "{} is not a file of a run: its footer has no {SCHEMA_KEY}",
            file.display()
        ))),
    }
}
