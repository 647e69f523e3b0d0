//! Paths as a pipeline file writes them.

use crate::error::{Error, Result};
use std::path::{Component, Path, PathBuf};

/// How paths are written.
pub enum Paths {
    Absolute,
    /// Relative to a folder, whose links are resolved.
    RelativeTo(PathBuf),
}

impl Paths {
    /// Relative to the folder of a file; the folder must exist.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    pub fn beside(file: &Path) -> Result<Self> {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let what = format!("open the folder {}", folder.display());
        let folder = folder.canonicalize().map_err(Error::cause(what))?;
        Ok(Self::RelativeTo(folder))
    }

    /// A path as a TOML string.
    ///
    /// # Errors
    /// When it is no UTF-8.
    pub fn text(&self, path: &Path) -> Result<String> {
        let path = absolute(path)?;
        let written = match self {
            Self::Absolute => path,
            Self::RelativeTo(folder) => relative(&path, folder),
        };
        let Some(text) = written.to_str() else {
            let message = format!("the path {} is no UTF-8: rename it", written.display());
            return Err(Error::new(message));
        };
        Ok(quoted(text))
    }
}

/// A text as a TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The absolute path. Links are resolved only where `..` follows one or may.
fn absolute(path: &Path) -> Result<PathBuf> {
    let what = || format!("open {}", path.display());
    let absolute = std::path::absolute(path).map_err(|e| Error::cause(what())(e))?;
    if absolute
        .components()
        .any(|part| part == Component::ParentDir)
    {
        return absolute.canonicalize().map_err(|e| Error::cause(what())(e));
    }
    Ok(absolute)
}

/// The way from a folder to a path; the path itself where both share the root only.
fn relative(path: &Path, folder: &Path) -> PathBuf {
    let shared = path
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    if shared <= 1 {
        return path.to_path_buf();
    }
    let mut way = PathBuf::new();
    for _ in folder.components().skip(shared) {
        way.push("..");
    }
    way.extend(path.components().skip(shared));
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_the_shortest_one() {
        let check = |path: &str, folder: &str, expected: &str| {
            let way = relative(Path::new(path), Path::new(folder));
            assert_eq!(way, Path::new(expected), "{path} from {folder}");
        };
        check("/a/b/c.onnx", "/a/pipelines", "../b/c.onnx");
        check("/a/b/c.onnx", "/a/b", "c.onnx");
        check("/a/b", "/a/b/c/d", "../..");
        check("/models/c.onnx", "/sets/pipelines", "/models/c.onnx");
    }
}
