//! Checks of single values and paths; every failed one becomes a problem of the document.

use crate::plan::document::{Document, Problem};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Longest side of a model input, crop or resize that a pipeline may ask for.
const SIDE_MAX: u32 = 8192;

/// A document under validation and the folder that its paths are relative to.
///
/// A check returns a usable value even if it fails, so that all problems are found in one pass.
pub struct Checker<'a> {
    document: Document<'a>,
    base: &'a Path,
}

impl<'a> Checker<'a> {
    pub fn new(document: Document<'a>, base: &'a Path) -> Self {
        Self { document, base }
    }

    pub fn problem(&mut self, key: &str, message: impl Into<String>) {
        self.document.add_problem(key, message);
    }

    pub fn warning(&mut self, key: &str, message: impl Into<String>) {
        self.document.add_warning(key, message);
    }

    /// The problems and the warnings.
    pub fn into_findings(self) -> (Vec<Problem>, Vec<Problem>) {
        self.document.into_findings()
    }

    /// A number that must lie in a range.
    pub fn number(&mut self, key: &str, value: f64, allowed: RangeInclusive<f64>) -> f64 {
        if !allowed.contains(&value) {
            let (min, max) = (allowed.start(), allowed.end());
            self.problem(key, format!("found {value}, allowed is {min} to {max}"));
        }
        value
    }

    /// A whole number that must lie in a range.
    pub fn count(&mut self, key: &str, value: u32, allowed: RangeInclusive<u32>) -> u32 {
        if !allowed.contains(&value) {
            let (min, max) = (allowed.start(), allowed.end());
            self.problem(key, format!("found {value}, allowed is {min} to {max}"));
        }
        value
    }

    /// Gigabytes (10^9 bytes) in bytes.
    pub fn gigabytes(&mut self, key: &str, value: f64) -> u64 {
        (1e9 * self.number(key, value, 0.0..=1e6)) as u64
    }

    /// The side of an image in pixels.
    pub fn side(&mut self, key: &str, value: u32) -> u32 {
        if !(1..=SIDE_MAX).contains(&value) {
            self.problem(
                key,
                format!("found {value}, allowed is 1 to {SIDE_MAX} pixels"),
            );
        }
        value.clamp(1, SIDE_MAX)
    }

    /// A path relative to the pipeline file.
    pub fn path(&self, value: &str) -> PathBuf {
        self.base.join(value)
    }

    /// The path of a file that must exist.
    pub fn file(&mut self, key: &str, value: Option<&String>) -> Option<PathBuf> {
        let path = self.path(value?);
        if !path.is_file() {
            self.not_found(key, &path, "file");
        }
        Some(path)
    }

    /// The path of a folder that must exist.
    pub fn folder(&mut self, key: &str, value: Option<&String>) -> Option<PathBuf> {
        let path = self.path(value?);
        if !path.is_dir() {
            self.not_found(key, &path, "folder");
        }
        Some(path)
    }

    /// The path of a file or folder that must exist.
    pub fn file_or_folder(&mut self, key: &str, value: Option<&String>) -> Option<PathBuf> {
        let path = self.path(value?);
        if !path.exists() {
            self.not_found(key, &path, "file or folder");
        }
        Some(path)
    }

    /// A path that must be given; `what` describes it.
    pub fn required(&mut self, key: &str, path: Option<PathBuf>, what: &str) -> PathBuf {
        if path.is_none() {
            self.problem(key, format!("missing: {what}"));
        }
        path.unwrap_or_default()
    }

    fn not_found(&mut self, key: &str, path: &Path, expected: &str) {
        let path_shown = path.display();
        let message = if path.exists() {
            format!("{path_shown} is not a {expected}")
        } else {
            format!("there is no {expected} {path_shown} (paths are relative to the pipeline file)")
        };
        self.problem(key, message);
    }
}
