//! What is measured of one image: facts of the photo, and one measurement per map. Rows are made of
//! it by the writer.

use super::heat::RegionScores;
use super::localise::Localisation;
use crate::dataset::ImageId;
use crate::finding::MapTarget;
use crate::geometry::Size;
use crate::region::Kind;

/// One image with every map that was taken of it; the label's map comes first.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    pub image: ImageFacts,
    pub maps: Vec<MapMeasurement>,
}

/// What is the same for all maps of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageFacts {
    pub id: ImageId,
    /// Path relative to the dataset's root.
    pub path: String,
    pub label: String,
    /// Index of the label's class in the model.
    pub class: usize,
    pub split: Option<String>,
    pub group: Option<String>,
    /// Size of the upright photo.
    pub size: Size,
    /// Index of the class with the largest logit.
    pub predicted: usize,
    pub predicted_name: String,
    /// BLAKE3 of the file, in hex.
    pub content_hash: String,
    /// Perceptual hash, 256 bits in hex; `None` where near-duplicates are not searched for.
    pub fingerprint: Option<String>,
}

/// One class's map of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct MapMeasurement {
    pub target: MapTarget,
    pub class: usize,
    pub logit: f64,
    pub centred_logit: f64,
    pub margin: f64,
    /// The part of the logit that has no place on the map.
    pub bias: f64,
    pub positive_mass: f64,
    pub negative_mass: f64,
    /// Too little positive heat for shares.
    pub low_mass: bool,
    /// `None` where the image has no object boxes.
    pub object: Option<ObjectMeasurement>,
    pub border_share: Option<f64>,
    pub entropy: Option<f64>,
    /// Rows and columns of the map.
    pub cells: [usize; 2],
    /// The signed map in logits, row by row.
    pub cam: Vec<f32>,
    /// In the order of the pipeline's regions, the padding last.
    pub regions: Vec<RegionMeasurement>,
}

/// The object boxes of one image under one map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObjectMeasurement {
    /// Part of the object boxes that the model sees.
    pub visible: f64,
    /// Positive heat inside; `None` where too little of the object is visible.
    pub share: Option<f64>,
    /// Part of the view that the boxes take.
    pub area: Option<f64>,
    pub localisation: Option<Localisation>,
}

/// One region in one image under one map.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionMeasurement {
    pub region: String,
    pub kind: Kind,
    /// `None` where the region has no presence information.
    pub present: Option<bool>,
    /// `None` where the region is absent.
    pub place: Option<RegionPlace>,
    pub scores: RegionScores,
    /// Relative contribution less its mean over the mirrored places, in logits.
    pub contrast: Option<f64>,
}

/// Where a region lies in the view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionPlace {
    /// Part of the view that the region takes.
    pub area: f64,
    /// Part of the region that the model sees.
    pub visible: f64,
    /// The largest part of its own heat that one cell could give to the region.
    pub s_max: f64,
    /// Smaller than a quarter of a CAM cell: no claim about place.
    pub sub_cell: bool,
}

impl Measurement {
    /// Whether the predicted class is the label's.
    pub fn is_correct(&self) -> bool {
        self.image.predicted == self.image.class
    }

    /// The map of the label's class.
    pub fn label_map(&self) -> Option<&MapMeasurement> {
        self.maps.iter().find(|map| map.target == MapTarget::Label)
    }
}

impl RegionMeasurement {
    /// Whether a confounder is present or absent here; `None` for other regions and without
    /// presence information.
    pub fn confounder_presence(&self) -> Option<bool> {
        self.present.filter(|_| self.kind == Kind::Confounder)
    }
}
