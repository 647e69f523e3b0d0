//! Sizes, rectangles, masks and the affine view from the original photo to the model's input.
//!
//! Coordinates are edges, not pixel centres: an image of width `w` is the interval `[0, w]`.

mod mask;
mod rect;
mod shape;
mod transpose;
mod view;

pub use mask::{CELLS_MAX as MASK_CELLS_MAX, Mask};
pub use rect::{Rect, Size, disjoint};
pub use shape::Shape;
pub use transpose::Transpose;
pub use view::View;
