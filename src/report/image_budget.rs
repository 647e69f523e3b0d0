//! Pictures inside a page: as base64, within a limit of bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The pictures of a page, the bytes that more of them may take, and how many are left out.
pub struct ImageBudget {
    /// JPEGs in base64.
    pub pictures: Vec<String>,
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
            pictures: Vec::new(),
            remaining: picture_bytes_max,
            missing: 0,
            over_budget: 0,
        }
    }

    /// Sets bytes aside for pictures that come later, until [`ImageBudget::release`].
    pub fn reserve(&mut self, bytes: usize) -> usize {
        let reserved = bytes.min(self.remaining);
        self.remaining -= reserved;
        reserved
    }

    pub fn release(&mut self, reserved: usize) {
        self.remaining += reserved;
    }

    /// Adds the picture and returns its place; `None` where it is missing or does not fit.
    pub fn embed(&mut self, jpeg: Option<&[u8]>) -> Option<usize> {
        let Some(jpeg) = jpeg else {
            self.missing += 1;
            return None;
        };

        let text = BASE64.encode(jpeg);
        if text.len() > self.remaining {
            self.over_budget += 1;
            return None;
        }
        self.remaining -= text.len();
        self.pictures.push(text);
        Some(self.pictures.len() - 1)
    }
}

/// A JPEG as a data URI.
pub fn jpeg_uri(jpeg: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", BASE64.encode(jpeg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_over_the_budget_and_missing_ones_are_counted() {
        let mut budget = ImageBudget::new(10);
        assert_eq!(budget.embed(Some(b"abc")), Some(0));
        assert_eq!(budget.embed(Some(b"abcdefghi")), None);
        assert_eq!(budget.embed(None), None);
        assert_eq!(budget.embed(Some(b"abc")), Some(1));
        assert_eq!((budget.missing, budget.over_budget), (1, 1));
        assert_eq!(budget.pictures, ["YWJj", "YWJj"]);
    }

    #[test]
    fn bytes_set_aside_come_back() {
        let mut budget = ImageBudget::new(8);
        let reserved = budget.reserve(6);
        assert_eq!(budget.embed(Some(b"abc")), None);
        budget.release(reserved);
        assert_eq!(budget.embed(Some(b"abc")), Some(0));
    }
}
