//! Paths relative to the root of a set.

use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};

/// A path for people and tables: `/` between parts, whatever is not UTF-8 replaced.
pub fn display(path: &Path) -> String {
    let text = path.to_string_lossy();
    if MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(MAIN_SEPARATOR, "/")
    }
}

/// The path without `.` parts; `None` when it is empty, absolute or leaves the root with `..`.
pub fn relative(path: &str) -> Option<PathBuf> {
    let mut relative = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => relative.push(name),
            _ => return None,
        }
    }
    (!relative.as_os_str().is_empty()).then_some(relative)
}

/// Name of the folder directly under the root; `None` for a file directly under it.
pub fn top_folder(path: &Path) -> Option<String> {
    let mut parts = path.components();
    let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
    parts.next()?;
    Some(first)
}
