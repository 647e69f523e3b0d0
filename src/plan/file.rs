//! The pipeline file as it is written: every key optional, no meaning yet. `pipelines/schema.json` is generated from here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One reproducible audit. Relative paths are relative to this file.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineFile {
    pub dataset: DatasetFile,
    pub model: ModelFile,
    pub preprocess: PreprocessFile,
    /// Places whose heat is measured: known confounders, or parts of the object.
    pub region: Vec<RegionFile>,
    pub scores: ScoresFile,
    pub run: RunFile,
}

/// Where the labeled images lie.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetFile {
    /// Folder of the images.
    pub root: Option<String>,
    /// `folder`: one folder per class under `root`. `csv`: a manifest names path and label.
    pub format: Option<Format>,
    /// CSV with columns `path,label[,split,group]`, paths relative to `root`. Format `csv` only.
    pub manifest: Option<String>,
    /// CSV with columns `path,category,xmin,ymin,xmax,ymax`.
    pub boxes: Option<String>,
    /// Unit of the boxes. Default `pixels`: edges in the upright image.
    pub box_coordinates: Option<BoxCoordinates>,
    /// Only these splits of the manifest.
    pub splits: Option<Vec<String>>,
    /// Symbolic links: never followed, followed inside `root` (default), or followed anywhere.
    pub links: Option<Links>,
    /// Label in the dataset -> class of the model, by name or index. Default: by equal names.
    pub labels: BTreeMap<String, ClassRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    Folder,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BoxCoordinates {
    Pixels,
    Normalised,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    Never,
    Inside,
    Anywhere,
}

/// A class of the model, by name or by index from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassRef {
    Name(String),
    Index(u32),
}

/// The ONNX classifier: a CNN that ends in global average pooling and a head.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelFile {
    pub path: Option<String>,
    /// Class names in the model's order, one a line. Default: the dataset's labels in sorted order.
    pub classes: Option<String>,
    /// Output that holds the logits (or their softmax or sigmoid). Default: the first.
    pub output: Option<String>,
    /// How logits become scores. Default: what the graph ends in, else `softmax`.
    pub activation: Option<Activation>,
    /// Top-1 accuracy that the model is known to have; less than half of it is a warning.
    pub expected_accuracy: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    Softmax,
    Sigmoid,
}

/// How the model's training resized and normalised images: a preset, or spelled out. Keys beside a preset override it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessFile {
    pub preset: Option<Preset>,
    /// Side of the model's square input, for presets. Default 224.
    pub size: Option<u32>,
    /// Steps on the upright 8-bit image, in order.
    pub steps: Option<Vec<StepFile>>,
    /// Default `rgb`.
    pub channels: Option<Channels>,
    /// Default `nchw`.
    pub layout: Option<Layout>,
    /// `(x * scale - mean) / std` with x in 0..255. Default 1/255.
    pub scale: Option<f64>,
    /// One number, or one per channel. Default 0.
    pub mean: Option<Vec<f64>>,
    /// One number, or one per channel. Default 1.
    pub std: Option<Vec<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Short side 256 bilinear, centre crop 224, ImageNet mean and deviation.
    ImagenetTorchvision,
    /// Short side 256 bicubic, centre crop 224, ImageNet mean and deviation.
    ImagenetTimmBicubic,
    /// Centre crop 0.875 of the short side, 224 bicubic, (x - 127) / 128.
    TfLite,
    /// 224 x 224 bilinear, x / 255.
    ZeroOne,
    /// 224 x 224 bilinear, (x / 255 - 0.5) / 0.5.
    MinusOneOne,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    Rgb,
    Bgr,
    Grey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    Nchw,
    Nhwc,
}

/// One step of the geometry. All resizing is antialiased as Pillow does it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StepFile {
    Resize(ResizeFile),
    /// Side of a centred square in pixels; zero-padded where the image is smaller.
    CenterCrop(u32),
    /// Side of a centred square as a fraction of the short side.
    CenterCropFraction(f64),
    Letterbox(LetterboxFile),
}

/// `short` keeps the aspect (the long side is truncated, as torchvision does); `exact` squashes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResizeFile {
    pub short: Option<u32>,
    /// `[width, height]`
    pub exact: Option<[u32; 2]>,
    /// Default `bilinear`.
    pub filter: Option<Filter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    Nearest,
    Bilinear,
    Bicubic,
    Lanczos,
}

/// Fits the whole image into `size` and pads the rest.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LetterboxFile {
    /// `[width, height]`
    pub size: Option<[u32; 2]>,
    /// Colour of the padding. Default black.
    pub fill: Option<[u8; 3]>,
    /// Default `bilinear`.
    pub filter: Option<Filter>,
}

/// A place to measure. Exactly one of `corner`, `border`, `rect`, `polygon`, `annotation`, `mask`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegionFile {
    pub name: Option<String>,
    pub kind: Option<RegionKind>,
    pub corner: Option<CornerFile>,
    pub border: Option<BorderFile>,
    pub rect: Option<RectFile>,
    pub polygon: Option<PolygonFile>,
    /// Boxes of this category in the dataset's annotations.
    pub annotation: Option<String>,
    /// One PNG for all images, stretched over each; brightness is coverage.
    pub mask: Option<String>,
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

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolygonFile {
    pub points: Option<Vec<[f64; 2]>>,
    pub unit: Option<Unit>,
}

/// Policy numbers of the scores.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScoresFile {
    /// An object of which the model sees less leaves the in/out statistics. Default 0.25.
    pub object_visible_min: Option<f64>,
    /// A confounder of which the model sees less counts as not seen. Default 0.5.
    pub confounder_visible_min: Option<f64>,
    /// Tolerance of the pointing game in pixels of a 224 pixel input. Default 15.
    pub pointing_tolerance_px: Option<f64>,
}

/// How the run goes; `jobs` and `out` never change a result.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunFile {
    /// Images held in memory at once; one Parquet part each. Default 512.
    pub shard_size: Option<u32>,
    /// Worker threads, 0 = all cores (default).
    pub jobs: Option<u32>,
    /// Seed of every choice by hash. Default 0.
    pub seed: Option<u64>,
    /// At most this many images per class, chosen by hash.
    pub limit: Option<u32>,
    /// Fraction of skipped images above which the run ends with exit code 3. Default 0.1.
    pub max_skipped: Option<f64>,
    /// Folder of the reports. Default `reports` in the current folder.
    pub out: Option<String>,
}

impl<'de> Deserialize<'de> for ClassRef {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ClassRef;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a class name or an index from 0")
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<ClassRef, E> {
                Ok(ClassRef::Name(v.to_owned()))
            }
            fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<ClassRef, E> {
                let negative = |_| E::invalid_value(serde::de::Unexpected::Signed(v), &self);
                u32::try_from(v).map(ClassRef::Index).map_err(negative)
            }
        }
        d.deserialize_any(Visitor)
    }
}

impl Serialize for ClassRef {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => s.serialize_str(name),
            Self::Index(index) => s.serialize_u32(*index),
        }
    }
}

impl JsonSchema for ClassRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClassRef".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A class of the model, by name or by index from 0.",
            "anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]
        })
    }
}
