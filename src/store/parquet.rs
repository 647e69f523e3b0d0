//! One table as the bytes of a Parquet file: zstd, one row group, the same bytes for the same rows.

use crate::record::{Row, Values};
use polars::prelude::{
    Column, DataFrame, DataType, Float32Type, IntoColumn, IntoSeries, KeyValueMetadata,
    ListBuilderTrait, ListPrimitiveChunkedBuilder, NamedFrom, ParquetCompression, ParquetWriter,
    PolarsNumericType, PolarsResult, Series, StatisticsOptions, UInt32Type,
};

/// Encodes rows with `footer` as key-value metadata.
pub fn encode<R: Row>(rows: &[R], footer: &[(String, String)]) -> PolarsResult<Vec<u8>> {
    let columns = R::COLUMNS
        .iter()
        .zip(R::columns(rows))
        .map(|(c, values)| column(c.name, values))
        .collect();
    let mut frame = DataFrame::new(rows.len(), columns)?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        .with_row_group_size(Some(rows.len().max(1)))
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(footer.to_vec())))
        .finish(&mut frame)?;
    Ok(bytes)
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
    rows.iter().for_each(|row| lists.append_slice(row));
    lists.finish().into_series()
}
