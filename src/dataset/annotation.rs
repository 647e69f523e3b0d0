//! Annotated places of an image.

use super::shared;
use crate::geometry::{Mask, Rect, Size, Transpose};
use std::sync::Arc;

/// An annotated place.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Annotation {
    pub category: String,
    /// In pixels of the image or, if `normalised`, in fractions of its size.
    pub outline: Outline,
    pub normalised: bool,
    /// An ignored region: neither object nor background in the statistics.
    pub ignore: bool,
    /// Drawn on the upright image, whatever size the annotation file states.
    pub upright: bool,
}

/// The form of an annotation; edges, not pixel centres.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Outline {
    Box(Rect),
    /// The union of one or more rings.
    Polygons(Vec<Vec<[f64; 2]>>),
    /// Pixels of the photo; the frame is in pixels too.
    Pixels(#[serde(with = "shared")] Arc<Mask>),
}

impl Annotation {
    /// An object outlined in pixels of the image.
    pub fn new(category: impl Into<String>, outline: Outline) -> Self {
        Self {
            category: category.into(),
            outline,
            normalised: false,
            ignore: false,
            upright: false,
        }
    }

    /// The outline in pixels of an image of this size.
    pub fn pixels(&self, size: Size) -> Outline {
        if !self.normalised {
            return self.outline.clone();
        }

        let width = f64::from(size.width);
        let height = f64::from(size.height);
        self.outline.map_points(|[x, y]| [x * width, y * height])
    }

    /// The bounding box in pixels of an image of this size.
    pub fn bounds(&self, size: Size) -> Rect {
        match self.pixels(size) {
            Outline::Box(rect) => rect,
            Outline::Polygons(rings) => Rect::around(&rings.concat()),
            Outline::Pixels(mask) => mask.frame,
        }
    }

    /// Moves an outline in pixels of the photo before its EXIF orientation, which has the size
    /// `stored`, to the upright photo. Other outlines are upright already.
    pub fn transpose(&mut self, transpose: Transpose, stored: Size) {
        if self.upright || self.normalised {
            return;
        }

        self.outline = match &self.outline {
            Outline::Pixels(mask) => Outline::Pixels(Arc::new(mask.transposed(transpose, stored))),
            outline => outline.map_points(|point| transpose.apply(point, stored)),
        };
    }
}

impl Outline {
    /// The outline with every corner moved; a mask stays where it is.
    fn map_points(&self, move_point: impl Fn([f64; 2]) -> [f64; 2]) -> Self {
        match self {
            Self::Box(rect) => {
                let corners = [[rect.x0, rect.y0], [rect.x1, rect.y1]];
                Self::Box(Rect::around(&corners.map(move_point)))
            }
            Self::Polygons(rings) => {
                let mut rings = rings.clone();
                for point in rings.iter_mut().flatten() {
                    *point = move_point(*point);
                }
                Self::Polygons(rings)
            }
            Self::Pixels(mask) => Self::Pixels(mask.clone()),
        }
    }
}
