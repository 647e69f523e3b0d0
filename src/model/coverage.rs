//! Which cells of the map answer to which part of the image: a map that is misplaced, mirrored or
//! read in the wrong order satisfies the logit invariant all the same.

use super::frame::ImageAxes;
use super::layout::MapLayout;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// Most strips that the image is cut into along one axis.
const STRIPS_MAX: usize = 7;
/// Responses below this part of the largest count as none.
const RESPONSE_MIN: f64 = 1e-7;
/// Least correlation of a strip's place and the place of the cells that answer.
const CORRELATION_MIN: f64 = 0.8;
/// Least spread of the answering cells, as a part of the map's side.
const SPREAD_MIN: f64 = 0.2;

/// How strongly each cell answers when a strip of the image is inverted.
pub struct Responses {
    /// By strip from top to bottom, then by cell.
    rows: Vec<Vec<f64>>,
    /// By strip from left to right, then by cell.
    columns: Vec<Vec<f64>>,
}

/// How a map lies over the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    Upright,
    Mirrored,
    Transposed,
    /// The cells answer to no place in particular.
    #[default]
    Unclear,
}

impl Orientation {
    pub fn name(self) -> &'static str {
        match self {
            Self::Upright => "upright",
            Self::Mirrored => "mirrored",
            Self::Transposed => "transposed",
            Self::Unclear => "of unclear orientation",
        }
    }
}

impl Responses {
    /// Inverts strips of the probe image. `features` runs the model up to its map.
    ///
    /// # Errors
    /// When the model cannot be run.
    pub fn measure(
        image: &[usize],
        base: &[f32],
        layout: &MapLayout,
        mut features: impl FnMut(&[f32]) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let axes = ImageAxes::new(image)?;
        let before = features(base)?;
        let mut responses = Self {
            rows: Vec::new(),
            columns: Vec::new(),
        };

        let strips = |side: usize| side.min(STRIPS_MAX);
        let (row_strips, column_strips) = (strips(axes.height), strips(axes.width));
        for strip in 0..row_strips {
            let inverted = inverted(&axes, base, |row, _| {
                row * row_strips / axes.height == strip
            });
            let after = features(&inverted)?;
            responses.rows.push(changes(layout, &before, &after));
        }
        for strip in 0..column_strips {
            let is_in = |_, column: usize| column * column_strips / axes.width == strip;
            let after = features(&inverted(&axes, base, is_in))?;
            responses.columns.push(changes(layout, &before, &after));
        }
        Ok(responses)
    }

    /// The part of the image that moves the map.
    pub fn coverage(&self) -> f64 {
        answering(&self.rows) * answering(&self.columns)
    }

    /// How a map of `height x width` cells in raster order lies over the image.
    pub fn orientation(&self, height: usize, width: usize) -> Orientation {
        let down = correlation(&self.rows, |cell| cell / width, height);
        let across = correlation(&self.columns, |cell| cell % width, width);
        let upright = |c: Option<f64>| c.is_none_or(|c| c >= CORRELATION_MIN);
        let mirrored = |c: Option<f64>| c.is_some_and(|c| c <= -CORRELATION_MIN);
        if upright(down) && upright(across) {
            return Orientation::Upright;
        }
        if mirrored(down) || mirrored(across) {
            return Orientation::Mirrored;
        }

        let down = correlation(&self.rows, |cell| cell % width, width);
        let across = correlation(&self.columns, |cell| cell / width, height);
        let strong = |c: Option<f64>| c.is_some_and(|c| c.abs() >= CORRELATION_MIN);
        if strong(down) && strong(across) {
            return Orientation::Transposed;
        }
        Orientation::Unclear
    }

    /// The grid of tokens in raster order, nearest to the image's own proportions, if there is one.
    pub fn grid(&self, cells: usize, image: &[usize]) -> Option<[usize; 2]> {
        let axes = ImageAxes::new(image).ok()?;
        let proportion = (axes.height as f64 / axes.width as f64).ln();
        let mut grids: Vec<[usize; 2]> = (2..=cells / 2)
            .filter(|height| cells.is_multiple_of(*height))
            .map(|height| [height, cells / height])
            .collect();
        grids.sort_by(|a, b| {
            let distance = |[h, w]: [usize; 2]| ((h as f64 / w as f64).ln() - proportion).abs();
            distance(*a).total_cmp(&distance(*b))
        });
        grids
            .into_iter()
            .find(|[height, width]| self.orientation(*height, *width) == Orientation::Upright)
    }
}

fn inverted(
    axes: &ImageAxes,
    base: &[f32],
    is_inverted: impl Fn(usize, usize) -> bool,
) -> Vec<f32> {
    let lowest = base.iter().copied().fold(f32::INFINITY, f32::min);
    let highest = base.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut image = base.to_vec();
    for row in 0..axes.height {
        for column in 0..axes.width {
            if !is_inverted(row, column) {
                continue;
            }
            for channel in 0..axes.channels {
                let value = &mut image[axes.index(row, column, channel)];
                *value = lowest + highest - *value;
            }
        }
    }
    image
}

/// Squared change of each cell, over all channels.
fn changes(layout: &MapLayout, before: &[f32], after: &[f32]) -> Vec<f64> {
    let mut changes = vec![0.0; layout.cells()];
    for (cell, change) in changes.iter_mut().enumerate() {
        for channel in 0..layout.channels {
            let index = layout.index(channel, cell);
            let difference = f64::from(after[index]) - f64::from(before[index]);
            *change += difference * difference;
        }
    }
    changes
}

/// The part of the strips that move any cell.
fn answering(strips: &[Vec<f64>]) -> f64 {
    let largest = strips.iter().flatten().fold(0.0_f64, |max, v| max.max(*v));
    let answers = |strip: &&Vec<f64>| {
        let sum: f64 = strip.iter().sum();
        sum > RESPONSE_MIN * RESPONSE_MIN * largest && sum > 0.0
    };
    strips.iter().filter(answers).count() as f64 / strips.len() as f64
}

/// Correlation of the strips' order and the mean place of the cells that answer, along one axis of
/// the map. `None` where the axis has one cell; 0 where the places hardly differ.
fn correlation(strips: &[Vec<f64>], place: impl Fn(usize) -> usize, side: usize) -> Option<f64> {
    if side < 2 || strips.len() < 2 {
        return None;
    }
    let mut points = Vec::new();
    for (number, strip) in strips.iter().enumerate() {
        let mut by_place = vec![0.0; side];
        for (cell, response) in strip.iter().enumerate() {
            by_place[place(cell)] += response;
        }
        // What answers to every strip alike says nothing about the place.
        let least = by_place.iter().copied().fold(f64::INFINITY, f64::min);
        let mut weight = 0.0;
        let mut centre = 0.0;
        for (at, response) in by_place.iter().enumerate() {
            weight += response - least;
            centre += (response - least) * at as f64;
        }
        if weight > 0.0 {
            points.push([number as f64, centre / weight]);
        }
    }

    let centres = points.iter().map(|p| p[1]);
    let spread =
        centres.clone().fold(f64::NEG_INFINITY, f64::max) - centres.fold(f64::INFINITY, f64::min);
    if points.len() < 2 || spread < SPREAD_MIN * (side - 1) as f64 {
        return Some(0.0);
    }
    Some(pearson(&points))
}

fn pearson(points: &[[f64; 2]]) -> f64 {
    let n = points.len() as f64;
    let mean = |axis: usize| points.iter().map(|p| p[axis]).sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(0), mean(1));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for [x, y] in points {
        xy += (x - mean_x) * (y - mean_y);
        xx += (x - mean_x).powi(2);
        yy += (y - mean_y).powi(2);
    }
    if xx == 0.0 || yy == 0.0 {
        return 0.0;
    }
    xy / (xx * yy).sqrt()
}
