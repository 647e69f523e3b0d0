//! JPEG, by the `image` crate.

use super::failure::{corrupt, image_skip};
use super::header::Header;
use super::jpeg_segments;
use crate::error::Skip;
use image::codecs::jpeg::JpegDecoder;
use image::{DynamicImage, RgbImage};
use std::io::Cursor;

pub fn header(bytes: &[u8]) -> Result<Header, Skip> {
    let frame = jpeg_segments::frame(bytes);
    let frame = frame.ok_or_else(|| corrupt("JPEG: there is no frame header"))?;
    Ok(frame.header(bytes.len()))
}

pub fn decode(bytes: &[u8]) -> Result<RgbImage, Skip> {
    let decoder = JpegDecoder::new(Cursor::new(bytes));
    let picture = decoder.and_then(DynamicImage::from_decoder);
    Ok(picture.map_err(image_skip)?.into_rgb8())
}
