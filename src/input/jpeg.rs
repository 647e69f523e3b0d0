//! What is only done with JPEGs: told whether they are all there (decoders fill what is missing with grey and say nothing), and
//! reduced while they are decoded.

use super::preprocess;
use crate::geometry::Size;
use crate::plan::Preprocess;
use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::{Decoder, PixelFormat};

/// Pixels that are decoded in each direction for one of the input's: so many that the antialiased resize behind it, not the
/// decoder, decides what the network sees.
const OVERSAMPLED: f64 = 2.0;
/// Most bytes of the reduced pixels.
const BYTES_MAX: usize = 1 << 30;

/// Decodes 1/2, 1/4 or 1/8 of the pixels, as few as the transform still sees enough of: the inverse DCT is taken of the low
/// frequencies alone. `None` where that is not worth it, or the file is one for the ordinary decoder.
pub fn reduced(bytes: &[u8], size: Size, plan: &Preprocess) -> Option<DynamicImage> {
    let wanted = OVERSAMPLED * preprocess::scale(plan, size)?;
    let eighths = [1_u32, 2, 4]
        .into_iter()
        .find(|n| f64::from(*n) / 8.0 >= wanted)?;
    let side = |full: u32| u16::try_from((full * eighths).div_ceil(8)).ok();
    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(BYTES_MAX);
    decoder.scale(side(size.width)?, side(size.height)?).ok()?;
    let pixels = decoder.decode().ok()?;
    let info = decoder.info()?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    match info.pixel_format {
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::L8 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        _ => None,
    }
}

/// Walks the markers from start to end of image (ITU-T T.81, B.1.1) without decoding. `false` where the file ends before
/// its end-of-image marker; bytes behind that marker are allowed, as cameras write them.
pub fn is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(marker) = next_marker(bytes, &mut at) else {
            return false;
        };
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
}

const END_OF_IMAGE: u8 = 0xD9;

/// The next byte behind 0xFF that is neither a stuffed zero nor fill, and the position after it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let found = bytes.get(*at..)?.iter().position(|&b| b == 0xFF)?;
        *at += found + 1;
        let code = *bytes.get(*at)?;
        if code != 0xFF {
            *at += 1;
        }
        if code != 0x00 && code != 0xFF {
            return Some(code);
        }
    }
}
