//! Checks the page headers of a Parquet file before polars reads them: it reserves memory for as
//! many values as they claim, and an allocation that fails ends the process.

use polars::prelude::FileMetadataRef;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;
use polars_parquet_format::{PageHeader, PageType};
use std::fs::File;
use std::io::{BufReader, Error, Result, Seek, SeekFrom};
use std::ops::Range;

/// Largest header of a page: statistics of long texts are in it.
const HEADER_BYTES_MAX: usize = 16 << 20;
/// Most values that a byte of a file may encode; run lengths of a constant column are short.
const VALUES_PER_BYTE_MAX: u64 = 256;

/// Checks those of the row groups that hold `rows`, of these columns or of all.
///
/// # Errors
/// When a header is malformed, or claims more than its column, its file or memory can hold.
pub fn check(
    file: &File,
    metadata: &FileMetadataRef,
    columns: Option<&[String]>,
    rows: Range<usize>,
) -> Result<()> {
    let values_max = file.metadata()?.len().saturating_mul(VALUES_PER_BYTE_MAX);
    let mut reader = BufReader::new(file);
    let mut start = 0;
    for group in &metadata.row_groups {
        let group_rows = start..start + group.num_rows();
        start = group_rows.end;
        if group_rows.start >= rows.end || group_rows.end <= rows.start {
            continue;
        }
        checked(group_rows.len() as i64, values_max)?;

        for chunk in group.parquet_columns() {
            let path = &chunk.descriptor().path_in_schema;
            let is_read = match (columns, path.first()) {
                (None, _) => true,
                (Some(columns), Some(root)) => columns.iter().any(|name| name == root.as_str()),
                (Some(_), None) => false,
            };
            if is_read {
                let values = checked(chunk.num_values(), values_max)?;
                reader.seek(SeekFrom::Start(chunk.byte_range().start))?;
                check_chunk(&mut reader, values)?;
            }
        }
    }
    Ok(())
}

/// Checks the pages of a column chunk that claims to hold `values` values.
fn check_chunk(reader: &mut BufReader<&File>, values: u64) -> Result<()> {
    let mut values_read = 0;
    while values_read < values {
        values_read += check_page(reader, values - values_read)?;
    }
    Ok(())
}

/// Checks a page of at most `values_left` values and skips it; returns its number of values.
fn check_page(reader: &mut BufReader<&File>, values_left: u64) -> Result<u64> {
    let mut protocol = TCompactInputProtocol::new(&mut *reader, HEADER_BYTES_MAX);
    let header = PageHeader::read_from_in_protocol(&mut protocol)
        .map_err(|e| Error::other(format!("the header of a page is malformed ({e})")))?;

    let values = match header.type_ {
        PageType::DATA_PAGE => header.data_page_header.map(|h| h.num_values),
        PageType::DATA_PAGE_V2 => header.data_page_header_v2.map(|h| h.num_values),
        _ => Some(0),
    };
    let values = values.ok_or_else(|| Error::other("a page lacks the header of its type"))?;

    let uncompressed = checked(header.uncompressed_page_size.into(), u64::MAX)?;
    if let Some(dictionary) = header.dictionary_page_header {
        // A value of a dictionary takes at least one bit.
        checked(dictionary.num_values.into(), uncompressed.saturating_mul(8))?;
    }

    let compressed = checked(header.compressed_page_size.into(), u64::MAX)?;
    reader.seek_relative(compressed.cast_signed())?;
    checked(values.into(), values_left)
}

fn checked(claimed: i64, max: u64) -> Result<u64> {
    match u64::try_from(claimed) {
        Ok(claimed) if claimed <= max => Ok(claimed),
        _ => Err(Error::other(format!(
            "a page or a column claims {claimed} values or bytes, but at most {max} are possible"
        ))),
    }
}
