//! `[preprocess]`: a preset or spelled-out steps -> the training transform.

use super::super::file::{LetterboxFile, PipelineFile, Preset, ResizeFile, StepFile};
use super::super::read::Document;
use super::super::{Channels, Filter, Layout, Preprocess, Step};
use super::{range, side};
use crate::geometry::Size;

pub fn preprocess(parsed: &PipelineFile, doc: &mut Document<'_>) -> Preprocess {
    let p = &parsed.preprocess;
    if p.preset.is_none() && p.steps.is_none() {
        doc.complain(
            "preprocess.preset",
            "missing: name a preset, or spell out preprocess.steps",
        );
    }
    if p.size.is_some() && p.steps.is_some() {
        doc.complain(
            "preprocess.size",
            "only a preset has a size; spelled-out steps say their own",
        );
    }
    let preset = p
        .preset
        .map(|preset| from_preset(preset, side(p.size.unwrap_or(224), "preprocess.size", doc)));
    let (preset_steps, scale, mean, std) =
        preset.unwrap_or((Vec::new(), 1.0 / 255.0, vec![0.0], vec![1.0]));
    let steps = match &p.steps {
        Some(steps) => steps
            .iter()
            .enumerate()
            .map(|(i, s)| step(s, i, doc))
            .collect(),
        None => preset_steps,
    };
    let channels = p.channels.unwrap_or(Channels::Rgb);
    let count = if channels == Channels::Grey { 1 } else { 3 };
    let grey_mean = |v: Vec<f64>| {
        if count == 1 && p.mean.is_none() {
            vec![v.iter().sum::<f64>() / v.len() as f64]
        } else {
            v
        }
    };
    let scale = p.scale.unwrap_or(scale);
    let mean = per_channel(
        p.mean.clone().unwrap_or_else(|| grey_mean(mean)),
        count,
        "preprocess.mean",
        doc,
    );
    let std = per_channel(
        p.std.clone().unwrap_or_else(|| grey_mean(std)),
        count,
        "preprocess.std",
        doc,
    );
    if std.iter().any(|s| s.abs() < f64::MIN_POSITIVE) {
        doc.complain("preprocess.std", "found 0, which divides by zero");
    }
    let output = output_size(&steps).unwrap_or_else(|| {
        let key = if steps.is_empty() {
            "preprocess.preset"
        } else {
            "preprocess.steps"
        };
        doc.complain(
            key,
            "the steps end in no fixed size; end with center_crop, resize exact or letterbox",
        );
        Size::new(1, 1)
    });
    Preprocess {
        decode: p.decode.unwrap_or_default(),
        steps,
        channels,
        layout: p.layout.unwrap_or(Layout::Nchw),
        scale,
        mean,
        std,
        output,
    }
}

/// Steps, scale, mean and deviation of a preset at an input of `size` pixels.
fn from_preset(preset: Preset, size: u32) -> (Vec<Step>, f64, Vec<f64>, Vec<f64>) {
    let short = (f64::from(size) * 256.0 / 224.0).round() as u32;
    let crop = |filter| {
        vec![
            Step::ResizeShort {
                side: short,
                filter,
            },
            Step::CenterCrop { side: size },
        ]
    };
    let squash = |filter| Step::ResizeExact {
        size: Size::new(size, size),
        filter,
    };
    let imagenet = |steps| {
        (
            steps,
            1.0 / 255.0,
            vec![0.485, 0.456, 0.406],
            vec![0.229, 0.224, 0.225],
        )
    };
    match preset {
        Preset::ImagenetTorchvision => imagenet(crop(Filter::Bilinear)),
        Preset::ImagenetTimmBicubic => imagenet(crop(Filter::Bicubic)),
        Preset::TfLite => {
            let steps = vec![
                Step::CenterCropFraction { fraction: 0.875 },
                squash(Filter::Bicubic),
            ];
            (steps, 1.0, vec![127.0], vec![128.0])
        }
        Preset::ZeroOne => (
            vec![squash(Filter::Bilinear)],
            1.0 / 255.0,
            vec![0.0],
            vec![1.0],
        ),
        Preset::MinusOneOne => (
            vec![squash(Filter::Bilinear)],
            1.0 / 255.0,
            vec![0.5],
            vec![0.5],
        ),
    }
}

fn per_channel(values: Vec<f64>, count: usize, key: &str, doc: &mut Document<'_>) -> Vec<f64> {
    match values.len() {
        1 => vec![values[0]; count],
        n if n == count => values,
        n => {
            doc.complain(key, format!("found {n} numbers, allowed is 1 or {count}"));
            vec![1.0; count]
        }
    }
}

fn step(step: &StepFile, i: usize, doc: &mut Document<'_>) -> Step {
    let key = |name: &str| format!("preprocess.steps[{i}].{name}");
    match step {
        StepFile::Resize(ResizeFile {
            short: Some(short),
            exact: None,
            filter,
        }) => Step::ResizeShort {
            side: side(*short, &key("resize.short"), doc),
            filter: filter.unwrap_or(Filter::Bilinear),
        },
        StepFile::Resize(ResizeFile {
            short: None,
            exact: Some(exact),
            filter,
        }) => Step::ResizeExact {
            size: size(*exact, &key("resize.exact"), doc),
            filter: filter.unwrap_or(Filter::Bilinear),
        },
        StepFile::Resize(_) => {
            doc.complain(&key("resize"), "expected exactly one of short, exact");
            Step::CenterCrop { side: 1 }
        }
        StepFile::CenterCrop(n) => Step::CenterCrop {
            side: side(*n, &key("center_crop"), doc),
        },
        StepFile::CenterCropFraction(f) => Step::CenterCropFraction {
            fraction: range(*f, 0.01, 1.0, &key("center_crop_fraction"), doc),
        },
        StepFile::Letterbox(LetterboxFile {
            size: given,
            fill,
            filter,
        }) => {
            if given.is_none() {
                doc.complain(
                    &key("letterbox.size"),
                    "missing: [width, height] of the model's input",
                );
            }
            Step::Letterbox {
                size: size(given.unwrap_or([1, 1]), &key("letterbox.size"), doc),
                fill: fill.unwrap_or([0; 3]),
                filter: filter.unwrap_or(Filter::Bilinear),
            }
        }
    }
}

fn size([width, height]: [u32; 2], key: &str, doc: &mut Document<'_>) -> Size {
    Size::new(side(width, key, doc), side(height, key, doc))
}

fn output_size(steps: &[Step]) -> Option<Size> {
    steps.iter().fold(None, |size, step| match *step {
        Step::ResizeShort { side, .. } => size
            .filter(|s: &Size| s.width == s.height)
            .map(|_| Size::new(side, side)),
        Step::ResizeExact { size, .. } | Step::Letterbox { size, .. } => Some(size),
        Step::CenterCrop { side } => Some(Size::new(side, side)),
        Step::CenterCropFraction { fraction } => size.map(|s| {
            let side = (f64::from(s.width.min(s.height)) * fraction)
                .floor()
                .max(1.0) as u32;
            Size::new(side, side)
        }),
    })
}
