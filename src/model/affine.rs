//! Affine maps.

use super::class_weights::ClassWeights;

/// Largest weight beside the diagonal of a diagonal matrix, relative to the diagonal.
const DIAGONAL_TOLERANCE: f32 = 1e-4;

/// `y = W x + b`.
#[derive(Debug, Clone)]
pub struct AffineMap {
    pub inputs: usize,
    /// `outputs x inputs`, row by row.
    pub weights: Vec<f32>,
    pub bias: Vec<f64>,
    /// Largest difference between the map and the graph on random vectors, relative to the largest
    /// output.
    pub error: f64,
}

impl AffineMap {
    pub fn identity(size: usize) -> Self {
        let mut weights = vec![0.0; size * size];
        for i in 0..size {
            weights[i * size + i] = 1.0;
        }
        Self {
            inputs: size,
            weights,
            bias: vec![0.0; size],
            error: 0.0,
        }
    }

    /// Whether every output depends on its own input alone.
    pub fn is_diagonal(&self) -> bool {
        let mut rows = (0..self.outputs()).map(|output| (output, self.row(output)));
        self.inputs == self.outputs()
            && self.inputs > 1
            && rows.all(|(output, row)| {
                let mut others = row.iter().enumerate().filter(|(input, _)| *input != output);
                others.all(|(_, weight)| weight.abs() <= DIAGONAL_TOLERANCE * row[output].abs())
            })
    }

    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Weights of one output.
    pub fn row(&self, output: usize) -> &[f32] {
        &self.weights[output * self.inputs..(output + 1) * self.inputs]
    }

    /// `W x + b`.
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        let rows = self.bias.iter().enumerate();
        rows.map(|(output, bias)| dot(self.row(output), x) + bias)
            .collect()
    }

    /// The combination `sum_i y_i (W x + b)_i` as a function of `x`: `y^T W` and `y . b`.
    pub fn combine(&self, y: &[f64]) -> ClassWeights {
        let mut weights = vec![0.0; self.inputs];
        for (output, &y) in y.iter().enumerate() {
            if y == 0.0 {
                continue;
            }
            for (sum, &weight) in weights.iter_mut().zip(self.row(output)) {
                *sum += y * f64::from(weight);
            }
        }
        ClassWeights {
            weights,
            bias: y.iter().zip(&self.bias).map(|(y, b)| y * b).sum(),
        }
    }
}

fn dot(row: &[f32], x: &[f64]) -> f64 {
    row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum()
}
