//! Checks the page headers of a Parquet file before polars reads them: it reserves memory for as
//! many values as they claim, and an allocation that fails ends the process. Pages that unpack to
//! much more than they take in the file are refused.

use polars::prelude::FileMetadataRef;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;
use polars_parquet_format::{Encoding, PageHeader, PageType};
use std::fs::File;
use std::io::{BufReader, Error, Result, Seek, SeekFrom};
use std::ops::Range;

/// Largest header of a page: statistics of long texts are in it.
const HEADER_BYTES_MAX: usize = 16 << 20;
/// Most values that a byte of a file may encode; run lengths of a constant column are short.
const VALUES_PER_BYTE_MAX: u64 = 256;
/// Most values of a column of lists in one row group: five boxes for each of a million images. A
/// list is decoded whole, at about 20 bytes a value.
const LIST_VALUES_MAX: u64 = 20_000_000;
/// What the pages of the rows that are read at once may unpack to, however small they are. Rows of
/// 1,000 bytes take 64 MiB.
const UNPACKED_MAX: u64 = 256 << 20;
/// What larger pages may unpack to for each byte. Photos hardly shrink; uncompressed ones become
/// ten times smaller at most.
const UNPACKED_PER_BYTE_MAX: u64 = 20;

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
    let mut unpacked = Unpacked::default();
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
                let is_list = chunk.descriptor().descriptor.max_rep_level > 0;
                let values_max = if is_list {
                    values_max.min(LIST_VALUES_MAX)
                } else {
                    values_max
                };
                let values = checked(chunk.num_values(), values_max)?;
                reader.seek(SeekFrom::Start(chunk.byte_range().start))?;

                // A list's values do not say which row they belong to.
                let read = match is_list {
                    true => 0..u64::MAX,
                    false => position(rows.start, &group_rows)..position(rows.end, &group_rows),
                };
                check_chunk(&mut reader, values, &read, &mut unpacked)?;
            }
        }
    }
    unpacked.check()
}

/// A row's position in its group; the group's first row where it lies before it.
fn position(row: usize, group: &Range<usize>) -> u64 {
    row.saturating_sub(group.start) as u64
}

/// Bytes of the pages that are read, in the file and in memory.
#[derive(Default)]
struct Unpacked {
    packed: u64,
    unpacked: u64,
}

impl Unpacked {
    fn add(&mut self, page: &Page) {
        self.packed = self.packed.saturating_add(page.compressed);
        self.unpacked = self.unpacked.saturating_add(page.uncompressed);
    }

    fn check(&self) -> Result<()> {
        let by_size = self.packed.saturating_mul(UNPACKED_PER_BYTE_MAX);
        let max = by_size.max(UNPACKED_MAX);
        if self.unpacked <= max {
            return Ok(());
        }
        Err(Error::other(format!(
            "{} KiB of pages claim to unpack to {} MiB, more than {} MiB; \
             write the file with smaller pages or without compression",
            self.packed >> 10,
            self.unpacked >> 20,
            max >> 20
        )))
    }
}

/// What the header of a page states.
struct Page {
    values: u64,
    compressed: u64,
    uncompressed: u64,
    kind: PageKind,
}

enum PageKind {
    Plain,
    /// Its entries take so many bytes each, on average.
    Dictionary {
        entry: u64,
    },
    /// Its values are entries of the dictionary.
    Indices,
}

/// Checks the pages of a column chunk that claims to hold `values` values, of which those at `read`
/// are read.
fn check_chunk(
    reader: &mut BufReader<&File>,
    values: u64,
    read: &Range<u64>,
    unpacked: &mut Unpacked,
) -> Result<()> {
    let mut start = 0;
    let mut entry_bytes = 0;
    while start < values {
        let page = check_page(reader, values - start)?;
        let end = start + page.values;
        let values_read = end.min(read.end).saturating_sub(start.max(read.start));
        match page.kind {
            PageKind::Dictionary { entry } => {
                entry_bytes = entry;
                unpacked.add(&page);
            }
            _ if values_read == 0 => {}
            PageKind::Plain => unpacked.add(&page),
            // polars compares and copies the entry of each value of some types.
            PageKind::Indices => {
                unpacked.add(&page);
                let entries = values_read.saturating_mul(entry_bytes);
                unpacked.unpacked = unpacked.unpacked.saturating_add(entries);
            }
        }
        start = end;
    }
    Ok(())
}

/// Checks a page of at most `values_left` values and skips it.
fn check_page(reader: &mut BufReader<&File>, values_left: u64) -> Result<Page> {
    let mut protocol = TCompactInputProtocol::new(&mut *reader, HEADER_BYTES_MAX);
    let header = PageHeader::read_from_in_protocol(&mut protocol)
        .map_err(|e| Error::other(format!("the header of a page is malformed ({e})")))?;

    let content = match header.type_ {
        PageType::DATA_PAGE => header.data_page_header.map(|h| (h.num_values, h.encoding)),
        PageType::DATA_PAGE_V2 => {
            let header = header.data_page_header_v2;
            header.map(|h| (h.num_values, h.encoding))
        }
        _ => Some((0, Encoding::PLAIN)),
    };
    let (values, encoding) =
        content.ok_or_else(|| Error::other("a page lacks the header of its type"))?;
    let mut kind = match encoding {
        Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY => PageKind::Indices,
        _ => PageKind::Plain,
    };

    let uncompressed = checked(header.uncompressed_page_size.into(), u64::MAX)?;
    if let Some(dictionary) = header.dictionary_page_header {
        // A value of a dictionary takes at least one bit.
        let entries = checked(dictionary.num_values.into(), uncompressed.saturating_mul(8))?;
        let entry = uncompressed / entries.max(1);
        kind = PageKind::Dictionary { entry };
    }

    let compressed = checked(header.compressed_page_size.into(), u64::MAX)?;
    reader.seek_relative(compressed.cast_signed())?;
    Ok(Page {
        values: checked(values.into(), values_left)?,
        compressed,
        uncompressed,
        kind,
    })
}

fn checked(claimed: i64, max: u64) -> Result<u64> {
    match u64::try_from(claimed) {
        Ok(claimed) if claimed <= max => Ok(claimed),
        _ => Err(Error::other(format!(
            "a page or a column claims {claimed} values or bytes, but at most {max} are possible"
        ))),
    }
}
