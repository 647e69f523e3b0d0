//! What EXIF data tell of the camera and the program that wrote a file.

use super::Container;
use super::ifd::Ifd;
use super::orientation::exif_data;

const ORIENTATION: u64 = 274;
const MAKE: u64 = 271;
const SOFTWARE: u64 = 305;
/// Stands before EXIF data; see `exif`.
const PREFIX: &[u8] = b"Exif\0\0";

/// Texts as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExifFacts {
    pub orientation: Option<u64>,
    pub make: Option<String>,
    pub software: Option<String>,
}

/// `None` where the file has no EXIF data, or ones that cannot be read.
pub fn exif_facts(container: Container, bytes: &[u8]) -> Option<ExifFacts> {
    let data = exif_data(container, bytes)?;
    let mut data = data.as_slice();
    for _ in 0..2 {
        data = data.strip_prefix(PREFIX).unwrap_or(data);
    }
    let ifd = Ifd::first(data)?;
    Some(ExifFacts {
        orientation: ifd.number(ORIENTATION),
        make: ifd.text(MAKE),
        software: ifd.text(SOFTWARE),
    })
}
