//! Whether two windows show one picture, and how far apart: phase correlation proposes the shift,
//! and gradients that agree pixel by pixel prove it.

use crate::evidence::discovery::fourier::Fourier;
use crate::evidence::discovery::picture::{Gradient, isotropy, magnitude};
use rustfft::num_complex::Complex32;

/// Weaker frequencies are damped, as a part of the mean.
const DAMPING: f32 = 0.02;
/// Standard deviations by which the peak of the correlation stands out.
const PEAK_MIN: f32 = 6.5;
/// Both gradients of a pixel that counts are larger.
const GRADIENT_MIN: f32 = 16.0;
const COSINE_MIN: f32 = 0.94;
const RATIO_MAX: f32 = 1.7;
/// Pixels that must agree.
const INLIERS_MIN: u32 = 40;
/// Below it the pixels lie on a straight edge, which any two products share.
const ISOTROPY_MIN: f32 = 0.25;

/// A square of a picture by its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub x: i32,
    pub y: i32,
    pub side: usize,
}

/// A shift that brings one picture onto another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    pub x: i32,
    pub y: i32,
    /// Pixels that agree.
    pub inliers: u32,
}

/// Phase correlation of windows of one size.
pub struct PhaseCorrelation {
    side: usize,
    fourier: Fourier,
    product: Vec<Complex32>,
}

impl Window {
    /// Around a point, moved inside of the picture.
    pub fn around([x, y]: [f32; 2], side: usize, gradient: &Gradient) -> Self {
        let start = |centre: f32, length: usize| {
            let start = (centre - side as f32 / 2.0).round() as i32;
            start.clamp(0, length.saturating_sub(side) as i32)
        };
        Self {
            x: start(x, gradient.width),
            y: start(y, gradient.height),
            side,
        }
    }
}

impl PhaseCorrelation {
    pub fn new(side: usize) -> Self {
        Self {
            side,
            fourier: Fourier::new(side, side),
            product: Vec::new(),
        }
    }

    /// The spectrum of a window with all frequencies of about one size.
    pub fn spectrum(&mut self, gradient: &Gradient, window: Window) -> Vec<Complex32> {
        let side = self.side as i32;
        let mut values = Vec::with_capacity(self.side * self.side);
        for y in window.y..window.y + side {
            for x in window.x..window.x + side {
                values.push(gradient.at(x, y));
            }
        }
        self.fourier.forward(&mut values);

        let mean = values.iter().map(|v| magnitude(*v)).sum::<f32>() / values.len() as f32;
        for value in &mut values {
            let size = magnitude(*value) + DAMPING * mean;
            if size > 0.0 {
                *value /= size;
            }
        }
        values
    }

    /// The shift of the second window's content against the first's, from 0 to the side; `None`
    /// where no shift stands out.
    pub fn peak(&mut self, first: &[Complex32], second: &[Complex32]) -> Option<[i32; 2]> {
        self.product.clear();
        let products = first.iter().zip(second).map(|(a, b)| b * a.conj());
        self.product.extend(products);
        self.fourier.inverse(&mut self.product);

        let count = self.product.len() as f32;
        let (mut sum, mut squares) = (0.0_f32, 0.0_f32);
        let (mut largest, mut at) = (f32::NEG_INFINITY, 0);
        for (index, value) in self.product.iter().enumerate() {
            sum += value.re;
            squares += value.re * value.re;
            if value.re > largest {
                (largest, at) = (value.re, index);
            }
        }
        let mean = sum / count;
        let deviation = (squares / count - mean * mean).max(0.0).sqrt();
        if deviation <= 0.0 || largest / deviation <= PEAK_MIN {
            return None;
        }
        Some([(at % self.side) as i32, (at / self.side) as i32])
    }
}

/// The shift from one picture to the other that enough pixels of the windows prove; a peak stands
/// for four shifts, since the correlation is cyclic.
pub fn verify(
    [first, second]: [(&Gradient, Window); 2],
    peak: [i32; 2],
    scratch: &mut Vec<Complex32>,
) -> Option<Shift> {
    let side = first.1.side as i32;
    let mut best: Option<Shift> = None;
    for x in [peak[0], peak[0] - side] {
        for y in [peak[1], peak[1] - side] {
            let found = agreeing(first, second, [x, y], scratch);
            if found > best.map_or(INLIERS_MIN - 1, |best| best.inliers)
                && isotropy(scratch.iter().copied()) >= ISOTROPY_MIN
            {
                best = Some(Shift {
                    x: x + second.1.x - first.1.x,
                    y: y + second.1.y - first.1.y,
                    inliers: found,
                });
            }
        }
    }
    best
}

/// Counts the pixels of the first window that agree with the shifted ones of the second; leaves
/// their gradients in `scratch`.
fn agreeing(
    first: (&Gradient, Window),
    second: (&Gradient, Window),
    [shift_x, shift_y]: [i32; 2],
    scratch: &mut Vec<Complex32>,
) -> u32 {
    scratch.clear();
    let side = first.1.side as i32;
    for y in (-shift_y).max(0)..side.min(side - shift_y) {
        for x in (-shift_x).max(0)..side.min(side - shift_x) {
            let a = first.0.at(first.1.x + x, first.1.y + y);
            if a.norm_sqr() <= GRADIENT_MIN * GRADIENT_MIN {
                continue;
            }
            let b = second
                .0
                .at(second.1.x + x + shift_x, second.1.y + y + shift_y);
            if is_alike(a, b) {
                scratch.push(a);
            }
        }
    }
    scratch.len() as u32
}

fn is_alike(a: Complex32, b: Complex32) -> bool {
    let (size_a, size_b) = (magnitude(a), magnitude(b));
    if size_b <= GRADIENT_MIN {
        return false;
    }
    let cosine = (a * b.conj()).re / (size_a * size_b);
    let ratio = (size_a / size_b).max(size_b / size_a);
    cosine > COSINE_MIN && ratio <= RATIO_MAX
}
