//! How much of each CAM cell lies in a region: closed-form integrals of the bilinear heat surface.
//!
//! The heat map is the bilinear surface (align_corners = false) over `h x w` cell values. Its
//! integral over a rectangle separates into one weight vector per axis; nothing is upsampled.

use crate::geometry::{Mask, Rect, Shape, Size, disjoint};

/// The CAM cells laid over the model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Rows of cells.
    pub height: usize,
    /// Columns of cells.
    pub width: usize,
    /// The model's input in pixels.
    pub view: Size,
}

/// Integration weights of a region, row by row, in cells.
///
/// With weights `a` and a map `M`, `sum a * M` is the heat inside the region.
pub type Weights = Vec<f64>;

impl Grid {
    pub fn cells(&self) -> usize {
        self.height * self.width
    }

    /// Weights of a shape in view coordinates, clipped to the view; overlapping rectangles count
    /// once.
    pub fn weights(&self, shape: &Shape) -> Weights {
        match shape {
            Shape::Rects(rects) => self.rect_weights(rects),
            Shape::Mask(mask) => self.mask_weights(mask),
        }
    }

    /// Weights of the frame along the view's edge, as wide as so many cells.
    pub fn border_weights(&self, cells: f64) -> Weights {
        let dx = cells * f64::from(self.view.width) / self.width as f64;
        let dy = cells * f64::from(self.view.height) / self.height as f64;

        let view = self.view.rect();
        let mut inner = vec![0.0; self.cells()];
        if let Some(rect) = view.intersect(Rect::new(dx, dy, view.x1 - dx, view.y1 - dy)) {
            self.add_rect(rect, &mut inner);
        }
        inner.iter().map(|weight| 1.0 - weight).collect()
    }

    fn rect_weights(&self, rects: &[Rect]) -> Weights {
        let visible: Vec<Rect> = rects
            .iter()
            .filter_map(|rect| rect.intersect(self.view.rect()))
            .collect();

        let mut weights = vec![0.0; self.cells()];
        for rect in disjoint(&visible) {
            self.add_rect(rect, &mut weights);
        }
        weights
    }

    fn add_rect(&self, rect: Rect, weights: &mut [f64]) {
        let wx = axis_weights(rect.x0, rect.x1, f64::from(self.view.width), self.width);
        let wy = axis_weights(rect.y0, rect.y1, f64::from(self.view.height), self.height);
        for (row, y) in weights.chunks_exact_mut(self.width).zip(&wy) {
            for (cell, x) in row.iter_mut().zip(&wx) {
                *cell += y * x;
            }
        }
    }

    /// Every mask pixel is a small rectangle of constant coverage: exact at any mask resolution.
    fn mask_weights(&self, mask: &Mask) -> Weights {
        let frame = mask.frame;
        let size = mask.size;
        let wx = pixel_weights(frame.x0, frame.x1, size.width, self.view.width, self.width);
        let wy = pixel_weights(
            frame.y0,
            frame.y1,
            size.height,
            self.view.height,
            self.height,
        );

        let mut weights = vec![0.0; self.cells()];
        let rows = mask.coverage.chunks_exact(size.width as usize);
        for (row, wy) in rows.zip(&wy) {
            let mut line = vec![0.0; self.width];
            for (&coverage, wx) in row.iter().zip(&wx) {
                if coverage == 0 {
                    continue;
                }
                for (cell, x) in line.iter_mut().zip(wx) {
                    *cell += f64::from(coverage) / 255.0 * x;
                }
            }

            for (cells, y) in weights.chunks_exact_mut(self.width).zip(wy) {
                for (cell, x) in cells.iter_mut().zip(&line) {
                    *cell += y * x;
                }
            }
        }
        weights
    }

    /// Which pixels of the view belong to a shape, row by row.
    ///
    /// The pixel's centre decides; a mask must cover it by one half or more.
    pub fn pixels(&self, shape: &Shape) -> Vec<bool> {
        let width = self.view.width as usize;
        let height = self.view.height as usize;
        let mut pixels = vec![false; width * height];
        match shape {
            Shape::Rects(rects) => {
                for rect in rects {
                    let (left, right) = centres(rect.x0, rect.x1, width);
                    let (top, bottom) = centres(rect.y0, rect.y1, height);
                    let rows = pixels.chunks_exact_mut(width).take(bottom).skip(top);
                    for row in rows {
                        row[left..right.max(left)].fill(true);
                    }
                }
            }
            Shape::Mask(mask) => {
                for (i, pixel) in pixels.iter_mut().enumerate() {
                    let centre = [(i % width) as f64 + 0.5, (i / width) as f64 + 0.5];
                    *pixel = mask.at(centre) >= 128;
                }
            }
        }
        pixels
    }

    /// The bilinear surface (align_corners = false) at the centre of every pixel of the view, row
    /// by row.
    pub fn upsample(&self, cells: &[f64]) -> Vec<f32> {
        let xs = taps(self.view.width as usize, self.width);
        let ys = taps(self.view.height as usize, self.height);

        let mut rows: Vec<Vec<f32>> = Vec::with_capacity(self.height);
        for row in cells.chunks_exact(self.width) {
            let interpolated = xs
                .iter()
                .map(|&(a, b, t)| (row[a] * (1.0 - t) + row[b] * t) as f32);
            rows.push(interpolated.collect());
        }

        let mut surface = Vec::with_capacity(xs.len() * ys.len());
        for &(a, b, t) in &ys {
            let s = (1.0 - t) as f32;
            let t = t as f32;
            surface.extend(rows[a].iter().zip(&rows[b]).map(|(p, q)| p * s + q * t));
        }
        surface
    }
}

/// For each of `pixels` equal parts of a mask's axis, its weights on the cells of the view's axis.
fn pixel_weights(from: f64, to: f64, pixels: u32, view: u32, cells: usize) -> Vec<Vec<f64>> {
    let length = f64::from(view);
    let pitch = (to - from) / f64::from(pixels);
    (0..pixels)
        .map(|i| {
            let start = (from + pitch * f64::from(i)).clamp(0.0, length);
            let end = (from + pitch * f64::from(i + 1)).clamp(0.0, length);
            axis_weights(start, end, length, cells)
        })
        .collect()
}

/// Range of the pixels whose centres lie in `[lo, hi)`, of `n` pixels.
fn centres(lo: f64, hi: f64, n: usize) -> (usize, usize) {
    (first_centre(lo, n), first_centre(hi, n))
}

/// The first of `n` pixels whose centre is at `v` or behind it.
fn first_centre(v: f64, n: usize) -> usize {
    (v - 0.5).ceil().clamp(0.0, n as f64) as usize
}

/// For each pixel the two cells around its centre and the weight of the second.
fn taps(pixels: usize, cells: usize) -> Vec<(usize, usize, f64)> {
    let last = cells - 1;
    (0..pixels)
        .map(|p| {
            let u = (p as f64 + 0.5) * cells as f64 / pixels as f64 - 0.5;
            let u = u.clamp(0.0, last as f64);
            let a = u.floor() as usize;
            (a, (a + 1).min(last), u - a as f64)
        })
        .collect()
}

/// Integral over `[x0, x1]` of each cell's bilinear basis, in cells. `length` is the axis in
/// pixels, `n` the number of its cells.
///
/// `sum_i w_i = (x1 - x0) / pitch`.
pub fn axis_weights(x0: f64, x1: f64, length: f64, n: usize) -> Vec<f64> {
    let u0 = x0 * n as f64 / length - 0.5;
    let u1 = x1 * n as f64 / length - 0.5;
    (0..n)
        .map(|i| primitive(u1 - i as f64, i, n) - primitive(u0 - i as f64, i, n))
        .collect()
}

/// Primitive of basis `i` of `n` at `t = u - i`.
///
/// The basis is a triangle from -1 to 1. The first and the last cell are flat towards the edge.
fn primitive(t: f64, i: usize, n: usize) -> f64 {
    let is_first = i == 0;
    let is_last = i + 1 == n;
    if t <= 0.0 {
        if is_first {
            t + 0.5
        } else if t <= -1.0 {
            0.0
        } else {
            (t + 1.0).powi(2) / 2.0
        }
    } else if is_last {
        t + 0.5
    } else if t <= 1.0 {
        0.5 + t - t * t / 2.0
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(cells: usize, pixels: u32) -> Grid {
        Grid {
            height: cells,
            width: cells,
            view: Size::new(pixels, pixels),
        }
    }

    fn one_hot(cells: usize, row: usize, col: usize) -> Vec<f64> {
        let mut m = vec![0.0; cells * cells];
        m[row * cells + col] = 1.0;
        m
    }

    fn inside(weights: &[f64], map: &[f64]) -> f64 {
        weights.iter().zip(map).map(|(a, m)| a * m).sum()
    }

    #[test]
    fn a_hot_cell_keeps_the_known_part_of_its_mass() {
        let g = grid(7, 224);
        let check = |row: usize, col: usize, expected: f64| {
            let (x, y) = (32.0 * col as f64, 32.0 * row as f64);
            let inside_cell = g.weights(&Shape::Rects(vec![Rect::new(x, y, x + 32.0, y + 32.0)]));
            let all = g.weights(&Shape::Rects(vec![g.view.rect()]));
            let map = one_hot(7, row, col);
            assert!((inside(&inside_cell, &map) / inside(&all, &map) - expected).abs() < 1e-12);
        };
        check(0, 0, 0.765625);
        check(0, 3, 0.65625);
        check(3, 3, 0.5625);
    }

    #[test]
    fn whole_pixel_rectangles_equal_the_sum_over_upsampled_pixels() {
        let g = grid(7, 224);
        let map: Vec<f64> = (0..49).map(|i| f64::from((i * 37) % 11) / 7.0).collect();
        let up = g.upsample(&map);
        for r in [
            Rect::new(0.0, 0.0, 50.0, 30.0),
            Rect::new(17.0, 100.0, 224.0, 201.0),
            g.view.rect(),
        ] {
            let shape = Shape::Rects(vec![r]);
            let pixels: f64 = up
                .iter()
                .zip(g.pixels(&shape))
                .filter(|(_, p)| *p)
                .map(|(v, _)| f64::from(*v))
                .sum::<f64>()
                / 1024.0;
            assert!(
                (inside(&g.weights(&shape), &map) - pixels).abs() < 1e-6 * pixels,
                "{r:?}"
            );
        }
    }

    #[test]
    fn a_mask_of_a_rectangle_weighs_as_the_rectangle() {
        let g = grid(7, 224);
        let mut coverage = vec![0u8; 56 * 56];
        for y in 10..30 {
            coverage[y * 56 + 5..y * 56 + 40].fill(255);
        }
        let mask = Mask {
            size: Size::new(56, 56),
            coverage,
            frame: g.view.rect(),
        };
        let rect = g.weights(&Shape::Rects(vec![Rect::new(20.0, 40.0, 160.0, 120.0)]));
        for (a, b) in g.weights(&Shape::Mask(mask)).iter().zip(&rect) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn weights_of_the_whole_view_are_one_per_cell() {
        for n in [1, 2, 7, 10] {
            let g = Grid {
                height: n,
                width: n + 1,
                view: Size::new(299, 160),
            };
            assert!(
                g.weights(&Shape::Rects(vec![g.view.rect()]))
                    .iter()
                    .all(|w| (w - 1.0).abs() < 1e-12)
            );
        }
    }
}
