use crate::geometry::Size;

/// What the header of a picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Before any orientation is applied.
    pub size: Size,
    /// Most bytes that decoding allocates at one time, the RGB pixels among them.
    pub decoding: u64,
}

impl Header {
    /// A picture whose decoding allocates `extra` bytes beside its RGB pixels.
    pub fn new(size: Size, extra: u64) -> Self {
        Self {
            size,
            decoding: (3 * area(size)).saturating_add(extra),
        }
    }

    /// Number of pixels.
    pub fn area(&self) -> u64 {
        area(self.size)
    }
}

/// Number of pixels of a picture.
pub fn area(size: Size) -> u64 {
    u64::from(size.width) * u64::from(size.height)
}
