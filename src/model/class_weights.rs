use super::layout::MapLayout;

/// An affine function of the pooled vector, `w . g + b`. For one class and one image it gives the
/// logit, and its weights make the class activation map.
#[derive(Debug, Clone, Default)]
pub struct ClassWeights {
    /// One per number of the pooled vector.
    pub weights: Vec<f64>,
    pub bias: f64,
}

impl ClassWeights {
    /// The value at `means`.
    pub fn apply(&self, means: &[f64]) -> f64 {
        let products = self.weights.iter().zip(means).map(|(w, g)| w * g);
        products.sum::<f64>() + self.bias
    }

    /// The sum of the magnitudes of what [`Self::apply`] adds up.
    pub fn magnitude(&self, means: &[f64]) -> f64 {
        let products = self.weights.iter().zip(means).map(|(w, g)| (w * g).abs());
        products.sum::<f64>() + self.bias.abs()
    }

    /// The map of one class, row by row, in logits: `M[i,j] = sum_k w_k A[k,i,j]`, or
    /// `n sum_k w[k,i,j] A[k,i,j]` where the head reads a flattened map.
    pub fn map(&self, layout: &MapLayout, features: &[f32]) -> Vec<f64> {
        let cells = layout.cells();
        let mut map = vec![0.0; cells];
        if layout.flattened {
            for (index, (&feature, weight)) in features.iter().zip(&self.weights).enumerate() {
                let cell = if layout.channels_last {
                    index / layout.channels
                } else {
                    index % cells
                };
                map[cell] += cells as f64 * f64::from(feature) * weight;
            }
            return map;
        }

        if layout.channels_last {
            let values = features.chunks_exact(layout.channels);
            for (sum, cell) in map.iter_mut().zip(values) {
                let products = cell.iter().zip(&self.weights);
                *sum = products.map(|(&a, weight)| f64::from(a) * weight).sum();
            }
        } else {
            let planes = features.chunks_exact(cells);
            for (plane, weight) in planes.zip(&self.weights) {
                for (sum, &feature) in map.iter_mut().zip(plane) {
                    *sum += weight * f64::from(feature);
                }
            }
        }
        map
    }

    #[must_use]
    pub fn minus(mut self, other: &Self) -> Self {
        for (weight, other) in self.weights.iter_mut().zip(&other.weights) {
            *weight -= other;
        }
        self.bias -= other.bias;
        self
    }

    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            weights: self.weights.iter().map(|w| -w).collect(),
            bias: -self.bias,
        }
    }
}
