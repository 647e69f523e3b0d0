//! What concepts add to the logit of one image.

use super::ConceptImage;
use super::factors::Factors;

/// The logit of one image, less the mean of the logits, as a sum: of the concepts, of what they
/// leave of the features, and of the bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// Mean activation over the cells, by concept.
    pub presence: Vec<f64>,
    /// In logits, by concept.
    pub of_concepts: Vec<f64>,
    pub residual: f64,
    pub bias: f64,
}

impl Contributions {
    /// The part of the residual in all, without regard to signs.
    pub fn residual_share(&self) -> f64 {
        let concepts: f64 = self.of_concepts.iter().map(|t| t.abs()).sum();
        let residual = self.residual.abs();
        residual / (residual + concepts).max(f64::MIN_POSITIVE)
    }
}

/// The contributions of each image, in the order of the images. A concept adds
/// `presence * (w_c - mean w) . V_k`; the mean of the map is the sum over all features, and what is
/// left of it belongs to the residual.
pub fn contributions(factors: &Factors, images: &[ConceptImage]) -> Vec<Contributions> {
    let rank = factors.directions.nrows();
    let mut all = Vec::new();
    let mut start = 0;
    for image in images {
        let cells = image.map.len();
        let mut presence = vec![0.0; rank];
        for cell in factors.activations.columns(start, cells).column_iter() {
            for (sum, value) in presence.iter_mut().zip(cell.iter()) {
                *sum += f64::from(*value);
            }
        }
        start += cells;

        let mut of_concepts = Vec::new();
        for (row, sum) in presence.iter_mut().enumerate() {
            *sum /= cells.max(1) as f64;
            let direction = factors.directions.row(row);
            let pairs = direction.iter().zip(&image.weights);
            let weight: f64 = pairs.map(|(v, w)| f64::from(*v) * w).sum();
            of_concepts.push(*sum * weight);
        }
        let whole = image.map.iter().sum::<f64>() / cells.max(1) as f64;
        all.push(Contributions {
            residual: whole - of_concepts.iter().sum::<f64>(),
            presence,
            of_concepts,
            bias: image.bias,
        });
    }
    all
}
