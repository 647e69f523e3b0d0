//! COCO's `segmentation`: polygons as flat lists of x, y, or run lengths, as numbers or packed into text.

use super::Outline;
use crate::geometry::{Mask, Size};
use hotcoco::{Rle, mask};
use serde_json::Value;
use std::sync::Arc;

/// Most pixels of a mask.
const PIXELS_MAX: u64 = 178_956_970;

/// The outline that a segmentation draws on an image of the stated size; `None` where it is empty.
///
/// # Errors
/// What is wrong with it, for people.
pub fn outline(json: &str, stated: Option<Size>) -> Result<Option<Outline>, String> {
    match serde_json::from_str(json).map_err(|e| e.to_string())? {
        Value::Null => Ok(None),
        Value::Array(rings) if rings.is_empty() => Ok(None),
        Value::Array(rings) => rings
            .iter()
            .map(ring)
            .collect::<Result<_, _>>()
            .map(|r| Some(Outline::Polygons(r))),
        Value::Object(rle) => {
            let mask = decode(&rle["size"], &rle["counts"], stated)?;
            Ok(mask.map(|mask| Outline::Pixels(Arc::new(mask))))
        }
        _ => Err("neither polygons nor run lengths".into()),
    }
}

fn ring(value: &Value) -> Result<Vec<[f64; 2]>, String> {
    let numbers: Option<Vec<f64>> = value
        .as_array()
        .and_then(|v| v.iter().map(Value::as_f64).collect());
    let numbers = numbers.ok_or("a polygon is no list of numbers")?;
    if numbers.len() < 6 || numbers.len() % 2 != 0 || numbers.iter().any(|v| !v.is_finite()) {
        return Err(format!("a polygon of {} numbers", numbers.len()));
    }
    Ok(numbers.chunks_exact(2).map(|p| [p[0], p[1]]).collect())
}

fn decode(size: &Value, counts: &Value, stated: Option<Size>) -> Result<Option<Mask>, String> {
    let side = |i: usize| {
        size[i]
            .as_u64()
            .and_then(|v| u32::try_from(v).ok())
            .ok_or("run lengths without a size")
    };
    let (h, w) = (side(0)?, side(1)?);
    let picture = Size::new(w, h);
    if stated.is_some_and(|s| s != picture) || u64::from(w) * u64::from(h) > PIXELS_MAX {
        return Err(format!("run lengths of {picture}"));
    }
    let rle = match counts {
        Value::String(text) => mask::rle_from_string(text, h, w),
        Value::Array(list) => {
            let count = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
            Rle::new(
                h,
                w,
                list.iter()
                    .map(count)
                    .collect::<Option<_>>()
                    .ok_or("counts that are no numbers")?,
            )
        }
        _ => return Err("run lengths without counts".into()),
    };
    // Column by column.
    let pixels = mask::decode(&rle.map_err(|e| e.to_string())?);
    let column_first = |i: usize| (i % w as usize) * h as usize + i / w as usize;
    Ok(Mask::of(picture, |i| {
        pixels.get(column_first(i)).is_some_and(|p| *p != 0)
    }))
}
