//! Bytes -> upright 8-bit RGB. The bytes are hostile: limits everywhere, and a decoder's panic is a skip.

use super::jpeg;
use crate::dataset::Source;
use crate::error::{Skip, Stage, guarded};
use crate::geometry::{Size, Transpose};
use crate::plan::Preprocess;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};
use std::borrow::Cow;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 512 << 20;
/// Most pixels of a photo; Pillow refuses above the same number.
const PIXELS_MAX: u64 = 178_956_970;
/// Longest side of a photo.
const SIDE_MAX: u32 = 65_535;
/// Most memory that a decoder may take.
const DECODER_BYTES_MAX: u64 = 2 << 30;

/// An upright photo as RGB, row by row.
#[derive(Clone)]
pub struct Photo {
    /// Of the photo in its file, upright; what boxes are measured on.
    pub original: Size,
    /// Of the pixels at hand: smaller only where `preprocess.decode = "fast"` reduced them.
    pub size: Size,
    pub rgb: RgbImage,
    /// How the stored pixels were turned, where that swapped width and height.
    pub turned: Option<Transpose>,
}

/// Reads the bytes of an image.
///
/// # Errors
/// A skip `not_found`, `permission`, `not_a_file`, `empty`, `truncated`, `too_large` or `io`.
pub fn read(source: &Source) -> Result<Cow<'_, [u8]>, Skip> {
    match source {
        Source::File(path) => read_file(path, 0, None).map(Cow::Owned),
        Source::Slice {
            file,
            start,
            length,
        } => read_file(file, *start, Some(*length)).map(Cow::Owned),
        Source::Bytes(bytes) if bytes.is_empty() => {
            Err(Skip::new(Stage::Read, "empty", "there are no bytes"))
        }
        Source::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
    }
}

/// A file from `start`, to its end or exactly `length` bytes.
fn read_file(path: &Path, start: u64, length: Option<u64>) -> Result<Vec<u8>, Skip> {
    let skip = |e: std::io::Error| {
        let reason = match e.kind() {
            std::io::ErrorKind::NotFound => "not_found",
            std::io::ErrorKind::PermissionDenied => "permission",
            _ => "io",
        };
        Skip::new(Stage::Read, reason, e)
    };
    if !std::fs::metadata(path).map_err(skip)?.is_file() {
        return Err(Skip::new(Stage::Read, "not_a_file", "not a regular file"));
    }
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(path).map_err(skip)?;
    file.seek(SeekFrom::Start(start)).map_err(skip)?;
    file.take(length.unwrap_or(u64::MAX).min(FILE_BYTES_MAX + 1))
        .read_to_end(&mut bytes)
        .map_err(skip)?;
    match bytes.len() as u64 {
        n if length.is_some_and(|length| n < length.min(FILE_BYTES_MAX)) => Err(Skip::new(
            Stage::Read,
            "truncated",
            "the shard ends inside this image",
        )),
        0 => Err(Skip::new(Stage::Read, "empty", "the file is empty")),
        n if n > FILE_BYTES_MAX => Err(Skip::new(
            Stage::Read,
            "too_large",
            format!("over {} MiB", FILE_BYTES_MAX >> 20),
        )),
        _ => Ok(bytes),
    }
}

/// Decodes JPEG, PNG, WebP, BMP, TIFF or a GIF's first frame, told by content. Alpha is dropped as Pillow's
/// `convert("RGB")` does, 16-bit depths are scaled to 8, the EXIF orientation is applied.
///
/// # Errors
/// A skip `not_an_image`, `unsupported`, `truncated`, `corrupt`, `too_many_pixels` or `decoder_panic`.
pub fn decode(bytes: &[u8]) -> Result<Photo, Skip> {
    decode_for(bytes, None)
}

/// The same, with a JPEG that is far larger than this transform wants reduced while it is decoded.
///
/// # Errors
/// As of [`decode`].
pub fn decode_for(bytes: &[u8], plan: Option<&Preprocess>) -> Result<Photo, Skip> {
    let panicked = || {
        Skip::new(
            Stage::Decode,
            "decoder_panic",
            "the decoder panicked on these bytes",
        )
    };
    guarded(|| decode_inner(bytes, plan)).ok_or_else(panicked)?
}

fn decode_inner(bytes: &[u8], plan: Option<&Preprocess>) -> Result<Photo, Skip> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| skip(ImageError::IoError(e)))?;
    if reader.format().is_none() {
        return Err(Skip::new(
            Stage::Decode,
            "not_an_image",
            "neither JPEG, PNG, WebP, BMP, TIFF nor GIF",
        ));
    }
    if reader.format() == Some(ImageFormat::Jpeg) && !jpeg::is_complete(bytes) {
        return Err(Skip::new(
            Stage::Decode,
            "truncated",
            "the JPEG ends before its end-of-image marker",
        ));
    }
    let is_jpeg = reader.format() == Some(ImageFormat::Jpeg);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(skip)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        let message = format!("{width}x{height} is over {PIXELS_MAX} pixels");
        return Err(Skip::new(Stage::Decode, "too_many_pixels", message));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let reduced = plan
        .filter(|_| is_jpeg)
        .and_then(|plan| jpeg::reduced(bytes, Size::new(width, height), plan));
    let mut picture =
        reduced.map_or_else(|| DynamicImage::from_decoder(decoder).map_err(skip), Ok)?;
    picture.apply_orientation(orientation);
    let rgb = picture.into_rgb8();
    let turned = transpose(orientation);
    let original = if turned.is_some() {
        Size::new(height, width)
    } else {
        Size::new(width, height)
    };
    let size = Size::new(rgb.width(), rgb.height());
    if size.width == 0 || size.height == 0 {
        return Err(Skip::new(
            Stage::Decode,
            "corrupt",
            "the image has no pixels",
        ));
    }
    Ok(Photo {
        original,
        size,
        rgb,
        turned,
    })
}

fn transpose(orientation: Orientation) -> Option<Transpose> {
    match orientation {
        Orientation::Rotate90 => Some(Transpose::Rotate90),
        Orientation::Rotate270 => Some(Transpose::Rotate270),
        Orientation::Rotate90FlipH => Some(Transpose::Diagonal),
        Orientation::Rotate270FlipH => Some(Transpose::Antidiagonal),
        _ => None,
    }
}

fn skip(e: ImageError) -> Skip {
    let reason = match &e {
        ImageError::Unsupported(_) => "unsupported",
        ImageError::Limits(_) => "too_many_pixels",
        _ => "corrupt",
    };
    Skip::new(Stage::Decode, reason, e)
}
