//! JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` are values there, and nowhere else.

use std::borrow::Cow;
use std::io::{self, Read};

/// The text with `[ ]` in place of each value that is no number, which no reader takes for one. The
/// length stays the same, so that messages name the right column.
pub fn without_nan(text: &str) -> Cow<'_, str> {
    let mut bytes = text.as_bytes().to_vec();
    Filter::default().apply(&mut bytes);
    match String::from_utf8(bytes) {
        Ok(filtered) => Cow::Owned(filtered),
        // Only ASCII is replaced by ASCII.
        Err(_) => Cow::Borrowed(text),
    }
}

/// Reads JSON as [`without_nan`] gives it.
pub struct WithoutNan<R> {
    source: R,
    filter: Filter,
    /// A minus sign at the end of what was read, which may belong to `-Infinity`.
    held: Option<u8>,
}

impl<R: Read> WithoutNan<R> {
    pub fn new(source: R) -> Self {
        Self {
            source,
            filter: Filter::default(),
            held: None,
        }
    }
}

impl<R: Read> Read for WithoutNan<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A sign and what follows it have to be in one buffer.
        if buffer.len() < 2 {
            return self.source.read(buffer);
        }

        let start = usize::from(self.held.is_some());
        if let Some(sign) = self.held.take() {
            buffer[0] = sign;
        }
        let mut length = start;
        while length < 2 {
            let read = self.source.read(&mut buffer[length..])?;
            length += read;
            if read == 0 {
                self.filter.apply(&mut buffer[..length]);
                return Ok(length);
            }
        }

        if buffer[length - 1] == b'-' {
            self.held = Some(b'-');
            length -= 1;
        }
        self.filter.apply(&mut buffer[..length]);
        Ok(length)
    }
}

/// Where in the JSON the next byte is.
#[derive(Default)]
struct Filter {
    is_in_text: bool,
    is_escaped: bool,
    /// The last letter of the value that is being replaced.
    last_letter: Option<u8>,
}

impl Filter {
    fn apply(&mut self, bytes: &mut [u8]) {
        for i in 0..bytes.len() {
            let byte = bytes[i];
            if self.is_in_text {
                self.is_in_text = self.is_escaped || byte != b'"';
                self.is_escaped = byte == b'\\' && !self.is_escaped;
                continue;
            }

            match (self.last_letter, byte) {
                (Some(last), _) if byte == last => {
                    bytes[i] = b']';
                    self.last_letter = None;
                }
                (Some(_), b'a'..=b'z') => bytes[i] = b' ',
                (_, b'N') => {
                    bytes[i] = b'[';
                    self.last_letter = Some(b'N');
                }
                (_, b'I') => {
                    if i > 0 && bytes[i - 1] == b'-' {
                        bytes[i - 1] = b' ';
                    }
                    bytes[i] = b'[';
                    self.last_letter = Some(b'y');
                }
                _ => {
                    self.is_in_text = byte == b'"';
                    self.last_letter = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{WithoutNan, without_nan};
    use std::io::Read;

    const WRITTEN: &str = r#"{"a": NaN, "NaN": [-Infinity,Infinity,-1], "b\"NaN": "I-Infinity"}"#;
    const READ: &str = r#"{"a": [ ], "NaN": [ [      ],[      ],-1], "b\"NaN": "I-Infinity"}"#;

    #[test]
    fn values_are_replaced_and_texts_are_not() {
        assert_eq!(without_nan(WRITTEN), READ);
        assert!(serde_json::from_str::<serde_json::Value>(READ).is_ok());
    }

    /// Whatever the pieces in which the file arrives.
    #[test]
    fn pieces_give_the_whole() {
        for size in 2..12 {
            let mut reader = WithoutNan::new(WRITTEN.as_bytes());
            let mut text = Vec::new();
            let mut piece = vec![0; size];
            loop {
                let read = reader.read(&mut piece).expect("read");
                if read == 0 {
                    break;
                }
                text.extend_from_slice(&piece[..read]);
            }
            assert_eq!(String::from_utf8_lossy(&text), READ, "pieces of {size}");
        }
    }
}
