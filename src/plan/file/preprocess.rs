//! `[preprocess]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How images were resized and normalised when the model was trained: a preset, or every step. Keys
/// beside a preset override it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessFile {
    pub preset: Option<Preset>,
    /// `exact` (default), or `fast`: JPEGs far larger than the input are decoded at 1/2, 1/4 or 1/8
    /// of their size, which changes pixel values slightly.
    pub decode: Option<Decode>,
    /// `apply` (default), or `ignore` where the training read the pixels as they are stored: the
    /// orientation that EXIF or XMP states for the photo. A TIFF is always turned upright.
    pub exif: Option<Exif>,
    /// Side of the model's square input, for presets. Default 224.
    pub size: Option<u32>,
    /// Steps on the upright 8-bit image, in order.
    pub steps: Option<Vec<StepFile>>,
    /// Order of the channels. Default `rgb`.
    pub channels: Option<Channels>,
    /// Order of the input's axes. Default `nchw`.
    pub layout: Option<Layout>,
    /// `(x * scale - mean) / std` with x in 0..255. Default 1/255.
    pub scale: Option<f64>,
    /// One number, or one per channel. Default 0.
    pub mean: Option<Vec<f64>>,
    /// One number, or one per channel. Default 1.
    pub std: Option<Vec<f64>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decode {
    #[default]
    Exact,
    Fast,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exif {
    #[default]
    Apply,
    Ignore,
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
    /// RGB and a fourth channel of 255: alpha is dropped on decoding, so every photo is opaque.
    Rgba,
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

/// `short` keeps the aspect ratio (the long side is truncated, as in torchvision); `exact` does
/// not.
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
