//! The outline of a repeated picture: the pixels in which aligned images agree.

use super::graph::Alignment;
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

/// Fewer images that are tried as well: the first of the aligned ones, which agree best.
const FEWER_IMAGES: [usize; 4] = [15, 8, 5, 4];
/// Fewer images count where they agree about so many times the pixels.
const AREA_RATIO: f32 = 1.5;

/// The picture that aligned images share; `None` where they agree about too little. `centre` is the
/// point of the first image around which it lies.
///
/// Of a picture that is drawn at several sizes only images of about one size agree, so that fewer
/// of them may outline more of it.
pub fn template(
    gradients: &[Gradient],
    alignment: &Alignment,
    centre: [f32; 2],
    lengths: Lengths,
) -> Option<Template> {
    let shifts = &alignment.shifts;
    let mut best = template_of(gradients, shifts, centre, lengths);
    for images in FEWER_IMAGES {
        if images >= shifts.len() {
            continue;
        }
        let fewer = template_of(gradients, &shifts[..images], centre, lengths);
        if area(fewer.as_ref()) as f32 > AREA_RATIO * area(best.as_ref()) as f32 {
            best = fewer;
        }
    }
    best
}

/// Pixels that the images agree about.
fn area(template: Option<&Template>) -> usize {
    let values = template.iter().flat_map(|template| &template.values);
    values.filter(|value| **value != [0.0, 0.0]).count()
}

fn template_of(
    gradients: &[Gradient],
    shifts: &[(usize, [i32; 2])],
    centre: [f32; 2],
    lengths: Lengths,
) -> Option<Template> {
    let sums = sums(gradients, shifts, centre, lengths.crop);
    let core = core(&sums, shifts.len());
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
    let is_isotropic = isotropy(values.iter().copied()) >= ISOTROPY_MIN;
    is_isotropic.then(|| Template::new(bounds.width(), values))
}

fn sums(
    gradients: &[Gradient],
    shifts: &[(usize, [i32; 2])],
    centre: [f32; 2],
    side: usize,
) -> Sums {
    let mut sums = Sums {
        gradient: Square::new(side, Complex32::default()),
        energy: Square::new(side, 0.0),
        cover: Square::new(side, 0.0),
    };
    let corner = centre.map(|c| (c - side as f32 / 2.0).round() as i32);
    for (image, shift) in shifts {
        let gradient = &gradients[*image];
        for y in 0..side {
            for x in 0..side {
                let place_x = corner[0] + shift[0] + x as i32;
                let place_y = corner[1] + shift[1] + y as i32;
                if !gradient.contains(place_x, place_y) {
                    continue;
                }
                let value = gradient.at(place_x, place_y);
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

#[cfg(test)]
mod tests {
    use super::super::graph::Cell;
    use super::*;
    use crate::evidence::discovery::picture::SearchPicture;
    use crate::perturb::SeededRng;

    const SIDE: usize = 224;
    const TAG: [usize; 2] = [44, 28];

    /// Noise of its own, and blocks of black and white drawn at a size around (112, 112).
    fn picture(seed: u64, size: f64) -> Gradient {
        let mut rng = SeededRng::new(seed, &["noise"]);
        let mut luma: Vec<u8> = (0..SIDE * SIDE)
            .map(|_| (100.0 + 64.0 * rng.unit()) as u8)
            .collect();
        let half = TAG.map(|side| side as f64 * size / 2.0);
        for y in 0..SIDE {
            for x in 0..SIDE {
                let (dx, dy) = (x as f64 - 112.0, y as f64 - 112.0);
                if dx.abs() < half[0] && dy.abs() < half[1] {
                    let (u, v) = (
                        (dx / size / 4.0).floor() as i64,
                        (dy / size / 4.0).floor() as i64,
                    );
                    let is_black = (u * 7 + v * 13 + u * v * 5).rem_euclid(3) == 0;
                    luma[y * SIDE + x] = if is_black { 20 } else { 235 };
                }
            }
        }
        Gradient::new(&SearchPicture {
            width: SIDE,
            height: SIDE,
            luma,
            content: PixelBox {
                x0: 0,
                y0: 0,
                x1: SIDE,
                y1: SIDE,
            },
        })
    }

    fn outlined(sizes: &[f64]) -> Option<Template> {
        let numbered = sizes.iter().enumerate();
        let gradients: Vec<Gradient> = numbered
            .map(|(seed, size)| picture(seed as u64 + 1, *size))
            .collect();
        let alignment = Alignment {
            images: sizes.len(),
            centre: Cell { image: 0, cell: 0 },
            shifts: (0..sizes.len()).map(|image| (image, [0, 0])).collect(),
        };
        let lengths = Lengths::of(SIDE, SIDE)?;
        template(&gradients, &alignment, [112.0, 112.0], lengths)
    }

    #[test]
    fn images_of_one_size_are_outlined_among_those_of_others() {
        let of_one_size = outlined(&[1.0; 6]).expect("a picture of one size");
        assert!(
            of_one_size.width.abs_diff(TAG[0]) <= 4,
            "{}",
            of_one_size.width
        );

        let mut sizes = vec![1.0; 5];
        sizes.extend((0..19).map(|i| 1.15 + 0.03 * f64::from(i)));
        let found = outlined(&sizes).expect("the five of one size");
        assert!(found.width.abs_diff(TAG[0]) <= 4, "{}", found.width);
        assert!(found.height().abs_diff(TAG[1]) <= 4, "{}", found.height());

        let all_differ: Vec<f64> = (0..20).map(|i| 0.8 + 0.06 * f64::from(i)).collect();
        let found = outlined(&all_differ);
        assert!(found.is_none_or(|found| found.width < TAG[0]), "too much");
    }
}
