//! What many images of a class show at one place, found without a model: directions of gradients
//! that agree there more than in other classes.

use super::parts::touching;
use super::patches::Template;
use super::picture::{Gradient, NOISE_ENERGY, PixelBox, magnitude};
use rustfft::num_complex::Complex32;
use serde::{Deserialize, Serialize};

/// Robust z of a block across classes from which it stands out.
const Z_MIN: f32 = 5.0;
/// Classes that are needed to know what is usual.
pub const CLASSES_MIN: usize = 8;
/// Makes a standard deviation of a median absolute deviation.
const MAD_SCALE: f32 = 1.4826;
/// Added to it, since the agreement of a few images varies anyway.
const DEVIATION_ADDED: f32 = 0.15;

/// The sum of unit gradients over images of a class.
#[derive(Debug, Default)]
pub struct UnitSum {
    width: usize,
    sum: Vec<Complex32>,
    images: f32,
}

/// Agreement of the images of a class by square block, row by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    pub columns: usize,
    /// Side of a block in pixels.
    pub side: usize,
    pub blocks: Vec<f32>,
}

/// A rectangle in which a class stands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedPlace {
    pub place: PixelBox,
    /// The blocks in it that stand out.
    blocks: Vec<PixelBox>,
}

impl UnitSum {
    /// Adds an image; one of another size than the first is left out.
    pub fn add(&mut self, gradient: &Gradient) {
        if self.sum.is_empty() {
            self.width = gradient.width;
            self.sum = vec![Complex32::default(); gradient.values.len()];
        }
        if self.width != gradient.width || self.sum.len() != gradient.values.len() {
            return;
        }
        self.images += 1.0;
        for (sum, value) in self.sum.iter_mut().zip(&gradient.values) {
            let size = magnitude(*value);
            if size > 0.0 {
                *sum += value / size;
            }
        }
    }

    /// `|sum u|^2 / n - 1`, the mean over each block of `side` pixels: 0 by chance, n - 1 for equal
    /// images.
    pub fn agreement(&self, side: usize) -> Agreement {
        let width = self.width.max(1);
        let (columns, rows) = (width / side, self.sum.len() / width / side);
        let mut blocks = vec![0.0; columns * rows];
        for y in 0..rows * side {
            for x in 0..columns * side {
                let agreed = self.sum[y * width + x].norm_sqr() / self.images.max(1.0) - 1.0;
                blocks[y / side * columns + x / side] += agreed / (side * side) as f32;
            }
        }
        Agreement {
            columns,
            side,
            blocks,
        }
    }
}

/// By class and block, how far the agreement is from the median over the classes, in robust
/// standard deviations. Nothing where the classes have views of different sizes.
pub fn deviations(classes: &[Agreement]) -> Vec<Vec<f32>> {
    let Some(first) = classes.first() else {
        return Vec::new();
    };
    let is_comparable =
        |class: &Agreement| class.blocks.len() == first.blocks.len() && class.side == first.side;
    if !classes.iter().all(is_comparable) {
        return Vec::new();
    }

    let mut deviations = vec![vec![0.0; first.blocks.len()]; classes.len()];
    for block in 0..first.blocks.len() {
        let values: Vec<f32> = classes.iter().map(|class| class.blocks[block]).collect();
        let middle = median(values.clone());
        let distances = values.iter().map(|value| (value - middle).abs());
        let scale = MAD_SCALE * median(distances.collect()) + DEVIATION_ADDED;
        for (of_class, value) in deviations.iter_mut().zip(&values) {
            of_class[block] = (value - middle) / scale;
        }
    }
    deviations
}

/// For each class, the places where its images agree more than those of the other classes; none
/// with too few classes.
pub fn outstanding(classes: &[Agreement]) -> Vec<Vec<FixedPlace>> {
    let mut places = vec![Vec::new(); classes.len()];
    if classes.len() < CLASSES_MIN {
        return places;
    }
    let deviations = deviations(classes);
    for ((places, class), z) in places.iter_mut().zip(classes).zip(&deviations) {
        let stands_out: Vec<bool> = z.iter().map(|z| *z > Z_MIN).collect();
        for part in touching(&stands_out, class.columns) {
            places.extend(place_of(&part, class));
        }
    }
    places
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[middle],
        _ => f32::midpoint(values[middle - 1], values[middle]),
    }
}

/// The rectangle around blocks. Where they fill less than half of it, as a frame does, the largest
/// rectangle that they fill: the rest would be cut and pasted with them.
fn place_of(part: &[usize], class: &Agreement) -> Option<FixedPlace> {
    let mut blocks = PixelBox {
        x0: usize::MAX,
        y0: usize::MAX,
        x1: 0,
        y1: 0,
    };
    for at in part {
        let (x, y) = (at % class.columns, at / class.columns);
        blocks = PixelBox {
            x0: blocks.x0.min(x),
            y0: blocks.y0.min(y),
            x1: blocks.x1.max(x + 1),
            y1: blocks.y1.max(y + 1),
        };
    }
    if 2 * part.len() < blocks.width() * blocks.height() {
        blocks = largest_filled(part, class.columns, blocks)?;
    }

    let side = class.side;
    let pixels = |b: PixelBox| PixelBox {
        x0: side * b.x0,
        y0: side * b.y0,
        x1: side * b.x1,
        y1: side * b.y1,
    };
    let mut inside = Vec::new();
    for at in part {
        let (x, y) = (at % class.columns, at / class.columns);
        if (blocks.x0..blocks.x1).contains(&x) && (blocks.y0..blocks.y1).contains(&y) {
            inside.push(pixels(PixelBox {
                x0: x,
                y0: y,
                x1: x + 1,
                y1: y + 1,
            }));
        }
    }
    Some(FixedPlace {
        place: pixels(blocks),
        blocks: inside,
    })
}

/// The rectangle with the most blocks of which all are in the part, the first of equal ones.
fn largest_filled(part: &[usize], columns: usize, bounds: PixelBox) -> Option<PixelBox> {
    let is_in = |x: usize, y: usize| part.binary_search(&(y * columns + x)).is_ok();
    let mut best: Option<PixelBox> = None;
    for at in part {
        let (x0, y0) = (at % columns, at / columns);
        let mut right = bounds.x1;
        for y in y0..bounds.y1 {
            let filled = (x0..right).take_while(|x| is_in(*x, y)).count();
            if filled == 0 {
                break;
            }
            right = x0 + filled;
            let found = PixelBox {
                x0,
                y0,
                x1: right,
                y1: y + 1,
            };
            let area = |b: &PixelBox| b.width() * b.height();
            if best.as_ref().is_none_or(|best| area(&found) > area(best)) {
                best = Some(found);
            }
        }
    }
    best
}

/// The mean gradient of images at a place, 0 outside of the blocks that stand out; `None` without
/// an image.
pub fn mean_template<'g>(
    gradients: impl Iterator<Item = &'g Gradient>,
    fixed: &FixedPlace,
) -> Option<Template> {
    let place = fixed.place;
    let mut sum = vec![Complex32::default(); place.width() * place.height()];
    let mut images = 0.0_f32;
    for gradient in gradients {
        images += 1.0;
        for (sum, value) in sum.iter_mut().zip(at_place(gradient, place)) {
            *sum += value;
        }
    }
    for (at, sum) in sum.iter_mut().enumerate() {
        let (x, y) = (place.x0 + at % place.width(), place.y0 + at / place.width());
        let mut blocks = fixed.blocks.iter();
        let stands_out = blocks.any(|b| (b.x0..b.x1).contains(&x) && (b.y0..b.y1).contains(&y));
        *sum = if stands_out {
            *sum / images.max(1.0)
        } else {
            Complex32::default()
        };
    }
    (images > 0.0).then(|| Template::new(place.width(), sum))
}

/// The correlation of a template with a picture at one place, at most 1.
pub fn correlation(template: &Template, gradient: &Gradient, place: PixelBox) -> f32 {
    let (mut product, mut own, mut other, mut pixels) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
    for ([re, im], value) in template.values.iter().zip(at_place(gradient, place)) {
        let expected = Complex32::new(*re, *im);
        if expected == Complex32::default() {
            continue;
        }
        product += (expected.conj() * value).re;
        own += expected.norm_sqr();
        other += value.norm_sqr();
        pixels += 1.0;
    }
    let size = (own * (other + NOISE_ENERGY * pixels)).sqrt();
    if size > 0.0 { product / size } else { 0.0 }
}

/// The gradients of a place, row by row; 0 outside of the picture.
fn at_place(gradient: &Gradient, place: PixelBox) -> impl Iterator<Item = Complex32> {
    let rows = place.y0 as i32..place.y1 as i32;
    rows.flat_map(move |y| (place.x0 as i32..place.x1 as i32).map(move |x| gradient.at(x, y)))
}
