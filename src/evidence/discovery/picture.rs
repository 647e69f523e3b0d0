//! The picture that is searched: the model's view in grey, and its gradient.

use rustfft::num_complex::Complex32;
use serde::{Deserialize, Serialize};

/// Larger gradients count as this: a hard edge must not outweigh the rest.
const GRADIENT_MAX: f32 = 60.0;
/// Smaller gradients are noise.
const GRADIENT_MIN: f32 = 4.0;
/// Energy per pixel that is added to that of a picture, so that a flat place matches no template.
pub const NOISE_ENERGY: f32 = 50.0;
/// The edge of the photo inside of padding is no part of the photo.
const EDGE: usize = 2;
/// Narrower views hold no window.
const SIDE_MIN: usize = 32;
/// Narrower views are searched with shorter lengths.
const SIDE_SMALL: usize = 128;

/// A view of the model in grey, at most about 256 pixels wide: 50 kB at 224 pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPicture {
    pub width: usize,
    pub height: usize,
    /// Row by row.
    pub luma: Vec<u8>,
    /// The part that shows the photo; the rest is padding.
    pub content: PixelBox,
}

/// A rectangle in whole pixels, without its right and lower edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelBox {
    pub x0: usize,
    pub y0: usize,
    pub x1: usize,
    pub y1: usize,
}

/// `g = (I[x+1] - I[x-1]) + i (I[y+1] - I[y-1])`, bounded; 0 where there is no photo.
#[derive(Debug, Clone)]
pub struct Gradient {
    pub width: usize,
    pub height: usize,
    pub values: Vec<Complex32>,
}

/// Lengths in pixels, for views of about 224 pixels and for small ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Side of the window around a cell that is compared.
    pub window: usize,
    /// Side of the crop in which a repeated picture is outlined.
    pub crop: usize,
    /// Parts of a picture that are closer belong together.
    pub gap: usize,
    /// Side of the blocks in which the images of a class are compared at one place.
    pub block: usize,
    /// Narrower pictures are dropped.
    pub side_min: usize,
}

impl PixelBox {
    pub fn width(&self) -> usize {
        self.x1 - self.x0
    }

    pub fn height(&self) -> usize {
        self.y1 - self.y0
    }

    /// Whether half of the smaller one of both is common.
    pub fn covers(&self, other: &Self) -> bool {
        let width = self.x1.min(other.x1).saturating_sub(self.x0.max(other.x0));
        let height = self.y1.min(other.y1).saturating_sub(self.y0.max(other.y0));
        let smaller = (self.width() * self.height()).min(other.width() * other.height());
        2 * width * height >= smaller
    }
}

impl Lengths {
    /// `None` where the view is too small to be searched.
    pub fn of(width: usize, height: usize) -> Option<Self> {
        let side = width.min(height);
        if side < SIDE_MIN {
            return None;
        }
        Some(if side < SIDE_SMALL {
            Self {
                window: 32,
                crop: 56,
                gap: 4,
                block: 8,
                side_min: 6,
            }
        } else {
            Self {
                window: 64,
                crop: 112,
                gap: 8,
                block: 16,
                side_min: 8,
            }
        })
    }
}

impl Gradient {
    pub fn new(picture: &SearchPicture) -> Self {
        let (width, height) = (picture.width, picture.height);
        let mut values = vec![Complex32::default(); width * height];
        let content = picture.content;

        let columns = content.x0 + EDGE..content.x1.saturating_sub(EDGE);
        for y in content.y0 + EDGE..content.y1.saturating_sub(EDGE) {
            for x in columns.clone() {
                let at = y * width + x;
                let luma = |at: usize| f32::from(picture.luma[at]);
                let across = luma(at + 1) - luma(at - 1);
                let down = luma(at + width) - luma(at - width);
                values[at] = bounded(Complex32::new(across, down));
            }
        }
        Self {
            width,
            height,
            values,
        }
    }

    /// 0 outside of the picture.
    pub fn at(&self, x: i32, y: i32) -> Complex32 {
        if self.contains(x, y) {
            self.values[y as usize * self.width + x as usize]
        } else {
            Complex32::default()
        }
    }

    pub fn contains(&self, x: i32, y: i32) -> bool {
        (0..self.width as i32).contains(&x) && (0..self.height as i32).contains(&y)
    }

    /// Between pixels, bilinear; 0 outside of the picture.
    pub fn between([x, y]: [f32; 2], at: impl Fn(i32, i32) -> Complex32) -> Complex32 {
        let (left, top) = (x.floor(), y.floor());
        let (right, down) = (x - left, y - top);
        let (column, row) = (left as i32, top as i32);

        let mut sum = Complex32::default();
        for (dy, part_y) in [(0, 1.0 - down), (1, down)] {
            for (dx, part_x) in [(0, 1.0 - right), (1, right)] {
                let part = part_x * part_y;
                if part > 0.0 {
                    sum += at(column + dx, row + dy) * part;
                }
            }
        }
        sum
    }
}

fn bounded(gradient: Complex32) -> Complex32 {
    let size = magnitude(gradient);
    if size < GRADIENT_MIN {
        return Complex32::default();
    }
    if size > GRADIENT_MAX {
        return gradient * (GRADIENT_MAX / size);
    }
    gradient
}

/// 1 for gradients of all directions, 0 for parallel ones: a straight edge.
pub fn isotropy(values: impl Iterator<Item = Complex32>) -> f32 {
    let (mut squares, mut sizes) = (Complex32::default(), 0.0);
    for value in values {
        squares += value * value;
        sizes += value.norm_sqr();
    }
    if sizes > 0.0 {
        1.0 - magnitude(squares) / sizes
    } else {
        0.0
    }
}
/// The magnitude by a root: `norm` of the library calls `hypot`, which takes several times as long,
/// and its last digit depends on the C library.
pub fn magnitude(value: Complex32) -> f32 {
    value.norm_sqr().sqrt()
}
