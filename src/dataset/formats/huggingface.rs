//! The names of classes that Hugging Face writes into the metadata of a Parquet file.

use crate::plan::Columns;
use polars::prelude::FileMetadata;
use serde_json::Value;

/// Keys of the categories among the fields of an object.
const CATEGORY_KEYS: [&str; 2] = ["category", "label"];
/// Keys of what a list holds.
const ELEMENT_KEYS: [&str; 2] = ["feature", "sequence"];
/// Most levels of lists around a feature.
const DEPTH_MAX: u32 = 8;

/// Names by number; empty where there are none.
pub struct Names {
    pub labels: Vec<String>,
    pub categories: Vec<String>,
}

impl Names {
    /// Reads the names of the columns that are used.
    pub fn read(metadata: &FileMetadata, used: &Columns) -> Self {
        let info = info(metadata);
        let features = &info["info"]["features"];
        let objects = element(&features[used.objects()], DEPTH_MAX);
        let categories = CATEGORY_KEYS.iter().map(|key| &objects[*key]);
        let category = categories.into_iter().find(|value| !value.is_null());
        Self {
            labels: names(&features[used.label()]),
            categories: category.map(names).unwrap_or_default(),
        }
    }
}

/// The JSON beside the schema; null where there is none.
fn info(metadata: &FileMetadata) -> Value {
    let key_values = metadata.key_value_metadata().iter().flatten();
    for entry in key_values {
        if entry.key == "huggingface" {
            let text = entry.value.as_deref().unwrap_or_default();
            return serde_json::from_str(text).unwrap_or_default();
        }
    }
    Value::Null
}

/// What a feature holds: the element of a list, else the feature itself.
fn element(feature: &Value, depth: u32) -> &Value {
    if depth == 0 {
        return &Value::Null;
    }
    if let Some(first) = feature.as_array().and_then(|list| list.first()) {
        return element(first, depth - 1);
    }
    let inner = ELEMENT_KEYS.iter().map(|key| &feature[*key]);
    match inner.into_iter().find(|value| !value.is_null()) {
        Some(inner) => element(inner, depth - 1),
        None => feature,
    }
}

/// The names of a feature's own classes.
fn names(feature: &Value) -> Vec<String> {
    let names = element(feature, DEPTH_MAX)["names"].as_array();
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}
