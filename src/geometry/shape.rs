//! Regions as rectangles or masks.

use super::mask::Mask;
use super::rect::{Rect, Size, disjoint};
use super::view::View;

/// A region: rectangles or a mask.
///
/// Its coordinates are those of the photo or those of the view; the context says which.
#[derive(Debug, Clone)]
pub enum Shape {
    Rects(Vec<Rect>),
    Mask(Mask),
}

impl Shape {
    /// A shape of the photo in view coordinates.
    pub fn map(&self, view: &View) -> Self {
        match self {
            Self::Rects(rects) => Self::Rects(rects.iter().map(|&r| view.rect(r)).collect()),
            Self::Mask(mask) => Self::Mask(Mask {
                frame: view.rect(mask.frame),
                ..mask.clone()
            }),
        }
    }

    /// The rectangles that contain it.
    pub fn bounds(&self) -> Vec<Rect> {
        match self {
            Self::Rects(rects) => rects.clone(),
            Self::Mask(mask) => vec![mask.frame],
        }
    }

    /// Mirrored left-right, top-bottom, or both, within an image of this size.
    pub fn mirrored(&self, size: Size, across: bool, down: bool) -> Self {
        match self {
            Self::Rects(rects) => Self::Rects(
                rects
                    .iter()
                    .map(|rect| rect.mirrored(size, across, down))
                    .collect(),
            ),
            Self::Mask(mask) => Self::Mask(mask.mirrored(size, across, down)),
        }
    }

    /// Area of the union.
    pub fn area(&self) -> f64 {
        match self {
            Self::Rects(rects) => disjoint(rects).iter().map(|r| r.area()).sum(),
            Self::Mask(mask) => mask.area(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rects: &[Rect], area: f64) {
        assert_eq!(Shape::Rects(rects.to_vec()).area(), area);
    }

    #[test]
    fn overlapping_rectangles_count_once() {
        let a = Rect::new(0.0, 0.0, 2.0, 2.0);
        check(&[a], 4.0);
        check(&[a, a], 4.0);
        check(&[a, Rect::new(1.0, 1.0, 3.0, 3.0)], 7.0);
        check(&[a, Rect::new(2.0, 0.0, 3.0, 2.0)], 6.0);
        check(&[a, Rect::new(5.0, 5.0, 6.0, 6.0)], 5.0);
    }
}
