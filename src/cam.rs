//! Class activation maps: features x class weights -> a signed map in logits (Zhou et al. 2016,
//! arXiv 1512.04150).

use crate::error::{Error, Result};
use crate::model::{ClassWeights, MapLayout};

/// `M_c[i,j] = sum_k W[c,k] A[k,i,j]`, row by row, in logits. The bias belongs to no cell and is
/// kept apart.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cam {
    pub height: usize,
    pub width: usize,
    pub values: Vec<f64>,
    pub bias: f64,
}

impl Cam {
    /// The weighted sum of the feature maps, accumulated in f64.
    pub fn new(layout: &MapLayout, features: &[f32], class: &ClassWeights) -> Self {
        Self {
            height: layout.height,
            width: layout.width,
            values: class.map(layout, features),
            bias: class.bias,
        }
    }

    /// Mean over the cells.
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// Checks the logit invariant `|mean(M) + b - z| <= tolerance max(unit, |z|)`, where the unit
    /// is 1, or more for a head whose terms cancel; returns the relative error.
    ///
    /// # Errors
    /// When it is violated: then the map does not explain the logit, and the run must stop.
    pub fn check(&self, logit: f64, tolerance: f64, unit: f64) -> Result<f64> {
        let sum = self.mean() + self.bias;
        let error = (sum - logit).abs() / logit.abs().max(unit);
        if error <= tolerance {
            return Ok(error);
        }
        Err(Error::new(format!(
            "the logit invariant is violated: mean(CAM) + bias = {sum:.6}, logit = {logit:.6}, \
             relative error {error:.1e} > {tolerance:.0e}"
        )))
    }
}
