//! Every output from all inputs: a matrix of weights times a matrix whose rows are runs of the planes, one for each tap of
//! each input. The runs are read where they lie; nothing is gathered or packed, but the weights, once.

use super::{Convolution, Planes};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Outputs that are summed at once, and vectors of each: with the vectors of a run and a weight they fill 32 registers.
const ROWS: usize = 8;
const VECTORS: usize = 3;
/// Fewest pixels that are worth a panel.
const PIXELS_MIN: usize = 48;
/// Pixels beyond whole vectors that are summed one by one, with the outputs in the lanes.
const SINGLE: usize = 4;
/// Most lanes of a vector.
const LANES_MAX: usize = 16;
/// Numbers of the planes that all outputs are summed over before the next are: a quarter of a usual second cache.
const PANEL: usize = 1 << 16;

/// Weights and biases of blocks of [`ROWS`] outputs; the last block is filled up with zeros.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    inputs: usize,
    outputs: usize,
    /// Of each block, each input and each tap.
    weights: Vec<[f32; ROWS]>,
    bias: Vec<[f32; ROWS]>,
    /// Of each input and each tap: where its run starts.
    starts: Vec<u32>,
}

impl Dense {
    /// `kernel` as outputs x inputs x taps. `None` where that does not come out even, or where the planes would be large.
    pub fn new(planes: &Planes, kernel: &[f32], bias: &[f32]) -> Option<Self> {
        let outputs = bias.len();
        let runs = kernel.len().checked_div(outputs)?;
        let inputs = runs
            .checked_div(planes.taps.len())
            .filter(|n| n * planes.taps.len() * outputs == kernel.len())?;
        let last = u32::try_from(inputs.checked_mul(planes.len())?)
            .ok()
            .filter(|_| planes.are_lean())?;
        let starts: Vec<u32> = (0..last)
            .step_by(planes.len())
            .flat_map(|input| planes.taps.iter().map(move |tap| input + *tap as u32))
            .collect();
        let block = |first: usize, of: &dyn Fn(usize) -> f32| -> [f32; ROWS] {
            std::array::from_fn(|row| {
                if first + row < outputs {
                    of(first + row)
                } else {
                    0.0
                }
            })
        };
        let firsts = || (0..outputs).step_by(ROWS);
        let weights = firsts()
            .flat_map(|first| (0..runs).map(move |run| block(first, &|o| kernel[o * runs + run])));
        let bias = firsts().map(|first| block(first, &|o| bias[o])).collect();
        Some(Self {
            inputs,
            outputs,
            weights: weights.collect(),
            bias,
            starts,
        })
    }
}

/// Whether the registers are those that the blocks are made for.
pub struct Pays;

impl WithSimd for Pays {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        S::REGISTER_COUNT >= 32 && S::F32_LANES >= 16
    }
}

pub struct Run<'a> {
    pub of: &'a Convolution,
    pub sums: &'a Dense,
    pub input: &'a [f32],
    pub output: &'a mut [f32],
    /// Add what the output held.
    pub adds: bool,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (planes, dense) = (&self.of.planes, self.sums);
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
            let inputs = |at: usize| {
                dense
                    .starts
                    .iter()
                    .map(|start| [runs[*start as usize + at]; ROWS])
                    .collect()
            };
            let singles: Vec<Vec<[f32; ROWS]>> =
                (panel.end - rest..panel.end).map(inputs).collect();
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
                    // Without a gap between them, rows are one.
                    let (width, pitch) = if planes.pitch == width {
                        (to.len(), to.len())
                    } else {
                        (width, planes.pitch)
                    };
                    for (to, from) in to.chunks_exact_mut(width).zip(flat.chunks(pitch)) {
                        self.of.finish(&from[..width], to, self.adds);
                    }
                }
            }
        }
    }
}

impl Convolution {
    /// Adds what was there, if that is wanted, and clamps.
    #[inline(always)]
    fn finish(&self, from: &[f32], to: &mut [f32], adds: bool) {
        let [least, most] = self.clamp;
        let clamp = |v: f32| if v < least { least } else { v };
        let clamp = |v: f32| if clamp(v) > most { most } else { clamp(v) };
        if adds {
            to.iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = clamp(*to + from));
        } else {
            to.iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = clamp(*from));
        }
    }
}

/// What a block of outputs is summed from.
struct Block<'a> {
    runs: &'a [f32],
    starts: &'a [u32],
    /// Of each pixel that is summed by itself: its inputs, each as often as there are outputs.
    singles: &'a [Vec<[f32; ROWS]>],
    weights: &'a [[f32; ROWS]],
    bias: &'a [f32; ROWS],
}

impl Block<'_> {
    /// Sums a panel into `flat`, an output after the other.
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
            // Less than a vector: some pixels are summed once more.
            self.step::<S, 1>(simd, panel, end - S::F32_LANES, flat);
        }
        for (at, inputs) in (end - panel.start..).zip(self.singles) {
            let sums = self.single(simd, inputs);
            flat.chunks_exact_mut(panel.len())
                .zip(sums)
                .for_each(|(flat, sum)| flat[at] = sum);
        }
    }

    /// Sums `N` vectors from `at` on; returns where the next begin. The sums stay in registers because every loop over them is
    /// over arrays alone: one that is zipped with a slice would put them on the stack.
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

    /// Sums one pixel.
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
        // Number n of any vector belongs to output n modulo their number, and so does what is left.
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
