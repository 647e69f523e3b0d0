//! `[[region]]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A region to measure, with exactly one of `corner`, `border`, `rect`, `polygon`, `annotation`,
/// `mask`, `overlay`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegionFile {
    /// Unique name, used in tables and reports.
    pub name: Option<String>,
    /// Default `confounder`.
    pub kind: Option<RegionKind>,
    pub corner: Option<CornerFile>,
    pub border: Option<BorderFile>,
    pub rect: Option<RectFile>,
    pub polygon: Option<PolygonFile>,
    /// Boxes of this category in the dataset's annotations.
    pub annotation: Option<String>,
    /// One PNG for all images, stretched over each of them; brightness is coverage.
    pub mask: Option<String>,
    /// A picture that is laid over photos to measure which class it raises.
    pub overlay: Option<OverlayFile>,
    /// The region is present in images whose row has 1, true, t, yes, y or on in this column.
    /// Needs `corner` or `rect` in fractions.
    pub presence_column: Option<String>,
    /// The region is present in every image. Needs `corner` or `rect` in fractions.
    pub always: Option<bool>,
    /// The region is present where this picture is found. Needs `corner` or `rect` in fractions,
    /// the area to search.
    pub template: Option<TemplateFile>,
}

/// A picture to search for in every photo, by zero-mean normalised cross-correlation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TemplateFile {
    /// The tag as it appears on the photos, at their scale.
    pub picture: Option<String>,
    /// How far beyond the area to search, as a fraction of the photo. Default 0.05.
    pub margin: Option<f64>,
    /// Sizes to try, as multiples of the picture's size. Default `[0.9, 1.0, 1.1]`.
    pub scales: Option<Vec<f64>>,
    /// Minimum correlation. Default 0.8.
    pub threshold: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RegionKind {
    Confounder,
    Object,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CornerFile {
    pub at: Option<Corner>,
    pub width: Option<f64>,
    pub height: Option<f64>,
    /// Default `fraction`.
    pub unit: Option<Unit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Corner {
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

/// `fraction` of the image, `pixels` of the upright image, or `view-pixels` of the model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    #[default]
    Fraction,
    Pixels,
    ViewPixels,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BorderFile {
    pub thickness: Option<f64>,
    pub unit: Option<Unit>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RectFile {
    pub left: Option<f64>,
    pub top: Option<f64>,
    pub right: Option<f64>,
    pub bottom: Option<f64>,
    pub unit: Option<Unit>,
}

/// A picture such as a watermark, and its place: by default the whole image.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OverlayFile {
    /// PNG or WebP with transparency.
    pub picture: Option<String>,
    /// Multiplied with the picture's own opacity, 0 to 1. Default 1.
    pub opacity: Option<f64>,
    /// The place of the picture. Default: the whole image.
    pub rect: Option<RectFile>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolygonFile {
    pub points: Option<Vec<[f64; 2]>>,
    pub unit: Option<Unit>,
}
