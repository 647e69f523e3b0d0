//! The classes of `summary.json` by split of the dataset.

use serde::{Deserialize, Serialize};

/// One split: the classes that the summary lists, in the same order and with the same regions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitSummary {
    /// Empty for images that the dataset gives no split.
    pub split: String,
    pub classes: Vec<SplitClass>,
}

/// The figures of one class in one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitClass {
    pub label: String,
    pub images: u32,
    pub accuracy: Option<f64>,
    pub share: Option<f64>,
    pub lift: Option<f64>,
    pub object_share: Option<f64>,
}
