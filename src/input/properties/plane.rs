//! One channel of numbers, row by row.

use image::RgbImage;

/// Weights of luma (ITU-R BT.601).
const LUMA: [f64; 3] = [0.299, 0.587, 0.114];

pub struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f64>,
}

/// The luma of a pixel.
pub fn luma([r, g, b]: [f64; 3]) -> f64 {
    LUMA[0] * r + LUMA[1] * g + LUMA[2] * b
}

impl Plane {
    /// The luma of a window of a picture.
    pub fn luma(rgb: &RgbImage, left: usize, top: usize, width: usize, height: usize) -> Self {
        let mut values = Vec::with_capacity(width * height);
        let row_bytes = 3 * rgb.width() as usize;
        let rows = rgb.as_raw().chunks_exact(row_bytes.max(1));
        for row in rows.skip(top).take(height) {
            let pixels = row[3 * left..][..3 * width].as_chunks::<3>().0;
            values.extend(pixels.iter().map(|pixel| luma(pixel.map(f64::from))));
        }
        Self {
            width,
            height,
            values,
        }
    }

    pub fn at(&self, x: usize, y: usize) -> f64 {
        self.values[y * self.width + x]
    }

    /// The means of blocks of 2 x 2; an odd last row or column is left out.
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let above = self.at(2 * x, 2 * y) + self.at(2 * x + 1, 2 * y);
                let below = self.at(2 * x, 2 * y + 1) + self.at(2 * x + 1, 2 * y + 1);
                values.push((above + below) / 4.0);
            }
        }
        Self {
            width,
            height,
            values,
        }
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        for x in 0..self.width {
            for y in 0..self.height {
                values.push(self.at(x, y));
            }
        }
        Self {
            width: self.height,
            height: self.width,
            values,
        }
    }
}

/// Mean and variance (n); `None` without values.
pub fn moments(values: &[f64]) -> Option<(f64, f64)> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some((mean, squares / n))
}

/// The middle value, the mean of the two middle ones; `None` without values.
pub fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let is_odd = values.len() % 2 == 1;
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if is_odd {
        return Some(upper);
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some((lower + upper) / 2.0)
}
