//! The orientation that a file states, where Pillow's `exif_transpose` finds it.

use super::Container;
use super::exif::{exif_number, xmp_number};
use super::ifd::Ifd;
use super::jpeg_segments::segments;
use super::png_chunks;
use super::riff;
use image::metadata::Orientation;

/// Tag of an XMP packet in a TIFF.
const TIFF_XMP: u64 = 700;
/// Marker of EXIF and XMP segments of a JPEG, and what they begin with.
const APP1: u8 = 0xE1;
const JPEG_EXIF: &[u8] = b"Exif\0\0";
const JPEG_XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// The orientation by EXIF, and by XMP where EXIF states none.
pub fn stored(container: Container, bytes: &[u8]) -> Orientation {
    let number = match container {
        Container::Jpeg => jpeg(bytes),
        Container::Png => {
            let metadata = png_chunks::metadata(bytes);
            preferred(metadata.exif.as_deref(), metadata.xmp.as_deref())
        }
        Container::WebP => preferred(riff::first(bytes, b"EXIF"), riff::first(bytes, b"XMP ")),
        Container::Tiff => tiff(bytes),
        Container::Bmp | Container::Gif => None,
    };
    number
        .and_then(|number| Orientation::from_exif(u8::try_from(number).ok()?))
        .unwrap_or(Orientation::NoTransforms)
}

/// The EXIF data of a file; of a TIFF, which is made like them, the whole file.
pub fn exif_data(container: Container, bytes: &[u8]) -> Option<Vec<u8>> {
    match container {
        Container::Jpeg => Some(jpeg_metadata(bytes).0).filter(|exif| !exif.is_empty()),
        Container::Png => png_chunks::metadata(bytes).exif,
        Container::WebP => riff::first(bytes, b"EXIF").map(<[u8]>::to_vec),
        Container::Tiff => Some(bytes.to_vec()),
        Container::Bmp | Container::Gif => None,
    }
}

fn preferred(exif: Option<&[u8]>, xmp: Option<&[u8]>) -> Option<u64> {
    exif.and_then(exif_number).or_else(|| xmp_number(xmp?))
}

fn jpeg(bytes: &[u8]) -> Option<u64> {
    let (exif, xmp) = jpeg_metadata(bytes);
    preferred(Some(&exif), xmp)
}

/// The EXIF data and the XMP packet of a JPEG.
fn jpeg_metadata(bytes: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
    let mut exif = Vec::new();
    let mut xmp = None;
    for (_, data) in segments(bytes).filter(|(marker, _)| *marker == APP1) {
        // EXIF data over 64 KiB go on in further segments.
        if let Some(part) = data.strip_prefix(JPEG_EXIF) {
            exif.extend_from_slice(part);
        } else if let Some(packet) = data.strip_prefix(JPEG_XMP) {
            xmp = Some(packet);
        }
    }
    (exif, xmp)
}

fn tiff(bytes: &[u8]) -> Option<u64> {
    let stated = exif_number(bytes);
    stated.or_else(|| xmp_number(Ifd::first(bytes)?.blob(TIFF_XMP)?))
}
