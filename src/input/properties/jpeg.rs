//! How a JPEG was written: its tables, its frame.

use super::values::FileProperties;
use crate::finding::FileProperty;
use crate::input::container::{Container, JpegFacts, jpeg_facts};

/// The luma table of ITU-T T.81, Annex K, in zigzag order.
const STANDARD: [u16; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37,
    29, 40, 58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81,
    87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];

pub fn add(properties: &mut FileProperties, bytes: &[u8]) {
    if Container::of(bytes) != Some(Container::Jpeg) {
        return;
    }
    let JpegFacts {
        luma_table,
        is_progressive,
        sampling,
    } = jpeg_facts(bytes);

    properties.flag(FileProperty::Progressive, is_progressive);
    let sampling = sampling_name(&sampling);
    properties.level(FileProperty::ChromaSubsampling, sampling);
    let Some(table) = luma_table else {
        return;
    };
    let (quality, is_standard) = nearest_quality(&table);
    properties.number(FileProperty::JpegQuality, Some(f64::from(quality)));
    properties.flag(FileProperty::JpegStandardTable, is_standard);
    let sum: u32 = table.iter().map(|step| u32::from(*step)).sum();
    properties.number(FileProperty::JpegTableSum, Some(f64::from(sum)));
}

/// The quality whose table is nearest by the mean difference of the steps, the first of equals, and
/// whether it is that table.
fn nearest_quality(table: &[u16; 64]) -> (u8, bool) {
    let mut nearest = (1, u32::MAX);
    for quality in 1..=100 {
        let standard = standard_table(quality);
        let pairs = table.iter().zip(standard);
        let distance = pairs.map(|(a, b)| u32::from(a.abs_diff(b))).sum();
        if distance < nearest.1 {
            nearest = (quality, distance);
        }
    }
    (nearest.0, nearest.1 == 0)
}

/// The luma table that libjpeg writes at a quality from 1 to 100.
fn standard_table(quality: u8) -> [u16; 64] {
    let quality = u32::from(quality);
    let scale = if quality < 50 {
        5000 / quality
    } else {
        200 - 2 * quality
    };
    STANDARD.map(|step| ((u32::from(step) * scale + 50) / 100).clamp(1, 255) as u16)
}

/// The usual name of how chroma is sampled; `None` where the file has no chroma.
fn sampling_name(factors: &[(u8, u8)]) -> Option<String> {
    let [(across, down), chroma @ ..] = factors else {
        return None;
    };
    let (chroma_across, chroma_down) = *chroma.first()?;
    let per_chroma = (across / chroma_across.max(1), down / chroma_down.max(1));
    let name = match per_chroma {
        (1, 1) => "4:4:4",
        (2, 1) => "4:2:2",
        (1, 2) => "4:4:0",
        (2, 2) => "4:2:0",
        (4, 1) => "4:1:1",
        _ => "other",
    };
    Some(name.to_owned())
}
