//! Masks: one grey or palette PNG beside each image; the value of a pixel is its category.

use super::sidecar::Sidecar;
use super::yolo::Names;
use super::{Annotation, Outline};
use crate::geometry::{Mask, Size};
use png::{BitDepth, ColorType, Decoder, Limits, Transformations};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Most memory that a mask may take.
const BYTES_MAX: usize = 512 << 20;
/// Value of pixels that count neither way, unless it has a name.
const VOID: u8 = 255;
/// Names of value 0 under which it is no category.
const BACKGROUND: [&str; 4] = ["background", "_background_", "unlabeled", "__background__"];

/// Reads a mask. Without names every value but 0 is the image's own object.
pub fn parse(file: &Path, names: Option<&Names>) -> Sidecar {
    let mut out = Sidecar::default();
    let (size, values) = match read(file) {
        Ok(mask) => mask,
        Err(message) => {
            out.note("bad_file", file, 0, message);
            return out;
        }
    };
    out.stated = Some(size);
    let present: BTreeSet<u8> = values.iter().copied().collect();
    let Some(names) = names else {
        out.annotations
            .extend(annotation(size, "", false, |i| values[i] != 0));
        return out;
    };
    for value in present {
        match names.get(&u64::from(value)).map(String::as_str) {
            None if value == 0 => {}
            Some(name) if value == 0 && BACKGROUND.contains(&name.to_lowercase().as_str()) => {}
            None if value == VOID => out
                .annotations
                .extend(annotation(size, "", true, |i| values[i] == value)),
            None => out.note(
                "unknown_category",
                file,
                0,
                format!("value {value} has no name"),
            ),
            Some(name) => out
                .annotations
                .extend(annotation(size, name, false, |i| values[i] == value)),
        }
    }
    out
}

fn annotation(
    size: Size,
    category: &str,
    ignore: bool,
    wanted: impl Fn(usize) -> bool,
) -> Option<Annotation> {
    let outline = Outline::Pixels(Arc::new(Mask::of(size, wanted)?));
    Some(Annotation {
        category: category.to_owned(),
        outline,
        normalised: false,
        ignore,
        upright: false,
    })
}

/// Size and values, row by row, one byte each.
fn read(file: &Path) -> Result<(Size, Vec<u8>), String> {
    let opened = File::open(file).map_err(|e| e.to_string())?;
    let mut decoder = Decoder::new_with_limits(BufReader::new(opened), Limits { bytes: BYTES_MAX });
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
    let (color, depth) = reader.output_color_type();
    if !matches!(color, ColorType::Grayscale | ColorType::Indexed) || depth == BitDepth::Sixteen {
        return Err(format!(
            "a {color:?} picture of {depth:?} bits; a mask is grey or has a palette, 8 bits at most"
        ));
    }
    let length = reader
        .output_buffer_size()
        .filter(|n| *n <= BYTES_MAX)
        .ok_or("the mask is too large")?;
    let mut bytes = vec![0; length];
    let frame = reader.next_frame(&mut bytes).map_err(|e| e.to_string())?;
    let (width, bits) = (frame.width as usize, depth as usize);
    let value = |row: &[u8], x: usize| {
        let shift = 8 - bits - (x * bits) % 8;
        (row[x * bits / 8] >> shift) & (0xff >> (8 - bits)) as u8
    };
    let rows = bytes
        .chunks_exact(frame.line_size)
        .take(frame.height as usize);
    let values = rows
        .flat_map(|row| (0..width).map(move |x| value(row, x)))
        .collect();
    Ok((Size::new(frame.width, frame.height), values))
}
