//! The dense convolution as a matrix product: weights times a matrix whose rows are runs of the
//! planes, one per input and tap. The runs are read in place, gaps between the rows included, but
//! for small maps, where the gaps would be a large part: there the runs are gathered without them.

use super::block::{Block, repeated, singles};
use super::planes::Planes;
use super::scratch;
use pulp::{Simd, WithSimd};

/// Outputs that are summed together.
const ROWS: usize = 8;
/// Fewest pixels that are worth a panel.
const PIXELS_MIN: usize = 48;
/// Numbers of the planes in one panel: a quarter of a common L2 cache. All outputs of a panel are
/// summed before the next panel.
const PANEL: usize = 1 << 16;
/// Numbers of gathered runs that are summed before the next ones: half of a common L1 cache.
const GATHERED: usize = 6 << 10;
/// Part of the products that are saved where runs are gathered, at least, and fewest outputs that
/// share the copies.
const GAPS_MIN: f64 = 0.15;
const SHARED_MIN: usize = 64;
/// With 16 registers four outputs share the loads of the values. Those of more channels than this
/// no longer stay in the first cache, and loading them takes longer than the sums (AVX2, Zen).
const INPUTS_OF_FEW_REGISTERS: usize = 256;

/// Weights and biases of blocks of [`ROWS`] outputs; the last block is padded with zeros.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    inputs: usize,
    outputs: usize,
    /// Blocks x runs; where runs are gathered, those of the first ones of all blocks first.
    weights: Vec<[f32; ROWS]>,
    bias: Vec<[f32; ROWS]>,
    /// Start of the run, inputs x taps; of gathered runs those that are summed together.
    starts: Vec<u32>,
    is_gathered: bool,
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

        let is_gathered = gathering_pays(planes, outputs);
        let end = u32::try_from(inputs.checked_mul(planes.len())?).ok()?;
        let mut starts = Vec::with_capacity(runs);
        if is_gathered {
            let [height, width] = planes.geometry.output;
            let channels = (GATHERED / (taps * height * width)).clamp(1, inputs);
            starts.extend((0..channels * taps).map(|run| (run * height * width) as u32));
        } else {
            for input in (0..end).step_by(planes.len()) {
                starts.extend(planes.taps.iter().map(|tap| input + *tap as u32));
            }
        }

        let together = if is_gathered { starts.len() } else { runs };
        let mut packed = Vec::with_capacity(outputs.div_ceil(ROWS) * runs);
        for first_run in (0..runs).step_by(together) {
            for first in (0..outputs).step_by(ROWS) {
                let rows = ROWS.min(outputs - first);
                for run in first_run..runs.min(first_run + together) {
                    packed.push(padded(rows, |row| kernel[(first + row) * runs + run]));
                }
            }
        }
        let blocks = (0..outputs).step_by(ROWS);
        let bias = blocks.map(|first| padded(ROWS.min(outputs - first), |row| bias[first + row]));
        Some(Self {
            inputs,
            outputs,
            weights: packed,
            bias: bias.collect(),
            starts,
            is_gathered,
        })
    }
}

/// Whether the sums in the gaps between the rows cost more than copies of the runs without them.
fn gathering_pays(planes: &Planes, outputs: usize) -> bool {
    let [height, width] = planes.geometry.output;
    let (pixels, with_gaps) = (height * width, planes.run(height));
    let gaps = (with_gaps - pixels) as f64;
    let is_small = planes.taps.len() * pixels <= GATHERED;
    is_small && outputs >= SHARED_MIN && gaps >= GAPS_MIN * with_gaps as f64
}

/// The values of the first `rows` rows of a block, and zeros.
fn padded(rows: usize, value: impl Fn(usize) -> f32) -> [f32; ROWS] {
    let mut block = [0.0; ROWS];
    for (row, slot) in block.iter_mut().enumerate().take(rows) {
        *slot = value(row);
    }
    block
}

/// The channels that a convolution may have, so that its sums here are faster than the engine's.
pub struct InputsMax;

impl WithSimd for InputsMax {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        match (S::REGISTER_COUNT, S::F32_LANES) {
            (32.., 16..) => usize::MAX,
            (_, 8..) => INPUTS_OF_FEW_REGISTERS,
            _ => 0,
        }
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
        if self.dense.is_gathered {
            self.sum_gathered(simd);
        } else {
            self.sum_in_place(simd);
        }
    }
}

impl Run<'_> {
    /// Gathers the runs of a few channels, adds them to all outputs, and goes on with the next.
    #[inline(always)]
    fn sum_gathered<S: Simd>(self, simd: S) {
        let (planes, dense) = (self.planes, self.dense);
        let taps = planes.taps.len();
        let pixels = planes.geometry.output[0] * planes.geometry.output[1];
        let channels = dense.starts.len() / taps;
        let channel = planes.geometry.input[0] * planes.geometry.input[1];

        let mut runs = vec![0.0; dense.starts.len() * pixels];
        let mut flat = vec![0.0; ROWS * pixels];
        let length = dense.bias.len() * ROWS * pixels;
        let mut buffer = scratch::take(length);
        let sums = &mut buffer[..length];
        let bias = dense.bias.as_flattened();
        for (sums, bias) in sums.chunks_exact_mut(pixels).zip(bias) {
            sums.fill(*bias);
        }

        let mut weights = &dense.weights[..];
        for input in self.input.chunks(channels * channel) {
            planes.gather(input, &mut runs);
            let count = input.len() / channel * taps;
            let starts = &dense.starts[..count];
            let singles: Vec<Vec<[f32; ROWS]>> = (pixels - singles::<S>(pixels)..pixels)
                .map(|column| repeated(&runs, starts, column))
                .collect();

            for sums in sums.chunks_exact_mut(ROWS * pixels) {
                let (of_block, rest) = weights.split_at(count);
                weights = rest;
                let block = Block {
                    values: &runs,
                    starts,
                    singles: &singles,
                    weights: of_block,
                    bias: &[0.0; ROWS],
                };
                block.sum(simd, &(0..pixels), &mut flat);
                sums.iter_mut()
                    .zip(&flat)
                    .for_each(|(sum, more)| *sum += more);
            }
        }

        for (output, sums) in self
            .output
            .chunks_exact_mut(pixels)
            .zip(sums.chunks_exact(pixels))
        {
            finish(self.clamp, sums, output, self.adds);
        }
        scratch::keep(buffer);
    }

    /// Sums runs where they lie in the planes.
    #[inline(always)]
    fn sum_in_place<S: Simd>(self, simd: S) {
        let (planes, dense) = (self.planes, self.dense);
        let (input, [height, width]) = (planes.geometry.input, planes.geometry.output);
        let mut spread = Vec::new();
        let runs = if planes.are_the_channel() {
            self.input
        } else {
            let length = dense.inputs * planes.len();
            spread = scratch::take(length);
            spread[..length].fill(0.0);
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
            let singles: Vec<Vec<[f32; ROWS]>> = (panel.end - singles::<S>(panel.len())..panel.end)
                .map(|column| repeated(runs, &dense.starts, column))
                .collect();

            let blocks = dense
                .weights
                .chunks_exact(dense.starts.len())
                .zip(&dense.bias);
            let outputs = self.output.chunks_mut(ROWS * height * width);
            for ((weights, bias), outputs) in blocks.zip(outputs) {
                let block = Block {
                    values: runs,
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
        scratch::keep(spread);
    }
}

/// Adds the previous content of `to` if asked, and clamps.
#[inline(always)]
pub fn finish([min, max]: [f32; 2], from: &[f32], to: &mut [f32], adds: bool) {
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
