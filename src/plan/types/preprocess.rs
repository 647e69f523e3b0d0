//! The transform from the upright photo to the model's input.

use crate::geometry::Size;
use crate::plan::file::{Channels, Decode, Exif, Filter, Layout};

/// The transform that the model was trained with.
#[derive(Debug, Clone)]
pub struct Preprocess {
    pub decode: Decode,
    pub exif: Exif,
    pub steps: Vec<Step>,
    pub channels: Channels,
    pub layout: Layout,
    pub scale: f64,
    /// One per channel.
    pub mean: Vec<f64>,
    /// One per channel.
    pub std: Vec<f64>,
    /// The model's input size, which the steps fix.
    pub output: Size,
}

/// One step on the upright 8-bit image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    ResizeShort {
        side: u32,
        filter: Filter,
    },
    ResizeExact {
        size: Size,
        filter: Filter,
    },
    CenterCrop {
        side: u32,
    },
    CenterCropFraction {
        fraction: f64,
    },
    Letterbox {
        size: Size,
        fill: [u8; 3],
        filter: Filter,
    },
}
