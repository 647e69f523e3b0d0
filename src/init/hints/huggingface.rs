//! `preprocessor_config.json` of Hugging Face's image processors.

use super::json::{numbers, side};
use crate::error::{Error, Result};
use crate::init::input_form::InputForm;
use crate::plan::file::{PreprocessFile, ResizeFile, StepFile};
use crate::plan::{Channels, Filter};
use serde_json::Value;

/// Short sides from which ConvNeXt's processor squashes in place of cropping.
const SQUASHED_FROM: u32 = 384;

/// The transform of an image processor.
pub fn table(config: &Value, form: &InputForm) -> Option<Result<PreprocessFile>> {
    // Tokenizers and feature extractors of sound have files of this name too.
    let is_image = [
        "image_processor_type",
        "image_mean",
        "do_resize",
        "do_rescale",
    ]
    .iter()
    .any(|key| config.get(key).is_some());
    is_image.then(|| of_config(config, form))
}

fn of_config(config: &Value, form: &InputForm) -> Result<PreprocessFile> {
    let is_on = |key: &str| config.get(key).and_then(Value::as_bool).unwrap_or(true);
    let is_flipped = config.get("do_flip_channel_order").and_then(Value::as_bool);

    let rescale = config.get("rescale_factor").and_then(Value::as_f64);
    let scale = match is_on("do_rescale") {
        true => rescale,
        false => Some(1.0),
    };
    let normalise = is_on("do_normalize") && config.get("image_mean").is_some();
    let normalised = |key: &str| numbers(config.get(key)).filter(|_| normalise);
    Ok(PreprocessFile {
        steps: Some(steps(config)?),
        channels: Some(match is_flipped {
            Some(true) => Channels::Bgr,
            _ => form.colours(),
        }),
        layout: Some(form.layout),
        scale,
        mean: normalised("image_mean"),
        std: normalised("image_std"),
        ..PreprocessFile::default()
    })
}

fn steps(config: &Value) -> Result<Vec<StepFile>> {
    let is_set = |key: &str| config.get(key).and_then(Value::as_bool) == Some(true);
    let mut steps = Vec::new();
    if config.get("do_resize").and_then(Value::as_bool) != Some(false) {
        steps = resize(config)?;
    }
    if is_set("do_center_crop") {
        let crop = config.get("crop_size");
        let height = side(crop).or_else(|| side(crop?.get("height")));
        let width = side(crop).or_else(|| side(crop?.get("width")));
        match (height, width) {
            (Some(height), Some(width)) if height == width => {
                steps.push(StepFile::CenterCrop(width));
            }
            _ => return Err(Error::new("crop_size is no square")),
        }
    }
    Ok(steps)
}

fn resize(config: &Value) -> Result<Vec<StepFile>> {
    let filter = Some(filter(config)?);
    let size = config.get("size");
    let exact = |width, height| {
        StepFile::Resize(ResizeFile {
            exact: Some([width, height]),
            filter,
            ..ResizeFile::default()
        })
    };
    let short = |short| {
        StepFile::Resize(ResizeFile {
            short: Some(short),
            filter,
            ..ResizeFile::default()
        })
    };

    let key = |key: &str| side(size.and_then(|size| size.get(key)));
    if let (Some(height), Some(width)) = (key("height"), key("width")) {
        return Ok(vec![exact(width, height)]);
    }
    // Before version 4.25 a number was a square, or the short side where a crop follows.
    let is_cropped = config.get("do_center_crop").and_then(Value::as_bool) == Some(true);
    if let Some(side) = side(size).filter(|_| !is_cropped) {
        return Ok(vec![exact(side, side)]);
    }
    let Some(edge) = key("shortest_edge").or_else(|| side(size)) else {
        let message = "size is neither height and width, nor shortest_edge, nor a number";
        return Err(Error::new(message));
    };
    match config.get("crop_pct").and_then(Value::as_f64) {
        Some(crop) if edge < SQUASHED_FROM && crop > 0.0 => {
            let resized = (f64::from(edge) / crop) as u32;
            Ok(vec![short(resized), StepFile::CenterCrop(edge)])
        }
        Some(_) => Ok(vec![exact(edge, edge)]),
        None => Ok(vec![short(edge)]),
    }
}

/// Pillow's numbers; bilinear where the file has none.
fn filter(config: &Value) -> Result<Filter> {
    match config.get("resample").and_then(Value::as_u64) {
        Some(0) => Ok(Filter::Nearest),
        Some(1) => Ok(Filter::Lanczos),
        Some(2) | None => Ok(Filter::Bilinear),
        Some(3) => Ok(Filter::Bicubic),
        Some(other) => Err(Error::new(format!("resample {other} is not known"))),
    }
}
