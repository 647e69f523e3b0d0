//! Masks: one grey or palette PNG beside each image; the value of a pixel is its category.

use super::sidecar::Sidecar;
use crate::dataset::annotation::{Annotation, Outline};
use crate::dataset::class_names::ClassNames;
use crate::dataset::problem::{Problem, ProblemLog};
use crate::geometry::{Mask, Size};
use png::{BitDepth, ColorType, Decoder, Limits, Transformations};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Most memory that a mask may take.
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
        let object = pixels.annotation("", |value| value != 0);
        sidecar.annotations.extend(object);
        return sidecar;
    };

    let mut log = ProblemLog::in_file(&mut sidecar.problems, file);
    let present: BTreeSet<u8> = pixels.values.iter().copied().collect();
    for value in present {
        let name = names.get(&u64::from(value));
        if value == 0 && name.is_none_or(|name| is_background(name)) {
            continue;
        }
        match name {
            Some(name) => sidecar.annotations.extend(pixels.of_value(value, name)),
            None if value == VOID => {
                if let Some(mut void) = pixels.of_value(value, "") {
                    void.ignore = true;
                    sidecar.annotations.push(void);
                }
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

impl Pixels {
    fn of_value(&self, value: u8, category: &str) -> Option<Annotation> {
        self.annotation(category, |pixel| pixel == value)
    }

    /// The pixels whose value is accepted; `None` where there are none.
    fn annotation(&self, category: &str, accept: impl Fn(u8) -> bool) -> Option<Annotation> {
        let mask = Mask::of(self.size, |i| accept(self.values[i]))?;
        Some(Annotation::new(category, Outline::Pixels(Arc::new(mask))))
    }
}

fn read(file: &Path) -> Result<Pixels, String> {
    let opened = File::open(file).map_err(|e| e.to_string())?;
    let limits = Limits { bytes: BYTES_MAX };
    let mut decoder = Decoder::new_with_limits(BufReader::new(opened), limits);
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;

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
