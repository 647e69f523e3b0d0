//! Masks: one grey or palette PNG beside each image; the value of a pixel is its category.

use super::mask_limits;
use super::sidecar::Sidecar;
use crate::bounded;
use crate::dataset::annotation::{Annotation, Outline};
use crate::dataset::class_names::ClassNames;
use crate::dataset::problem::{Problem, ProblemLog};
use crate::geometry::{Mask, Size};
use png::{BitDepth, ColorType, Decoder, Limits, Transformations};
use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Most pixels of a mask: as many as a photo may have.
const PIXELS_MAX: u64 = 178_956_970;
/// Most memory that the decoder of a mask may take.
const BYTES_MAX: usize = 512 << 20;
/// Value of ignored pixels, unless it has a name.
const VOID: u8 = 255;
/// Names of value 0 under which it is no category.
const BACKGROUND: [&str; 4] = ["background", "_background_", "unlabeled", "__background__"];

/// Reads a mask. Without names every value but 0 is the image's own object.
pub fn parse(file: &Path, names: Option<&ClassNames>) -> Sidecar {
    let pixels = match read(file) {
        Ok(pixels) => pixels,
        Err(message) => {
            return Sidecar::of_problem(Problem::in_file("bad_file", file, message));
        }
    };

    let mut sidecar = Sidecar {
        declared_size: Some(pixels.size),
        ..Sidecar::default()
    };
    let Some(names) = names else {
        let object = pixels.of_object();
        sidecar.annotations.extend(object);
        return sidecar;
    };

    let mut log = ProblemLog::in_file(&mut sidecar.problems, file);
    let places = pixels.places();
    let cells_max = mask_limits::cells_of_each(places.len());
    for (value, place) in places {
        let annotation = |name: &str| pixels.of_value(value, place, cells_max, name);
        let name = names.get(&u64::from(value));
        if value == 0 && name.is_none_or(|name| is_background(name)) {
            continue;
        }
        match name {
            Some(name) => sidecar.annotations.push(annotation(name)),
            None if value == VOID => {
                let mut void = annotation("");
                void.ignore = true;
                sidecar.annotations.push(void);
            }
            None => log.add("unknown_category", format!("value {value} has no name")),
        }
    }
    sidecar
}

fn is_background(name: &str) -> bool {
    BACKGROUND.contains(&name.to_lowercase().as_str())
}

/// A decoded mask.
struct Pixels {
    size: Size,
    /// Row by row, one byte each.
    values: Vec<u8>,
}

/// Left, top, right and bottom.
type Place = [usize; 4];

impl Pixels {
    /// Where each value lies.
    fn places(&self) -> BTreeMap<u8, Place> {
        let width = self.size.width as usize;
        let mut places = [[usize::MAX, usize::MAX, 0, 0]; 256];
        for (y, row) in self.values.chunks_exact(width.max(1)).enumerate() {
            for (x, value) in row.iter().enumerate() {
                let [left, top, right, bottom] = &mut places[usize::from(*value)];
                *left = x.min(*left);
                *top = y.min(*top);
                *right = (x + 1).max(*right);
                *bottom = y + 1;
            }
        }

        let places = (0..=u8::MAX).zip(places);
        places.filter(|(_, place)| place[2] > 0).collect()
    }

    fn of_value(&self, value: u8, place: Place, cells_max: usize, category: &str) -> Annotation {
        let width = self.size.width as usize;
        let contains = |x, y| self.values[y * width + x] == value;
        let mask = Mask::within(place, cells_max, contains);
        Annotation::new(category, Outline::Pixels(Arc::new(mask)))
    }

    /// All pixels but those of value 0; `None` where there are none.
    fn of_object(&self) -> Option<Annotation> {
        let mask = Mask::of(self.size, |i| self.values[i] != 0)?;
        Some(Annotation::new("", Outline::Pixels(Arc::new(mask))))
    }
}

fn read(file: &Path) -> Result<Pixels, String> {
    let opened = bounded::open(file).map_err(|e| e.to_string())?;
    let limits = Limits { bytes: BYTES_MAX };
    let mut decoder = Decoder::new_with_limits(BufReader::new(opened), limits);
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;

    let (width, height) = reader.info().size();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(format!("a mask of {width}x{height} pixels is too large"));
    }
    let (color, depth) = reader.output_color_type();
    if !matches!(color, ColorType::Grayscale | ColorType::Indexed) || depth == BitDepth::Sixteen {
        return Err(format!(
            "a {color:?} picture of {depth:?} bits; \
             a mask is grey or has a palette, 8 bits at most"
        ));
    }

    let length = reader
        .output_buffer_size()
        .filter(|length| *length <= BYTES_MAX)
        .ok_or("the mask is too large")?;
    let mut bytes = vec![0; length];
    let frame = reader.next_frame(&mut bytes).map_err(|e| e.to_string())?;

    let mut values = Vec::with_capacity(frame.width as usize * frame.height as usize);
    let rows = bytes.chunks_exact(frame.line_size);
    for row in rows.take(frame.height as usize) {
        for x in 0..frame.width as usize {
            values.push(packed_value(row, x, depth as usize));
        }
    }
    Ok(Pixels {
        size: Size::new(frame.width, frame.height),
        values,
    })
}

/// Pixel `x` of a row that packs pixels of 1, 2, 4 or 8 bits into bytes, the leftmost highest.
fn packed_value(row: &[u8], x: usize, bits: usize) -> u8 {
    let shift = 8 - bits - (x * bits) % 8;
    (row[x * bits / 8] >> shift) & (0xff >> (8 - bits)) as u8
}
