//! `figures.json`: what the pictures of a run folder show.

use crate::finding::FigureRole;
use serde::{Deserialize, Serialize};

/// `figures.json`: the pictures of the findings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub schema_version: u32,
    pub figures: Vec<Figure>,
}

/// One image, or one change of an image, that speaks for or against a finding, or shows a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub label: String,
    /// Empty where the figure shows a class as a whole.
    pub region: String,
    pub role: FigureRole,
    /// Path relative to the dataset's root; empty where it is no image of the dataset.
    pub path: String,
    pub panels: Vec<Panel>,
}

/// One picture with a line under it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    pub caption: String,
    /// Relative to the run folder.
    pub file: String,
    /// The end of the colour scale in logits, where the picture shows heat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// The edit makes another class the predicted one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub flipped: bool,
    /// The picture's bytes on their way to the file.
    #[serde(skip)]
    pub jpeg: Vec<u8>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}
