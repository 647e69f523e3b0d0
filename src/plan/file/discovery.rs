//! `[discovery]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The search for confounders that nobody declared. Without the table, only declared regions are
/// looked at.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DiscoveryFile {
    /// Search for pictures that are the same in many images of a class. Default true.
    pub patches: Option<bool>,
    /// Search for what many images of a class show at one place of the model's input, such as a
    /// label or a translucent line. Needs at least 8 classes. Default true.
    pub fixed: Option<bool>,
    /// Search for properties of files and pixels, and columns of the manifest, that tell a class.
    /// Default true.
    pub properties: Option<bool>,
    /// Show what the features of each class are made of, and images whose heat lies alike: to look
    /// at, without findings. Default true.
    pub concepts: Option<bool>,
    /// Maximum number of images of a class that take part, chosen by hash. Default 400.
    pub images_per_class: Option<u32>,
}
