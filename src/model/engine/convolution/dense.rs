//! The dense convolution as a matrix product: weights times a matrix whose rows are runs of the
//! planes, one per input and tap. The runs are read in place; only the weights are packed, once.

use super::planes::Planes;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Outputs that are summed together, and vectors of each: with the vectors of a run and a weight
/// they fill 32 registers.
const ROWS: usize = 8;
const VECTORS: usize = 3;
/// Fewest pixels that are worth a panel.
const PIXELS_MIN: usize = 48;
/// Pixels beyond whole vectors that are summed one by one, with the outputs in the lanes.
const SINGLE: usize = 4;
/// Most lanes of a vector.
const LANES_MAX: usize = 16;
/// Numbers of the planes in one panel: a quarter of a common L2 cache. All outputs of a panel are
/// summed before the next panel.
const PANEL: usize = 1 << 16;

/// Weights and biases of blocks of [`ROWS`] outputs; the last block is padded with zeros.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    inputs: usize,
    outputs: usize,
    /// Blocks x inputs x taps.
    weights: Vec<[f32; ROWS]>,
    bias: Vec<[f32; ROWS]>,
    /// Start of the run, inputs x taps.
    starts: Vec<u32>,
}

impl Dense {
    /// `kernel` is outputs x inputs x taps. `None` where its length does not fit or the planes of
    /// all channels would be large.
    pub fn new(planes: &Planes, kernel: &[f32], bias: &[f32]) -> Option<Self> {
        let taps = planes.taps.len();
        let outputs = bias.len();
        let runs = kernel.len().checked_div(outputs)?;
        let inputs = runs.checked_div(taps)?;
        if inputs * taps * outputs != kernel.len() || !planes.are_lean() {
            return None;
        }

        let end = u32::try_from(inputs.checked_mul(planes.len())?).ok()?;
        let mut starts = Vec::with_capacity(runs);
        for input in (0..end).step_by(planes.len()) {
            starts.extend(planes.taps.iter().map(|tap| input + *tap as u32));
        }

        let mut packed = Vec::new();
        let mut packed_bias = Vec::new();
        for first in (0..outputs).step_by(ROWS) {
            let rows = ROWS.min(outputs - first);
            for run in 0..runs {
                packed.push(padded(rows, |row| kernel[(first + row) * runs + run]));
            }
            packed_bias.push(padded(rows, |row| bias[first + row]));
        }
        Some(Self {
            inputs,
            outputs,
            weights: packed,
            bias: packed_bias,
            starts,
        })
    }
}

/// The values of the first `rows` rows of a block, and zeros.
fn padded(rows: usize, value: impl Fn(usize) -> f32) -> [f32; ROWS] {
    let mut block = [0.0; ROWS];
    for (row, slot) in block.iter_mut().enumerate().take(rows) {
        *slot = value(row);
    }
    block
}

/// Whether the CPU has the registers that the blocks are sized for.
pub struct Pays;

impl WithSimd for Pays {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        S::REGISTER_COUNT >= 32 && S::F32_LANES >= 16
    }
}

/// One call, dispatched to the CPU's vector width.
pub struct Run<'a> {
    pub planes: &'a Planes,
    pub dense: &'a Dense,
    /// Smallest and largest result.
    pub clamp: [f32; 2],
    pub input: &'a [f32],
    pub output: &'a mut [f32],
    /// Add the previous content of `output`.
    pub adds: bool,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (planes, dense) = (self.planes, self.dense);
        let (input, [height, width]) = (planes.geometry.input, planes.geometry.output);
        let mut spread = Vec::new();
        let runs = if planes.are_the_channel() {
            self.input
        } else {
            spread.resize(dense.inputs * planes.len(), 0.0);
            let channels = self.input.chunks_exact(input[0] * input[1]);
            channels
                .zip(spread.chunks_exact_mut(planes.len()))
                .for_each(|(from, to)| planes.spread(from, to));
            &spread
        };

        let panels = (dense.inputs * planes.len()).div_ceil(PANEL);
        let rows = height
            .div_ceil(panels)
            .max(PIXELS_MIN.div_ceil(planes.pitch))
            .min(height);
        let mut flat = vec![0.0; ROWS * planes.run(rows)];

        for first in (0..height).step_by(rows) {
            let rows = rows.min(height - first);
            let panel = first * planes.pitch..first * planes.pitch + planes.run(rows);
            let rest = match panel.len() % S::F32_LANES {
                _ if panel.len() < S::F32_LANES => panel.len(),
                rest if rest <= SINGLE => rest,
                _ => 0,
            };
            let singles: Vec<Vec<[f32; ROWS]>> = (panel.end - rest..panel.end)
                .map(|at| dense.inputs_of_pixel(runs, at))
                .collect();

            let blocks = dense
                .weights
                .chunks_exact(dense.starts.len())
                .zip(&dense.bias);
            let outputs = self.output.chunks_mut(ROWS * height * width);
            for ((weights, bias), outputs) in blocks.zip(outputs) {
                let block = Block {
                    runs,
                    starts: &dense.starts,
                    singles: &singles,
                    weights,
                    bias,
                };
                block.sum(simd, &panel, &mut flat);

                for (output, flat) in outputs
                    .chunks_exact_mut(height * width)
                    .zip(flat.chunks_exact(panel.len()))
                {
                    let to = &mut output[first * width..(first + rows) * width];
                    // Rows without gaps between them are copied as one.
                    let (width, pitch) = if planes.pitch == width {
                        (to.len(), to.len())
                    } else {
                        (width, planes.pitch)
                    };
                    for (to, from) in to.chunks_exact_mut(width).zip(flat.chunks(pitch)) {
                        finish(self.clamp, &from[..width], to, self.adds);
                    }
                }
            }
        }
    }
}

impl Dense {
    /// The inputs of one pixel, inputs x taps, each repeated for every output of a block.
    #[inline(always)]
    fn inputs_of_pixel(&self, runs: &[f32], at: usize) -> Vec<[f32; ROWS]> {
        self.starts
            .iter()
            .map(|start| [runs[*start as usize + at]; ROWS])
            .collect()
    }
}

/// Adds the previous content of `to` if asked, and clamps.
#[inline(always)]
fn finish([min, max]: [f32; 2], from: &[f32], to: &mut [f32], adds: bool) {
    if adds {
        to.iter_mut()
            .zip(from)
            .for_each(|(to, from)| *to = clamp(*to + from, min, max));
    } else {
        to.iter_mut()
            .zip(from)
            .for_each(|(to, from)| *to = clamp(*from, min, max));
    }
}

/// Keeps NaN, as `f32::clamp` does, but has no panic that would prevent vectorisation.
#[inline(always)]
fn clamp(value: f32, min: f32, max: f32) -> f32 {
    let raised = if value < min { min } else { value };
    if raised > max { max } else { raised }
}

/// The operands of a block of outputs.
struct Block<'a> {
    runs: &'a [f32],
    starts: &'a [u32],
    /// The inputs of each pixel that is summed by itself, repeated for every output.
    singles: &'a [Vec<[f32; ROWS]>],
    weights: &'a [[f32; ROWS]],
    bias: &'a [f32; ROWS],
}

impl Block<'_> {
    /// Sums a panel into `flat`, outputs x pixels.
    #[inline(always)]
    fn sum<S: Simd>(&self, simd: S, panel: &Range<usize>, flat: &mut [f32]) {
        let (mut at, end) = (panel.start, panel.end - self.singles.len());
        while end - at >= VECTORS * S::F32_LANES {
            at = self.step::<S, VECTORS>(simd, panel, at, flat);
        }
        while end - at >= S::F32_LANES {
            at = self.step::<S, 1>(simd, panel, at, flat);
        }
        if end > at {
            // The last vector overlaps the one before it: some pixels are summed twice.
            self.step::<S, 1>(simd, panel, end - S::F32_LANES, flat);
        }

        for (at, inputs) in (end - panel.start..).zip(self.singles) {
            let sums = self.single(simd, inputs);
            flat.chunks_exact_mut(panel.len())
                .zip(sums)
                .for_each(|(flat, sum)| flat[at] = sum);
        }
    }

    /// Sums `N` vectors starting at `at`; returns the start of the next. The sums stay in registers
    /// because every loop over them runs over arrays only; a zip with a slice would spill them.
    #[inline(always)]
    fn step<S: Simd, const N: usize>(
        &self,
        simd: S,
        panel: &Range<usize>,
        at: usize,
        flat: &mut [f32],
    ) -> usize {
        let length = N * S::F32_LANES;
        let mut sums = self.bias.map(|bias| [simd.splat_f32s(bias); N]);
        let runs = &self.runs[at..];

        for (start, weights) in self.starts.iter().zip(self.weights) {
            let (values, _) = S::as_simd_f32s(&runs[*start as usize..][..length]);
            let values: [S::f32s; N] = std::array::from_fn(|i| values[i]);
            for (sums, weight) in sums.iter_mut().zip(weights) {
                let weight = simd.splat_f32s(*weight);
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add_e_f32s(weight, value, *sum);
                }
            }
        }

        for (row, sums) in sums.iter().enumerate() {
            let (to, _) =
                S::as_mut_simd_f32s(&mut flat[row * panel.len() + at - panel.start..][..length]);
            to.copy_from_slice(sums);
        }
        at + length
    }

    /// Sums one pixel, with the outputs in the lanes.
    #[inline(always)]
    fn single<S: Simd>(&self, simd: S, inputs: &[[f32; ROWS]]) -> [f32; ROWS] {
        let (weights, inputs) = (self.weights.as_flattened(), inputs.as_flattened());
        let (vectors, last) = S::as_simd_f32s(weights);
        let (values, last_values) = S::as_simd_f32s(inputs);
        let mut sums = [simd.splat_f32s(0.0); ROWS];
        for (vectors, values) in vectors.chunks(ROWS).zip(values.chunks(ROWS)) {
            for ((sum, vector), value) in sums.iter_mut().zip(vectors).zip(values) {
                *sum = simd.mul_add_e_f32s(*vector, *value, *sum);
            }
        }

        let mut lanes = [0.0; ROWS * LANES_MAX];
        let (to, _) = S::as_mut_simd_f32s(&mut lanes[..ROWS * S::F32_LANES]);
        to.copy_from_slice(&sums);

        // Number n of any vector belongs to output n modulo ROWS, and so does the remainder.
        let mut results = *self.bias;
        let left = last
            .iter()
            .zip(last_values)
            .map(|(weight, value)| weight * value);
        for (n, value) in lanes
            .into_iter()
            .take(ROWS * S::F32_LANES)
            .chain(left)
            .enumerate()
        {
            results[n % ROWS] += value;
        }
        results
    }
}
