//! Declared regions: where they lie, and how their presence is known.

use crate::geometry::{Mask, Rect};
use crate::plan::file::{Corner, RegionKind, Unit};
use std::sync::Arc;

/// A declared region whose heat is measured.
#[derive(Debug, Clone)]
pub struct Region {
    pub name: String,
    pub kind: RegionKind,
    pub place: Place,
    /// How the presence of the region is known.
    pub presence: Presence,
    /// Identifies the declaration without the region's name and its file names: 16 hex digits.
    pub hash: String,
}

/// How the presence of a region is known.
///
/// Every variant but `Annotated` is turned into an annotation with the region's name.
#[derive(Debug, Clone)]
pub enum Presence {
    /// From the annotations of the dataset, if at all.
    Annotated,
    /// From a column of the manifest; the region is the area, in fractions of the photo.
    Column { name: String, area: Rect },
    /// Every image shows it.
    Always { area: Rect },
    /// From a search for a picture.
    Template(Arc<Template>),
}

/// A picture to search for in every photo.
#[derive(Debug, Clone)]
pub struct Template {
    pub grey: image::GrayImage,
    /// Where to search, in fractions of the photo.
    pub area: Rect,
    /// Sizes to try, as multiples of the picture's size.
    pub scales: Vec<f64>,
    /// Minimum correlation, 0 to 1.
    pub threshold: f64,
    /// Identifies this search: BLAKE3 of all of the above, in hex.
    pub hash: String,
}

/// Where a region lies, in its own unit.
#[derive(Debug, Clone)]
pub enum Place {
    Corner {
        at: Corner,
        width: f64,
        height: f64,
        unit: Unit,
    },
    Border {
        thickness: f64,
        unit: Unit,
    },
    Rect {
        left: f64,
        top: f64,
        right: f64,
        bottom: f64,
        unit: Unit,
    },
    Polygon {
        points: Vec<[f64; 2]>,
        unit: Unit,
    },
    Annotation {
        category: String,
    },
    /// Coverage over the unit square.
    Mask(Mask),
    /// A picture with transparency that is laid over photos to measure the model's response.
    Overlay {
        picture: Arc<image::RgbaImage>,
        opacity: f64,
        place: Rect,
        unit: Unit,
    },
}
