//! How much memory the masks of one image take.

use crate::geometry::MASK_CELLS_MAX;

/// Most cells of all masks of one image, a byte each. Thirty masks of a street scene of two
/// megapixels keep every pixel.
const CELLS_OF_IMAGE_MAX: usize = 64 << 20;

/// Most cells of each mask of an image with `masks` masks. More of them are drawn coarser.
pub fn cells_of_each(masks: usize) -> usize {
    (CELLS_OF_IMAGE_MAX / masks.max(1)).clamp(1, MASK_CELLS_MAX)
}
