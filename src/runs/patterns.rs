//! Found patches and fixed places, kept for later runs.

use super::documents::Document;
use serde::{Deserialize, Serialize};

/// `patterns.json`: the patches and places that a run found, by which a later one knows them again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Patterns {
    pub schema_version: u32,
    pub patterns: Vec<Pattern>,
}

impl Document for Patterns {
    const FILE: &'static str = "patterns.json";
}

/// A repeated picture by its gradients in the model's view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// The region's name.
    pub name: String,
    /// Correlation from which an image shows it.
    pub threshold: f32,
    /// The one place at which it is searched for, in pixels of the view: left, top, right, bottom;
    /// `None` for a patch, which may be anywhere.
    #[serde(default)]
    pub place: Option<[usize; 4]>,
    /// Pixels of a row.
    pub width: usize,
    /// Row by row, across and down; zeros where the images do not agree.
    pub gradient: Vec<[f32; 2]>,
}
