//! Sizes and axis-aligned rectangles.

use std::fmt;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The whole image as a rectangle.
    pub fn rect(self) -> Rect {
        Rect::new(0.0, 0.0, f64::from(self.width), f64::from(self.height))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A rectangle by its edges, `x0 <= x1` and `y0 <= y1`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rect {
    pub x0: f64,
    pub y0: f64,
    pub x1: f64,
    pub y1: f64,
}

impl Rect {
    pub fn new(x0: f64, y0: f64, x1: f64, y1: f64) -> Self {
        Self { x0, y0, x1, y1 }
    }

    pub fn width(self) -> f64 {
        self.x1 - self.x0
    }

    pub fn height(self) -> f64 {
        self.y1 - self.y0
    }

    pub fn area(self) -> f64 {
        self.width() * self.height()
    }

    /// The smallest rectangle around points; of negative size if there are none.
    pub fn around(points: &[[f64; 2]]) -> Self {
        let mut bounds = Self::new(
            f64::INFINITY,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NEG_INFINITY,
        );
        for [x, y] in points {
            bounds.x0 = bounds.x0.min(*x);
            bounds.y0 = bounds.y0.min(*y);
            bounds.x1 = bounds.x1.max(*x);
            bounds.y1 = bounds.y1.max(*y);
        }
        bounds
    }

    /// The common part, or `None` if it has no area.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let common = Self::new(
            self.x0.max(other.x0),
            self.y0.max(other.y0),
            self.x1.min(other.x1),
            self.y1.min(other.y1),
        );
        (common.x1 > common.x0 && common.y1 > common.y0).then_some(common)
    }

    /// Mirrored left-right, top-bottom, or both, within an image of this size.
    pub fn mirrored(self, size: Size, across: bool, down: bool) -> Self {
        let mut mirrored = self;
        if across {
            let width = f64::from(size.width);
            mirrored.x0 = width - self.x1;
            mirrored.x1 = width - self.x0;
        }
        if down {
            let height = f64::from(size.height);
            mirrored.y0 = height - self.y1;
            mirrored.y1 = height - self.y0;
        }
        mirrored
    }
}

/// Splits a union of rectangles into disjoint ones, so that no area counts twice.
///
/// Coordinate compression: within a horizontal band between two neighbouring edges, every rectangle
/// is a span of x, and overlapping spans are merged.
pub fn disjoint(rects: &[Rect]) -> Vec<Rect> {
    if rects.len() <= 1 {
        return rects.to_vec();
    }

    let mut edges: Vec<f64> = rects.iter().flat_map(|r| [r.y0, r.y1]).collect();
    edges.sort_by(f64::total_cmp);
    edges.dedup();

    let mut disjoint = Vec::new();
    for band in edges.windows(2) {
        let (y0, y1) = (band[0], band[1]);
        for (x0, x1) in merged_spans(rects, y0, y1) {
            disjoint.push(Rect::new(x0, y0, x1, y1));
        }
    }
    disjoint
}

/// The spans of x that rectangles cover over the whole band from `y0` to `y1`, left to right.
fn merged_spans(rects: &[Rect], y0: f64, y1: f64) -> Vec<(f64, f64)> {
    let mut spans: Vec<(f64, f64)> = rects
        .iter()
        .filter(|r| r.y0 <= y0 && r.y1 >= y1)
        .map(|r| (r.x0, r.x1))
        .collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));

    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (x0, x1) in spans {
        match merged.last_mut() {
            Some(last) if x0 <= last.1 => last.1 = last.1.max(x1),
            _ => merged.push((x0, x1)),
        }
    }
    merged
}
