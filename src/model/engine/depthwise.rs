//! A depthwise convolution for the engine. Its own walks every zone of every channel tap by tap, which takes half the
//! time of a mobile network; this one lays a channel out flat, so that every tap is one long run of multiply-adds.
//!
//! A channel is copied into padded planes, one per phase of the stride: phase `(a, b)` holds the pixels whose padded row
//! is `a` and whose padded column is `b` modulo the stride. All planes share one pitch, so that tap `(i, j)` of the
//! output at flat index `o = y * pitch + x` lies at `offset(i, j) + o`, with an offset that does not depend on `o`.
//! The output is computed flat with the same pitch, and its rows are copied to their places.

use pulp::{Arch, Simd, WithSimd};

/// Vectors that are accumulated at once, then what is left by halves.
const UNROLL: usize = 8;
/// Most numbers of the planes for one number of input and output: far dilated kernels are the engine's own.
const PLANES_MAX: usize = 16;
/// Numbers that the longest run may read past the end of the last plane.
const SLACK: usize = UNROLL * 16;

/// Shapes of one depthwise convolution; `[rows, columns]` each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    pub channels: usize,
    pub input: [usize; 2],
    pub output: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Rows above and columns to the left.
    pub padding: [usize; 2],
}

/// A depthwise convolution, and what its results are clamped to.
#[derive(Debug, Clone, PartialEq)]
pub struct Depthwise {
    shape: Shape,
    clamp: [f32; 2],
    planes: Planes,
}

/// Where the phases of a channel lie in one flat buffer.
#[derive(Debug, Clone, PartialEq)]
struct Planes {
    pitch: usize,
    rows: usize,
    /// Phases that some tap reads.
    phases: Vec<[usize; 2]>,
    /// Of each tap, in the order of the kernel: where its run starts.
    taps: Vec<usize>,
}

impl Planes {
    fn new(shape: &Shape) -> Self {
        let reach = |axis: usize| (shape.kernel[axis] - 1) * shape.dilation[axis] / shape.stride[axis];
        let (rows, pitch) = (shape.output[0] + reach(0), shape.output[1] + reach(1));
        let (mut phases, mut taps) = (Vec::new(), Vec::new());
        for i in 0..shape.kernel[0] {
            for j in 0..shape.kernel[1] {
                let at = [i * shape.dilation[0], j * shape.dilation[1]];
                let phase = [at[0] % shape.stride[0], at[1] % shape.stride[1]];
                let known = phases.iter().position(|p| *p == phase);
                let plane = known.unwrap_or_else(|| {
                    phases.push(phase);
                    phases.len() - 1
                });
                taps.push((plane * rows + at[0] / shape.stride[0]) * pitch + at[1] / shape.stride[1]);
            }
        }
        Self { pitch, rows, phases, taps }
    }

    /// Numbers of the flat output, from its first pixel to its last.
    fn run(&self, output: [usize; 2]) -> usize {
        (output[0] - 1) * self.pitch + output[1]
    }
}

impl Depthwise {
    /// `None` where a side is zero, or where the planes would be far larger than what is convolved.
    pub fn new(shape: Shape) -> Option<Self> {
        let sides = [shape.input, shape.output, shape.kernel, shape.stride, shape.dilation];
        if shape.channels == 0 || sides.as_flattened().contains(&0) {
            return None;
        }
        let area = |[h, w]: [usize; 2]| h.checked_mul(w);
        let side = |axis: usize| {
            let reach = (shape.kernel[axis] - 1).checked_mul(shape.dilation[axis])? / shape.stride[axis];
            shape.output[axis].checked_add(reach)
        };
        let phases = area(shape.stride)?.min(area(shape.kernel)?);
        let planes = area([side(0)?, side(1)?])?.checked_mul(phases)?;
        let most =
            area(shape.input)?.checked_add(area(shape.output)?)?.checked_add(1 << 12)?.checked_mul(PLANES_MAX)?;
        if planes > most {
            return None;
        }
        let planes = Planes::new(&shape);
        Some(Self { shape, clamp: [f32::NEG_INFINITY, f32::INFINITY], planes })
    }

    /// The same with its results clamped to a range as well.
    pub fn clamped(mut self, least: f32, most: f32) -> Self {
        self.clamp = [self.clamp[0].max(least), self.clamp[1].min(most)];
        self
    }

    /// Convolves: `input` and `output` as channels x rows x columns, `kernel` as channels x taps, one bias a channel.
    /// Sums start at the bias and take the taps in order, whatever the width of the vectors.
    pub fn run(&self, input: &[f32], kernel: &[f32], bias: &[f32], output: &mut [f32]) {
        Arch::new().dispatch(Run { of: self, source: Source::Other(input), kernel, bias, output });
    }

    /// The same into the memory of the input, where the output is as large.
    pub fn run_in_place(&self, values: &mut [f32], kernel: &[f32], bias: &[f32]) {
        Arch::new().dispatch(Run { of: self, source: Source::Output, kernel, bias, output: values });
    }
}

enum Source<'a> {
    Other(&'a [f32]),
    /// A channel is copied to its planes before it is written over.
    Output,
}

struct Run<'a> {
    of: &'a Depthwise,
    source: Source<'a>,
    kernel: &'a [f32],
    bias: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (shape, planes) = (&self.of.shape, &self.of.planes);
        let (area, out_area) = (shape.input[0] * shape.input[1], shape.output[0] * shape.output[1]);
        let run = planes.run(shape.output);
        let mut buffer = vec![0.0; planes.phases.len() * planes.rows * planes.pitch + SLACK];
        let mut flat = vec![0.0; run + SLACK];
        let taps = shape.kernel[0] * shape.kernel[1];
        for (channel, weights) in self.kernel.chunks_exact(taps).enumerate() {
            let own = channel * out_area..(channel + 1) * out_area;
            match &self.source {
                Source::Other(input) => spread(shape, planes, &input[channel * area..][..area], &mut buffer),
                Source::Output => spread(shape, planes, &self.output[own.clone()], &mut buffer),
            }
            let sum = Sum { taps: &planes.taps, weights, bias: self.bias[channel], clamp: self.of.clamp };
            let mut at = 0;
            while run > at + (UNROLL / 2) * S::F32_LANES {
                at = sum.step::<S, UNROLL>(simd, &buffer, at, &mut flat);
            }
            while run > at + S::F32_LANES {
                at = sum.step::<S, 2>(simd, &buffer, at, &mut flat);
            }
            if run > at {
                sum.step::<S, 1>(simd, &buffer, at, &mut flat);
            }
            let rows = self.output[own].chunks_exact_mut(shape.output[1]);
            rows.zip(flat.chunks(planes.pitch)).for_each(|(row, flat)| row.copy_from_slice(&flat[..row.len()]));
        }
    }
}

/// Copies a channel into its planes; what lies outside of it stays zero.
#[inline(always)]
fn spread(shape: &Shape, planes: &Planes, channel: &[f32], buffer: &mut [f32]) {
    let [height, width] = shape.input;
    for (phase, plane) in planes.phases.iter().zip(buffer.chunks_exact_mut(planes.rows * planes.pitch)) {
        let (first, start) = inside(phase[1], shape.stride[1], shape.padding[1]);
        let count = width.saturating_sub(start).div_ceil(shape.stride[1]).min(planes.pitch.saturating_sub(first));
        for (r, row) in plane.chunks_exact_mut(planes.pitch).enumerate() {
            let Some(y) = (r * shape.stride[0] + phase[0]).checked_sub(shape.padding[0]) else { continue };
            if y >= height || count == 0 {
                continue;
            }
            let (from, to) = (&channel[y * width + start..(y + 1) * width], &mut row[first..first + count]);
            match shape.stride[1] {
                1 => to.copy_from_slice(&from[..count]),
                2 => {
                    let (pairs, last) = from.as_chunks::<2>();
                    to.iter_mut().zip(pairs).for_each(|(to, pair)| *to = pair[0]);
                    if count > pairs.len() {
                        to[count - 1] = last[0];
                    }
                }
                stride => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
            }
        }
    }
}

/// First column of a phase that is not padding, and the column of the channel that it holds.
fn inside(phase: usize, stride: usize, padding: usize) -> (usize, usize) {
    let first = padding.saturating_sub(phase).div_ceil(stride);
    (first, first * stride + phase - padding)
}

/// The weighted sum of one channel's taps.
struct Sum<'a> {
    taps: &'a [usize],
    weights: &'a [f32],
    bias: f32,
    clamp: [f32; 2],
}

impl Sum<'_> {
    /// Sums `N` vectors from `at` on; returns where the next begin.
    #[inline(always)]
    fn step<S: Simd, const N: usize>(&self, simd: S, buffer: &[f32], at: usize, flat: &mut [f32]) -> usize {
        let length = N * S::F32_LANES;
        let mut sums = [simd.splat_f32s(self.bias); N];
        for (tap, weight) in self.taps.iter().zip(self.weights) {
            let (values, _) = S::as_simd_f32s(&buffer[tap + at..tap + at + length]);
            let weight = simd.splat_f32s(*weight);
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = simd.mul_add_e_f32s(weight, *value, *sum);
            }
        }
        let (to, _) = S::as_mut_simd_f32s(&mut flat[at..at + length]);
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = simd.min_f32s(simd.max_f32s(sum, simd.splat_f32s(self.clamp[0])), simd.splat_f32s(self.clamp[1]));
        }
        at + length
    }
}
