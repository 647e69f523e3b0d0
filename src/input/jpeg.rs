//! JPEG only: whether a file is complete (decoders fill missing data with grey and report nothing),
//! and decoding at a reduced size.

use super::transform;
use crate::geometry::Size;
use crate::plan::Preprocess;
use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::{Decoder, PixelFormat};

/// Decoded pixels in each direction per pixel of the input: enough that the antialiased resize
/// after the decoder determines what the model receives.
const OVERSAMPLING: f64 = 2.0;
/// Reductions, in eighths of a side.
const EIGHTHS: [u32; 3] = [1, 2, 4];
/// Most bytes of the reduced pixels.
const BYTES_MAX: usize = 1 << 30;

/// Marker that ends an image.
const END_OF_IMAGE: u8 = 0xD9;

/// Decodes 1/8, 1/4 or 1/2 of each side, the fewest pixels that the transform can work with, by
/// an inverse DCT of the low frequencies only. `None` where no reduction is possible, or the file
/// needs the ordinary decoder.
pub fn reduced(bytes: &[u8], size: Size, plan: &Preprocess) -> Option<DynamicImage> {
    let needed = OVERSAMPLING * transform::scale(plan, size)?;
    let eighths = EIGHTHS
        .into_iter()
        .find(|n| f64::from(*n) / 8.0 >= needed)?;

    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(BYTES_MAX);
    let width = reduced_side(size.width, eighths)?;
    let height = reduced_side(size.height, eighths)?;
    decoder.scale(width, height).ok()?;
    let pixels = decoder.decode().ok()?;

    let info = decoder.info()?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    match info.pixel_format {
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::L8 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        _ => None,
    }
}

fn reduced_side(full: u32, eighths: u32) -> Option<u16> {
    u16::try_from((full * eighths).div_ceil(8)).ok()
}

/// Whether a file has its end-of-image marker. Walks the markers (ITU-T T.81, B.1.1) without
/// decoding; bytes after that marker are allowed, because cameras write them.
pub fn is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(marker) = next_marker(bytes, &mut at) {
        match marker {
            END_OF_IMAGE => return true,
            // Markers without a segment: start of image, restarts, TEM.
            0xD8 | 0xD0..=0xD7 | 0x01 => {}
            _ => {
                let Some([high, low]) = bytes.get(at..at + 2) else {
                    return false;
                };
                at += usize::from(*high) << 8 | usize::from(*low);
            }
        }
    }
    false
}

/// The next byte after 0xFF that is neither a stuffed zero nor fill; `at` is moved after it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let position = bytes.get(*at..)?.iter().position(|&b| b == 0xFF)?;
        *at += position + 1;

        let code = *bytes.get(*at)?;
        if code != 0xFF {
            *at += 1;
        }
        if code != 0x00 && code != 0xFF {
            return Some(code);
        }
    }
}
