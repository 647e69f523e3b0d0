//! The chunks of a PNG that may state an orientation.

use flate2::read::ZlibDecoder;
use std::io::Read;

/// Most bytes of a text after decompression, as in Pillow.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// The EXIF data and the XMP packet of a PNG.
#[derive(Debug, Default)]
pub struct Metadata {
    pub exif: Option<Vec<u8>>,
    pub xmp: Option<Vec<u8>>,
}

/// Reads every chunk, those behind the pixels too. An `eXIf` chunk is preferred to the profile
/// that ImageMagick writes as a text.
pub fn metadata(bytes: &[u8]) -> Metadata {
    let mut found = Metadata::default();
    let mut profile = None;
    for (kind, data) in chunks(bytes) {
        if kind == b"eXIf" {
            found.exif = Some(data.to_vec());
            continue;
        }
        match text(kind, data) {
            Some((b"XML:com.adobe.xmp", text)) => found.xmp = Some(text),
            Some((b"Raw profile type exif", text)) => profile = raw_profile(&text),
            _ => {}
        }
    }
    found.exif = found.exif.or(profile);
    found
}

fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, after) = rest.split_at_checked(8)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let data = after.get(..length)?;
        rest = after.get(length + 4..).unwrap_or_default();
        Some((&head[4..], data))
    })
}

/// Keyword and text of a text chunk.
fn text<'a>(kind: &[u8], data: &'a [u8]) -> Option<(&'a [u8], Vec<u8>)> {
    let (keyword, rest) = split_at_zero(data)?;
    match kind {
        b"tEXt" => Some((keyword, rest.to_vec())),
        b"zTXt" => Some((keyword, inflated(rest.get(1..)?)?)),
        b"iTXt" => {
            let (flags, rest) = rest.split_at_checked(2)?;
            let (_, rest) = split_at_zero(rest)?;
            let (_, text) = split_at_zero(rest)?;
            let text = if flags[0] == 0 {
                text.to_vec()
            } else {
                inflated(text)?
            };
            Some((keyword, text))
        }
        _ => None,
    }
}

fn split_at_zero(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = data.iter().position(|byte| *byte == 0)?;
    Some((&data[..at], &data[at + 1..]))
}

fn inflated(data: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut decoder = ZlibDecoder::new(data).take(TEXT_BYTES_MAX + 1);
    decoder.read_to_end(&mut text).ok()?;
    (text.len() as u64 <= TEXT_BYTES_MAX).then_some(text)
}

/// The bytes of a profile: hexadecimal digits behind three lines.
fn raw_profile(text: &[u8]) -> Option<Vec<u8>> {
    let lines = text.splitn(4, |byte| *byte == b'\n');
    let digits = lines
        .last()?
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace());
    let digits: Vec<u8> = digits
        .map(|byte| char::from(*byte).to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    let (pairs, _) = digits.as_chunks::<2>();
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
