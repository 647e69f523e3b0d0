//! Bytes -> upright 8-bit RGB. The bytes may be hostile: everything is limited, and a panic of a
//! decoder becomes a skip.

use super::jpeg;
use super::photo::Photo;
use crate::error::{Skip, SkipReason, Stage, guarded};
use crate::geometry::{Size, Transpose};
use crate::plan::Preprocess;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use std::fmt::Display;
use std::io::Cursor;

/// Most pixels of a photo; the limit at which Pillow refuses an image.
const PIXELS_MAX: u64 = 178_956_970;
/// Longest side of a photo.
const SIDE_MAX: u32 = 65_535;
/// Most memory that a decoder may allocate.
const DECODER_BYTES_MAX: u64 = 2 << 30;

/// Decodes JPEG, PNG, WebP, BMP, TIFF or the first frame of a GIF, recognised by content. As with
/// Pillow's `convert("RGB")`, alpha is dropped; 16-bit depths are scaled to 8; the EXIF orientation
/// is applied.
///
/// # Errors
/// A skip `not_an_image`, `unsupported`, `truncated`, `corrupt`, `too_many_pixels` or
/// `decoder_panic`.
pub fn decode(bytes: &[u8]) -> Result<Photo, Skip> {
    decode_for(bytes, None)
}

/// Decodes as [`decode`] does, but reduces a JPEG that is far larger than the transform of `plan`
/// needs.
///
/// # Errors
/// As of [`decode`].
pub fn decode_for(bytes: &[u8], plan: Option<&Preprocess>) -> Result<Photo, Skip> {
    match guarded(|| decode_unguarded(bytes, plan)) {
        Some(result) => result,
        None => Err(skip(
            SkipReason::DecoderPanic,
            "the decoder panicked on these bytes",
        )),
    }
}

fn decode_unguarded(bytes: &[u8], plan: Option<&Preprocess>) -> Result<Photo, Skip> {
    let reader = reader(bytes)?;
    let is_jpeg = reader.format() == Some(ImageFormat::Jpeg);
    if is_jpeg && !jpeg::is_complete(bytes) {
        let message = "the JPEG ends before its end-of-image marker";
        return Err(skip(SkipReason::Truncated, message));
    }

    let mut decoder = reader.into_decoder().map_err(image_skip)?;
    let (width, height) = decoder.dimensions();
    refuse_large(width, height)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);

    let stored = Size::new(width, height);
    let reduced = match plan {
        Some(plan) if is_jpeg => jpeg::reduced(bytes, stored, plan),
        _ => None,
    };
    let mut picture = match reduced {
        Some(picture) => picture,
        None => DynamicImage::from_decoder(decoder).map_err(image_skip)?,
    };
    picture.apply_orientation(orientation);
    photo(picture, stored, orientation)
}

fn reader(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, Skip> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| image_skip(ImageError::IoError(e)))?;
    if reader.format().is_none() {
        let message = "neither JPEG, PNG, WebP, BMP, TIFF nor GIF";
        return Err(skip(SkipReason::NotAnImage, message));
    }

    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    reader.limits(limits);
    Ok(reader)
}

fn refuse_large(width: u32, height: u32) -> Result<(), Skip> {
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        let message = format!("{width}x{height} is over {PIXELS_MAX} pixels");
        return Err(skip(SkipReason::TooManyPixels, message));
    }
    Ok(())
}

/// The photo of an upright picture. `stored` is the size in the file, before the orientation.
fn photo(picture: DynamicImage, stored: Size, orientation: Orientation) -> Result<Photo, Skip> {
    let rgb = picture.into_rgb8();
    let size = Size::new(rgb.width(), rgb.height());
    if size.width == 0 || size.height == 0 {
        let message = "the image has no pixels";
        return Err(skip(SkipReason::Corrupt, message));
    }

    let transpose = transpose(orientation);
    let original = if transpose.is_some() {
        Size::new(stored.height, stored.width)
    } else {
        stored
    };
    Ok(Photo {
        original,
        size,
        rgb,
        transpose,
    })
}

/// The orientations that exchange width and height.
fn transpose(orientation: Orientation) -> Option<Transpose> {
    match orientation {
        Orientation::Rotate90 => Some(Transpose::Rotate90),
        Orientation::Rotate270 => Some(Transpose::Rotate270),
        Orientation::Rotate90FlipH => Some(Transpose::Diagonal),
        Orientation::Rotate270FlipH => Some(Transpose::Antidiagonal),
        _ => None,
    }
}

fn image_skip(error: ImageError) -> Skip {
    let reason = match &error {
        ImageError::Unsupported(_) => SkipReason::Unsupported,
        ImageError::Limits(_) => SkipReason::TooManyPixels,
        _ => SkipReason::Corrupt,
    };
    skip(reason, error)
}

fn skip(reason: SkipReason, message: impl Display) -> Skip {
    Skip::new(Stage::Decode, reason, message)
}
