//! JSON files beside a model.

use crate::bounded;
use crate::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// Largest file: `config.json` with the 21,843 names of ImageNet takes 2 MiB.
const BYTES_MAX: u64 = 16 << 20;

/// Reads a JSON file.
///
/// # Errors
/// When it cannot be read, or is no JSON.
pub fn read(file: &Path) -> Result<Value> {
    let what = format!("read {}", file.display());
    let text = bounded::text(file, BYTES_MAX).map_err(Error::cause(&what))?;
    serde_json::from_str(&text).map_err(Error::cause(&what))
}

/// Numbers of a list.
pub fn numbers(value: Option<&Value>) -> Option<Vec<f64>> {
    let list = value?.as_array()?;
    list.iter().map(Value::as_f64).collect()
}

/// A side of an image.
pub fn side(value: Option<&Value>) -> Option<u32> {
    value?.as_u64().and_then(|side| u32::try_from(side).ok())
}
