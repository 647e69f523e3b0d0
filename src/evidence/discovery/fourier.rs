//! Fourier transforms of pictures.

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use std::sync::Arc;

/// Transforms of one size. Spectra are stored column by column.
pub struct Fourier {
    width: usize,
    height: usize,
    across: [Arc<dyn Fft<f32>>; 2],
    down: [Arc<dyn Fft<f32>>; 2],
    turned: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Fourier {
    pub fn new(width: usize, height: usize) -> Self {
        let mut planner = FftPlanner::new();
        let across = [
            planner.plan_fft_forward(width),
            planner.plan_fft_inverse(width),
        ];
        let down = [
            planner.plan_fft_forward(height),
            planner.plan_fft_inverse(height),
        ];
        let plans = across.iter().chain(&down);
        let scratch = plans.map(|plan| plan.get_inplace_scratch_len()).max();
        Self {
            width,
            height,
            across,
            down,
            turned: vec![Complex32::default(); width * height],
            scratch: vec![Complex32::default(); scratch.unwrap_or(0)],
        }
    }

    /// Replaces a picture by its spectrum.
    pub fn forward(&mut self, values: &mut [Complex32]) {
        self.across[0].process_with_scratch(values, &mut self.scratch);
        transpose(values, &mut self.turned, self.width);
        self.down[0].process_with_scratch(&mut self.turned, &mut self.scratch);
        values.copy_from_slice(&self.turned);
    }

    /// Replaces a spectrum by its picture, times the number of pixels.
    pub fn inverse(&mut self, values: &mut [Complex32]) {
        self.down[1].process_with_scratch(values, &mut self.scratch);
        transpose(values, &mut self.turned, self.height);
        self.across[1].process_with_scratch(&mut self.turned, &mut self.scratch);
        values.copy_from_slice(&self.turned);
    }
}

/// Rows of `width` numbers become columns.
fn transpose(from: &[Complex32], to: &mut [Complex32], width: usize) {
    let height = from.len() / width;
    for (y, row) in from.chunks_exact(width).enumerate() {
        for (x, value) in row.iter().enumerate() {
            to[x * height + y] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back() {
        let mut fourier = Fourier::new(6, 4);
        let picture: Vec<Complex32> = (0..24_u8)
            .map(|i| Complex32::new(f32::from(i), f32::from(i % 5)))
            .collect();
        let mut values = picture.clone();
        fourier.forward(&mut values);
        let sum: Complex32 = picture.iter().sum();
        assert!((values[0] - sum).norm() < 1e-3);
        fourier.inverse(&mut values);
        for (value, before) in values.iter().zip(&picture) {
            assert!((value / 24.0 - before).norm() < 1e-4);
        }
    }
}
