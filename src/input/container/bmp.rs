//! BMP: with run lengths as Pillow reads them, without by the `image` crate.

use super::bmp_rle;
use super::failure::image_skip;
use super::header::{Header, area};
use crate::error::Skip;
use crate::geometry::Size;
use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, ImageDecoder, RgbImage};
use std::io::Cursor;

pub fn header(bytes: &[u8]) -> Result<Header, Skip> {
    if let Some(header) = bmp_rle::header(bytes) {
        return Ok(header);
    }
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(image_skip)?;
    let (width, height) = decoder.dimensions();
    let size = Size::new(width, height);
    let with_alpha = if decoder.color_type().has_alpha() {
        4 * area(size)
    } else {
        0
    };
    Ok(Header::new(size, with_alpha))
}

pub fn decode(bytes: &[u8]) -> Result<RgbImage, Skip> {
    if let Some(pixels) = bmp_rle::decode(bytes) {
        return pixels;
    }
    let decoder = BmpDecoder::new(Cursor::new(bytes));
    let picture = decoder.and_then(DynamicImage::from_decoder);
    Ok(picture.map_err(image_skip)?.into_rgb8())
}
