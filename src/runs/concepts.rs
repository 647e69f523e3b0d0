//! `concepts.parquet` and `heat_clusters.parquet`, read back.

use crate::error::Result;
use crate::tables::{ConceptRow, HeatClusterRow, Row, decode};
use std::path::Path;

/// What a run says of concepts and heat clusters; both empty where it has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShownConcepts {
    /// By class, in the order in which they are shown.
    pub concepts: Vec<ConceptRow>,
    /// By class and cluster.
    pub clusters: Vec<HeatClusterRow>,
}

/// Reads what a run folder has of concepts.
///
/// # Errors
/// When a file is damaged, or its columns are others; names the file and the cause.
pub fn concepts(run: &Path) -> Result<ShownConcepts> {
    Ok(ShownConcepts {
        concepts: rows(run)?,
        clusters: rows(run)?,
    })
}

fn rows<R: Row>(run: &Path) -> Result<Vec<R>> {
    let file = run.join(format!("{}.parquet", R::TABLE));
    if !file.is_file() {
        return Ok(Vec::new());
    }
    decode(&file)
}

/// What the figures of a concept are named by; `place` counts from 0.
pub fn concept_name(place: usize) -> String {
    format!("concept {}", place + 1)
}

/// The same for a heat cluster.
pub fn cluster_name(place: usize) -> String {
    format!("cluster {}", place + 1)
}
