//! Affine maps.

use super::class_weights::ClassWeights;

/// Largest weight beside the diagonal of a diagonal matrix, relative to the diagonal.
const DIAGONAL_TOLERANCE: f32 = 1e-4;
/// Outputs below this count as zero in relative errors.
pub const OUTPUT_MIN: f64 = 1e-6;

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

    /// Largest difference from an output, relative to each of its values or 1.
    pub fn error_at(&self, input: &[f32], expected: &[f32]) -> f64 {
        let input: Vec<f64> = input.iter().map(|&v| f64::from(v)).collect();
        let mut error = 0.0_f64;
        for (value, &expected) in self.apply(&input).into_iter().zip(expected) {
            let expected = f64::from(expected);
            error = error.max((value - expected).abs() / expected.abs().max(1.0));
        }
        error
    }

    /// Largest difference from the outputs of several inputs, each relative to its largest value;
    /// NaN where one is.
    pub fn error_on(&self, inputs: &[f32], expected: &[f32]) -> f64 {
        let mut error = 0.0_f64;
        let inputs = inputs.chunks_exact(self.inputs);
        for (input, expected) in inputs.zip(expected.chunks_exact(self.outputs())) {
            let input: Vec<f64> = input.iter().map(|&v| f64::from(v)).collect();
            let largest = largest_magnitude(expected);
            for (value, &expected) in self.apply(&input).into_iter().zip(expected) {
                let difference = (value - f64::from(expected)).abs() / largest;
                if difference.is_nan() {
                    return f64::NAN;
                }
                error = error.max(difference);
            }
        }
        error
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

/// The map with the smallest of its largest errors, at a base and on test inputs; its `error` is
/// the latter. A map that was read around a base of large features has their rounding errors in
/// its bias, and one that was read around zero has lost digits where the bias is large.
pub fn most_exact(
    maps: Vec<AffineMap>,
    (base, at_base): (&[f32], &[f32]),
    (tests, expected): (&[f32], &[f32]),
) -> Option<AffineMap> {
    let mut best: Option<(f64, AffineMap)> = None;
    for mut map in maps {
        map.error = map.error_on(tests, expected);
        let error = match map.error.is_nan() {
            true => f64::INFINITY,
            false => map.error.max(map.error_at(base, at_base)),
        };
        if best.as_ref().is_none_or(|(least, _)| error < *least) {
            best = Some((error, map));
        }
    }
    best.map(|(_, map)| map)
}

/// At least [`OUTPUT_MIN`].
pub fn largest_magnitude(values: &[f32]) -> f64 {
    let magnitudes = values.iter().map(|v| f64::from(v.abs()));
    magnitudes.fold(OUTPUT_MIN, f64::max)
}

fn dot(row: &[f32], x: &[f64]) -> f64 {
    row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(weight: f32, bias: f64) -> AffineMap {
        AffineMap {
            inputs: 1,
            weights: vec![weight],
            bias: vec![bias],
            error: 0.0,
        }
    }

    #[test]
    fn the_reading_with_the_smaller_errors_is_taken() {
        // The truth, the base with the output of float32, and the test input with its output; the
        // reading around zero and the one around the base.
        let table = [
            // Features of 4000: the sum at the base is off by .04, and so is a bias read there.
            (
                (4000.0, 8001.04),
                (1.0, 3.0),
                map(2.0, 1.0),
                map(2.0, 1.04),
                1.0,
            ),
            // A bias of 10^6 that the base cancels: around zero the weight is off by 5 %.
            (
                (-1e6, 0.5),
                (1.0, 1_000_001.5),
                map(1.05, 1e6),
                map(1.0, 1_000_000.5),
                1_000_000.5,
            ),
            // Not a number on the test input.
            (
                (1.0, 1.0),
                (1.0, 1.0),
                map(f32::NAN, 0.0),
                map(1.0, 0.0),
                0.0,
            ),
        ];
        for ((base, at_base), (test, expected), around_zero, around_base, bias) in table {
            let maps = vec![around_zero, around_base];
            let best = most_exact(maps, (&[base], &[at_base]), (&[test], &[expected]));
            assert_eq!(best.expect("a map").bias, [bias]);
        }
    }
}
