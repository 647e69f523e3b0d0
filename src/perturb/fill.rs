//! Noisy linear imputation (Rong et al. 2022, ROAD).
//!
//! Every missing pixel becomes the weighted mean of its eight neighbours, direct ones 1/6 and
//! diagonal ones 1/12, with a little noise, so that neither the content nor the form of the region
//! remains.

use super::patch::Patch;
use super::rng::SeededRng;
use crate::geometry::Shape;
use crate::input::Photo;
use image::imageops::{FilterType, crop_imm, replace, resize};
use image::{GrayImage, Rgb, RgbImage};

/// Longest side of the grid that the means are solved on; a larger region is solved coarsely,
/// because the solution is smooth.
const GRID_MAX: u32 = 96;
/// Sweeps of successive over-relaxation.
const SWEEPS: usize = 240;
const RELAXATION: f64 = 1.9;
/// Standard deviation of the noise, in levels of 255.
const NOISE: f64 = 4.0;

/// The photo with the pixels under a shape imputed from their surroundings.
///
/// The shape is in pixels of the photo; `None` if it covers none of them.
pub fn impute(photo: &Photo, shape: &Shape, rng: &mut SeededRng) -> Option<Photo> {
    let mut patch = Patch::cut(photo, shape)?;
    let (width, height) = patch.cover.dimensions();
    let x0 = (patch.frame.x0 * f64::from(photo.size.width)).round() as u32;
    let y0 = (patch.frame.y0 * f64::from(photo.size.height)).round() as u32;

    // One grid cell of known pixels on every side, unless the photo ends there.
    let step = width.max(height).div_ceil(GRID_MAX).max(1);
    let left = x0.saturating_sub(step);
    let top = y0.saturating_sub(step);
    let outer_width = (x0 + width + step).min(photo.size.width) - left;
    let outer_height = (y0 + height + step).min(photo.size.height) - top;
    let outer = crop_imm(&photo.rgb, left, top, outer_width, outer_height).to_image();
    let mut missing = GrayImage::new(outer_width, outer_height);
    let (dx, dy) = (x0 - left, y0 - top);
    replace(&mut missing, &patch.cover, i64::from(dx), i64::from(dy));

    let mut grid = Grid::averaged(&outer, &missing, step);
    grid.start_from_mean();
    for _ in 0..SWEEPS {
        grid.relax();
    }
    let solved = resize(
        &grid.picture(),
        outer_width,
        outer_height,
        FilterType::Triangle,
    );

    patch.rgb = crop_imm(&solved, dx, dy, width, height).to_image();
    add_noise(&mut patch.rgb, rng);
    Some(patch.paste(photo))
}

fn add_noise(picture: &mut RgbImage, rng: &mut SeededRng) {
    for pixel in picture.pixels_mut() {
        // The sum of three uniform numbers has a variance of one quarter.
        let noise = 2.0 * NOISE * (rng.unit() + rng.unit() + rng.unit() - 1.5);
        for value in &mut pixel.0 {
            *value = (f64::from(*value) + noise).round().clamp(0.0, 255.0) as u8;
        }
    }
}

/// Mean colours of square cells of a picture, some of them to be solved.
struct Grid {
    width: usize,
    height: usize,
    values: Vec<[f64; 3]>,
    missing: Vec<bool>,
}

impl Grid {
    /// Cells of `step` x `step` pixels. A cell is missing if any of its pixels is.
    fn averaged(picture: &RgbImage, missing_pixels: &GrayImage, step: u32) -> Self {
        let width = picture.width().div_ceil(step) as usize;
        let height = picture.height().div_ceil(step) as usize;
        let mut values = vec![[0.0_f64; 3]; width * height];
        let mut counts = vec![0.0_f64; width * height];
        let mut missing = vec![false; width * height];

        for (x, y, pixel) in picture.enumerate_pixels() {
            let cell = (y / step) as usize * width + (x / step) as usize;
            counts[cell] += 1.0;
            missing[cell] |= missing_pixels.get_pixel(x, y).0[0] > 0;
            for (sum, value) in values[cell].iter_mut().zip(pixel.0) {
                *sum += f64::from(value);
            }
        }
        for (sums, count) in values.iter_mut().zip(&counts) {
            for sum in sums {
                *sum /= count.max(1.0);
            }
        }

        // With the whole photo missing, one cell is kept to start from.
        if missing.iter().all(|is_missing| *is_missing) {
            missing[0] = false;
        }
        Self {
            width,
            height,
            values,
            missing,
        }
    }

    /// Sets the missing cells to the mean of the known ones.
    fn start_from_mean(&mut self) {
        let mut sums = [0.0; 3];
        let mut known = 0_u32;
        for (value, is_missing) in self.values.iter().zip(&self.missing) {
            if *is_missing {
                continue;
            }
            known += 1;
            for (sum, value) in sums.iter_mut().zip(value) {
                *sum += value;
            }
        }

        let mean = sums.map(|sum| sum / f64::from(known.max(1)));
        for (value, is_missing) in self.values.iter_mut().zip(&self.missing) {
            if *is_missing {
                *value = mean;
            }
        }
    }

    /// One sweep of successive over-relaxation over the missing cells.
    fn relax(&mut self) {
        for i in 0..self.values.len() {
            if !self.missing[i] {
                continue;
            }
            let mut sums = [0.0; 3];
            let mut total_weight = 0.0;
            for (neighbour, weight) in neighbours(i, self.width, self.height) {
                total_weight += weight;
                for (sum, value) in sums.iter_mut().zip(self.values[neighbour]) {
                    *sum += weight * value;
                }
            }

            for (value, sum) in self.values[i].iter_mut().zip(sums) {
                *value += RELAXATION * (sum / total_weight - *value);
            }
        }
    }

    fn picture(&self) -> RgbImage {
        RgbImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            let value = self.values[y as usize * self.width + x as usize];
            Rgb(value.map(|v| v.round().clamp(0.0, 255.0) as u8))
        })
    }
}

/// Offsets of the eight neighbours, row by row, and their weights.
const NEIGHBOURS: [(isize, isize, f64); 8] = [
    (-1, -1, 1.0 / 12.0),
    (0, -1, 1.0 / 6.0),
    (1, -1, 1.0 / 12.0),
    (-1, 0, 1.0 / 6.0),
    (1, 0, 1.0 / 6.0),
    (-1, 1, 1.0 / 12.0),
    (0, 1, 1.0 / 6.0),
    (1, 1, 1.0 / 12.0),
];

/// The neighbours of a cell inside the grid, with their weights.
fn neighbours(i: usize, width: usize, height: usize) -> impl Iterator<Item = (usize, f64)> {
    let column = i % width;
    let row = i / width;
    NEIGHBOURS.into_iter().filter_map(move |(dx, dy, weight)| {
        let x = column.checked_add_signed(dx).filter(|x| *x < width)?;
        let y = row.checked_add_signed(dy).filter(|y| *y < height)?;
        Some((y * width + x, weight))
    })
}
