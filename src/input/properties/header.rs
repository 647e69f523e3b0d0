//! What the header of a file states: format and EXIF data.

use super::values::FileProperties;
use crate::finding::FileProperty;
use crate::input::container::{Container, ExifFacts, exif_facts, jpeg_facts};

/// Longest text that is kept, in characters.
const TEXT_MAX: usize = 64;

pub fn add(properties: &mut FileProperties, bytes: &[u8]) {
    let Some(container) = Container::of(bytes) else {
        return;
    };
    properties.level(FileProperty::Format, Some(container.name().to_owned()));
    if let Some(is_grey) = has_one_channel(container, bytes) {
        properties.flag(FileProperty::GreyFile, is_grey);
    }

    let facts = exif_facts(container, bytes);
    properties.flag(FileProperty::HasExif, facts.is_some());
    let Some(ExifFacts {
        orientation,
        make,
        software,
    }) = facts
    else {
        return;
    };
    let orientation = orientation.map(|number| number.to_string());
    properties.level(FileProperty::ExifOrientation, orientation);
    properties.level(FileProperty::CameraMake, make.and_then(|text| words(&text)));
    let software = software.map(|text| without_digits(&text));
    properties.level(
        FileProperty::Software,
        software.and_then(|text| words(&text)),
    );
}

/// Whether a JPEG or PNG has grey levels only; `None` for other formats.
fn has_one_channel(container: Container, bytes: &[u8]) -> Option<bool> {
    match container {
        Container::Jpeg => Some(jpeg_facts(bytes).sampling.len() == 1),
        // The colour type: 0 is grey, 4 is grey with alpha.
        Container::Png => bytes.get(25).map(|colour| matches!(colour, 0 | 4)),
        _ => None,
    }
}

/// A version must not make two programs of one.
fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The text in words, without control characters; `None` where nothing is left.
fn words(text: &str) -> Option<String> {
    let printable: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TEXT_MAX)
        .collect();
    let words: Vec<&str> = printable.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}
