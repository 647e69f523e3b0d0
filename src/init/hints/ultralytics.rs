//! The metadata that Ultralytics writes into its ONNX files.

use crate::error::{Error, Result};
use crate::init::input_form::InputForm;
use crate::plan::Filter;
use crate::plan::file::{PreprocessFile, ResizeFile, StepFile};
use serde_yaml_ng::Value;
use std::collections::BTreeMap;

/// Longest text of a key that is read.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// The transform of Ultralytics' classifiers: the short side resized to `imgsz`, the centre of that
/// size, values from 0 to 1. `None` where the metadata has no `imgsz`.
pub fn table(
    metadata: &BTreeMap<String, String>,
    form: &InputForm,
) -> Option<Result<PreprocessFile>> {
    let text = metadata.get("imgsz")?;
    Some(of_size(text, metadata.get("task"), form))
}

fn of_size(text: &str, task: Option<&String>, form: &InputForm) -> Result<PreprocessFile> {
    if let Some(task) = task.filter(|task| *task != "classify") {
        return Err(Error::new(format!(
            "the task is {task:?}, and only that of \"classify\" is known"
        )));
    }
    let side = sides(text).filter(|[height, width]| height == width);
    let Some([side, _]) = side else {
        return Err(Error::new(format!(
            "imgsz is {text:?}, and only squares are known"
        )));
    };

    let resize = ResizeFile {
        short: Some(side),
        filter: Some(Filter::Bilinear),
        ..ResizeFile::default()
    };
    Ok(PreprocessFile {
        steps: Some(vec![StepFile::Resize(resize), StepFile::CenterCrop(side)]),
        channels: Some(form.colours()),
        layout: Some(form.layout),
        ..PreprocessFile::default()
    })
}

/// `[224, 224]` or `224`.
fn sides(text: &str) -> Option<[u32; 2]> {
    let number = |value: &Value| value.as_u64().and_then(|side| u32::try_from(side).ok());
    match yaml(text).ok()? {
        Value::Sequence(list) => match &list[..] {
            [a, b] => Some([number(a)?, number(b)?]),
            _ => None,
        },
        value => Some([number(&value)?; 2]),
    }
}

/// The class names in `names`: a list, or a map from numbers, as JSON or as Python prints it.
/// `None` without that key.
///
/// # Errors
/// When the text is neither, or leaves a class without a name.
pub fn names(metadata: &BTreeMap<String, String>) -> Option<Result<Vec<String>>> {
    let text = metadata.get("names")?;
    Some(yaml(text).and_then(|value| listed(&value)))
}

fn listed(value: &Value) -> Result<Vec<String>> {
    let name = |value: &Value| match value {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let mut names = Vec::new();
    match value {
        Value::Sequence(list) => {
            for value in list {
                names.extend(name(value));
            }
            if names.len() == list.len() {
                return Ok(names);
            }
        }
        Value::Mapping(map) => {
            let mut by_number = BTreeMap::new();
            for (key, value) in map {
                let number = match key {
                    Value::String(text) => text.parse().ok(),
                    key => key.as_u64(),
                };
                if let (Some(number), Some(name)) = (number, name(value)) {
                    by_number.insert(number, name);
                }
            }
            let is_complete =
                by_number.len() == map.len() && by_number.keys().copied().eq(0..map.len() as u64);
            if is_complete {
                return Ok(by_number.into_values().collect());
            }
        }
        _ => {}
    }
    Err(Error::new(
        "it is neither a list of names nor a map from 0, 1, .. to names",
    ))
}

/// YAML, of which JSON and Python's lists and dictionaries of texts are a part.
fn yaml(text: &str) -> Result<Value> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("it is longer than {TEXT_BYTES_MAX} bytes");
        return Err(Error::new(message));
    }
    crate::dataset::check_yaml_depth(text).map_err(Error::new)?;
    serde_yaml_ng::from_str(text).map_err(Error::cause("read it as a list or a map"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_python_and_as_json() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let metadata = BTreeMap::from([("names".to_owned(), text.to_owned())]);
            let names = names(&metadata).expect("the key");
            assert_eq!(
                names.ok(),
                expected.map(|e| e.iter().map(|s| (*s).into()).collect())
            );
        };
        check(
            r#"{0: 'tench', 1: "jack-o'-lantern"}"#,
            Some(&["tench", "jack-o'-lantern"]),
        );
        check(r#"{"1": "b", "0": "a"}"#, Some(&["a", "b"]));
        check("['a', 'b']", Some(&["a", "b"]));
        check("{0: 'a', 2: 'b'}", None);
        check("3", None);
    }
}
