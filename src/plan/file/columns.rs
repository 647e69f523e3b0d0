//! `dataset.columns` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names of columns, where they differ from the default: of a manifest (`path`, `label`, `split`,
/// `group`), of `parquet-images` (`image`, `label`, `objects`), or of the members of a key of
/// `webdataset` (`image`, `label`: their extensions).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// Path of the image. Default `path`.
    pub path: Option<String>,
    /// Label of the image. Default `label`; in `webdataset` the member `cls`, `txt` or `json`.
    pub label: Option<String>,
    /// Split of the image. Default `split`.
    pub split: Option<String>,
    /// Group of the image. Default `group`.
    pub group: Option<String>,
    /// The image. Default `image`; in `webdataset` the member with an image's extension.
    pub image: Option<String>,
    /// Boxes with categories. Default `objects`.
    pub objects: Option<String>,
}

impl Columns {
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or("path")
    }

    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or("label")
    }

    pub fn split(&self) -> &str {
        self.split.as_deref().unwrap_or("split")
    }

    pub fn group(&self) -> &str {
        self.group.as_deref().unwrap_or("group")
    }

    pub fn image(&self) -> &str {
        self.image.as_deref().unwrap_or("image")
    }

    pub fn objects(&self) -> &str {
        self.objects.as_deref().unwrap_or("objects")
    }
}
