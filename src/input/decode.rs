//! Bytes -> upright 8-bit RGB. The bytes may be hostile: everything is limited, and a panic of a
//! decoder becomes a skip.

use super::container::{Container, Header, skip, stored_orientation};
use super::jpeg;
use super::photo::Photo;
use crate::error::{Skip, SkipReason, guarded};
use crate::geometry::{Size, Transpose};
use crate::plan::{Decode, Exif, Preprocess};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

/// Most pixels of a photo; the limit at which Pillow refuses an image.
const PIXELS_MAX: u64 = 178_956_970;
/// Longest side of a photo.
const SIDE_MAX: u32 = 65_535;

/// Decodes JPEG, PNG, WebP, BMP, TIFF or the first frame of a GIF, recognised by content. As with
/// Pillow's `convert("RGB")`, alpha is dropped, and colours of 16 bits keep the high byte; the
/// orientation by EXIF or XMP is applied.
///
/// # Errors
/// A skip `not_an_image`, `unsupported`, `truncated`, `corrupt`, `too_many_pixels` or
/// `decoder_panic`.
pub fn decode(bytes: &[u8]) -> Result<Photo, Skip> {
    guarded_skip(|| decode_unguarded(bytes, None, Exif::Apply))
}

/// Decodes as [`decode`] does, but as the plan says: with `decode = "fast"`, reduces a JPEG that is
/// far larger than the transform needs; with `exif = "ignore"`, leaves the pixels as they are
/// stored.
///
/// # Errors
/// As of [`decode`].
pub fn decode_for(bytes: &[u8], plan: &Preprocess) -> Result<Photo, Skip> {
    let fast = (plan.decode == Decode::Fast).then_some(plan);
    guarded_skip(|| decode_unguarded(bytes, fast, plan.exif))
}

/// The size and memory of a picture by its header, and whether it is turned.
pub struct Claim {
    pub header: Header,
    /// Whether width and height are exchanged.
    pub is_transposed: bool,
}

impl Claim {
    /// The size as the pixels are used.
    pub fn size(&self) -> Size {
        let Size { width, height } = self.header.size;
        if self.is_transposed {
            Size::new(height, width)
        } else {
            Size::new(width, height)
        }
    }
}

/// What the header of a picture claims.
///
/// # Errors
/// As of [`decode`].
pub fn claim(bytes: &[u8], exif: Exif) -> Result<Claim, Skip> {
    guarded_skip(|| {
        let container = container(bytes)?;
        let header = container.header(bytes)?;
        refuse_large(header.size)?;
        let orientation = stored_orientation(container, bytes);
        let is_applied = applied(container, exif) == Exif::Apply;
        Ok(Claim {
            header,
            is_transposed: is_applied && transpose(orientation).is_some(),
        })
    })
}

fn guarded_skip<T>(work: impl FnOnce() -> Result<T, Skip>) -> Result<T, Skip> {
    match guarded(work) {
        Some(result) => result,
        None => Err(skip(
            SkipReason::DecoderPanic,
            "the decoder panicked on these bytes",
        )),
    }
}

fn decode_unguarded(bytes: &[u8], fast: Option<&Preprocess>, exif: Exif) -> Result<Photo, Skip> {
    let container = container(bytes)?;
    let stored = container.header(bytes)?.size;
    refuse_large(stored)?;

    let reduced = match fast {
        Some(plan) if container == Container::Jpeg => jpeg::reduced(bytes, stored, plan),
        _ => None,
    };
    let rgb = match reduced {
        Some(picture) => picture.into_rgb8(),
        None => container.decode(bytes)?,
    };
    let orientation = stored_orientation(container, bytes);
    Ok(photo(rgb, stored, orientation, applied(container, exif)))
}

fn container(bytes: &[u8]) -> Result<Container, Skip> {
    let Some(container) = Container::of(bytes) else {
        let message = "neither JPEG, PNG, WebP, BMP, TIFF nor GIF";
        return Err(skip(SkipReason::NotAnImage, message));
    };
    if container == Container::Jpeg && !jpeg::is_complete(bytes) {
        let message = "the JPEG ends before its end-of-image marker";
        return Err(skip(SkipReason::Truncated, message));
    }
    Ok(container)
}

/// Pillow turns a TIFF as it opens it, so that a training cannot have ignored its orientation.
fn applied(container: Container, exif: Exif) -> Exif {
    match container {
        Container::Tiff => Exif::Apply,
        _ => exif,
    }
}

fn refuse_large(size: Size) -> Result<(), Skip> {
    let area = u64::from(size.width) * u64::from(size.height);
    if area == 0 {
        return Err(skip(SkipReason::Corrupt, "the image has no pixels"));
    }
    if area > PIXELS_MAX {
        let message = format!("{size} is over {PIXELS_MAX} pixels");
        return Err(skip(SkipReason::TooManyPixels, message));
    }
    if size.width.max(size.height) > SIDE_MAX {
        let message = format!("{size} has a side over {SIDE_MAX} pixels");
        return Err(skip(SkipReason::TooManyPixels, message));
    }
    Ok(())
}

/// The photo of a decoded picture. `stored` is the size in the file, before the orientation.
fn photo(rgb: RgbImage, stored: Size, orientation: Orientation, exif: Exif) -> Photo {
    let transpose = transpose(orientation);
    let is_turned = orientation != Orientation::NoTransforms;
    let (rgb, original, transpose) = match (exif, transpose) {
        (Exif::Ignore, transpose) => (rgb, stored, transpose.map(Transpose::inverse)),
        (Exif::Apply, transpose) => {
            let mut picture = DynamicImage::ImageRgb8(rgb);
            picture.apply_orientation(orientation);
            let upright = match transpose {
                Some(_) => Size::new(stored.height, stored.width),
                None => stored,
            };
            (picture.into_rgb8(), upright, transpose)
        }
    };
    Photo {
        original,
        size: Size::new(rgb.width(), rgb.height()),
        rgb,
        transpose,
        is_turned,
    }
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
