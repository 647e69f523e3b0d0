/// An affine function of feature means, `w . g + b`. For one class and one image it gives the
/// logit, and its weights make the class activation map.
#[derive(Debug, Clone, Default)]
pub struct ClassWeights {
    /// One per feature channel.
    pub weights: Vec<f64>,
    pub bias: f64,
}

impl ClassWeights {
    /// The value at `means`.
    pub fn apply(&self, means: &[f64]) -> f64 {
        let products = self.weights.iter().zip(means).map(|(w, g)| w * g);
        products.sum::<f64>() + self.bias
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
