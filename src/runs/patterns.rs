//! Found patches, kept for later runs.

use super::documents::Document;
use serde::{Deserialize, Serialize};

/// `patterns.json`: the patches that a run found, by which a later one knows them again.
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
    /// Pixels of a row.
    pub width: usize,
    /// Row by row, across and down; zeros where the images do not agree.
    pub gradient: Vec<[f32; 2]>,
}
