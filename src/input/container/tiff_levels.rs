//! Stored numbers of a TIFF -> levels of 8 bits -> RGB.

use super::failure::{corrupt, unsupported};
use super::tiff_kind::{Colour, Levels};
use crate::error::Skip;
use tiff::decoder::DecodingResult;

/// Turns the numbers of one chunk after the other into levels.
pub struct LevelReader {
    rule: Levels,
    /// The largest floating-point number, and whether any is no whole number.
    largest: f64,
    has_fractions: bool,
}

impl LevelReader {
    pub fn new(rule: Levels) -> Self {
        Self {
            rule,
            largest: 0.0,
            has_fractions: false,
        }
    }

    /// One byte for each number of a chunk whose rows have `row` numbers.
    pub fn levels(&mut self, data: DecodingResult, row: usize) -> Result<Vec<u8>, Skip> {
        match (self.rule, data) {
            (Levels::Bits(8), DecodingResult::U8(bytes)) => Ok(bytes),
            (Levels::Bits(8), DecodingResult::I8(numbers)) => {
                Ok(numbers.into_iter().map(i8::cast_unsigned).collect())
            }
            (Levels::Bits(bits), DecodingResult::U8(bytes)) => Ok(unpacked(bits, &bytes, row)),
            (Levels::HighByte, DecodingResult::U16(numbers)) => Ok(numbers
                .into_iter()
                .map(|number| (number >> 8) as u8)
                .collect()),
            (Levels::Exact, DecodingResult::U16(numbers)) => self.exact(numbers),
            (Levels::Exact, DecodingResult::I16(numbers)) => self.exact(numbers),
            (Levels::Exact, DecodingResult::U32(numbers)) => self.exact(numbers),
            (Levels::Exact, DecodingResult::I32(numbers)) => self.exact(numbers),
            (Levels::Exact, DecodingResult::F32(numbers)) => self.exact(numbers),
            _ => Err(corrupt("TIFF: the samples are of another type than stated")),
        }
    }

    /// Levels from 0 to 255, cut to whole numbers as Pillow does.
    fn exact<N: Into<f64>>(&mut self, numbers: Vec<N>) -> Result<Vec<u8>, Skip> {
        let mut levels = Vec::with_capacity(numbers.len());
        for number in numbers {
            let number: f64 = number.into();
            if !(0.0..=255.0).contains(&number) {
                return Err(unsupported(format!(
                    "grey with the level {number}: Pillow cuts levels at 0 and 255, other \
                     libraries scale them; save it with 8 bits, scaled as in training"
                )));
            }
            self.largest = self.largest.max(number);
            self.has_fractions |= number.fract() != 0.0;
            levels.push(number as u8);
        }
        Ok(levels)
    }

    /// Judges the whole picture when all chunks are read.
    ///
    /// # Errors
    /// A skip `unsupported` for levels from 0 to 1, of which Pillow makes a black picture.
    pub fn finish(&self) -> Result<(), Skip> {
        if self.has_fractions && self.largest <= 1.0 {
            return Err(unsupported(
                "grey with levels from 0 to 1, of which Pillow makes a black picture; save it with \
                 8 bits, scaled as in training",
            ));
        }
        Ok(())
    }
}

/// Numbers of less than 8 bits, the first in the high bits; every row begins with a new byte.
fn unpacked(bits: u16, bytes: &[u8], row: usize) -> Vec<u8> {
    let bits = usize::from(bits);
    let per_byte = 8 / bits;
    let mask = (1_u8 << bits) - 1;
    let row_bytes = row.div_ceil(per_byte).max(1);
    let mut numbers = Vec::with_capacity(bytes.len() * per_byte);
    for packed in bytes.chunks_exact(row_bytes) {
        for index in 0..row {
            let shift = 8 - bits * (index % per_byte + 1);
            numbers.push(packed[index / per_byte] >> shift & mask);
        }
    }
    numbers
}

/// Turns the levels of a pixel into RGB.
pub struct Converter {
    pub colour: Colour,
    /// The highest number of grey.
    pub white: u8,
    /// 16-bit reds, then greens, then blues.
    pub palette: Vec<u16>,
}

impl Converter {
    pub fn rgb(&self, pixel: &[u8]) -> [u8; 3] {
        match (self.colour, pixel) {
            (Colour::Grey { is_inverted }, [grey, ..]) => {
                let grey = (u16::from(*grey) * 255 / u16::from(self.white)) as u8;
                [if is_inverted { 255 - grey } else { grey }; 3]
            }
            (Colour::Palette, [index, ..]) => self.palette_colour(usize::from(*index)),
            (Colour::RgbPremultiplied, [r, g, b, alpha, ..]) => {
                [*r, *g, *b].map(|level| divided(level, *alpha))
            }
            (Colour::Cmyk, [c, m, y, k, ..]) => [*c, *m, *y].map(|ink| printed(ink, *k)),
            (Colour::YCbCr, [y, cb, cr, ..]) => ycbcr(*y, *cb, *cr),
            (_, [r, g, b, ..]) => [*r, *g, *b],
            _ => [0; 3],
        }
    }

    fn palette_colour(&self, index: usize) -> [u8; 3] {
        let count = self.palette.len() / 3;
        [0, 1, 2].map(|channel| {
            let level = self.palette.get(channel * count + index);
            level.map_or(0, |level| (level >> 8) as u8)
        })
    }
}

/// A level that was multiplied with alpha, divided by it again.
fn divided(level: u8, alpha: u8) -> u8 {
    match alpha {
        0 => 0,
        alpha => (u32::from(level) * 255 / u32::from(alpha)).min(255) as u8,
    }
}

/// A level of paper under an ink and black.
fn printed(ink: u8, black: u8) -> u8 {
    let paper = 255 - black;
    let product = u32::from(ink) * u32::from(paper) + 128;
    let covered = ((product >> 8) + product) >> 8;
    paper.saturating_sub(covered as u8)
}

/// ITU-R BT.601 with the full range, as in JPEG.
fn ycbcr(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let y = f32::from(y);
    let cb = f32::from(cb) - 128.0;
    let cr = f32::from(cr) - 128.0;
    [
        y + 1.402 * cr,
        y - 0.344_136 * cb - 0.714_136 * cr,
        y + 1.772 * cb,
    ]
    .map(|level| level.round() as u8)
}
