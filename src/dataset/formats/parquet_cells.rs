//! Cells of Parquet files with images.

use crate::dataset::parquet::frames;
use crate::dataset::{cells, class_names};
use polars::prelude::{AnyValue, DataFrame, Series};
use std::sync::Arc;

/// Most objects of a row that are read; the rules keep a thousand.
pub const OBJECTS_MAX: usize = 10_000;
/// Longest name of a class, in bytes.
const NAME_BYTES_MAX: usize = 4096;

/// An annotated object of a row.
pub struct Object {
    pub category: AnyValue<'static>,
    /// x, y, width and height in pixels; NaN where one is missing.
    pub bbox: [f64; 4],
}

/// A class as its name.
///
/// # Errors
/// Why the cell names no class.
pub fn class_name(value: &AnyValue<'_>, names: &[String]) -> Result<String, String> {
    let number = match value {
        AnyValue::Null => return Err("the label is null".into()),
        AnyValue::List(_) | AnyValue::Array(..) => {
            return Err("the label is a list; an image has one label here".into());
        }
        AnyValue::Binary(bytes) => return text_of_bytes(bytes),
        AnyValue::BinaryOwned(bytes) => return text_of_bytes(bytes),
        value => match value.get_str() {
            Some(text) => return short(text),
            None => value.to_string(),
        },
    };

    let index = cells::whole_number(&number);
    let name = index.and_then(|index| names.get(usize::try_from(index).ok()?));
    match (name, index) {
        (Some(name), _) => Ok(name.clone()),
        (None, Some(index)) if names.is_empty() => Ok(index.to_string()),
        _ => Err(class_names::unnamed(&number, names.len())),
    }
}

fn text_of_bytes(bytes: &[u8]) -> Result<String, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => short(text),
        Err(_) => Err("the label is bytes that are no text".into()),
    }
}

/// A copy of a name. A dictionary repeats a long text at no cost, each copy takes memory.
fn short(text: &str) -> Result<String, String> {
    if text.len() > NAME_BYTES_MAX {
        return Err(format!(
            "the label is a text of {} bytes, more than {NAME_BYTES_MAX}",
            text.len()
        ));
    }
    Ok(text.to_owned())
}

/// The objects of a row: a struct of lists, or a list of structs. Beside them the number that the
/// row has, of which the first [`OBJECTS_MAX`] are returned.
pub fn objects(frame: &DataFrame, column: &str, row: usize) -> Option<(Vec<Object>, usize)> {
    let cell = frames::column(frame, column)?.get(row).ok()?.into_static();
    let boxes = field(&cell, "bbox")?;
    let categories = field(&cell, "category").or_else(|| field(&cell, "label"))?;

    let count = boxes.len().min(categories.len());
    let mut objects = Vec::new();
    for i in 0..count.min(OBJECTS_MAX) {
        if let Ok(category) = categories.get(i) {
            objects.push(Object {
                category: category.into_static(),
                bbox: bbox(&boxes, i).unwrap_or([f64::NAN; 4]),
            });
        }
    }
    Some((objects, count))
}

/// One field of all objects of a cell.
fn field(cell: &AnyValue<'_>, name: &str) -> Option<Series> {
    match cell {
        AnyValue::List(structs) => structs.struct_().ok()?.field_by_name(name).ok(),
        AnyValue::StructOwned(fields) => {
            let (values, fields) = fields.as_ref();
            let index = fields
                .iter()
                .position(|field| field.name().as_str() == name)?;
            match &values[index] {
                AnyValue::List(list) => Some(list.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn bbox(boxes: &Series, i: usize) -> Option<[f64; 4]> {
    let (AnyValue::List(numbers) | AnyValue::Array(numbers, 4)) = boxes.get(i).ok()? else {
        return None;
    };
    Some([0, 1, 2, 3].map(|k| {
        let number = numbers.get(k).ok();
        let number = number.and_then(|number| number.try_extract::<f64>().ok());
        number.unwrap_or(f64::NAN)
    }))
}

/// The cell of an image.
pub enum ImageCell {
    Bytes(Arc<[u8]>),
    /// With the reason.
    Missing(String),
    /// The column was not asked for.
    NotRead,
}

/// The bytes of an image: a struct with the field `bytes`, or plain bytes.
pub fn image_cell(frame: &DataFrame, column: &str, row: usize) -> ImageCell {
    let Some(cells) = frames::column(frame, column) else {
        return ImageCell::NotRead;
    };
    let fields = cells.struct_().ok();
    let field = |name| fields.as_ref().and_then(|f| f.field_by_name(name).ok());

    let bytes = match (&fields, field("bytes")) {
        (None, _) => cells.as_materialized_series().clone(),
        (Some(_), Some(bytes)) => bytes,
        (Some(_), None) => return ImageCell::Missing("the cell has no field `bytes`".into()),
    };
    let Ok(binary) = bytes.binary() else {
        let dtype = bytes.dtype();
        return ImageCell::Missing(format!("the column holds {dtype}, where images are bytes"));
    };
    if let Some(bytes) = binary.get(row) {
        return ImageCell::Bytes(Arc::from(bytes));
    }

    let path = field("path").and_then(|paths| {
        let paths = paths.str().ok()?;
        paths.get(row).map(str::to_owned)
    });
    ImageCell::Missing(match path {
        Some(path) => format!(
            "the cell names the file {path:?} and does not hold it; embed the images into the \
             Parquet files, or list the files in a manifest"
        ),
        None => "the cell is null".into(),
    })
}
