//! `pretrained_cfg` in `config.json`, as timm writes it.

use super::json::{numbers, side};
use crate::error::{Error, Result};
use crate::init::input_form::InputForm;
use crate::plan::Filter;
use crate::plan::file::{PreprocessFile, ResizeFile, StepFile};
use serde_json::Value;

/// timm's own defaults.
const SIDE: u32 = 224;
const CROP: f64 = 0.875;

/// The transform of an evaluation; `None` where the file has no `pretrained_cfg`. A fixed size of
/// the graph is used in place of the stated one.
pub fn table(config: &Value, form: &InputForm) -> Option<Result<PreprocessFile>> {
    let stated = config.get("pretrained_cfg")?;
    Some(of_config(stated, form))
}

fn of_config(stated: &Value, form: &InputForm) -> Result<PreprocessFile> {
    let size = stated
        .get("test_input_size")
        .filter(|size| size.is_array())
        .or_else(|| stated.get("input_size"));
    let height = side(size.and_then(|size| size.get(1))).unwrap_or(SIDE);
    let width = side(size.and_then(|size| size.get(2))).unwrap_or(SIDE);
    let [width, height] = form.size_or([width, height]);
    if width != height {
        return Err(Error::new(format!(
            "it is known for square inputs only, not for {width}x{height}"
        )));
    }

    let crop = stated.get("test_crop_pct").and_then(Value::as_f64);
    let crop = crop.or_else(|| stated.get("crop_pct").and_then(Value::as_f64));
    let crop = crop.filter(|crop| *crop > 0.0).unwrap_or(CROP);
    // timm truncates.
    let resized = (f64::from(width) / crop).floor() as u32;
    let filter = match text(stated, "interpolation").unwrap_or("bilinear") {
        "bicubic" => Filter::Bicubic,
        "bilinear" => Filter::Bilinear,
        "nearest" => Filter::Nearest,
        other => return Err(Error::new(format!("interpolation {other:?} is not known"))),
    };
    let resize = match text(stated, "crop_mode").unwrap_or("center") {
        "center" => ResizeFile {
            short: Some(resized),
            ..ResizeFile::default()
        },
        "squash" => ResizeFile {
            exact: Some([resized; 2]),
            ..ResizeFile::default()
        },
        other => return Err(Error::new(format!("crop_mode {other:?} is not known"))),
    };
    Ok(PreprocessFile {
        steps: Some(vec![
            StepFile::Resize(ResizeFile {
                filter: Some(filter),
                ..resize
            }),
            StepFile::CenterCrop(width),
        ]),
        channels: Some(form.colours()),
        layout: Some(form.layout),
        mean: numbers(stated.get("mean")),
        std: numbers(stated.get("std")),
        ..PreprocessFile::default()
    })
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}
