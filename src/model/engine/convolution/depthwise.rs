//! The depthwise convolution: per channel, a weighted sum of a few shifted runs.

use super::planes::Planes;
use pulp::{Simd, WithSimd};

/// Vectors that are accumulated together; the remainder takes smaller steps.
const UNROLL: usize = 8;
/// Numbers that the longest run may read past the end of the last plane.
const SLACK: usize = UNROLL * 16;

/// Weights as channels x taps, and one bias per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Depthwise {
    pub kernel: Vec<f32>,
    pub bias: Vec<f32>,
}

/// One call, dispatched to the CPU's vector width.
pub struct Run<'a> {
    pub planes: &'a Planes,
    pub depthwise: &'a Depthwise,
    /// Smallest and largest result.
    pub clamp: [f32; 2],
    /// `None` where the input is `output`: a channel is copied to its planes before it is
    /// overwritten.
    pub source: Option<&'a [f32]>,
    pub output: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let planes = self.planes;
        let (input, output) = (planes.geometry.input, planes.geometry.output);
        let (area, out_area) = (input[0] * input[1], output[0] * output[1]);
        let run = planes.run(output[0]);
        let mut buffer = vec![0.0; planes.len() + SLACK];
        let mut flat = vec![0.0; run + SLACK];

        let channels = self
            .depthwise
            .kernel
            .chunks_exact(planes.taps.len())
            .zip(&self.depthwise.bias);
        for (channel, (weights, bias)) in channels.enumerate() {
            let out_range = channel * out_area..(channel + 1) * out_area;
            match self.source {
                Some(input) => planes.spread(&input[channel * area..][..area], &mut buffer),
                None => planes.spread(&self.output[out_range.clone()], &mut buffer),
            }

            let sum = Sum {
                taps: &planes.taps,
                weights,
                bias: *bias,
                clamp: self.clamp,
            };
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

            let rows = self.output[out_range].chunks_exact_mut(output[1]);
            rows.zip(flat.chunks(planes.pitch))
                .for_each(|(row, flat)| row.copy_from_slice(&flat[..row.len()]));
        }
    }
}

/// The weighted sum of one channel's taps.
struct Sum<'a> {
    taps: &'a [usize],
    weights: &'a [f32],
    bias: f32,
    clamp: [f32; 2],
}

impl Sum<'_> {
    /// Sums `N` vectors starting at `at`; returns the start of the next.
    #[inline(always)]
    fn step<S: Simd, const N: usize>(
        &self,
        simd: S,
        buffer: &[f32],
        at: usize,
        flat: &mut [f32],
    ) -> usize {
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
            *to = simd.min_f32s(
                simd.max_f32s(sum, simd.splat_f32s(self.clamp[0])),
                simd.splat_f32s(self.clamp[1]),
            );
        }
        at + length
    }
}
