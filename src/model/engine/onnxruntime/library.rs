//! The search for the shared library of ONNX Runtime.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Start of the library's file name, and a part of it.
#[cfg(target_os = "windows")]
const FILE_NAME: [&str; 2] = ["onnxruntime", ".dll"];
#[cfg(target_os = "macos")]
const FILE_NAME: [&str; 2] = ["libonnxruntime", ".dylib"];
#[cfg(not(any(target_os = "windows", target_os = "macos")))]
const FILE_NAME: [&str; 2] = ["libonnxruntime", ".so"];

/// Finds the library: the setting, `ORT_DYLIB_PATH`, the active Python environment, or the first
/// Python on `PATH` that has the package.
///
/// # Errors
/// When the setting or the variable names a file that does not exist, or nothing is found.
pub fn find_library(setting: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(path) = setting.map(Path::to_path_buf).or_else(path_from_variable) {
        return existing(&path);
    }

    for prefix in python_prefixes() {
        if let Some(library) = library_in_python(&prefix) {
            return std::path::absolute(library).map_err(|_| not_found());
        }
    }
    Err(not_found())
}

fn path_from_variable() -> Option<PathBuf> {
    let path = std::env::var_os("ORT_DYLIB_PATH")?;
    (!path.is_empty()).then(|| PathBuf::from(path))
}

/// The path made absolute: the system's loader would search for a name without a folder.
fn existing(path: &Path) -> Result<PathBuf, String> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    if absolute.is_file() {
        Ok(absolute)
    } else {
        Err(format!("there is no file {}", path.display()))
    }
}

fn not_found() -> String {
    "its library was not found; install it (pip install onnxruntime) in the active Python \
     environment, or name it in model.library or ORT_DYLIB_PATH"
        .into()
}

/// The active Python environment, then the prefix of every Python on `PATH`.
fn python_prefixes() -> Vec<PathBuf> {
    let mut prefixes = Vec::new();
    for variable in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        prefixes.extend(std::env::var_os(variable).map(PathBuf::from));
    }

    let path = std::env::var_os("PATH").unwrap_or_default();
    for bin in std::env::split_paths(&path) {
        if bin.join("python3").exists() {
            prefixes.extend(bin.parent().map(Path::to_path_buf));
        }
    }
    prefixes
}

/// The library of the Python package `onnxruntime` below a prefix: the newest version.
fn library_in_python(prefix: &Path) -> Option<PathBuf> {
    let mut libs = vec![prefix.join("Lib")];
    libs.extend(children(&prefix.join("lib")));
    libs.extend(children(&prefix.join("local/lib")));

    let mut libraries = Vec::new();
    for lib in libs {
        for packages in ["site-packages", "dist-packages"] {
            let folder = lib.join(packages).join("onnxruntime/capi");
            libraries.extend(children(&folder).into_iter().filter(|f| is_library(f)));
        }
    }
    libraries.into_iter().max_by_key(|file| version(file))
}

/// The entries of a folder; none if it cannot be read.
fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}

fn file_name(file: &Path) -> String {
    let name = file.file_name().map(OsStr::to_string_lossy);
    name.unwrap_or_default().into_owned()
}

fn is_library(file: &Path) -> bool {
    let name = file_name(file);
    name.starts_with(FILE_NAME[0]) && name.contains(FILE_NAME[1]) && !name.contains("providers")
}

/// The numbers in a file's name, so that 1.10 is newer than 1.9.
fn version(file: &Path) -> Vec<u32> {
    file_name(file)
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}
