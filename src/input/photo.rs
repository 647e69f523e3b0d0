use crate::geometry::{Size, Transpose};
use image::RgbImage;

/// An upright photo as RGB, row by row.
#[derive(Clone)]
pub struct Photo {
    /// Size of the full photo, upright. Boxes are in these pixels.
    pub original: Size,
    /// Size of `rgb`: smaller only where `preprocess.decode = "fast"` reduced it.
    pub size: Size,
    pub rgb: RgbImage,
    /// How the stored pixels were transposed, where that exchanged width and height.
    pub transpose: Option<Transpose>,
}
