//! The orientation that EXIF data or an XMP packet states.

use super::ifd::Ifd;

/// Tag of the orientation, in TIFF files and EXIF data.
const ORIENTATION: u64 = 274;
/// Stands before EXIF data in a JPEG; some programs write it, also twice, in other containers.
const PREFIX: &[u8] = b"Exif\0\0";
const XMP_NAME: &[u8] = b"tiff:Orientation";

/// The number that EXIF data states; `None` where they state none.
pub fn exif_number(mut data: &[u8]) -> Option<u64> {
    for _ in 0..2 {
        data = data.strip_prefix(PREFIX).unwrap_or(data);
    }
    Ifd::first(data)?.number(ORIENTATION)
}

/// The number that an XMP packet states, as an attribute or as an element.
pub fn xmp_number(packet: &[u8]) -> Option<u64> {
    let names = packet.windows(XMP_NAME.len()).enumerate();
    for (at, _) in names.filter(|(_, window)| *window == XMP_NAME) {
        let rest = &packet[at + XMP_NAME.len()..];
        let value = rest
            .strip_prefix(b"=\"")
            .or_else(|| rest.strip_prefix(b">"));
        if let Some([digit @ b'0'..=b'9', ..]) = value {
            return Some(u64::from(digit - b'0'));
        }
    }
    None
}
