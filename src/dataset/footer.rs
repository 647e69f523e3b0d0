//! Walks the footer of a Parquet file before its reader does. The reader reserves memory for as many elements as a list names,
//! and an allocation that fails ends the process; and it takes a field for what its number says, whatever type the file gives it.
//! So each field has to have the type of its number, and each element of a list to be there.

use polars_parquet_format::thrift::protocol::{TCompactInputProtocol, TInputProtocol, TType};
use polars_parquet_format::thrift::{self, ProtocolError, ProtocolErrorKind};
use std::fs::File;
use std::io::{BufReader, Error, Read, Result, Seek, SeekFrom};

/// Memory that a byte of a footer may stand for.
const MEMORY_PER_BYTE: usize = 64;
/// Structs and lists within each other; the format has nine.
const DEPTH_MAX: u8 = 32;

/// What a value is made of, as `parquet.thrift` of the Parquet format has it.
enum Shape {
    Plain(TType),
    List(&'static Self),
    /// The fields from number 1 on. Those behind them are of a later version of the format, and skipped by what they say they are.
    Struct(&'static [Self]),
    Any,
}
use Shape::{Any, List, Plain, Struct};

const BOOL: Shape = Plain(TType::Bool);
const I8: Shape = Plain(TType::I08);
const I16: Shape = Plain(TType::I16);
const I32: Shape = Plain(TType::I32);
const I64: Shape = Plain(TType::I64);
const BYTES: Shape = Plain(TType::String);
const EMPTY: Shape = Struct(&[]);

const FILE_METADATA: Shape = Struct(&[
    I32,
    List(&SCHEMA_ELEMENT),
    I64,
    List(&ROW_GROUP),
    List(&KEY_VALUE),
    BYTES,
    List(&COLUMN_ORDER),
]);
const SCHEMA_ELEMENT: Shape =
    Struct(&[I32, I32, I32, BYTES, I32, I32, I32, I32, I32, LOGICAL_TYPE]);
const LOGICAL_TYPE: Shape = Struct(&[
    EMPTY, EMPTY, EMPTY, EMPTY, DECIMAL, EMPTY, TIME, TIME, Any, INTEGER, EMPTY, EMPTY, EMPTY,
    EMPTY, EMPTY,
]);
const DECIMAL: Shape = Struct(&[I32, I32]);
const TIME: Shape = Struct(&[BOOL, Struct(&[EMPTY, EMPTY, EMPTY])]);
const INTEGER: Shape = Struct(&[I8, BOOL]);
const ROW_GROUP: Shape = Struct(&[
    List(&COLUMN_CHUNK),
    I64,
    I64,
    List(&SORTING_COLUMN),
    I64,
    I64,
    I16,
]);
const SORTING_COLUMN: Shape = Struct(&[I32, BOOL, BOOL]);
const COLUMN_CHUNK: Shape = Struct(&[BYTES, I64, COLUMN_METADATA, I64, I32, I64, I32]);
const COLUMN_METADATA: Shape = Struct(&[
    I32,
    List(&I32),
    List(&BYTES),
    I32,
    I64,
    I64,
    I64,
    Any,
    I64,
    I64,
    I64,
    STATISTICS,
    Any,
    I64,
    I32,
]);
const STATISTICS: Shape = Struct(&[BYTES, BYTES, I64, I64, BYTES, BYTES, BOOL, BOOL]);
const KEY_VALUE: Shape = Struct(&[BYTES, BYTES]);
const COLUMN_ORDER: Shape = Struct(&[EMPTY, EMPTY]);

/// Walks the footer of a file.
///
/// # Errors
/// When it is no footer, or names more than it holds.
pub fn check(mut file: &File) -> Result<()> {
    let mut end = [0; 8];
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut end)?;
    let length = u32::from_le_bytes([end[0], end[1], end[2], end[3]]);
    file.seek(SeekFrom::End(-8 - i64::from(length)))?;
    let footer = BufReader::new(file.take(length.into()));
    let mut footer =
        TCompactInputProtocol::new(footer, (length as usize).saturating_mul(MEMORY_PER_BYTE));
    walk(&mut footer, TType::Struct, &FILE_METADATA, DEPTH_MAX).map_err(|e| {
        let why = if let thrift::Error::Protocol(e) = e {
            e.message
        } else {
            e.to_string()
        };
        Error::other(format!("its footer is not sound: {why}"))
    })
}

/// Goes behind a value that the file says to be a `given`.
fn walk(
    footer: &mut impl TInputProtocol,
    given: TType,
    shape: &Shape,
    depth: u8,
) -> thrift::Result<()> {
    let sound = match shape {
        Plain(plain) => given == *plain,
        List(_) => given == TType::List,
        Struct(_) => given == TType::Struct,
        Any => true,
    };
    if !sound || depth == 0 {
        let message = format!("there is a {given} where the format has another type");
        return Err(thrift::Error::Protocol(ProtocolError {
            kind: ProtocolErrorKind::InvalidData,
            message,
        }));
    }
    match given {
        TType::Struct => {
            let fields = if let Struct(fields) = shape {
                fields
            } else {
                &[][..]
            };
            footer.read_struct_begin()?;
            loop {
                let field = footer.read_field_begin()?;
                if field.field_type == TType::Stop {
                    return footer.read_struct_end();
                }
                let place = field
                    .id
                    .and_then(|number| usize::try_from(number.checked_sub(1)?).ok());
                let part = place.and_then(|place| fields.get(place)).unwrap_or(&Any);
                walk(footer, field.field_type, part, depth - 1)?;
            }
        }
        TType::List => {
            let list = footer.read_list_begin()?;
            let element = if let List(element) = shape {
                element
            } else {
                &Any
            };
            (0..list.size).try_for_each(|_| walk(footer, list.element_type, element, depth - 1))?;
            footer.read_list_end()
        }
        // Bytes as well as text.
        TType::String => footer.read_bytes().map(drop),
        plain => footer.skip(plain),
    }
}
