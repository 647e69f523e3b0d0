//! EXIF orientations that swap width and height.

use super::rect::Size;

/// An EXIF orientation that swaps width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Transpose {
    /// A quarter turn clockwise.
    Rotate90,
    /// A quarter turn anticlockwise.
    Rotate270,
    /// Mirrored at the main diagonal.
    Diagonal,
    /// Mirrored at the other diagonal.
    Antidiagonal,
}

impl Transpose {
    /// The transposition that undoes this one.
    pub fn inverse(self) -> Self {
        match self {
            Self::Rotate90 => Self::Rotate270,
            Self::Rotate270 => Self::Rotate90,
            Self::Diagonal | Self::Antidiagonal => self,
        }
    }

    /// Where a point of the stored image of size `from` lies in the upright one.
    pub fn apply(self, [x, y]: [f64; 2], from: Size) -> [f64; 2] {
        let w = f64::from(from.width);
        let h = f64::from(from.height);
        match self {
            Self::Rotate90 => [h - y, x],
            Self::Rotate270 => [y, w - x],
            Self::Diagonal => [y, x],
            Self::Antidiagonal => [h - y, w - x],
        }
    }
}
