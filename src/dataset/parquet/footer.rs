//! Checks the footer of a Parquet file before polars reads it. polars reserves memory for as many
//! elements as a list claims, and an allocation that fails ends the process; it also interprets a
//! field by its number, whatever type the file states. So the type of each field has to be the type
//! that the format gives its number, and each element of a list has to be in the file.

use polars_parquet_format::thrift::protocol::{TCompactInputProtocol, TInputProtocol, TType};
use polars_parquet_format::thrift::{self, ProtocolError, ProtocolErrorKind};
use std::fs::File;
use std::io::{BufReader, Error, Read, Result, Seek, SeekFrom};

/// Longest footer. A column of a row group takes about 100 bytes, so this is for 80,000 row groups
/// of four columns.
const LENGTH_MAX: u32 = 32 << 20;
/// Memory in bytes that a byte of a footer may take when it is read.
const MEMORY_PER_BYTE: usize = 64;
/// Most levels of nested structs and lists; the format has nine.
const DEPTH_MAX: u8 = 32;

/// The type of a value in `parquet.thrift` of the Parquet format.
enum Shape {
    Plain(TType),
    List(&'static Self),
    /// The fields from number 1 on. Fields with higher numbers belong to later versions of the
    /// format, and are skipped by the type that the file states.
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

/// Checks the footer of a file.
///
/// # Errors
/// When it is malformed, or claims more than it holds.
pub fn check(mut file: &File) -> Result<()> {
    let mut end = [0; 8];
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut end)?;
    let length = u32::from_le_bytes([end[0], end[1], end[2], end[3]]);
    if length > LENGTH_MAX {
        return Err(malformed(&format!(
            "it claims {} MiB, more than {}",
            length >> 20,
            LENGTH_MAX >> 20
        )));
    }
    file.seek(SeekFrom::End(-8 - i64::from(length)))?;

    let memory_max = (length as usize).saturating_mul(MEMORY_PER_BYTE);
    let reader = BufReader::new(file.take(length.into()));
    let mut footer = TCompactInputProtocol::new(reader, memory_max);
    match check_value(&mut footer, TType::Struct, &FILE_METADATA, DEPTH_MAX) {
        Ok(()) => Ok(()),
        Err(thrift::Error::Protocol(error)) => Err(malformed(&error.message)),
        Err(error) => Err(malformed(&error.to_string())),
    }
}

fn malformed(reason: &str) -> Error {
    Error::other(format!("its footer is malformed: {reason}"))
}

/// Reads past a value of the type that the file states.
fn check_value(
    footer: &mut impl TInputProtocol,
    stated: TType,
    shape: &Shape,
    depth_left: u8,
) -> thrift::Result<()> {
    let is_expected = match shape {
        Plain(plain) => stated == *plain,
        List(_) => stated == TType::List,
        Struct(_) => stated == TType::Struct,
        Any => true,
    };
    if !is_expected || depth_left == 0 {
        let message = format!("there is a {stated} where the format has another type");
        return Err(thrift::Error::Protocol(ProtocolError {
            kind: ProtocolErrorKind::InvalidData,
            message,
        }));
    }

    match stated {
        TType::Struct => check_struct(footer, shape, depth_left - 1),
        TType::List => check_list(footer, shape, depth_left - 1),
        // Text may be any bytes.
        TType::String => footer.read_bytes().map(drop),
        plain => footer.skip(plain),
    }
}

fn check_struct(
    footer: &mut impl TInputProtocol,
    shape: &Shape,
    depth_left: u8,
) -> thrift::Result<()> {
    footer.read_struct_begin()?;
    loop {
        let field = footer.read_field_begin()?;
        if field.field_type == TType::Stop {
            return footer.read_struct_end();
        }
        check_value(footer, field.field_type, shape.field(field.id), depth_left)?;
    }
}

fn check_list(
    footer: &mut impl TInputProtocol,
    shape: &Shape,
    depth_left: u8,
) -> thrift::Result<()> {
    let element = match shape {
        List(element) => element,
        _ => &Any,
    };
    let list = footer.read_list_begin()?;
    for _ in 0..list.size {
        check_value(footer, list.element_type, element, depth_left)?;
    }
    footer.read_list_end()
}

impl Shape {
    /// The type of the field of this number; `Any` where the format does not know it.
    fn field(&self, number: Option<i16>) -> &Self {
        let Struct(fields) = self else {
            return &Any;
        };
        let index = number.and_then(|number| usize::try_from(number.checked_sub(1)?).ok());
        index.and_then(|index| fields.get(index)).unwrap_or(&Any)
    }
}
