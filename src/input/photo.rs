use crate::geometry::{Size, Transpose};
use image::RgbImage;

/// A photo as RGB, row by row: upright, or as it is stored with `preprocess.exif = "ignore"`.
#[derive(Clone)]
pub struct Photo {
    /// Size of the full photo. Boxes are in these pixels.
    pub original: Size,
    /// Size of `rgb`: smaller only where `preprocess.decode = "fast"` reduced it.
    pub size: Size,
    pub rgb: RgbImage,
    /// How annotations that were drawn the other way, on the stored or on the upright pixels, are
    /// moved to these, where that exchanges width and height.
    pub transpose: Option<Transpose>,
    /// Whether the file states another orientation than upright.
    pub is_turned: bool,
}
