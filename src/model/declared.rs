//! What a model file says of itself, before anything runs.

use super::graph::Graph;
use super::model_file::ModelFile;
use super::opened::BYTES;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The input of a model and the metadata of its file.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Dimensions of the image, `None` where the file leaves them open; empty where it declares
    /// none.
    pub dims: Vec<Option<usize>>,
    /// Whether the input is 8-bit pixels.
    pub takes_bytes: bool,
    /// `metadata_props` of the file.
    pub metadata: BTreeMap<String, String>,
}

impl Declared {
    /// Reads a model file.
    ///
    /// # Errors
    /// When it cannot be read, or holds no graph that can be audited.
    pub fn read(path: &Path) -> Result<Self> {
        let file = ModelFile::read(path)?;
        let properties = &file.proto.metadata_props;
        let metadata = properties
            .iter()
            .map(|property| (property.key.clone(), property.value.clone()))
            .collect();

        let graph = Graph::new(file.proto, &BTreeMap::new())
            .map_err(|e| Error::new(format!("model {}: {e}", path.display())))?;
        Ok(Self {
            dims: graph.input_dims,
            takes_bytes: graph.precisions.iter().any(|p| p == BYTES),
            metadata,
        })
    }
}
