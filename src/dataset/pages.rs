//! Walks the page headers of a Parquet file before its reader does: it reserves memory for as many values as they name, and an
//! allocation that fails ends the process.

use polars::prelude::FileMetadataRef;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;
use polars_parquet_format::{PageHeader, PageType};
use std::fs::File;
use std::io::{BufReader, Error, Result, Seek, SeekFrom};
use std::ops::Range;

/// Largest header of a page: statistics of long texts are in it.
const HEADER_MAX: usize = 16 << 20;
/// Values that a byte of a file may stand for; run lengths of a constant column are short.
const VALUES_PER_BYTE: u64 = 256;

/// Walks those of the row groups that hold `rows`, of these columns or of all.
///
/// # Errors
/// When a header is no header, or names more than its column, its file or memory can hold.
pub fn check(
    file: &File,
    metadata: &FileMetadataRef,
    columns: Option<&[String]>,
    rows: Range<usize>,
) -> Result<()> {
    let values_max = file.metadata()?.len().saturating_mul(VALUES_PER_BYTE);
    let mut reader = BufReader::new(file);
    let mut start = 0;
    for group in &metadata.row_groups {
        let own = start..start + group.num_rows();
        start = own.end;
        if own.start >= rows.end || own.end <= rows.start {
            continue;
        }
        bounded(own.len() as i64, values_max)?;
        for chunk in group.parquet_columns() {
            let root = chunk.descriptor().path_in_schema.first();
            let wanted = |names: &[String]| {
                root.is_some_and(|root| names.iter().any(|name| name == root.as_str()))
            };
            if !columns.is_none_or(wanted) {
                continue;
            }
            let values = bounded(chunk.num_values(), values_max)?;
            reader.seek(SeekFrom::Start(chunk.byte_range().start))?;
            let mut seen = 0;
            while seen < values {
                seen += page(&mut reader, values - seen)?;
            }
        }
    }
    Ok(())
}

/// Reads a page's header and goes behind the page; says how many values it adds to its column.
fn page(reader: &mut BufReader<&File>, left: u64) -> Result<u64> {
    let header = PageHeader::read_from_in_protocol(&mut TCompactInputProtocol::new(
        &mut *reader,
        HEADER_MAX,
    ));
    let header =
        header.map_err(|e| Error::other(format!("the header of a page is not sound ({e})")))?;
    let data = match header.type_ {
        PageType::DATA_PAGE => header.data_page_header.map(|h| h.num_values),
        PageType::DATA_PAGE_V2 => header.data_page_header_v2.map(|h| h.num_values),
        _ => Some(0),
    };
    let data = data.ok_or_else(|| Error::other("a page has not the header of its type"))?;
    let size = bounded(header.uncompressed_page_size.into(), u64::MAX)?;
    // The least that a value of a dictionary takes is a bit.
    header.dictionary_page_header.map_or(Ok(0), |h| {
        bounded(h.num_values.into(), size.saturating_mul(8))
    })?;
    let compressed = bounded(header.compressed_page_size.into(), u64::MAX)?;
    reader.seek_relative(compressed.cast_signed())?;
    bounded(data.into(), left)
}

fn bounded(claimed: i64, most: u64) -> Result<u64> {
    let sound = u64::try_from(claimed).ok().filter(|n| *n <= most);
    sound.ok_or_else(|| {
        Error::other(format!(
            "a page or a column claims {claimed} values or bytes, where {most} can be"
        ))
    })
}
