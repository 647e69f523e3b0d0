//! The model file and the files of its external weights.

use super::graph::Graph;
use crate::error::{Error, Result};
use std::fs::File;
use std::path::{Component, Path, PathBuf};

/// External weights must be below the folder of the model.
///
/// # Errors
/// When a weight's path leaves the folder.
pub fn refuse_escaping_weights(graph: &Graph) -> Result<()> {
    for file in graph.external_files() {
        if !stays_below(Path::new(&file)) {
            return Err(Error::new(format!(
                "its weights are in {file:?}, outside the model's folder"
            )));
        }
    }
    Ok(())
}

fn stays_below(file: &Path) -> bool {
    let mut components = file.components();
    components.all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
}

/// BLAKE3 of the model file and its external weights, which are below `folder`.
///
/// # Errors
/// When a file cannot be read.
pub fn hash(path: &Path, folder: &Path, graph: &Graph) -> Result<String> {
    let external = graph.external_files();
    let mut files: Vec<PathBuf> = external.iter().map(|file| folder.join(file)).collect();
    files.sort();
    files.insert(0, path.to_path_buf());

    let mut hasher = blake3::Hasher::new();
    for path in files {
        File::open(&path)
            .and_then(|file| hasher.update_reader(file).map(|_| ()))
            .map_err(Error::cause(format!(
                "read the model's weights {}",
                path.display()
            )))?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}
