//! `[preprocess]`: a preset or listed steps -> the training transform.

use super::checker::Checker;
use crate::geometry::Size;
use crate::plan::document::{Document, Problem};
use crate::plan::file::{
    Channels, Filter, Layout, LetterboxFile, PreprocessFile, Preset, ResizeFile, StepFile,
};
use crate::plan::sources::Sources;
use crate::plan::types::{Preprocess, Step};
use std::path::Path;

/// Mean and standard deviation of ImageNet's RGB channels, as torchvision uses them.
const IMAGENET_MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f64; 3] = [0.229, 0.224, 0.225];

/// A `[preprocess]` table by itself.
///
/// # Errors
/// All problems of the table.
pub fn transform(file: &PreprocessFile) -> Result<Preprocess, Vec<Problem>> {
    let sources = Sources::new(String::new(), &[]);
    let document = Document::parse(&sources).map_err(|problem| vec![problem])?;
    let mut check = Checker::new(document, Path::new(""));
    let transform = preprocess(file, &mut check);

    let (problems, _) = check.into_findings();
    if problems.is_empty() {
        Ok(transform)
    } else {
        Err(problems)
    }
}

pub fn preprocess(file: &PreprocessFile, check: &mut Checker<'_>) -> Preprocess {
    check_given_keys(file, check);
    let preset = match file.preset {
        Some(preset) => {
            let side = check.side("preprocess.size", file.size.unwrap_or(224));
            Transform::of_preset(preset, side)
        }
        None => Transform::unscaled(),
    };

    let mut steps = preset.steps;
    if let Some(listed) = &file.steps {
        steps = listed
            .iter()
            .enumerate()
            .map(|(i, listed)| step(listed, &format!("preprocess.steps[{i}]"), check))
            .collect();
    }

    let channels = file.channels.unwrap_or(Channels::Rgb);
    let count = match channels {
        Channels::Grey => 1,
        Channels::Rgb | Channels::Bgr => 3,
        Channels::Rgba => 4,
    };
    let mut mean = preset.mean;
    let mut std = preset.std;
    if count == 1 && file.mean.is_none() {
        mean = vec![average(&mean)];
        std = vec![average(&std)];
    }
    let mean = file.mean.clone().unwrap_or(mean);
    let std = file.std.clone().unwrap_or(std);

    Preprocess {
        decode: file.decode.unwrap_or_default(),
        exif: file.exif.unwrap_or_default(),
        mean: per_channel("preprocess.mean", mean, count, check),
        std: divisors("preprocess.std", std, count, check),
        output: fixed_output(&steps, check),
        steps,
        channels,
        layout: file.layout.unwrap_or(Layout::Nchw),
        scale: file.scale.unwrap_or(preset.scale),
    }
}

fn check_given_keys(file: &PreprocessFile, check: &mut Checker<'_>) {
    if file.preset.is_none() && file.steps.is_none() {
        check.problem(
            "preprocess.preset",
            "missing: name a preset, or list the steps in preprocess.steps",
        );
    }
    if file.size.is_some() && file.steps.is_some() {
        check.problem(
            "preprocess.size",
            "not used beside preprocess.steps, which replace the steps of a preset and have their \
             own sizes; remove one of the two",
        );
    }
}

/// What a preset stands for.
struct Transform {
    steps: Vec<Step>,
    scale: f64,
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl Transform {
    /// Pixel values from 0 to 1.
    fn unscaled() -> Self {
        Self {
            steps: Vec::new(),
            scale: 1.0 / 255.0,
            mean: vec![0.0],
            std: vec![1.0],
        }
    }

    /// The transform of a preset at an input of `side` x `side` pixels.
    fn of_preset(preset: Preset, side: u32) -> Self {
        match preset {
            Preset::ImagenetTorchvision => Self::imagenet(side, Filter::Bilinear),
            Preset::ImagenetTimmBicubic => Self::imagenet(side, Filter::Bicubic),
            Preset::TfLite => Self {
                steps: vec![
                    Step::CenterCropFraction { fraction: 0.875 },
                    square(side, Filter::Bicubic),
                ],
                scale: 1.0,
                mean: vec![127.0],
                std: vec![128.0],
            },
            Preset::ZeroOne => Self {
                steps: vec![square(side, Filter::Bilinear)],
                ..Self::unscaled()
            },
            Preset::MinusOneOne => Self {
                steps: vec![square(side, Filter::Bilinear)],
                mean: vec![0.5],
                std: vec![0.5],
                ..Self::unscaled()
            },
        }
    }

    /// Short side 256 for an input of 224, then the centre.
    fn imagenet(side: u32, filter: Filter) -> Self {
        let short = (f64::from(side) * 256.0 / 224.0).round() as u32;
        Self {
            steps: vec![
                Step::ResizeShort {
                    side: short,
                    filter,
                },
                Step::CenterCrop { side },
            ],
            scale: 1.0 / 255.0,
            mean: IMAGENET_MEAN.to_vec(),
            std: IMAGENET_STD.to_vec(),
        }
    }
}

fn square(side: u32, filter: Filter) -> Step {
    Step::ResizeExact {
        size: Size::new(side, side),
        filter,
    }
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// One number per channel; a single number counts for all of them.
fn per_channel(key: &str, values: Vec<f64>, count: usize, check: &mut Checker<'_>) -> Vec<f64> {
    match values.len() {
        1 => vec![values[0]; count],
        n if n == count => values,
        n => {
            check.problem(key, format!("found {n} numbers, allowed is 1 or {count}"));
            vec![1.0; count]
        }
    }
}

/// One number per channel, none of them 0.
fn divisors(key: &str, values: Vec<f64>, count: usize, check: &mut Checker<'_>) -> Vec<f64> {
    let values = per_channel(key, values, count, check);
    if values.iter().any(|value| value.abs() < f64::MIN_POSITIVE) {
        check.problem(key, "found 0, which divides by zero");
    }
    values
}

fn step(step: &StepFile, key: &str, check: &mut Checker<'_>) -> Step {
    match step {
        StepFile::Resize(resize_file) => resize(resize_file, &format!("{key}.resize"), check),
        StepFile::CenterCrop(side) => Step::CenterCrop {
            side: check.side(&format!("{key}.center_crop"), *side),
        },
        StepFile::CenterCropFraction(fraction) => Step::CenterCropFraction {
            fraction: check.number(
                &format!("{key}.center_crop_fraction"),
                *fraction,
                0.01..=1.0,
            ),
        },
        StepFile::Letterbox(letterbox_file) => {
            letterbox(letterbox_file, &format!("{key}.letterbox"), check)
        }
    }
}

fn resize(file: &ResizeFile, key: &str, check: &mut Checker<'_>) -> Step {
    let filter = file.filter.unwrap_or(Filter::Bilinear);
    match (file.short, file.exact) {
        (Some(short), None) => Step::ResizeShort {
            side: check.side(&format!("{key}.short"), short),
            filter,
        },
        (None, Some(exact)) => Step::ResizeExact {
            size: size(&format!("{key}.exact"), exact, check),
            filter,
        },
        _ => {
            check.problem(key, "expected exactly one of short, exact");
            Step::CenterCrop { side: 1 }
        }
    }
}

fn letterbox(file: &LetterboxFile, key: &str, check: &mut Checker<'_>) -> Step {
    let size_key = format!("{key}.size");
    if file.size.is_none() {
        check.problem(&size_key, "missing: [width, height] of the model's input");
    }
    Step::Letterbox {
        size: size(&size_key, file.size.unwrap_or([1, 1]), check),
        fill: file.fill.unwrap_or([0; 3]),
        filter: file.filter.unwrap_or(Filter::Bilinear),
    }
}

fn size(key: &str, [width, height]: [u32; 2], check: &mut Checker<'_>) -> Size {
    let width = check.side(key, width);
    let height = check.side(key, height);
    Size::new(width, height)
}

/// The model's input size, which must not depend on the photo.
fn fixed_output(steps: &[Step], check: &mut Checker<'_>) -> Size {
    if let Some(size) = output_size(steps) {
        return size;
    }
    let key = if steps.is_empty() {
        "preprocess.preset"
    } else {
        "preprocess.steps"
    };
    check.problem(
        key,
        "the steps do not fix the input size; end with center_crop, resize exact or letterbox",
    );
    Size::new(1, 1)
}

/// The size after all steps; `None` if it depends on the photo.
fn output_size(steps: &[Step]) -> Option<Size> {
    let mut output: Option<Size> = None;
    for step in steps {
        output = match *step {
            Step::ResizeExact { size, .. } | Step::Letterbox { size, .. } => Some(size),
            Step::CenterCrop { side } => Some(Size::new(side, side)),
            // The long side follows from the photo's, unless the image is square by now.
            Step::ResizeShort { side, .. } => output
                .filter(|size| size.width == size.height)
                .map(|_| Size::new(side, side)),
            Step::CenterCropFraction { fraction } => {
                output.map(|size| centred_square(size, fraction))
            }
        };
    }
    output
}

/// The square that covers a fraction of the short side.
fn centred_square(size: Size, fraction: f64) -> Size {
    let short = f64::from(size.width.min(size.height));
    let side = (short * fraction).floor().max(1.0) as u32;
    Size::new(side, side)
}
