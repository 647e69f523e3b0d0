//! Constant borders, and the outermost pixels.

use super::plane::moments;
use super::values::FileProperties;
use crate::finding::FileProperty;
use image::RgbImage;

/// Part of a side that is looked at.
const DEPTH: f64 = 0.35;
/// A pixel is of the border if every channel is within so many levels of the colour of the first
/// line; a line is, if so many of its pixels are.
const LEVELS: f64 = 14.0;
const PART: f64 = 0.97;
/// Above this SD the mean of the outermost pixels says nothing.
const RING_SD_MAX: f64 = 20.0;

/// The constant borders of a photo as fractions of its sides, and their mean colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Border {
    pub top: f64,
    pub bottom: f64,
    pub left: f64,
    pub right: f64,
    /// Of the outermost rows.
    pub colour: [f64; 3],
}

impl Border {
    /// Whether no side has a border.
    pub fn is_empty(&self) -> bool {
        [self.top, self.bottom, self.left, self.right] == [0.0; 4]
    }
}

/// One line of pixels after the other, from one side of a picture.
#[derive(Clone, Copy)]
struct Lines<'a> {
    rgb: &'a RgbImage,
    is_vertical: bool,
    from_end: bool,
}

pub fn add(properties: &mut FileProperties, rgb: &RgbImage) {
    let found = border(rgb);
    properties.number(FileProperty::BorderTop, Some(found.top));
    properties.number(FileProperty::BorderBottom, Some(found.bottom));
    properties.number(FileProperty::BorderLeft, Some(found.left));
    properties.number(FileProperty::BorderRight, Some(found.right));

    let mut deviation = 0.0;
    let mut mean = 0.0;
    for channel in 0..3 {
        let values: Vec<f64> = ring(rgb).map(|pixel| f64::from(pixel[channel])).collect();
        let (of_channel, variance) = moments(&values).unwrap_or_default();
        deviation += variance.sqrt() / 3.0;
        mean += of_channel / 3.0;
    }
    properties.number(FileProperty::RingSd, Some(deviation));
    let is_uniform = deviation < RING_SD_MAX;
    properties.number(FileProperty::RingMean, is_uniform.then_some(mean));
}

/// The constant borders of a photo.
pub fn border(rgb: &RgbImage) -> Border {
    let side = |is_vertical, from_end| {
        let lines = Lines {
            rgb,
            is_vertical,
            from_end,
        };
        lines.constant_part()
    };
    let row = |from_end| Lines {
        rgb,
        is_vertical: false,
        from_end,
    };
    let (first, last) = (row(false).mean(0), row(true).mean(0));
    Border {
        top: side(false, false),
        bottom: side(false, true),
        left: side(true, false),
        right: side(true, true),
        colour: std::array::from_fn(|i| f64::midpoint(first[i], last[i])),
    }
}

/// The outermost pixels: rows, then columns; corners count twice.
fn ring(rgb: &RgbImage) -> impl Iterator<Item = [u8; 3]> {
    let (width, height) = rgb.dimensions();
    let rows = (0..width).flat_map(move |x| [(x, 0), (x, height - 1)]);
    let columns = (0..height).flat_map(move |y| [(0, y), (width - 1, y)]);
    rows.chain(columns).map(|(x, y)| rgb.get_pixel(x, y).0)
}

impl Lines<'_> {
    fn count(self) -> u32 {
        if self.is_vertical {
            self.rgb.width()
        } else {
            self.rgb.height()
        }
    }

    fn length(self) -> u32 {
        if self.is_vertical {
            self.rgb.height()
        } else {
            self.rgb.width()
        }
    }

    fn pixel(self, line: u32, at: u32) -> [f64; 3] {
        let line = if self.from_end {
            self.count() - 1 - line
        } else {
            line
        };
        let pixel = if self.is_vertical {
            self.rgb.get_pixel(line, at)
        } else {
            self.rgb.get_pixel(at, line)
        };
        pixel.0.map(f64::from)
    }

    fn mean(self, line: u32) -> [f64; 3] {
        let mut sums = [0.0; 3];
        for at in 0..self.length() {
            for (sum, value) in sums.iter_mut().zip(self.pixel(line, at)) {
                *sum += value;
            }
        }
        sums.map(|sum| sum / f64::from(self.length()))
    }

    /// The lines until the first that is not of the colour of the first one, as a part of all.
    fn constant_part(self) -> f64 {
        let most = (DEPTH * f64::from(self.count())) as u32;
        let colour = self.mean(0);
        let mut constant = 0;
        while constant < most && self.is_constant(constant, colour) {
            constant += 1;
        }
        f64::from(constant) / f64::from(self.count())
    }

    fn is_constant(self, line: u32, colour: [f64; 3]) -> bool {
        let mut near = 0;
        for at in 0..self.length() {
            let pixel = self.pixel(line, at);
            let distances = pixel.iter().zip(colour).map(|(a, b)| (a - b).abs());
            near += u32::from(distances.fold(0.0, f64::max) <= LEVELS);
        }
        f64::from(near) >= PART * f64::from(self.length())
    }
}
