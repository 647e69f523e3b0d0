//! The container formats of pictures, recognised by content: size and memory from the header, the
//! stored orientation, and the pixels as Pillow's `convert("RGB")` gives them.

mod bmp;
mod bmp_rle;
mod exif;
mod exif_facts;
mod failure;
mod gif;
mod header;
mod ifd;
mod jpeg;
mod jpeg_facts;
mod jpeg_segments;
mod orientation;
mod png;
mod png_chunks;
mod riff;
mod tiff;
mod tiff_kind;
mod tiff_levels;
mod webp;

pub use exif_facts::{ExifFacts, exif_facts};
pub use failure::skip;
pub use header::Header;
pub use jpeg_facts::{JpegFacts, jpeg_facts};
pub use orientation::stored as stored_orientation;

use crate::error::Skip;
use image::RgbImage;

/// A container format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    Jpeg,
    Png,
    WebP,
    Bmp,
    Tiff,
    Gif,
}

impl Container {
    /// The container of these bytes; `None` where they are of no format that is read.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::WebP),
            [b'B', b'M', ..] => Some(Self::Bmp),
            // 42 is TIFF, 43 is BigTIFF.
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ => None,
        }
    }

    /// The name as in Pillow.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WEBP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Gif => "GIF",
        }
    }

    /// What the header says, without decoding pixels.
    ///
    /// # Errors
    /// A skip `corrupt` or `unsupported`.
    pub fn header(self, bytes: &[u8]) -> Result<Header, Skip> {
        match self {
            Self::Png => png::header(bytes),
            Self::Gif => gif::header(bytes),
            Self::Tiff => tiff::header(bytes),
            Self::Bmp => bmp::header(bytes),
            Self::Jpeg => jpeg::header(bytes),
            Self::WebP => webp::header(bytes),
        }
    }

    /// The pixels as they are stored, before any orientation is applied.
    ///
    /// # Errors
    /// A skip `corrupt`, `truncated` or `unsupported`.
    pub fn decode(self, bytes: &[u8]) -> Result<RgbImage, Skip> {
        match self {
            Self::Png => png::decode(bytes),
            Self::Gif => gif::decode(bytes),
            Self::Tiff => tiff::decode(bytes),
            Self::Bmp => bmp::decode(bytes),
            Self::Jpeg => jpeg::decode(bytes),
            Self::WebP => webp::decode(bytes),
        }
    }
}
