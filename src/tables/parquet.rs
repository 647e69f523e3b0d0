//! Rows as the bytes of a Parquet file, and back: zstd, the same bytes for the same rows.

use super::columns::{Row, Values};
use crate::bounded;
use crate::error::{Error, Result, guarded};
use polars::prelude::{
    Column, DataFrame, DataType, Float32Type, IntoColumn, IntoSeries, KeyValueMetadata,
    ListBuilderTrait, ListPrimitiveChunkedBuilder, NamedFrom, ParquetCompression, ParquetReader,
    ParquetWriter, PolarsNumericType, PolarsResult, SerReader, Series, StatisticsOptions,
    UInt32Type,
};
use std::path::Path;

/// Encodes rows as one row group, with `footer` as key-value metadata.
pub fn encode<R: Row>(rows: &[R], footer: &[(String, String)]) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    writer(&mut bytes, footer)
        .with_row_group_size(Some(rows.len().max(1)))
        .finish(&mut frame(rows)?)?;
    Ok(bytes)
}

/// Encodes groups of rows as row groups, so that a large table is never in memory as rows and as
/// columns at once.
pub fn encode_groups<R: Row>(
    groups: impl Iterator<Item = Vec<R>>,
    footer: &[(String, String)],
) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let schema = frame::<R>(&[])?.schema().clone();
    let mut writer = writer(&mut bytes, footer).batched(&schema)?;

    for group in groups {
        writer.write_batch(&frame(&group)?)?;
    }
    writer.finish()?;
    Ok(bytes)
}

fn writer<'b>(
    bytes: &'b mut Vec<u8>,
    footer: &[(String, String)],
) -> ParquetWriter<&'b mut Vec<u8>> {
    ParquetWriter::new(bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(footer.to_vec())))
}

fn frame<R: Row>(rows: &[R]) -> PolarsResult<DataFrame> {
    let mut columns = Vec::new();
    for (description, values) in R::COLUMNS.iter().zip(R::columns(rows)) {
        columns.push(column(description.name, values));
    }
    DataFrame::new(rows.len(), columns)
}

fn column(name: &str, values: Values) -> Column {
    let series = match values {
        Values::Text(v) => Series::new(name.into(), v),
        Values::Number(v) => Series::new(name.into(), v),
        Values::Count(v) => Series::new(name.into(), v),
        Values::Flag(v) => Series::new(name.into(), v),
        Values::Floats(v) => lists::<Float32Type>(name, &v, DataType::Float32),
        Values::Counts(v) => lists::<UInt32Type>(name, &v, DataType::UInt32),
    };
    series.into_column()
}

fn lists<T: PolarsNumericType>(name: &str, rows: &[Vec<T::Native>], of: DataType) -> Series {
    let total = rows.iter().map(Vec::len).sum();
    let mut lists = ListPrimitiveChunkedBuilder::<T>::new(name.into(), rows.len(), total, of);
    for row in rows {
        lists.append_slice(row);
    }
    lists.finish().into_series()
}

/// Reads the rows of a table back.
///
/// # Errors
/// When the file is missing or damaged, or a column is missing or of another type; names the file.
pub fn decode<R: Row>(file: &Path) -> Result<Vec<R>> {
    let columns = checked(file, || read_columns::<R>(file))?;
    R::from_columns(columns).map_err(|e| {
        let what = "is not a table of this version: column";
        Error::new(format!("{} {what} {e}", file.display()))
    })
}

fn read_columns<R: Row>(file: &Path) -> PolarsResult<Vec<Values>> {
    let names: Vec<String> = R::COLUMNS.iter().map(|c| c.name.to_owned()).collect();
    let frame = ParquetReader::new(bounded::open(file)?)
        .with_columns(Some(names))
        .finish()?;

    let mut columns = Vec::new();
    for description in R::COLUMNS {
        columns.push(values(frame.column(description.name)?, description.kind)?);
    }
    Ok(columns)
}

fn values(column: &Column, kind: &str) -> PolarsResult<Values> {
    Ok(match kind {
        "text" => Values::Text(column.str()?.iter().map(|v| v.map(str::to_owned)).collect()),
        "number" => Values::Number(column.f64()?.iter().collect()),
        "count" => Values::Count(column.u32()?.iter().collect()),
        "flag" => Values::Flag(column.bool()?.iter().collect()),
        "floats" => Values::Floats(cells_of_lists(column, |s| {
            Ok(s.f32()?.iter().flatten().collect())
        })?),
        _ => Values::Counts(cells_of_lists(column, |s| {
            Ok(s.u32()?.iter().flatten().collect())
        })?),
    })
}

fn cells_of_lists<T>(
    column: &Column,
    cells: impl Fn(&Series) -> PolarsResult<Vec<T>>,
) -> PolarsResult<Vec<Vec<T>>> {
    let lists = column.list()?;
    let mut rows = Vec::with_capacity(lists.len());
    for row in 0..lists.len() {
        rows.push(match lists.get_as_series(row) {
            Some(series) => cells(&series)?,
            None => Vec::new(),
        });
    }
    Ok(rows)
}

/// The value of one key of a file's metadata; `None` where the file does not have it.
///
/// # Errors
/// When the file is missing or no Parquet file.
pub fn read_footer(file: &Path, key: &str) -> Result<Option<String>> {
    checked(file, || {
        let mut reader = ParquetReader::new(bounded::open(file)?);
        let metadata = reader.get_metadata()?;
        let pairs = metadata.key_value_metadata().iter().flatten();
        let value = pairs
            .filter(|pair| pair.key == key)
            .find_map(|pair| pair.value.clone());
        Ok(value)
    })
}

/// Calls a reader of Parquet files, which panics on some damaged ones.
///
/// # Errors
/// When the reader fails or panics; names the file.
pub fn checked<T>(file: &Path, read: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    match guarded(read) {
        Some(result) => result.map_err(Error::cause(format!("read {}", file.display()))),
        None => Err(Error::new(format!(
            "failed to read {}: it is not a valid Parquet file",
            file.display()
        ))),
    }
}
