//! Regions of any form, pixel by pixel.

use super::rect::{Rect, Size};
use super::transpose::Transpose;

/// Pixels that belong to a region, coverage 0 to 255 each, stretched over `frame`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    pub size: Size,
    /// Row by row, `size.width * size.height` bytes.
    pub coverage: Vec<u8>,
    /// Where the mask lies.
    pub frame: Rect,
}

impl Mask {
    /// The pixels of a picture for which `contains` holds, cropped to their bounding box.
    ///
    /// `contains` takes the index of a pixel, row by row. One unit of the frame is a pixel of the
    /// picture. `None` if there are no such pixels.
    pub fn of(picture: Size, contains: impl Fn(usize) -> bool) -> Option<Self> {
        let width = picture.width as usize;
        let height = picture.height as usize;
        let mut left = width;
        let mut right = 0;
        let mut top = height;
        let mut bottom = 0;
        for i in (0..width * height).filter(|&i| contains(i)) {
            left = left.min(i % width);
            right = right.max(i % width + 1);
            top = top.min(i / width);
            bottom = bottom.max(i / width + 1);
        }
        if right == 0 {
            return None;
        }

        let mut coverage = Vec::with_capacity((right - left) * (bottom - top));
        for y in top..bottom {
            for x in left..right {
                coverage.push(if contains(y * width + x) { 255 } else { 0 });
            }
        }
        Some(Self {
            size: Size::new((right - left) as u32, (bottom - top) as u32),
            coverage,
            frame: Rect::new(left as f64, top as f64, right as f64, bottom as f64),
        })
    }

    /// The union of masks whose mask pixels are pixels of one picture.
    pub fn union(masks: &[&Self]) -> Option<Self> {
        let corners: Vec<[f64; 2]> = masks
            .iter()
            .flat_map(|m| [[m.frame.x0, m.frame.y0], [m.frame.x1, m.frame.y1]])
            .collect();
        let bounds = Rect::around(&corners);
        let picture = Size::new(bounds.width() as u32, bounds.height() as u32);

        let width = picture.width as usize;
        let union = Self::of(picture, |i| {
            let x = bounds.x0 + (i % width) as f64 + 0.5;
            let y = bounds.y0 + (i / width) as f64 + 0.5;
            masks.iter().any(|mask| mask.at([x, y]) > 127)
        })?;

        let frame = Rect::new(
            union.frame.x0 + bounds.x0,
            union.frame.y0 + bounds.y0,
            union.frame.x1 + bounds.x0,
            union.frame.y1 + bounds.y0,
        );
        Some(Self { frame, ..union })
    }

    /// Covered area in units of the frame's coordinates.
    pub fn area(&self) -> f64 {
        let covered: u64 = self.coverage.iter().map(|&c| u64::from(c)).sum();
        let pixel = self.frame.area() / (f64::from(self.size.width) * f64::from(self.size.height));
        covered as f64 / 255.0 * pixel
    }

    /// Coverage at a point of the frame's coordinates, 0 outside.
    pub fn at(&self, [x, y]: [f64; 2]) -> u8 {
        let width = f64::from(self.size.width);
        let height = f64::from(self.size.height);
        let column = ((x - self.frame.x0) / self.frame.width() * width).floor();
        let row = ((y - self.frame.y0) / self.frame.height() * height).floor();

        if (0.0..width).contains(&column) && (0.0..height).contains(&row) {
            self.coverage[row as usize * self.size.width as usize + column as usize]
        } else {
            0
        }
    }

    /// The mask on the upright photo, given the mask on the stored photo of size `from`.
    pub fn transposed(&self, transpose: Transpose, from: Size) -> Self {
        let frame = Rect::around(&[
            transpose.apply([self.frame.x0, self.frame.y0], from),
            transpose.apply([self.frame.x1, self.frame.y1], from),
        ]);

        let size = Size::new(self.size.height, self.size.width);
        let old_width = self.size.width as usize;
        let new_width = size.width as usize;
        let mut coverage = vec![0; self.coverage.len()];
        for (i, &pixel) in self.coverage.iter().enumerate() {
            let centre = [(i % old_width) as f64 + 0.5, (i / old_width) as f64 + 0.5];
            let [x, y] = transpose.apply(centre, self.size);
            coverage[y as usize * new_width + x as usize] = pixel;
        }
        Self {
            size,
            coverage,
            frame,
        }
    }

    /// Mirrored left-right, top-bottom, or both, within an image of this size.
    pub fn mirrored(&self, image: Size, across: bool, down: bool) -> Self {
        let width = self.size.width.max(1) as usize;
        let mut rows: Vec<Vec<u8>> = self
            .coverage
            .chunks_exact(width)
            .map(<[u8]>::to_vec)
            .collect();
        if down {
            rows.reverse();
        }
        if across {
            for row in &mut rows {
                row.reverse();
            }
        }

        Self {
            size: self.size,
            coverage: rows.concat(),
            frame: self.frame.mirrored(image, across, down),
        }
    }
}
