//! PNG, row by row, so that no second copy of the pixels is needed at any depth.

use super::failure::{corrupt, skip, unsupported};
use super::header::Header;
use crate::error::{Skip, SkipReason};
use crate::geometry::Size;
use image::RgbImage;
use png::{BitDepth, ColorType, Decoder, DecodingError, InterlaceInfo, Limits, Reader};
use std::io::Cursor;

/// Most bytes that the chunks before the pixels may take.
const CHUNKS_BYTES_MAX: usize = 32 << 20;
/// Rows that the decoder holds, each of at most eight bytes a pixel.
const ROWS: u64 = 6;

pub fn header(bytes: &[u8]) -> Result<Header, Skip> {
    let reader = open(bytes)?;
    let (width, height) = reader.info().size();
    let rows = ROWS * 8 * u64::from(width);
    let buffers = (1 << 20) + CHUNKS_BYTES_MAX.min(bytes.len()) as u64;
    Ok(Header::new(Size::new(width, height), rows + buffers))
}

/// The default image. Like Pillow, takes the high byte of 16-bit colours; [`grey_level`] says what
/// becomes of 16-bit grey.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, Skip> {
    let mut reader = open(bytes)?;
    let samples = Samples::of(&reader);
    let (width, height) = reader.info().size();
    let stride = 3 * width as usize;
    let mut pixels = vec![0; stride * height as usize];

    let mut line = Vec::with_capacity(stride);
    let mut rows_read = 0;
    while let Some(row) = reader.next_interlaced_row().map_err(png_skip)? {
        line.clear();
        samples.append_rgb(row.data(), &mut line)?;
        match row.interlace() {
            InterlaceInfo::Null(_) => {
                let start = rows_read * stride;
                pixels[start..start + stride].copy_from_slice(&line);
            }
            InterlaceInfo::Adam7(pass) => {
                png::expand_interlaced_row(&mut pixels, stride, &line, pass, 24);
            }
        }
        rows_read += 1;
    }
    let picture = RgbImage::from_raw(width, height, pixels);
    picture.ok_or_else(|| corrupt("PNG: the rows do not fill the picture"))
}

fn open(bytes: &[u8]) -> Result<Reader<Cursor<&[u8]>>, Skip> {
    let limits = Limits {
        bytes: CHUNKS_BYTES_MAX,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.read_info().map_err(png_skip)
}

/// How the samples of a row are laid out.
struct Samples {
    channels: usize,
    /// Bytes of one sample, the highest first.
    depth: usize,
    /// 16-bit grey, whose levels Pillow does not scale.
    is_deep_grey: bool,
}

impl Samples {
    fn of(reader: &Reader<Cursor<&[u8]>>) -> Self {
        let (colour, depth) = reader.output_color_type();
        let depth = if depth == BitDepth::Sixteen { 2 } else { 1 };
        Self {
            channels: colour.samples(),
            depth,
            is_deep_grey: depth == 2 && reader.info().color_type == ColorType::Grayscale,
        }
    }

    fn append_rgb(&self, row: &[u8], line: &mut Vec<u8>) -> Result<(), Skip> {
        if (self.channels, self.depth) == (3, 1) {
            line.extend_from_slice(row);
            return Ok(());
        }
        for pixel in row.chunks_exact(self.channels * self.depth) {
            let rgb = if self.is_deep_grey {
                [grey_level(u16::from_be_bytes([pixel[0], pixel[1]]))?; 3]
            } else if self.channels < 3 {
                [pixel[0]; 3]
            } else {
                [pixel[0], pixel[self.depth], pixel[2 * self.depth]]
            };
            line.extend(rgb);
        }
        Ok(())
    }
}

/// Pillow cuts levels of 16-bit grey at 255, other libraries divide them, and which of both was
/// used in training is not known: only levels that are the same either way are read.
fn grey_level(level: u16) -> Result<u8, Skip> {
    u8::try_from(level).map_err(|_| {
        unsupported(format!(
            "16-bit grey with the level {level}: Pillow makes every level over 255 white, other \
             libraries scale them; save it with 8 bits, scaled as in training"
        ))
    })
}

fn png_skip(error: DecodingError) -> Skip {
    match error {
        DecodingError::LimitsExceeded => skip(
            SkipReason::TooLarge,
            format!(
                "the chunks before the pixels take over {} MiB",
                CHUNKS_BYTES_MAX >> 20
            ),
        ),
        error => corrupt(format!("PNG: {error}")),
    }
}
