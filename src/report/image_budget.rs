//! Pictures inside a page: as data URIs, within a limit of bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The bytes that pictures may still take, and how many pictures are left out.
pub struct ImageBudget {
    /// Characters of base64 left.
    remaining: usize,
    /// Pictures that could not be read.
    pub missing: usize,
    /// Pictures that did not fit.
    pub over_budget: usize,
}

impl ImageBudget {
    pub fn new(picture_bytes_max: usize) -> Self {
        Self {
            remaining: picture_bytes_max,
            missing: 0,
            over_budget: 0,
        }
    }

    /// The picture as a data URI; empty where it is missing or does not fit.
    pub fn embed(&mut self, jpeg: Option<&[u8]>) -> String {
        let Some(jpeg) = jpeg else {
            self.missing += 1;
            return String::new();
        };

        let uri = jpeg_uri(jpeg);
        let length = uri.len() - URI_PREFIX.len();
        if length > self.remaining {
            self.over_budget += 1;
            return String::new();
        }
        self.remaining -= length;
        uri
    }
}

const URI_PREFIX: &str = "data:image/jpeg;base64,";

/// A JPEG as a data URI.
pub fn jpeg_uri(jpeg: &[u8]) -> String {
    format!("{URI_PREFIX}{}", BASE64.encode(jpeg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_over_the_budget_and_missing_ones_are_counted() {
        let mut budget = ImageBudget::new(10);
        assert_eq!(budget.embed(Some(b"abc")), "data:image/jpeg;base64,YWJj");
        assert_eq!(budget.embed(Some(b"abcdefghi")), "");
        assert_eq!(budget.embed(None), "");
        assert_eq!(budget.embed(Some(b"abc")), "data:image/jpeg;base64,YWJj");
        assert_eq!((budget.missing, budget.over_budget), (1, 1));
    }
}
