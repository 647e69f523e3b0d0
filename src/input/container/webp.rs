//! WebP, by the `image` crate. The first frame of an animation is decoded as a picture of its own
//! and laid on an empty canvas, as libwebp does: blending would change the colours under alpha.

use super::failure::{corrupt, image_skip};
use super::header::{Header, area};
use super::riff;
use crate::error::Skip;
use crate::geometry::Size;
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder, RgbImage};
use std::io::Cursor;

/// Bytes a pixel that the decoder holds beside the RGB pixels: four of the decoded frame, and the
/// tables of a lossless one.
const DECODER_BYTES: u64 = 5;
/// The flag of a file whose alpha stands in a chunk of its own.
const HAS_ALPHA: u8 = 0x10;

pub fn header(bytes: &[u8]) -> Result<Header, Skip> {
    let picture = match Frame::first(bytes) {
        Some(frame) => {
            let size = size(&frame.file)?;
            let held = (3 + DECODER_BYTES) * area(size) + frame.file.len() as u64;
            return Ok(Header::new(frame.canvas, held));
        }
        None => size(bytes)?,
    };
    Ok(Header::new(picture, DECODER_BYTES * area(picture)))
}

pub fn decode(bytes: &[u8]) -> Result<RgbImage, Skip> {
    let Some(frame) = Frame::first(bytes) else {
        return decode_still(bytes);
    };
    let picture = decode_still(&frame.file)?;
    let (width, height) = picture.dimensions();
    if (frame.left, frame.top, frame.canvas) == (0, 0, Size::new(width, height)) {
        return Ok(picture);
    }

    let mut canvas = RgbImage::new(frame.canvas.width, frame.canvas.height);
    let (left, top) = (i64::from(frame.left), i64::from(frame.top));
    image::imageops::replace(&mut canvas, &picture, left, top);
    Ok(canvas)
}

fn size(bytes: &[u8]) -> Result<Size, Skip> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(image_skip)?;
    let (width, height) = decoder.dimensions();
    if decoder.has_animation() {
        return Err(corrupt("WebP: an animation without a frame"));
    }
    Ok(Size::new(width, height))
}

fn decode_still(bytes: &[u8]) -> Result<RgbImage, Skip> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(image_skip)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(image_skip)?;
    Ok(picture.into_rgb8())
}

/// The first frame of an animation.
struct Frame {
    canvas: Size,
    left: u32,
    top: u32,
    /// The frame as a WebP of its own.
    file: Vec<u8>,
}

impl Frame {
    /// `None` where the file is no animation.
    fn first(bytes: &[u8]) -> Option<Self> {
        let [canvas_width, canvas_height] = sides(riff::first(bytes, b"VP8X")?.get(4..10)?);
        let frame = riff::first(bytes, b"ANMF")?;
        let (place, after) = frame.split_at_checked(16)?;
        let [width, height] = sides(&place[6..12]);

        let mut body = b"WEBP".to_vec();
        let has_alpha = riff::chunks(after).any(|(kind, _)| kind == *b"ALPH");
        if has_alpha {
            let mut extended = vec![HAS_ALPHA, 0, 0, 0];
            for side in [width, height] {
                extended.extend(&(side - 1).to_le_bytes()[..3]);
            }
            append(&mut body, *b"VP8X", &extended);
        }
        for (kind, content) in riff::chunks(after) {
            if matches!(&kind, b"ALPH" | b"VP8 " | b"VP8L") {
                append(&mut body, kind, content);
            }
        }

        let mut file = b"RIFF".to_vec();
        file.extend(u32::try_from(body.len()).ok()?.to_le_bytes());
        file.extend(body);
        Some(Self {
            canvas: Size::new(canvas_width, canvas_height),
            // Places are stored in units of two pixels.
            left: 2 * (sides(&place[..6])[0] - 1),
            top: 2 * (sides(&place[..6])[1] - 1),
            file,
        })
    }
}

/// Two numbers of 24 bits, each stored less one.
fn sides(bytes: &[u8]) -> [u32; 2] {
    let number = |at: usize| match bytes.get(at..at + 3) {
        Some([low, middle, high]) => u32::from_le_bytes([*low, *middle, *high, 0]) + 1,
        _ => 1,
    };
    [number(0), number(3)]
}

fn append(body: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    body.extend(kind);
    // The length was read from 32 bits.
    body.extend((content.len() as u32).to_le_bytes());
    body.extend(content);
    if content.len() % 2 == 1 {
        body.push(0);
    }
}
