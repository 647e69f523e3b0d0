//! Noisy linear imputation (Rong et al. 2022, ROAD): every missing pixel becomes the weighted mean of its eight neighbours,
//! direct ones 1/6 and diagonal ones 1/12, with a little noise, so that neither the content nor the form of what was there
//! is left.

use super::{Dice, Patch};
use crate::geometry::Shape;
use crate::input::Photo;
use image::imageops::{FilterType, crop_imm, resize};
use image::{GrayImage, Rgb, RgbImage};

/// Longest side of the grid on which the means are solved; the solution is smooth, so a larger place is solved coarsely.
const GRID_MAX: u32 = 96;
/// Sweeps of successive over-relaxation.
const SWEEPS: usize = 240;
const RELAXATION: f64 = 1.9;
/// Standard deviation of the noise, in levels of 255.
const NOISE: f64 = 4.0;

/// The photo with the pixels under a shape (in pixels of the photo) filled from around it. `None` without such pixels.
pub fn imputed(photo: &Photo, shape: &Shape, dice: &mut Dice) -> Option<Photo> {
    let patch = Patch::cut(photo, shape)?;
    let (pw, ph) = (photo.size.width, photo.size.height);
    let corner = |at: f64, side: u32| (at * f64::from(side)).round() as u32;
    let (x0, y0) = (corner(patch.frame.x0, pw), corner(patch.frame.y0, ph));
    let (w, h) = patch.cover.dimensions();
    // One grid cell of known pixels on every side where the photo goes on.
    let step = w.max(h).div_ceil(GRID_MAX).max(1);
    let (left, top) = (x0.saturating_sub(step), y0.saturating_sub(step));
    let (right, bottom) = ((x0 + w + step).min(pw), (y0 + h + step).min(ph));
    let (gw, gh) = ((right - left).div_ceil(step), (bottom - top).div_ceil(step));
    let around = crop_imm(&photo.rgb, left, top, right - left, bottom - top).to_image();
    let mut missing = GrayImage::new(right - left, bottom - top);
    image::imageops::replace(
        &mut missing,
        &patch.cover,
        i64::from(x0 - left),
        i64::from(y0 - top),
    );
    let missing = Grid::missing(&missing, gw, gh, step);
    let solved = resize(
        &solve(&around, &missing, step),
        right - left,
        bottom - top,
        FilterType::Triangle,
    );
    let inside = crop_imm(&solved, x0 - left, y0 - top, w, h).to_image();
    let mut noisy = inside;
    for pixel in noisy.pixels_mut() {
        // Three uniform numbers have a variance of a quarter.
        let noise = 2.0 * NOISE * (dice.unit() + dice.unit() + dice.unit() - 1.5);
        pixel.0 = pixel
            .0
            .map(|v| (f64::from(v) + noise).round().clamp(0.0, 255.0) as u8);
    }
    Some(
        Patch {
            rgb: noisy,
            ..patch
        }
        .paste(photo),
    )
}

/// Which cells of the grid have to be filled.
struct Grid {
    width: usize,
    height: usize,
    missing: Vec<bool>,
}

impl Grid {
    /// A cell is missing where any of its pixels is.
    fn missing(pixels: &GrayImage, width: u32, height: u32, step: u32) -> Self {
        let mut missing = vec![false; (width * height) as usize];
        for (x, y, p) in pixels.enumerate_pixels() {
            missing[((y / step) * width + x / step) as usize] |= p.0[0] > 0;
        }
        // Nothing known: the whole photo is to be filled.
        if missing.iter().all(|m| *m) {
            missing[0] = false;
        }
        Self {
            width: width as usize,
            height: height as usize,
            missing,
        }
    }
}

/// Solves the means on the grid, channel by channel.
fn solve(around: &RgbImage, grid: &Grid, step: u32) -> RgbImage {
    let (w, h) = (grid.width, grid.height);
    let mut values = vec![[0.0_f64; 3]; w * h];
    let mut counts = vec![0.0; w * h];
    for (x, y, p) in around.enumerate_pixels() {
        let cell = (y / step) as usize * w + (x / step) as usize;
        counts[cell] += 1.0;
        (0..3).for_each(|c| values[cell][c] += f64::from(p.0[c]));
    }
    values
        .iter_mut()
        .zip(&counts)
        .for_each(|(v, n)| v.iter_mut().for_each(|v| *v /= f64::max(*n, 1.0)));
    let known: Vec<[f64; 3]> = values
        .iter()
        .zip(&grid.missing)
        .filter(|(_, m)| !**m)
        .map(|(v, _)| *v)
        .collect();
    let mean: [f64; 3] = std::array::from_fn(|c| {
        known.iter().map(|v| v[c]).sum::<f64>() / known.len().max(1) as f64
    });
    values
        .iter_mut()
        .zip(&grid.missing)
        .filter(|(_, m)| **m)
        .for_each(|(v, _)| *v = mean);
    for _ in 0..SWEEPS {
        for i in (0..w * h).filter(|&i| grid.missing[i]) {
            let mut sum = [0.0; 3];
            let mut weight = 0.0;
            for (j, share) in neighbours(i, w, h) {
                weight += share;
                (0..3).for_each(|c| sum[c] += share * values[j][c]);
            }
            (0..3).for_each(|c| values[i][c] += RELAXATION * (sum[c] / weight - values[i][c]));
        }
    }
    RgbImage::from_fn(w as u32, h as u32, |x, y| {
        Rgb(values[y as usize * w + x as usize].map(|v| v.round().clamp(0.0, 255.0) as u8))
    })
}

/// The neighbours of a cell and their weights.
fn neighbours(i: usize, w: usize, h: usize) -> impl Iterator<Item = (usize, f64)> {
    let (x, y) = ((i % w) as isize, (i / w) as isize);
    let around = (-1..=1)
        .flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)))
        .filter(|d| *d != (0, 0));
    around.filter_map(move |(dx, dy): (isize, isize)| {
        let (x, y) = (x + dx, y + dy);
        let inside = x >= 0 && y >= 0 && x < w as isize && y < h as isize;
        let share = if dx == 0 || dy == 0 {
            1.0 / 6.0
        } else {
            1.0 / 12.0
        };
        inside.then_some((y as usize * w + x as usize, share))
    })
}
