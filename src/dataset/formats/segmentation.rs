//! COCO's `segmentation`: polygons as flat lists of x, y, or run lengths (RLE), as numbers or
//! packed into text.

use crate::dataset::annotation::Outline;
use crate::geometry::{Mask, Size};
use hotcoco::{Rle, mask};
use serde_json::Value;
use std::sync::Arc;

/// Most pixels of a mask.
const PIXELS_MAX: u64 = 178_956_970;
/// Longest segmentation, in bytes of JSON. The longest of COCO takes 50 kB; a crowd in a picture of
/// a hundred megapixels one megabyte.
const JSON_BYTES_MAX: usize = 4 << 20;

/// The outline of a segmentation of an image of this declared size; `None` where it is empty.
///
/// A mask takes `cells_max` cells at most.
///
/// # Errors
/// What is wrong with it, for people.
pub fn outline(
    json: &str,
    declared_size: Option<Size>,
    cells_max: usize,
) -> Result<Option<Outline>, String> {
    if json.len() > JSON_BYTES_MAX {
        return Err(format!(
            "a segmentation of {} KiB, more than {}",
            json.len() >> 10,
            JSON_BYTES_MAX >> 10
        ));
    }
    match serde_json::from_str(json).map_err(|e| e.to_string())? {
        Value::Null => Ok(None),
        Value::Array(rings) if rings.is_empty() => Ok(None),
        Value::Array(rings) => {
            let rings = rings.iter().map(ring).collect::<Result<_, _>>()?;
            Ok(Some(Outline::Polygons(rings)))
        }
        Value::Object(rle) => {
            let mask = decode(&rle["size"], &rle["counts"], declared_size, cells_max)?;
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
    cells_max: usize,
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
    let rle = rle.map_err(|e| e.to_string())?;
    Ok(Runs::new(&rle).mask(cells_max))
}

/// Runs of foreground pixels, column by column. A picture is never unpacked: a run of a few bytes
/// can be as long as the largest picture.
struct Runs {
    /// Start and end of each run, in order.
    runs: Vec<[usize; 2]>,
    height: usize,
}

impl Runs {
    fn new(rle: &Rle) -> Self {
        let mut runs: Vec<[usize; 2]> = Vec::new();
        let mut start = 0;
        for (index, &count) in rle.counts.iter().enumerate() {
            let end = start + count as usize;
            if index % 2 == 1 && count > 0 {
                runs.push([start, end]);
            }
            start = end;
        }
        Self {
            runs,
            height: rle.h as usize,
        }
    }

    /// The mask in its bounding box; `None` without a pixel.
    fn mask(&self, cells_max: usize) -> Option<Mask> {
        let left = self.runs.first()?[0] / self.height;
        let right = (self.runs.last()?[1] - 1) / self.height + 1;
        let (mut top, mut bottom) = (self.height, 0);
        for [start, end] in &self.runs {
            let is_in_one_column = start / self.height == (end - 1) / self.height;
            if is_in_one_column {
                top = top.min(start % self.height);
                bottom = bottom.max((end - 1) % self.height + 1);
            } else {
                // It reaches the end of a column, and begins the next.
                (top, bottom) = (0, self.height);
            }
        }

        let contains = |x, y| self.contains(x * self.height + y);
        Some(Mask::within(
            [left, top, right, bottom],
            cells_max,
            contains,
        ))
    }

    fn contains(&self, pixel: usize) -> bool {
        let next = self.runs.partition_point(|[start, _]| *start <= pixel);
        let run = next.checked_sub(1).and_then(|index| self.runs.get(index));
        run.is_some_and(|[_, end]| pixel < *end)
    }
}

fn unsigned(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}
