//! The outline of a repeated picture: the pixels in which aligned images agree.

use super::placement::{Placement, corner, placed_gradient};
use super::template::Template;
use crate::evidence::discovery::parts::touching;
use crate::evidence::discovery::picture::{Gradient, Lengths, PixelBox, isotropy};
use rustfft::num_complex::Complex32;

/// Agreement of the images at a pixel, from 0 for none to 1 for equal gradients.
const COHERENCE_MIN: f32 = 0.4;
/// Mean squared gradient: below it there is nothing to agree about.
const ENERGY_MIN: f32 = 60.0;
/// Images that show a pixel, as a part of the aligned ones.
const COVER_MIN: f32 = 0.5;
/// Parts that are smaller than this part of the largest are left out.
const PART_MIN: f32 = 0.05;
const ISOTROPY_MIN: f32 = 0.2;
/// Half of the side of the mean: 5 x 5 pixels.
const REACH: usize = 2;

/// A square of numbers.
struct Square<T> {
    side: usize,
    values: Vec<T>,
}

/// The sums over the aligned images.
struct Sums {
    gradient: Square<Complex32>,
    energy: Square<f32>,
    cover: Square<f32>,
}

/// A picture that images share.
pub struct Outline {
    pub template: Template,
    /// Its upper left corner, where the first image shows it.
    pub origin: [f32; 2],
}

/// The picture that placed images share; `None` where they agree about too little. `centre` is the
/// point of the first image around which it lies.
pub fn outline(
    gradients: &[Gradient],
    placed: &[Placement],
    centre: [f32; 2],
    lengths: Lengths,
) -> Option<Outline> {
    let sums = sums(gradients, placed, centre, lengths.crop);
    let core = core(&sums, placed.len());
    let core = largest_parts(&closed(&core), lengths.gap);
    let bounds = shrunk(bounds(&core)?)?;
    if bounds.width() < lengths.side_min || bounds.height() < lengths.side_min {
        return None;
    }

    let mut values = Vec::new();
    for y in bounds.y0..bounds.y1 {
        for x in bounds.x0..bounds.x1 {
            let at = y * core.side + x;
            values.push(if core.values[at] {
                sums.gradient.values[at] / sums.cover.values[at].max(1.0)
            } else {
                Complex32::default()
            });
        }
    }
    if isotropy(values.iter().copied()) < ISOTROPY_MIN {
        return None;
    }
    let [left, top] = corner(centre, lengths.crop);
    Some(Outline {
        template: Template::new(bounds.width(), values),
        origin: [left + bounds.x0 as f32, top + bounds.y0 as f32],
    })
}

fn sums(gradients: &[Gradient], placed: &[Placement], centre: [f32; 2], side: usize) -> Sums {
    let mut sums = Sums {
        gradient: Square::new(side, Complex32::default()),
        energy: Square::new(side, 0.0),
        cover: Square::new(side, 0.0),
    };
    let corner = corner(centre, side);
    for placement in placed {
        let gradient = &gradients[placement.image];
        for y in 0..side {
            for x in 0..side {
                let point = [corner[0] + x as f32, corner[1] + y as f32];
                let Some(value) = placed_gradient(gradient, placement, point) else {
                    continue;
                };
                let at = y * side + x;
                sums.gradient.values[at] += value;
                sums.energy.values[at] += value.norm_sqr();
                sums.cover.values[at] += 1.0;
            }
        }
    }
    sums
}

/// The pixels whose neighbourhood agrees, has gradients, and is seen in enough images.
fn core(sums: &Sums, images: usize) -> Square<bool> {
    let side = sums.cover.side;
    let mut agreement = Square::new(side, 0.0);
    for (at, agreed) in agreement.values.iter_mut().enumerate() {
        let cover = sums.cover.values[at];
        if cover > 1.0 {
            let both = sums.gradient.values[at].norm_sqr() - sums.energy.values[at];
            *agreed = both / (cover - 1.0);
        }
    }

    let (agreement, energy) = (agreement.box_mean(), sums.energy.box_mean());
    let mut core = Square::new(side, false);
    for (at, is_core) in core.values.iter_mut().enumerate() {
        let cover = sums.cover.values[at];
        *is_core = agreement.values[at] > COHERENCE_MIN * energy.values[at]
            && energy.values[at] > ENERGY_MIN * cover.max(1.0)
            && cover >= COVER_MIN * images as f32;
    }
    core
}

impl<T: Clone> Square<T> {
    fn new(side: usize, value: T) -> Self {
        Self {
            side,
            values: vec![value; side * side],
        }
    }
}

impl Square<f32> {
    /// The mean over the 5 x 5 pixels around each pixel, 0 outside.
    fn box_mean(&self) -> Self {
        let side = self.side;
        let mut mean = Self::new(side, 0.0);
        let count = ((2 * REACH + 1) * (2 * REACH + 1)) as f32;
        for y in 0..side {
            for x in 0..side {
                let mut sum = 0.0;
                for row in y.saturating_sub(REACH)..(y + REACH + 1).min(side) {
                    let columns = x.saturating_sub(REACH)..(x + REACH + 1).min(side);
                    sum += self.values[row * side..][columns].iter().sum::<f32>();
                }
                mean.values[y * side + x] = sum / count;
            }
        }
        mean
    }
}

/// Gaps of one pixel filled: dilated by 3 x 3, then eroded.
fn closed(mask: &Square<bool>) -> Square<bool> {
    let dilated = neighbourhood(mask, false, |any, is_set| any || is_set);
    neighbourhood(&dilated, true, |all, is_set| all && is_set)
}

fn neighbourhood(
    mask: &Square<bool>,
    start: bool,
    combine: impl Fn(bool, bool) -> bool,
) -> Square<bool> {
    let side = mask.side;
    let mut combined = Square::new(side, start);
    for y in 0..side {
        for x in 0..side {
            for row in y.saturating_sub(1)..(y + 2).min(side) {
                for column in x.saturating_sub(1)..(x + 2).min(side) {
                    let value = &mut combined.values[y * side + x];
                    *value = combine(*value, mask.values[row * side + column]);
                }
            }
        }
    }
    combined
}

/// The largest connected part, with the parts near it that are not too small.
fn largest_parts(mask: &Square<bool>, gap: usize) -> Square<bool> {
    let parts = touching(&mask.values, mask.side);
    let mut kept = Square::new(mask.side, false);
    let mut largest: Option<&Vec<usize>> = None;
    for part in &parts {
        if largest.is_none_or(|largest| part.len() > largest.len()) {
            largest = Some(part);
        }
    }
    let Some(largest) = largest else {
        return kept;
    };

    for part in &parts {
        let is_large = part.len() as f32 >= PART_MIN * largest.len() as f32;
        if is_large && distance(part, largest, mask.side) <= gap {
            for at in part {
                kept.values[*at] = true;
            }
        }
    }
    kept
}

/// The smallest distance of two parts along the farther axis, in pixels.
fn distance(part: &[usize], other: &[usize], side: usize) -> usize {
    let mut smallest = usize::MAX;
    for a in part {
        for b in other {
            let across = (a % side).abs_diff(b % side);
            let down = (a / side).abs_diff(b / side);
            smallest = smallest.min(across.max(down));
        }
    }
    smallest
}

fn bounds(mask: &Square<bool>) -> Option<PixelBox> {
    let mut bounds: Option<PixelBox> = None;
    for (at, _) in mask.values.iter().enumerate().filter(|(_, set)| **set) {
        let (x, y) = (at % mask.side, at / mask.side);
        let known = bounds.unwrap_or(PixelBox {
            x0: x,
            y0: y,
            x1: x + 1,
            y1: y + 1,
        });
        bounds = Some(PixelBox {
            x0: known.x0.min(x),
            y0: known.y0.min(y),
            x1: known.x1.max(x + 1),
            y1: known.y1.max(y + 1),
        });
    }
    bounds
}

/// Without its outermost pixels, which the mean over a neighbourhood adds.
fn shrunk(bounds: PixelBox) -> Option<PixelBox> {
    (bounds.width() > 2 && bounds.height() > 2).then(|| PixelBox {
        x0: bounds.x0 + 1,
        y0: bounds.y0 + 1,
        x1: bounds.x1 - 1,
        y1: bounds.y1 - 1,
    })
}
