//! Where the transform and the classes of a model are stated: in the metadata of the ONNX file, or
//! in files beside it.

mod huggingface;
mod json;
mod own;
mod timm;
mod ultralytics;

use super::input_form::InputForm;
use super::transforms::Transform;
use crate::error::{Error, Result};
use crate::model::Declared;
use crate::plan::file::PreprocessFile;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub use json::read as read_json;
pub use ultralytics::names as metadata_names;

/// What one place states of the transform.
pub struct Hint {
    /// For people: which key, or which file.
    pub source: String,
    /// The transform, or why it cannot be used.
    pub table: Result<PreprocessFile>,
}

/// Everything that is stated, the most trusted first.
pub fn all(model: &Path, declared: &Declared, form: &InputForm) -> Vec<Hint> {
    let mut hints = Vec::new();
    if let Some(text) = declared.metadata.get(own::KEY) {
        hints.push(Hint {
            source: format!("the model's metadata ({})", own::KEY),
            table: own::table(text),
        });
    }
    if let Some(table) = ultralytics::table(&declared.metadata, form) {
        hints.push(Hint {
            source: "the model's metadata (Ultralytics)".into(),
            table,
        });
    }
    for (name, read) in [
        ("preprocessor_config.json", huggingface::table as Reader),
        ("config.json", timm::table as Reader),
    ] {
        let Some(file) = beside(model, name) else {
            continue;
        };
        let table = match json::read(&file) {
            Ok(value) => read(&value, form),
            Err(error) => Some(Err(error)),
        };
        hints.extend(table.map(|table| Hint {
            source: file.display().to_string(),
            table,
        }));
    }
    hints
}

/// Reads the transform of a JSON file; `None` where it states none.
type Reader = fn(&Value, &InputForm) -> Option<Result<PreprocessFile>>;

/// The file of this name beside a model, or in the folder above where the model's folder is called
/// `onnx`, as exporters for Hugging Face write it.
pub fn beside(model: &Path, name: &str) -> Option<PathBuf> {
    let folder = model.parent().unwrap_or(Path::new(""));
    let mut folders = vec![folder.to_path_buf()];
    if folder.file_name().is_some_and(|name| name == "onnx") {
        folders.extend(folder.parent().map(Path::to_path_buf));
    }
    let files = folders.into_iter().map(|folder| folder.join(name));
    files.into_iter().find(|file| file.is_file())
}

/// The transform of a hint.
///
/// # Errors
/// Why it cannot be used for this model.
pub fn transform(hint: &Hint, shape: &[usize]) -> Result<Transform> {
    let table = match &hint.table {
        Ok(table) => table.clone(),
        Err(error) => return Err(Error::new(error.to_string())),
    };
    let transform = Transform::new("as stated".into(), hint.source.clone(), table)?;
    let made = crate::input::Preprocessor::shape(&transform.plan);
    if made[..] == *shape {
        return Ok(transform);
    }
    Err(Error::new(format!(
        "it makes {}, the model takes {}",
        sides(&made),
        sides(shape)
    )))
}

/// Width and height that a hint makes.
pub fn size(hint: &Hint) -> Option<[u32; 2]> {
    let table = hint.table.as_ref().ok()?;
    let output = crate::plan::transform(table).ok()?.output;
    Some([output.width, output.height])
}

fn sides(shape: &[usize]) -> String {
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    sides.join("x")
}
