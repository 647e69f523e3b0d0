//! Whether a JPEG is all there. Decoders fill what is missing with grey and say nothing.

/// Walks the markers from start to end of image (ITU-T T.81, B.1.1) without decoding. `false` where the file ends before
/// its end-of-image marker; bytes behind that marker are allowed, as cameras write them.
pub fn is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(marker) = next_marker(bytes, &mut at) else { return false };
        match marker {
            END_OF_IMAGE => return true,
            // Markers without a segment: start of image, restarts, TEM.
            0xD8 | 0xD0..=0xD7 | 0x01 => {}
            _ => {
                let Some([high, low]) = bytes.get(at..at + 2) else { return false };
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
