//! Sharpness, noise and the blocks of JPEG, on the luma of the centre.

use super::plane::{Plane, median, moments};
use super::values::FileProperties;
use crate::finding::FileProperty;
use crate::geometry::Size;
use crate::input::picture::{Picture, luma as luma_bytes};
use crate::input::transform::Edit;
use crate::plan::Filter;
use fast_image_resize::Resizer;
use image::RgbImage;

/// Side of the window in the centre; its corner lies on the grid of JPEG blocks.
const WINDOW: usize = 512;
const BLOCK: usize = 8;
/// Side of the small square that the whole photo is resized to.
const SMALL: u32 = 224;
/// Largest step between neighbours that counts for blockiness: edges of objects are larger.
const STEP_MAX: f64 = 20.0;
/// Added before logarithms.
const VARIANCE_MIN: f64 = 1e-3;
const NOISE_MIN: f64 = 0.05;
const BLOCKINESS_MIN: f64 = 0.02;
/// Median of |x| of a standard normal variable, and the gain of Immerkaer's kernel.
const NORMAL_MEDIAN: f64 = 0.6745;
const KERNEL_GAIN: f64 = 6.0;

pub fn add(properties: &mut FileProperties, rgb: &RgbImage) {
    let centre = centre(rgb);
    let sharpness = sharpness(&centre);
    properties.number(FileProperty::Sharpness, sharpness);
    let at_half = self::sharpness(&centre.halved());
    let fine = sharpness.zip(at_half).map(|(full, half)| full - half);
    properties.number(FileProperty::FineDetail, fine);
    properties.number(FileProperty::Noise, noise(&centre));
    properties.number(FileProperty::Blockiness, blockiness(&centre));
    let small = small(rgb).as_ref().and_then(self::sharpness);
    properties.number(FileProperty::SharpnessSmall, small);
}

fn centre(rgb: &RgbImage) -> Plane {
    let start = |side: usize| side.saturating_sub(WINDOW) / 2 / BLOCK * BLOCK;
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    let (left, top) = (start(width), start(height));
    let across = WINDOW.min(width - left);
    Plane::luma(rgb, left, top, across, WINDOW.min(height - top))
}

/// The luma of the whole photo, resized to a square.
fn small(rgb: &RgbImage) -> Option<Plane> {
    let picture = Picture {
        size: Size::new(rgb.width(), rgb.height()),
        channels: 1,
        bytes: luma_bytes(rgb.as_raw()).into(),
    };
    let edit = Edit::Resize(Size::new(SMALL, SMALL), Filter::Bicubic);
    let picture = picture.edited(edit, &mut Resizer::new()).ok()?;
    Some(Plane {
        width: SMALL as usize,
        height: SMALL as usize,
        values: picture.bytes.iter().map(|v| f64::from(*v)).collect(),
    })
}

/// Log variance of the Laplacian.
fn sharpness(plane: &Plane) -> Option<f64> {
    let laplacian = filtered(plane, |[above, row, below]| {
        let across = row[0] + row[2];
        let down = above[1] + below[1];
        across + down - 4.0 * row[1]
    });
    let (_, variance) = moments(&laplacian)?;
    Some((variance + VARIANCE_MIN).ln())
}

/// Log of Immerkaer's estimate of the SD of noise (1996), by the median.
fn noise(plane: &Plane) -> Option<f64> {
    let mut responses = filtered(plane, |[above, row, below]| {
        let corners = above[0] + above[2] + below[0] + below[2];
        let sides = row[0] + row[2] + above[1] + below[1];
        (4.0 * row[1] + corners - 2.0 * sides).abs()
    });
    let deviation = median(&mut responses)? / NORMAL_MEDIAN / KERNEL_GAIN;
    Some((deviation + NOISE_MIN).ln())
}

/// A filter of 3 x 3 at every inner pixel: of the row above, its own and the one below.
fn filtered(plane: &Plane, filter: impl Fn([&[f64; 3]; 3]) -> f64) -> Vec<f64> {
    let mut values = Vec::with_capacity(plane.values.len());
    if plane.width < 3 || plane.height < 3 {
        return values;
    }
    let width = plane.width;
    for rows in plane.values.windows(3 * width).step_by(width) {
        let [above, own, below] = [0, 1, 2].map(|row| rows[row * width..][..width].array_windows());
        let columns = above.zip(own).zip(below);
        values.extend(columns.map(|((above, own), below)| filter([above, own, below])));
    }
    values
}

/// Log of how much the steps between neighbours stand out at one of 8 phases.
fn blockiness(plane: &Plane) -> Option<f64> {
    let across = phase_excess(plane)?;
    let down = phase_excess(&plane.transposed())?;
    Some((((across + down) / 2.0).max(0.0) + BLOCKINESS_MIN).ln())
}

/// Over the columns: each step less the mean of the steps beside it, averaged by the phase of the
/// column; the largest phase less the median one. `None` under one period.
fn phase_excess(plane: &Plane) -> Option<f64> {
    let places = plane.width.saturating_sub(3) / BLOCK * BLOCK;
    if places == 0 {
        return None;
    }
    let mut sums = [0.0; BLOCK];
    for row in plane.values.chunks_exact(plane.width) {
        let step = |x: usize| (row[x + 1] - row[x]).abs();
        for start in (0..places).step_by(BLOCK) {
            for (phase, sum) in sums.iter_mut().enumerate() {
                let place = start + phase;
                let beside = f64::midpoint(step(place), step(place + 2));
                *sum += (step(place + 1) - beside).min(STEP_MAX);
            }
        }
    }
    let count = (places / BLOCK * plane.height) as f64;
    let mut means = sums.map(|sum| sum / count);
    let largest = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(largest - median(&mut means)?)
}
