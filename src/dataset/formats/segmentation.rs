//! COCO's `segmentation`: polygons as flat lists of x, y, or run lengths (RLE), as numbers or
//! packed into text.

use crate::dataset::annotation::Outline;
use crate::geometry::{Mask, Size};
use hotcoco::{Rle, mask};
use serde_json::Value;
use std::sync::Arc;

/// Most pixels of a mask.
const PIXELS_MAX: u64 = 178_956_970;

/// The outline of a segmentation of an image of this declared size; `None` where it is empty.
///
/// # Errors
/// What is wrong with it, for people.
pub fn outline(json: &str, declared_size: Option<Size>) -> Result<Option<Outline>, String> {
    match serde_json::from_str(json).map_err(|e| e.to_string())? {
        Value::Null => Ok(None),
        Value::Array(rings) if rings.is_empty() => Ok(None),
        Value::Array(rings) => {
            let rings = rings.iter().map(ring).collect::<Result<_, _>>()?;
            Ok(Some(Outline::Polygons(rings)))
        }
        Value::Object(rle) => {
            let mask = decode(&rle["size"], &rle["counts"], declared_size)?;
            Ok(mask.map(|mask| Outline::Pixels(Arc::new(mask))))
        }
        _ => Err("neither polygons nor run lengths".into()),
    }
}

fn ring(value: &Value) -> Result<Vec<[f64; 2]>, String> {
    let values = value.as_array().ok_or("a polygon is no list of numbers")?;
    let numbers: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
    let numbers = numbers.ok_or("a polygon is no list of numbers")?;

    let is_finite = numbers.iter().all(|number| number.is_finite());
    if numbers.len() < 6 || numbers.len() % 2 != 0 || !is_finite {
        return Err(format!("a polygon of {} numbers", numbers.len()));
    }
    Ok(numbers.chunks_exact(2).map(|p| [p[0], p[1]]).collect())
}

fn decode(
    size: &Value,
    counts: &Value,
    declared_size: Option<Size>,
) -> Result<Option<Mask>, String> {
    let height = unsigned(&size[0]).ok_or("run lengths without a size")?;
    let width = unsigned(&size[1]).ok_or("run lengths without a size")?;
    let size = Size::new(width, height);
    let contradicts = declared_size.is_some_and(|declared| declared != size);
    if contradicts || u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(format!("run lengths of {size}"));
    }

    let rle = match counts {
        Value::String(text) => mask::rle_from_string(text, height, width),
        Value::Array(list) => {
            let runs: Option<Vec<u32>> = list.iter().map(unsigned).collect();
            Rle::new(height, width, runs.ok_or("counts that are no numbers")?)
        }
        _ => return Err("run lengths without counts".into()),
    };
    let pixels = mask::decode(&rle.map_err(|e| e.to_string())?);

    Ok(Mask::of(size, |i| {
        // COCO counts column by column, a mask row by row.
        let (row, column) = (i / width as usize, i % width as usize);
        let pixel = pixels.get(column * height as usize + row);
        pixel.is_some_and(|pixel| *pixel != 0)
    }))
}

fn unsigned(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}
