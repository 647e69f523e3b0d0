//! What the maps of a few classes of one image are made of: its features, or maps of the graph.

use super::outputs::predicted;
use super::session::Inference;
use std::collections::BTreeMap;

/// The map of one class, and the part of its logit that belongs to no cell.
pub struct ClassMap {
    /// Row by row, in logits.
    pub values: Vec<f64>,
    pub bias: f64,
}

/// The logits of one image, and what the maps of the classes that were asked for are made of.
pub enum Evidence {
    Features(Inference),
    Maps(GraphMaps),
}

/// Maps that the graph made.
pub struct GraphMaps {
    pub(super) logits: Vec<f32>,
    /// By the row that was asked for; the mean of all classes stands behind the classes.
    pub(super) rows: BTreeMap<usize, Vec<f32>>,
}

impl Evidence {
    /// One per class.
    pub fn logits(&self) -> &[f32] {
        match self {
            Self::Features(inference) => &inference.logits,
            Self::Maps(maps) => &maps.logits,
        }
    }
}

impl GraphMaps {
    /// `asked` are rows, `maps` their maps, and last that of the class with the largest logit.
    pub(super) fn new(logits: Vec<f32>, asked: &[usize], maps: &[f32], cells: usize) -> Self {
        let mut rows = BTreeMap::new();
        let planes = maps.chunks_exact(cells);
        if let Some(last) = planes.clone().last() {
            rows.insert(predicted(&logits), last.to_vec());
        }
        for (row, plane) in asked.iter().zip(planes) {
            rows.insert(*row, plane.to_vec());
        }
        Self { logits, rows }
    }
}
