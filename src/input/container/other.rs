//! JPEG, WebP, and BMP without run lengths, by the `image` crate.

use super::failure::{corrupt, image_skip};
use super::header::{Header, area};
use super::jpeg_segments;
use crate::error::Skip;
use crate::geometry::Size;
use image::codecs::bmp::BmpDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, RgbImage, Rgba};
use std::io::Cursor;

/// Bytes a pixel that the WebP decoder holds beside the RGB pixels: four of the canvas, four of a
/// frame, and four of what is handed over where there is alpha.
const WEBP_BYTES: u64 = 12;

pub fn header(bytes: &[u8], format: ImageFormat) -> Result<Header, Skip> {
    if format == ImageFormat::Jpeg {
        let frame = jpeg_segments::frame(bytes);
        let frame = frame.ok_or_else(|| corrupt("JPEG: there is no frame header"))?;
        return Ok(frame.header(bytes.len()));
    }
    let (size, has_alpha) = match format {
        ImageFormat::WebP => described(&WebPDecoder::new(Cursor::new(bytes)).map_err(image_skip)?),
        _ => described(&BmpDecoder::new(Cursor::new(bytes)).map_err(image_skip)?),
    };
    let per_pixel = match (format, has_alpha) {
        (ImageFormat::WebP, _) => WEBP_BYTES,
        (_, true) => 4,
        (_, false) => 0,
    };
    Ok(Header::new(size, per_pixel * area(size)))
}

fn described(decoder: &impl ImageDecoder) -> (Size, bool) {
    let (width, height) = decoder.dimensions();
    (Size::new(width, height), decoder.color_type().has_alpha())
}

pub fn decode(bytes: &[u8], format: ImageFormat) -> Result<RgbImage, Skip> {
    let input = Cursor::new(bytes);
    let picture = match format {
        ImageFormat::Jpeg => JpegDecoder::new(input).and_then(DynamicImage::from_decoder),
        ImageFormat::WebP => WebPDecoder::new(input).and_then(first_frame),
        _ => BmpDecoder::new(input).and_then(DynamicImage::from_decoder),
    };
    Ok(picture.map_err(image_skip)?.into_rgb8())
}

/// The first frame of an animation lies on a transparent canvas, as in libwebp.
fn first_frame(mut decoder: WebPDecoder<Cursor<&[u8]>>) -> image::ImageResult<DynamicImage> {
    if decoder.has_animation() {
        decoder.set_background_color(Rgba([0; 4]))?;
    }
    DynamicImage::from_decoder(decoder)
}
