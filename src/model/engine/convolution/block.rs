//! A small matrix of weights times long rows of values: the sums of a block of outputs.

use pulp::Simd;
use std::ops::Range;

/// Vectors of each output that are summed together: with eight outputs, their values and a weight
/// they fill 32 registers.
const VECTORS: usize = 3;
/// Outputs that are summed together where there are 16 registers.
const FEW: usize = 4;
/// Columns beyond whole vectors that are summed one by one, with the outputs in the lanes.
const SINGLES_MAX: usize = 4;
/// Most lanes of a vector.
pub const LANES_MAX: usize = 16;

/// The operands of a block of `ROWS` outputs.
pub struct Block<'a, const ROWS: usize> {
    pub values: &'a [f32],
    /// Start of the row of each input, to which a column is added.
    pub starts: &'a [u32],
    /// The inputs of each column that is summed by itself, repeated for every output.
    pub singles: &'a [Vec<[f32; ROWS]>],
    /// For each input.
    pub weights: &'a [[f32; ROWS]],
    pub bias: &'a [f32; ROWS],
}

/// How many columns of `length` are summed one by one.
pub fn singles<S: Simd>(length: usize) -> usize {
    match length % S::F32_LANES {
        _ if length < S::F32_LANES => length,
        rest if rest <= SINGLES_MAX => rest,
        _ => 0,
    }
}

/// The inputs of one column, each repeated for every output of a block.
#[inline(always)]
pub fn repeated<const ROWS: usize>(
    values: &[f32],
    starts: &[u32],
    column: usize,
) -> Vec<[f32; ROWS]> {
    starts
        .iter()
        .map(|start| [values[*start as usize + column]; ROWS])
        .collect()
}

impl<const ROWS: usize> Block<'_, ROWS> {
    /// Sums the columns of `panel` into `flat`, outputs x columns.
    #[inline(always)]
    pub fn sum<S: Simd>(&self, simd: S, panel: &Range<usize>, flat: &mut [f32]) {
        // Sums that do not fit into the registers would be written to memory at every step.
        if S::REGISTER_COUNT < 32 {
            for group in 0..ROWS / FEW {
                self.sum_rows::<S, FEW>(simd, panel, group, flat);
            }
        } else {
            self.sum_rows::<S, ROWS>(simd, panel, 0, flat);
        }

        let end = panel.end - self.singles.len();
        for (at, inputs) in (end - panel.start..).zip(self.singles) {
            let sums = self.single(simd, inputs);
            let rows = flat.chunks_exact_mut(panel.len());
            rows.zip(sums).for_each(|(row, sum)| row[at] = sum);
        }
    }

    /// Sums all but the single columns of the outputs of one group of `N`.
    #[inline(always)]
    fn sum_rows<S: Simd, const N: usize>(
        &self,
        simd: S,
        panel: &Range<usize>,
        group: usize,
        flat: &mut [f32],
    ) {
        let (mut at, end) = (panel.start, panel.end - self.singles.len());
        while N <= 8 && end - at >= VECTORS * S::F32_LANES {
            at = self.step::<S, N, VECTORS>(simd, panel, group, at, flat);
        }
        while N <= 8 && end - at >= 2 * S::F32_LANES {
            at = self.step::<S, N, 2>(simd, panel, group, at, flat);
        }
        while end - at >= S::F32_LANES {
            at = self.step::<S, N, 1>(simd, panel, group, at, flat);
        }
        if end > at {
            // The last vector overlaps the one before it: some columns are summed twice.
            self.step::<S, N, 1>(simd, panel, group, end - S::F32_LANES, flat);
        }
    }

    /// Sums `V` vectors starting at `at`; returns the start of the next. The sums stay in registers
    /// because every loop over them runs over arrays only; a zip with a slice would spill them.
    #[inline(always)]
    fn step<S: Simd, const N: usize, const V: usize>(
        &self,
        simd: S,
        panel: &Range<usize>,
        group: usize,
        at: usize,
        flat: &mut [f32],
    ) -> usize {
        let length = V * S::F32_LANES;
        let first = group * N;
        let mut sums: [[S::f32s; V]; N] =
            std::array::from_fn(|row| [simd.splat_f32s(self.bias[first + row]); V]);
        let values = &self.values[at..];

        for (start, weights) in self.starts.iter().zip(self.weights) {
            let (values, _) = S::as_simd_f32s(&values[*start as usize..][..length]);
            let values: [S::f32s; V] = std::array::from_fn(|i| values[i]);
            let weights = &weights.as_chunks::<N>().0[group];
            for (sums, weight) in sums.iter_mut().zip(weights) {
                let weight = simd.splat_f32s(*weight);
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add_e_f32s(weight, value, *sum);
                }
            }
        }

        for (row, sums) in sums.iter().enumerate() {
            let start = (first + row) * panel.len() + at - panel.start;
            let (to, _) = S::as_mut_simd_f32s(&mut flat[start..][..length]);
            to.copy_from_slice(sums);
        }
        at + length
    }

    /// Sums one column, with the outputs in the lanes.
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

        // Number n of any ROWS vectors belongs to output n modulo ROWS, and so does the remainder.
        let mut results = *self.bias;
        let distinct = (ROWS / S::F32_LANES).max(1);
        for i in distinct..ROWS {
            sums[i % distinct] = simd.add_f32s(sums[i % distinct], sums[i]);
        }
        for (i, sum) in sums.into_iter().take(distinct).enumerate() {
            let mut lanes = [0.0; LANES_MAX];
            S::as_mut_simd_f32s(&mut lanes[..S::F32_LANES]).0[0] = sum;
            for (lane, value) in lanes.into_iter().take(S::F32_LANES).enumerate() {
                results[(i * S::F32_LANES + lane) % ROWS] += value;
            }
        }
        for (n, (weight, value)) in last.iter().zip(last_values).enumerate() {
            results[n % ROWS] += weight * value;
        }
        results
    }
}
