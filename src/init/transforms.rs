//! The usual transforms of a training, as `[preprocess]` tables.

use super::input_form::InputForm;
use crate::error::Result;
use crate::plan::file::{LetterboxFile, PreprocessFile, ResizeFile, StepFile};
use crate::plan::{Channels, Filter, Preprocess, Step, transform};

/// Mean and standard deviation of ImageNet's RGB channels, and of their average.
const IMAGENET_MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f64; 3] = [0.229, 0.224, 0.225];
const IMAGENET_GREY: [f64; 2] = [0.449, 0.226];
/// Mean of ImageNet's BGR channels from 0 to 255, which Caffe subtracts.
const CAFFE_MEAN: [f64; 3] = [103.939, 116.779, 123.68];
/// Part of the short side that is kept before the crop: 224 of 256.
const CROP: f64 = 0.875;
/// Grey of YOLO's letterbox.
const GREY: [u8; 3] = [114; 3];

/// A transform that can be tried.
#[derive(Debug, Clone)]
pub struct Transform {
    /// What becomes of the pixel values.
    pub values: String,
    /// How the photo becomes the input.
    pub geometry: String,
    pub file: PreprocessFile,
    pub plan: Preprocess,
}

impl Transform {
    /// Whether it cuts off the edges of photos.
    pub fn crops(&self) -> bool {
        let mut steps = self.plan.steps.iter();
        steps.any(|step| {
            matches!(
                step,
                Step::CenterCrop { .. } | Step::CenterCropFraction { .. }
            )
        })
    }

    /// # Errors
    /// When the table is no valid transform.
    pub fn new(values: String, geometry: String, file: PreprocessFile) -> Result<Self> {
        let plan = transform(&file)?;
        Ok(Self {
            values,
            geometry,
            file,
            plan,
        })
    }

    pub fn name(&self) -> String {
        format!("{}; {}", self.values, self.geometry)
    }
}

/// What becomes of the pixel values.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    name: String,
    channels: Channels,
    scale: Option<f64>,
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl Values {
    fn new(name: &str, channels: Channels) -> Self {
        Self {
            name: name.into(),
            channels,
            scale: None,
            mean: Vec::new(),
            std: Vec::new(),
        }
    }

    fn raw(channels: Channels) -> Self {
        Self {
            scale: Some(1.0),
            ..Self::new("0..255", channels)
        }
    }

    /// The usual ones for an input.
    pub fn usual(form: &InputForm) -> Vec<Self> {
        let colours = form.colours();
        if form.takes_bytes {
            return vec![Self::raw(colours)];
        }
        let (mean, std) = match colours {
            Channels::Grey => (vec![IMAGENET_GREY[0]], vec![IMAGENET_GREY[1]]),
            _ => (IMAGENET_MEAN.to_vec(), IMAGENET_STD.to_vec()),
        };
        let imagenet = Self {
            mean,
            std,
            ..Self::new("ImageNet mean and SD", colours)
        };
        let unit = Self::new("0..1", colours);
        let signed = Self {
            mean: vec![0.5],
            std: vec![0.5],
            ..Self::new("-1..1", colours)
        };
        let caffe = Self {
            scale: Some(1.0),
            mean: CAFFE_MEAN.to_vec(),
            ..Self::new("Caffe (BGR less mean)", Channels::Bgr)
        };

        match colours {
            Channels::Rgba => vec![unit, signed, Self::raw(colours)],
            Channels::Grey => vec![imagenet, unit, signed, Self::raw(colours)],
            _ => vec![imagenet, unit, signed, Self::raw(colours), caffe],
        }
    }

    /// Values that differ a little from these.
    fn near(&self) -> Option<Self> {
        (self.mean == [0.5]).then(|| Self {
            scale: Some(1.0),
            mean: vec![127.0],
            std: vec![128.0],
            ..Self::new("(x - 127) / 128", self.channels)
        })
    }

    /// The same values with red and blue exchanged, where there are both.
    pub fn exchanged(&self) -> Option<Self> {
        let (channels, order) = match self.channels {
            Channels::Rgb => (Channels::Bgr, "BGR"),
            Channels::Bgr => (Channels::Rgb, "RGB"),
            Channels::Grey | Channels::Rgba => return None,
        };
        let reversed = |values: &[f64]| values.iter().rev().copied().collect();
        Some(Self {
            name: format!("{}, as {order}", self.name),
            channels,
            scale: self.scale,
            mean: reversed(&self.mean),
            std: reversed(&self.std),
        })
    }
}

/// How a photo becomes the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Geometry {
    /// The photo made smaller, and its centre cut out: 7/8 of its short side.
    CropPart,
    /// The same part cut out first, and made smaller then.
    PartFirst,
    /// The centre of the photo, its whole short side.
    CropWhole,
    Squash,
    Letterbox {
        fill: [u8; 3],
    },
}

impl Geometry {
    /// The usual ones for an input of this size; only a square is cropped. The first is the most
    /// usual one; of those that make the same input the earlier is taken.
    pub fn usual([width, height]: [u32; 2]) -> Vec<Self> {
        let mut usual = Vec::new();
        let is_square = width == height;
        if is_square {
            usual.push(Self::CropPart);
        }
        usual.push(Self::Squash);
        if is_square {
            usual.push(Self::CropWhole);
        }
        usual.push(Self::Letterbox { fill: [0; 3] });
        usual.push(Self::Letterbox { fill: GREY });
        usual
    }

    fn name(self, [width, height]: [u32; 2], filter: Filter) -> String {
        let name = match self {
            Self::CropPart => format!("short {}, centre {width}", part_side(width)),
            Self::PartFirst => format!("centre {CROP}, resized to {width}x{height}"),
            Self::CropWhole => format!("short {width}, centre {width}"),
            Self::Squash => format!("squash {width}x{height}"),
            Self::Letterbox { fill: [0, ..] } => format!("letterbox {width}x{height}, black"),
            Self::Letterbox { .. } => format!("letterbox {width}x{height}, grey"),
        };
        match filter {
            Filter::Bicubic => name + ", bicubic",
            _ => name,
        }
    }

    fn steps(self, [width, height]: [u32; 2], filter: Filter) -> Vec<StepFile> {
        let size = Some([width, height]);
        let filter = Some(filter);
        let short = |side| {
            let resize = ResizeFile {
                short: Some(side),
                filter,
                ..ResizeFile::default()
            };
            vec![StepFile::Resize(resize), StepFile::CenterCrop(width)]
        };
        match self {
            Self::CropPart => short(part_side(width)),
            Self::PartFirst => vec![
                StepFile::CenterCropFraction(CROP),
                StepFile::Resize(ResizeFile {
                    exact: size,
                    filter,
                    ..ResizeFile::default()
                }),
            ],
            Self::CropWhole => short(width),
            Self::Squash => vec![StepFile::Resize(ResizeFile {
                exact: size,
                filter,
                ..ResizeFile::default()
            })],
            Self::Letterbox { fill } => vec![StepFile::Letterbox(LetterboxFile {
                size,
                fill: Some(fill),
                filter,
            })],
        }
    }
}

/// Short side of a photo whose centre is cropped to `side`.
fn part_side(side: u32) -> u32 {
    (f64::from(side) / CROP).round() as u32
}

/// Values, geometry and filter of a try.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub values: Values,
    pub geometry: Geometry,
    pub filter: Filter,
}

impl Choice {
    /// The transform for an input of this form and size.
    ///
    /// # Errors
    /// When the size is out of range.
    pub fn transform(&self, form: &InputForm, size: [u32; 2]) -> Result<Transform> {
        let numbers = |values: &[f64]| (!values.is_empty()).then(|| values.to_vec());
        let file = PreprocessFile {
            steps: Some(self.geometry.steps(size, self.filter)),
            channels: Some(self.values.channels),
            layout: Some(form.layout),
            scale: self.values.scale,
            mean: numbers(&self.values.mean),
            std: numbers(&self.values.std),
            ..PreprocessFile::default()
        };
        let geometry = self.geometry.name(size, self.filter);
        Transform::new(self.values.name.clone(), geometry, file)
    }

    /// The same with red and blue exchanged, where there are both.
    pub fn exchanged(&self) -> Option<Self> {
        let values = self.values.exchanged()?;
        Some(Self {
            values,
            ..self.clone()
        })
    }

    /// Choices that differ from this one in little: the values, the filter, the order of cut and
    /// resize.
    pub fn variants(&self) -> Vec<Self> {
        let mut all_values = vec![self.values.clone()];
        all_values.extend(self.values.near());
        let mut shapes = vec![
            (self.geometry, self.filter),
            (self.geometry, Filter::Bicubic),
        ];
        if self.geometry == Geometry::CropPart {
            shapes.push((Geometry::PartFirst, Filter::Bicubic));
        }

        let mut variants = Vec::new();
        for values in &all_values {
            for (geometry, filter) in &shapes {
                let variant = Self {
                    values: values.clone(),
                    geometry: *geometry,
                    filter: *filter,
                };
                if variant != *self {
                    variants.push(variant);
                }
            }
        }
        variants
    }
}
