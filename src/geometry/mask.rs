//! Regions of any form, pixel by pixel.

use super::rect::{Rect, Size};
use super::transpose::Transpose;

/// Most cells of a mask, 2048 x 2048: regions are drawn at the size of the model's input, so more
/// of them would only take memory.
pub const CELLS_MAX: usize = 1 << 22;

/// Pixels that belong to a region, coverage 0 to 255 each, stretched over `frame`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
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

        let pixels = [left, top, right, bottom];
        let contains = |x, y| contains(y * width + x);
        Some(Self::within(pixels, CELLS_MAX, contains))
    }

    /// The part of a picture from `left`, `top` to `right`, `bottom` as a mask of about `cells_max`
    /// cells at most: a cell of a larger part is the pixel at its centre.
    pub fn within(
        [left, top, right, bottom]: [usize; 4],
        cells_max: usize,
        contains: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let (width, height) = (right - left, bottom - top);
        let excess = (width as f64 * height as f64 / cells_max.max(1) as f64).max(1.0);
        let columns = centres(left, width, excess.sqrt());
        let rows = centres(top, height, excess.sqrt());

        let mut coverage = Vec::with_capacity(columns.len() * rows.len());
        for &y in &rows {
            for &x in &columns {
                coverage.push(if contains(x, y) { 255 } else { 0 });
            }
        }
        Self {
            size: Size::new(columns.len() as u32, rows.len() as u32),
            coverage,
            frame: Rect::new(left as f64, top as f64, right as f64, bottom as f64),
        }
    }

    /// The union of masks that lie in one picture, at most about [`CELLS_MAX`] cells.
    pub fn union(masks: &[&Self]) -> Option<Self> {
        let corners: Vec<[f64; 2]> = masks
            .iter()
            .flat_map(|m| [[m.frame.x0, m.frame.y0], [m.frame.x1, m.frame.y1]])
            .collect();
        let frame = Rect::around(&corners);
        let excess = (frame.width() * frame.height() / CELLS_MAX as f64).max(1.0);
        let step = excess.sqrt();
        let size = Size::new(
            (frame.width() / step) as u32,
            (frame.height() / step) as u32,
        );

        let mut union = Self {
            size,
            coverage: vec![0; size.width as usize * size.height as usize],
            frame,
        };
        for mask in masks {
            union.draw(mask);
        }
        union.coverage.contains(&255).then_some(union)
    }

    /// Sets the cells whose centre a mask covers by more than half.
    fn draw(&mut self, mask: &Self) {
        let width = self.size.width as usize;
        let columns = self.frame.width() / f64::from(self.size.width);
        let rows = self.frame.height() / f64::from(self.size.height);
        let first = |edge: f64, origin: f64, cell: f64| ((edge - origin) / cell).floor() as usize;

        let (left, right) = (mask.frame.x0, mask.frame.x1);
        let left = first(left, self.frame.x0, columns);
        let right = (first(right, self.frame.x0, columns) + 1).min(width);
        let (top, bottom) = (mask.frame.y0, mask.frame.y1);
        let top = first(top, self.frame.y0, rows);
        let bottom = (first(bottom, self.frame.y0, rows) + 1).min(self.size.height as usize);

        for row in top..bottom {
            let y = self.frame.y0 + (row as f64 + 0.5) * rows;
            for column in left..right {
                let x = self.frame.x0 + (column as f64 + 0.5) * columns;
                if mask.at([x, y]) > 127 {
                    self.coverage[row * width + column] = 255;
                }
            }
        }
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

/// The pixels at the centres of cells that divide `length` pixels from `start`, each about `step`
/// pixels long.
fn centres(start: usize, length: usize, step: f64) -> Vec<usize> {
    let cells = ((length as f64 / step) as usize).clamp(1, length.max(1));
    let centre = |cell: usize| start + (2 * cell + 1) * length / (2 * cells);
    (0..cells).map(centre).collect()
}
