//! Cells of Parquet files with images.

use crate::dataset::parquet::frames;
use polars::prelude::{AnyValue, DataFrame, Series};
use std::sync::Arc;

/// Most objects of a row that are read; the rules keep a thousand.
pub const OBJECTS_MAX: usize = 10_000;
/// Longest name of a class, in bytes.
pub const NAME_BYTES_MAX: usize = 4096;

/// An annotated object of a row.
pub struct Object {
    pub category: AnyValue<'static>,
    /// x, y, width and height in pixels; NaN where one is missing.
    pub bbox: [f64; 4],
}

/// Whether a name is too long. A dictionary repeats a long text at no cost, each copy takes memory.
pub fn is_too_long(value: &AnyValue<'_>) -> bool {
    let length = value.get_str().map_or(0, str::len);
    length > NAME_BYTES_MAX
}

/// A class as its name, where the value is a number that has one.
pub fn class_name(value: &AnyValue<'_>, names: &[String]) -> String {
    if let Ok(number) = value.try_extract::<u64>() {
        let name = names.get(number as usize);
        return name.cloned().unwrap_or_else(|| number.to_string());
    }
    match value.get_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

/// The objects of a row: a struct of lists, or a list of structs. Beside them the number that the
/// row has, of which the first [`OBJECTS_MAX`] are returned.
pub fn objects(frame: &DataFrame, row: usize) -> Option<(Vec<Object>, usize)> {
    let cell = frames::column(frame, "objects")?
        .get(row)
        .ok()?
        .into_static();
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

/// The field `bytes` of an image cell; `None` where the cell only names a file, or was not read.
pub fn image_bytes(frame: &DataFrame, row: usize) -> Option<Arc<[u8]>> {
    let cells = frames::column(frame, "image")?;
    let bytes = cells.struct_().ok()?.field_by_name("bytes").ok()?;
    bytes.binary().ok()?.get(row).map(Arc::from)
}
