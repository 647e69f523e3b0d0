//! Names of classes that annotations give as numbers (`dataset.names`).

use super::yaml_depth;
use crate::bounded;
use crate::error::{Error, Result};
use serde_yaml_ng::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Largest file of names. The 21,843 names of ImageNet take 1 MiB.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Names of the classes by number.
pub type ClassNames = BTreeMap<u64, String>;

/// Reads `names` (or `classes`) of a YAML file (a list or a map), or a text file with one name a
/// line.
///
/// # Errors
/// When the file cannot be read or names no classes.
pub fn read(file: &Path) -> Result<ClassNames> {
    let what = format!("read dataset.names {}", file.display());
    let text = bounded::text(file, FILE_BYTES_MAX).map_err(Error::cause(&what))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);

    let is_yaml = file.extension().is_some_and(|e| e == "yaml" || e == "yml");
    if !is_yaml {
        let lines = text.lines().map(str::trim);
        let names = lines.filter(|line| !line.is_empty());
        return Ok((0..).zip(names.map(str::to_owned)).collect());
    }

    yaml_depth::check(text).map_err(Error::cause(&what))?;
    let value: Value = serde_yaml_ng::from_str(text).map_err(Error::cause(&what))?;
    match value.get("names").or_else(|| value.get("classes")) {
        Some(Value::Sequence(list)) => Ok((0..).zip(list.iter().map(plain_text)).collect()),
        Some(Value::Mapping(map)) => {
            let mut names = ClassNames::new();
            for (number, name) in map {
                if let Some(number) = number.as_u64() {
                    names.insert(number, plain_text(name));
                }
            }
            Ok(names)
        }
        _ => Err(Error::new(format!(
            "{}: there is no list or map `names` or `classes`",
            file.display()
        ))),
    }
}

/// Reads the names where the pipeline gives a file of them.
pub fn read_optional(file: Option<&Path>) -> Result<Option<ClassNames>> {
    file.map(read).transpose()
}

/// The name of a class that `text` gives as a number; other text is a name already.
pub fn named(names: &ClassNames, text: &str) -> String {
    let name = text.parse().ok().and_then(|number| names.get(&number));
    name.map_or(text, String::as_str).to_owned()
}

/// A YAML value as text: numbers and booleans may be names too.
fn plain_text(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    let yaml = serde_yaml_ng::to_string(value).unwrap_or_default();
    yaml.trim().to_owned()
}
