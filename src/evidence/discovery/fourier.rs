//! Fourier transforms of pictures.

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use std::sync::Arc;
use transpose::transpose;

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
    pub fn forward(&mut self, values: &mut Vec<Complex32>) {
        self.across[0].process_with_scratch(values, &mut self.scratch);
        transpose(values, &mut self.turned, self.width, self.height);
        std::mem::swap(values, &mut self.turned);
        self.down[0].process_with_scratch(values, &mut self.scratch);
    }

    /// Replaces a spectrum by its picture, times the number of pixels.
    pub fn inverse(&mut self, values: &mut Vec<Complex32>) {
        self.down[1].process_with_scratch(values, &mut self.scratch);
        transpose(values, &mut self.turned, self.height, self.width);
        std::mem::swap(values, &mut self.turned);
        self.across[1].process_with_scratch(values, &mut self.scratch);
    }

    /// The parts of a spectrum that belong to the real and to the imaginary numbers of its picture:
    /// both sum up to the spectrum, and each is the spectrum of one of them.
    pub fn parts(&self, spectrum: &[Complex32]) -> [Vec<Complex32>; 2] {
        let mut parts = [(); 2].map(|()| Vec::with_capacity(spectrum.len()));
        let mut add = |value: &Complex32, opposite: &Complex32| {
            parts[0].push((value + opposite.conj()) * 0.5);
            parts[1].push((value - opposite.conj()) * 0.5);
        };
        let columns: Vec<&[Complex32]> = spectrum.chunks_exact(self.height).collect();
        for (x, column) in columns.iter().enumerate() {
            // The opposite of a frequency lies as far from the end; that of 0 is 0.
            let opposite = columns[(self.width - x) % self.width];
            add(&column[0], &opposite[0]);
            for (value, opposite) in column[1..].iter().zip(opposite[1..].iter().rev()) {
                add(value, opposite);
            }
        }
        parts
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

    #[test]
    fn the_parts_of_a_spectrum_are_those_of_real_and_of_imaginary_numbers() {
        let mut fourier = Fourier::new(5, 4);
        let picture: Vec<Complex32> = (0..20_u8)
            .map(|i| Complex32::new(f32::from(i * i % 7), f32::from(i % 3)))
            .collect();
        let mut spectrum = picture.clone();
        fourier.forward(&mut spectrum);
        let [mut real, mut imaginary] = fourier.parts(&spectrum);
        fourier.inverse(&mut real);
        fourier.inverse(&mut imaginary);
        for ((value, real), imaginary) in picture.iter().zip(&real).zip(&imaginary) {
            assert!((real / 20.0 - value.re).norm() < 1e-5);
            assert!((imaginary / 20.0 - Complex32::new(0.0, value.im)).norm() < 1e-5);
        }
    }
}
