//! BMP with run lengths, decoded as Pillow does: pixels that the runs leave out have the first
//! colour, and runs that end too early are no picture.

use super::failure::skip;
use super::header::{Header, area};
use crate::error::{Skip, SkipReason};
use crate::geometry::Size;
use image::{Rgb, RgbImage};

/// The values of biCompression.
const RLE8: u32 = 1;
const RLE4: u32 = 2;
/// Size of the file header, which the information header follows.
const FILE_HEADER: usize = 14;
/// Smallest information header that names a compression.
const INFO_HEADER_MIN: usize = 40;

pub fn header(bytes: &[u8]) -> Option<Header> {
    let file = RleFile::parse(bytes)?;
    Some(Header::new(file.size, area(file.size)))
}

/// `None` where the file is no BMP with run lengths.
pub fn decode(bytes: &[u8]) -> Option<Result<RgbImage, Skip>> {
    Some(RleFile::parse(bytes)?.picture())
}

struct RleFile<'a> {
    size: Size,
    is_top_down: bool,
    has_four_bits: bool,
    /// Blue, green, red and a zero for each colour.
    palette: &'a [u8],
    bytes: &'a [u8],
    /// Where the runs begin.
    start: usize,
}

impl<'a> RleFile<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let number = |at: usize| {
            let bytes = bytes.get(at..at + 4)?;
            Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        let info = number(14)? as usize;
        let bits = number(28)? & 0xFFFF;
        let has_four_bits = match (info >= INFO_HEADER_MIN, number(30)?, bits) {
            (true, RLE8, 8) => false,
            (true, RLE4, 4) => true,
            _ => return None,
        };

        let height = number(22)?.cast_signed();
        let size = Size::new(number(18)?, height.unsigned_abs());
        let colours = match number(46)? {
            0 => 1 << bits,
            colours => colours.min(256) as usize,
        };
        let palette = FILE_HEADER.checked_add(info)?;
        let palette_end = palette.checked_add(4 * colours)?.min(bytes.len());
        Some(Self {
            size,
            is_top_down: height < 0,
            has_four_bits,
            palette: bytes.get(palette..palette_end)?,
            bytes,
            start: number(10)? as usize,
        })
    }

    fn picture(&self) -> Result<RgbImage, Skip> {
        let Size { width, height } = self.size;
        let count = width as usize * height as usize;
        let indices = self.indices(count);
        if indices.len() < count {
            let message = format!(
                "BMP: the runs end after {} of {count} pixels",
                indices.len()
            );
            return Err(skip(SkipReason::Truncated, message));
        }

        let mut picture = RgbImage::new(width, height);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let row = if self.is_top_down { y } else { height - 1 - y };
            let index = indices[row as usize * width as usize + x as usize];
            *pixel = Rgb(self.colour(index));
        }
        Ok(picture)
    }

    fn colour(&self, index: u8) -> [u8; 3] {
        match self.palette.get(4 * usize::from(index)..) {
            Some([b, g, r, ..]) => [*r, *g, *b],
            _ => [0; 3],
        }
    }

    /// At most `count` indices, in the order of the file.
    fn indices(&self, count: usize) -> Vec<u8> {
        let width = self.size.width as usize;
        let mut indices = Vec::with_capacity(count);
        // Pixels of this row so far, by which runs that are too long are cut.
        let mut x = 0_usize;
        let mut at = self.start;
        while indices.len() < count {
            let Some([length, value]) = self.pair(at) else {
                break;
            };
            at += 2;
            match (length, value) {
                (0, 0) => {
                    let row_end = indices.len().next_multiple_of(width);
                    indices.resize(row_end.min(count), 0);
                    x = 0;
                }
                (0, 1) => break,
                (0, 2) => {
                    let Some([right, up]) = self.pair(at) else {
                        break;
                    };
                    at += 2;
                    let gap = usize::from(right) + usize::from(up) * width;
                    indices.resize((indices.len() + gap).min(count), 0);
                    x = indices.len() % width;
                }
                (0, listed) => {
                    let listed = usize::from(listed);
                    let wanted = listed.min(count - indices.len());
                    let Some(end) = self.append_listed(at, wanted, &mut indices) else {
                        break;
                    };
                    // Listed pixels end at an even place of the file.
                    at = end.next_multiple_of(2);
                    x += listed;
                }
                (run, value) => {
                    let run = usize::from(run).min(width.saturating_sub(x));
                    for number in 0..run.min(count - indices.len()) {
                        indices.push(self.half(value, number));
                    }
                    x += run;
                }
            }
        }
        indices
    }

    fn pair(&self, at: usize) -> Option<[u8; 2]> {
        let pair = self.bytes.get(at..at + 2)?;
        Some([pair[0], pair[1]])
    }

    /// Appends pixels that are listed one by one; returns the place behind them, `None` where the
    /// file ends before.
    fn append_listed(&self, at: usize, wanted: usize, indices: &mut Vec<u8>) -> Option<usize> {
        let length = if self.has_four_bits {
            wanted.div_ceil(2)
        } else {
            wanted
        };
        let end = at.checked_add(length)?;
        let listed = self.bytes.get(at..end)?;
        for number in 0..wanted {
            let byte = if self.has_four_bits {
                listed[number / 2]
            } else {
                listed[number]
            };
            indices.push(self.half(byte, number));
        }
        Some(end)
    }

    /// The index of a pixel from its byte: with four bits the first of two is the high half.
    fn half(&self, byte: u8, number: usize) -> u8 {
        match (self.has_four_bits, number % 2) {
            (false, _) => byte,
            (true, 0) => byte >> 4,
            (true, _) => byte & 0x0F,
        }
    }
}
