//! `camaudit.preprocess` in the metadata of an ONNX file: the table `[preprocess]` as JSON.

use crate::error::{Error, Result};
use crate::plan::file::PreprocessFile;

/// The key in `metadata_props`.
pub const KEY: &str = "camaudit.preprocess";

/// # Errors
/// When the text is no JSON, or has a key that `[preprocess]` lacks.
pub fn table(text: &str) -> Result<PreprocessFile> {
    serde_json::from_str(text).map_err(Error::cause("read it as [preprocess] in JSON"))
}
