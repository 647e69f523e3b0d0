//! How much of each CAM cell lies in a region: closed-form integrals of the bilinear heat surface.
//!
//! The heat map is the bilinear surface (align_corners = false) over `h x w` cell values. Its integral over a
//! rectangle separates into one weight vector per axis; nothing is upsampled.

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

/// Integration weights of a region: `a[i * width + j]` cells, so that `sum a * M` is the heat inside, in cells.
pub type Weights = Vec<f64>;

impl Grid {
    pub fn cells(&self) -> usize {
        self.height * self.width
    }

    /// Weights of a shape in view coordinates, clipped to the view; overlapping rectangles count once.
    pub fn weights(&self, shape: &Shape) -> Weights {
        match shape {
            Shape::Rects(rects) => {
                let mut out = vec![0.0; self.cells()];
                let inside: Vec<Rect> = rects
                    .iter()
                    .filter_map(|r| r.intersect(self.view.rect()))
                    .collect();
                for r in disjoint(&inside) {
                    self.add_rect(r, &mut out);
                }
                out
            }
            Shape::Mask(mask) => self.mask_weights(mask),
        }
    }

    /// Weights of the frame along the view's edge, `d` cells wide.
    pub fn border_weights(&self, cells: f64) -> Weights {
        let dx = cells * f64::from(self.view.width) / self.width as f64;
        let dy = cells * f64::from(self.view.height) / self.height as f64;
        let v = self.view.rect();
        let mut inner = vec![0.0; self.cells()];
        if let Some(r) = v.intersect(Rect::new(dx, dy, v.x1 - dx, v.y1 - dy)) {
            self.add_rect(r, &mut inner);
        }
        inner.iter().map(|w| 1.0 - w).collect()
    }

    fn add_rect(&self, r: Rect, out: &mut [f64]) {
        let wx = axis_weights(r.x0, r.x1, f64::from(self.view.width), self.width);
        let wy = axis_weights(r.y0, r.y1, f64::from(self.view.height), self.height);
        for (row, y) in out.chunks_exact_mut(self.width).zip(&wy) {
            for (cell, x) in row.iter_mut().zip(&wx) {
                *cell += y * x;
            }
        }
    }

    /// Every mask pixel is a small rectangle of constant coverage: exact at any mask resolution.
    fn mask_weights(&self, mask: &Mask) -> Weights {
        let axis = |from: f64, to: f64, n: u32, view: u32, cells: usize| -> Vec<Vec<f64>> {
            let pitch = (to - from) / f64::from(n);
            (0..n)
                .map(|i| {
                    let lo = (from + pitch * f64::from(i)).clamp(0.0, f64::from(view));
                    let hi = (from + pitch * f64::from(i + 1)).clamp(0.0, f64::from(view));
                    axis_weights(lo, hi, f64::from(view), cells)
                })
                .collect()
        };
        let f = mask.frame;
        let wx = axis(f.x0, f.x1, mask.size.width, self.view.width, self.width);
        let wy = axis(f.y0, f.y1, mask.size.height, self.view.height, self.height);
        let mut out = vec![0.0; self.cells()];
        for (row, wy) in mask
            .coverage
            .chunks_exact(mask.size.width as usize)
            .zip(&wy)
        {
            let mut line = vec![0.0; self.width];
            for (&c, wx) in row.iter().zip(&wx).filter(|(c, _)| **c > 0) {
                line.iter_mut()
                    .zip(wx)
                    .for_each(|(l, w)| *l += f64::from(c) / 255.0 * w);
            }
            for (cells, y) in out.chunks_exact_mut(self.width).zip(wy) {
                cells
                    .iter_mut()
                    .zip(&line)
                    .for_each(|(cell, l)| *cell += y * l);
            }
        }
        out
    }

    /// Which pixels of the view belong to a shape (pixel centre inside; mask coverage of one half or more).
    pub fn pixels(&self, shape: &Shape) -> Vec<bool> {
        let (w, h) = (self.view.width as usize, self.view.height as usize);
        let mut out = vec![false; w * h];
        match shape {
            Shape::Rects(rects) => {
                for r in rects {
                    let (x0, x1) = centres(r.x0, r.x1, w);
                    let (y0, y1) = centres(r.y0, r.y1, h);
                    out.chunks_exact_mut(w)
                        .take(y1)
                        .skip(y0)
                        .for_each(|row| row[x0..x1.max(x0)].fill(true));
                }
            }
            Shape::Mask(m) => {
                let at = |v: usize, lo: f64, hi: f64, n: u32| {
                    ((v as f64 + 0.5 - lo) / (hi - lo) * f64::from(n)).floor()
                };
                for (i, pixel) in out.iter_mut().enumerate() {
                    let x = at(i % w, m.frame.x0, m.frame.x1, m.size.width);
                    let y = at(i / w, m.frame.y0, m.frame.y1, m.size.height);
                    let inside = x >= 0.0
                        && y >= 0.0
                        && x < f64::from(m.size.width)
                        && y < f64::from(m.size.height);
                    *pixel = inside
                        && m.coverage[y as usize * m.size.width as usize + x as usize] >= 128;
                }
            }
        }
        out
    }

    /// The bilinear surface (align_corners = false) at the centre of every pixel of the view, row by row.
    pub fn upsample(&self, cells: &[f64]) -> Vec<f32> {
        let xs = taps(self.view.width as usize, self.width);
        let ys = taps(self.view.height as usize, self.height);
        let rows: Vec<Vec<f32>> = cells
            .chunks_exact(self.width)
            .map(|row| {
                xs.iter()
                    .map(|&(a, b, t)| (row[a] * (1.0 - t) + row[b] * t) as f32)
                    .collect()
            })
            .collect();
        let mut out = Vec::with_capacity(xs.len() * ys.len());
        for &(a, b, t) in &ys {
            let (s, t) = ((1.0 - t) as f32, t as f32);
            out.extend(rows[a].iter().zip(&rows[b]).map(|(p, q)| p * s + q * t));
        }
        out
    }
}

/// Range of the pixels whose centres lie in `[lo, hi)`.
fn centres(lo: f64, hi: f64, n: usize) -> (usize, usize) {
    let at = |v: f64| (v - 0.5).ceil().clamp(0.0, n as f64) as usize;
    (at(lo), at(hi))
}

/// For each pixel the two cells that it lies between and the weight of the second.
fn taps(pixels: usize, cells: usize) -> Vec<(usize, usize, f64)> {
    let last = cells - 1;
    (0..pixels)
        .map(|p| {
            let u = ((p as f64 + 0.5) * cells as f64 / pixels as f64 - 0.5).clamp(0.0, last as f64);
            let a = u.floor() as usize;
            (a, (a + 1).min(last), u - a as f64)
        })
        .collect()
}

/// Integral over `[x0, x1]` of each cell's bilinear basis, in cells. `length` is the axis in pixels, `n` its cells.
///
/// `sum_i w_i = (x1 - x0) / pitch`.
pub fn axis_weights(x0: f64, x1: f64, length: f64, n: usize) -> Vec<f64> {
    let u = |x: f64| x * n as f64 / length - 0.5;
    let (u0, u1) = (u(x0), u(x1));
    (0..n)
        .map(|i| primitive(u1 - i as f64, i, n) - primitive(u0 - i as f64, i, n))
        .collect()
}

/// Primitive of basis `i` at `t = u - i`. The first and the last cell are flat towards the edge.
fn primitive(t: f64, i: usize, n: usize) -> f64 {
    let rise = |t: f64| {
        if t <= -1.0 {
            0.0
        } else {
            (t + 1.0).powi(2) / 2.0
        }
    };
    let fall = |t: f64| if t <= 1.0 { 0.5 + t - t * t / 2.0 } else { 1.0 };
    let (first, last) = (i == 0, i + 1 == n);
    match t <= 0.0 {
        true if first => t + 0.5,
        true => rise(t),
        false if last => t + 0.5,
        false => fall(t),
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
            let own = g.weights(&Shape::Rects(vec![Rect::new(x, y, x + 32.0, y + 32.0)]));
            let all = g.weights(&Shape::Rects(vec![g.view.rect()]));
            let map = one_hot(7, row, col);
            assert!((inside(&own, &map) / inside(&all, &map) - expected).abs() < 1e-12);
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
