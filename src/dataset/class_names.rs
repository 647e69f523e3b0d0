//! Names of classes that annotations give as numbers (`dataset.names`).

use super::cells;
use super::yaml_depth;
use crate::bounded;
use crate::error::{Error, Result};
use crate::plan::class_list;
use serde_yaml_ng::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Largest file of names. The 21,843 names of ImageNet take 1 MiB.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Names of the classes by number.
pub type ClassNames = BTreeMap<u64, String>;

/// What a file of class names says.
pub struct NamesFile {
    pub names: ClassNames,
    /// `kpt_shape` of YOLO's `data.yaml`: keypoints of an object, and numbers of a keypoint.
    pub keypoint_shape: Option<[usize; 2]>,
}

/// Reads `names` (or `classes`) of a YAML file (a list or a map), or a text file with one name a
/// line.
///
/// # Errors
/// When the file cannot be read, names no classes, or leaves one without a name.
pub fn read_file(file: &Path) -> Result<NamesFile> {
    let what = format!("read dataset.names {}", file.display());
    let text = bounded::text(file, FILE_BYTES_MAX).map_err(Error::cause(&what))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);

    let is_yaml = file.extension().is_some_and(|e| e == "yaml" || e == "yml");
    if !is_yaml {
        let names = class_list::parse(text)
            .map_err(|message| Error::new(format!("{}: {message}", file.display())))?;
        return Ok(NamesFile {
            names: (0..).zip(names).collect(),
            keypoint_shape: None,
        });
    }

    yaml_depth::check(text).map_err(Error::cause(&what))?;
    let value: Value = serde_yaml_ng::from_str(text).map_err(Error::cause(&what))?;
    Ok(NamesFile {
        names: yaml_names(&value, file)?,
        keypoint_shape: keypoint_shape(&value),
    })
}

/// The names of a file.
///
/// # Errors
/// As [`read_file`].
pub fn read(file: &Path) -> Result<ClassNames> {
    Ok(read_file(file)?.names)
}

fn keypoint_shape(value: &Value) -> Option<[usize; 2]> {
    let shape = value.get("kpt_shape")?.as_sequence()?;
    let [points, numbers] = &shape[..] else {
        return None;
    };
    Some([points.as_u64()? as usize, numbers.as_u64()? as usize])
}

fn yaml_names(value: &Value, file: &Path) -> Result<ClassNames> {
    let list = value.get("names").or_else(|| value.get("classes"));
    let mut names = ClassNames::new();
    match list {
        Some(Value::Sequence(list)) => {
            for (number, name) in (0..).zip(list) {
                names.insert(number, plain_name(number, name, file)?);
            }
        }
        Some(Value::Mapping(map)) => {
            for (key, name) in map {
                let Some(number) = cells::whole_number(&plain_text(key)) else {
                    let key = plain_text(key);
                    let file = file.display();
                    let message = format!("{file}: names: the key {key:?} is no class number");
                    return Err(Error::new(message));
                };
                names.insert(number, plain_name(number, name, file)?);
            }
        }
        _ => {
            return Err(Error::new(format!(
                "{}: there is no list or map `names` or `classes`",
                file.display()
            )));
        }
    }
    Ok(names)
}

/// Reads the names where the pipeline gives a file of them.
pub fn read_optional(file: Option<&Path>) -> Result<Option<ClassNames>> {
    file.map(read).transpose()
}

/// The name of a class that `text` gives as a number in any notation; other text is a name already.
///
/// # Errors
/// When there are names, and the number is none of theirs.
pub fn named(names: &ClassNames, text: &str) -> Result<String, String> {
    if let Some(number) = cells::whole_number(text) {
        return match names.get(&number) {
            Some(name) => Ok(name.clone()),
            None if names.is_empty() => Ok(number.to_string()),
            None => Err(unnamed(text, names.len())),
        };
    }
    // A number that no class can have stands for an image without a label.
    match text.trim().parse::<f64>() {
        Ok(_) => Err(unnamed(text, names.len())),
        Err(_) => Ok(text.to_owned()),
    }
}

/// The message of a class number that has no name.
pub fn unnamed(number: &str, names: usize) -> String {
    match names {
        0 => format!("the label {number} is no class number"),
        _ => format!("the label {number} is none of the {names} class numbers that have names"),
    }
}

/// The name of a class in YAML.
fn plain_name(number: u64, name: &Value, file: &Path) -> Result<String> {
    let text = plain_text(name);
    if name.is_null() || text.is_empty() {
        return Err(Error::new(format!(
            "{}: names: class {number} has no name",
            file.display()
        )));
    }
    Ok(text)
}

/// A YAML value as text: numbers and booleans may be names too.
fn plain_text(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    let yaml = serde_yaml_ng::to_string(value).unwrap_or_default();
    yaml.trim().to_owned()
}
