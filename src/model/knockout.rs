//! Knock-out of cells: the second check of the maps, beside the logit invariant. It sees parts of a
//! map that are misplaced or exchanged.

use super::layout::MapLayout;
use super::subgraph::Subgraph;
use crate::error::{Error, Result};

/// Largest accepted difference of a map and the knock-out, relative to the largest value.
pub const KNOCKOUT_TOLERANCE: f64 = 1e-3;
/// Cells that are set to zero for each probe.
const CELLS: usize = 8;

/// Changes of the logits when cells are set to zero, and what the maps say of these cells.
#[derive(Default)]
pub struct Knockout {
    measured: Vec<f64>,
    mapped: Vec<f64>,
}

impl Knockout {
    /// Adds one image: `n (z - z')` for some cells, where `z'` is the logit with the cell set to
    /// zero. `maps` are the class weights of `classes`, `attributed` the maps that they refer to.
    ///
    /// # Errors
    /// When the head cannot be run.
    pub fn add(
        &mut self,
        head: &Subgraph<'_>,
        layout: &MapLayout,
        features: &[f32],
        maps: &[(usize, Vec<f64>)],
        logits: &[f32],
    ) -> Result<()> {
        let cells = chosen(layout.cells());
        let mut rows = Vec::with_capacity(cells.len() * features.len());
        for cell in &cells {
            let start = rows.len();
            rows.extend_from_slice(features);
            for channel in 0..layout.channels {
                rows[start + layout.index(channel, *cell)] = 0.0;
            }
        }

        let outputs = head.run(&rows, 1)?;
        let width = outputs.len() / cells.len();
        let n = layout.cells() as f64;
        for (cell, without) in cells.iter().zip(outputs.chunks_exact(width)) {
            for (class, map) in maps {
                let change = f64::from(logits[*class]) - f64::from(without[*class]);
                self.measured.push(n * change);
                self.mapped.push(map[*cell]);
            }
        }
        Ok(())
    }

    /// Largest difference, relative to the largest value.
    pub fn error(&self) -> f64 {
        let largest = self.mapped.iter().fold(1e-6_f64, |max, v| max.max(v.abs()));
        let pairs = self.measured.iter().zip(&self.mapped);
        let error = pairs.fold(0.0_f64, |max, (a, b)| max.max((a - b).abs()));
        error / largest
    }

    /// Correlation of both.
    pub fn correlation(&self) -> f64 {
        let n = self.measured.len() as f64;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
        let (mean_a, mean_b) = (mean(&self.measured), mean(&self.mapped));
        let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
        for (a, b) in self.measured.iter().zip(&self.mapped) {
            ab += (a - mean_a) * (b - mean_b);
            aa += (a - mean_a).powi(2);
            bb += (b - mean_b).powi(2);
        }
        if aa == 0.0 || bb == 0.0 {
            return 0.0;
        }
        ab / (aa * bb).sqrt()
    }

    /// # Errors
    /// When the maps of an exact head differ from the knock-out.
    pub fn check(&self) -> Result<f64> {
        let error = self.error();
        if error <= KNOCKOUT_TOLERANCE {
            return Ok(error);
        }
        Err(Error::new(format!(
            "the maps fail the knock-out of cells: setting a cell to zero moves the logits by \
             {error:.1e} of the largest value more or less than the maps say \
             (at most {KNOCKOUT_TOLERANCE:.0e})"
        )))
    }
}

/// Reproducible cells, from BLAKE3 as a stream.
fn chosen(cells: usize) -> Vec<usize> {
    let mut bytes = [0; 4 * CELLS];
    blake3::Hasher::new()
        .update(b"camaudit knockout")
        .finalize_xof()
        .fill(&mut bytes);
    let (words, _) = bytes.as_chunks::<4>();
    let mut chosen: Vec<usize> = words
        .iter()
        .map(|word| u32::from_le_bytes(*word) as usize % cells)
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}
