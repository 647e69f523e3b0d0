//! Sizes, rectangles and the affine view from the original photo to the model's input.
//!
//! Coordinates are edges: an image of width `w` is the interval `[0, w]`.

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

    pub fn rect(self) -> Rect {
        Rect::new(0.0, 0.0, f64::from(self.width), f64::from(self.height))
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A rectangle by its edges, `x0 <= x1` and `y0 <= y1`.
#[derive(Debug, Clone, Copy, PartialEq)]
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

    /// The smallest rectangle around points; empty without any.
    pub fn around(points: &[[f64; 2]]) -> Self {
        let start = Self::new(
            f64::INFINITY,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NEG_INFINITY,
        );
        points.iter().fold(start, |r, p| {
            Self::new(
                r.x0.min(p[0]),
                r.y0.min(p[1]),
                r.x1.max(p[0]),
                r.y1.max(p[1]),
            )
        })
    }

    /// The common part, or `None` when it has no area.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let r = Self::new(
            self.x0.max(other.x0),
            self.y0.max(other.y0),
            self.x1.min(other.x1),
            self.y1.min(other.y1),
        );
        (r.x1 > r.x0 && r.y1 > r.y0).then_some(r)
    }
}

/// An EXIF orientation that swaps width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Transpose {
    /// A quarter turn clockwise.
    Rotate90,
    /// A quarter turn anticlockwise.
    Rotate270,
    /// Mirrored at the main diagonal.
    Diagonal,
    /// Mirrored at the other diagonal.
    Antidiagonal,
}

impl Transpose {
    /// Where a point of the stored image of size `from` lies in the upright one.
    pub fn apply(self, [x, y]: [f64; 2], from: Size) -> [f64; 2] {
        let (w, h) = (f64::from(from.width), f64::from(from.height));
        match self {
            Self::Rotate90 => [h - y, x],
            Self::Rotate270 => [y, w - x],
            Self::Diagonal => [y, x],
            Self::Antidiagonal => [h - y, w - x],
        }
    }
}

/// Splits a union of rectangles into disjoint ones by coordinate compression, so that nothing is counted twice.
pub fn disjoint(rects: &[Rect]) -> Vec<Rect> {
    if rects.len() <= 1 {
        return rects.to_vec();
    }
    let mut ys: Vec<f64> = rects.iter().flat_map(|r| [r.y0, r.y1]).collect();
    ys.sort_by(f64::total_cmp);
    ys.dedup();
    let mut out = Vec::new();
    for band in ys.windows(2) {
        let (y0, y1) = (band[0], band[1]);
        let mut spans: Vec<(f64, f64)> = rects
            .iter()
            .filter(|r| r.y0 <= y0 && r.y1 >= y1)
            .map(|r| (r.x0, r.x1))
            .collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut open: Option<(f64, f64)> = None;
        for (x0, x1) in spans {
            match &mut open {
                Some(span) if x0 <= span.1 => span.1 = span.1.max(x1),
                _ => {
                    out.extend(open.map(|(a, b)| Rect::new(a, y0, b, y1)));
                    open = Some((x0, x1));
                }
            }
        }
        out.extend(open.map(|(a, b)| Rect::new(a, y0, b, y1)));
    }
    out
}

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
    /// Covered area in units of the frame's coordinates.
    pub fn area(&self) -> f64 {
        let covered: u64 = self.coverage.iter().map(|&c| u64::from(c)).sum();
        let pixel = self.frame.area() / (f64::from(self.size.width) * f64::from(self.size.height));
        covered as f64 / 255.0 * pixel
    }

    /// The pixels of a picture that are wanted (by their place, row by row), cut to their bounding box; `None` where
    /// there is none. One unit of the frame is a pixel of the picture.
    pub fn of(picture: Size, wanted: impl Fn(usize) -> bool) -> Option<Self> {
        let width = picture.width as usize;
        let inside = || (0..width * picture.height as usize).filter(|&i| wanted(i));
        let rows = (inside().next()? / width, inside().next_back()? / width + 1);
        let columns = inside().fold((width, 0), |(a, b), i| {
            (a.min(i % width), b.max(i % width + 1))
        });
        let size = Size::new((columns.1 - columns.0) as u32, (rows.1 - rows.0) as u32);
        let mut coverage = vec![0; size.width as usize * size.height as usize];
        for i in inside() {
            coverage[(i / width - rows.0) * size.width as usize + i % width - columns.0] = 255;
        }
        let [x0, x1, y0, y1] = [columns.0, columns.1, rows.0, rows.1].map(|v| v as f64);
        Some(Self {
            size,
            coverage,
            frame: Rect::new(x0, y0, x1, y1),
        })
    }

    /// The union of masks whose mask pixels are pixels of one picture.
    pub fn union(masks: &[&Self]) -> Option<Self> {
        let corners: Vec<[f64; 2]> = masks
            .iter()
            .flat_map(|m| [[m.frame.x0, m.frame.y0], [m.frame.x1, m.frame.y1]])
            .collect();
        let all = Rect::around(&corners);
        let picture = Size::new((all.width()) as u32, (all.height()) as u32);
        let place = |i: usize| {
            let (x, y) = (i % picture.width as usize, i / picture.width as usize);
            [all.x0 + x as f64 + 0.5, all.y0 + y as f64 + 0.5]
        };
        let union = Self::of(picture, |i| masks.iter().any(|m| m.at(place(i)) > 127))?;
        let f = union.frame;
        let frame = Rect::new(f.x0 + all.x0, f.y0 + all.y0, f.x1 + all.x0, f.y1 + all.y0);
        Some(Self { frame, ..union })
    }

    /// Coverage at a point of the frame's coordinates, 0 outside.
    pub fn at(&self, [x, y]: [f64; 2]) -> u8 {
        let column =
            ((x - self.frame.x0) / self.frame.width() * f64::from(self.size.width)).floor();
        let row = ((y - self.frame.y0) / self.frame.height() * f64::from(self.size.height)).floor();
        let inside = (0.0..f64::from(self.size.width)).contains(&column)
            && (0.0..f64::from(self.size.height)).contains(&row);
        if inside {
            self.coverage[row as usize * self.size.width as usize + column as usize]
        } else {
            0
        }
    }

    /// The mask on the upright photo, where it was drawn on the stored one of size `from`.
    pub fn turned(&self, turn: Transpose, from: Size) -> Self {
        let f = self.frame;
        let frame = Rect::around(&[
            turn.apply([f.x0, f.y0], from),
            turn.apply([f.x1, f.y1], from),
        ]);
        let size = Size::new(self.size.height, self.size.width);
        let mut coverage = vec![0; self.coverage.len()];
        for (i, &c) in self.coverage.iter().enumerate() {
            let (x, y) = (i % self.size.width as usize, i / self.size.width as usize);
            let [x, y] = turn.apply([x as f64 + 0.5, y as f64 + 0.5], self.size);
            coverage[y as usize * size.width as usize + x as usize] = c;
        }
        Self {
            size,
            coverage,
            frame,
        }
    }
}

/// A region: rectangles or a mask. The frame of its coordinates (original or view) follows from the context.
#[derive(Debug, Clone)]
pub enum Shape {
    Rects(Vec<Rect>),
    Mask(Mask),
}

impl Shape {
    /// The same shape moved by a view.
    pub fn map(&self, view: &View) -> Self {
        match self {
            Self::Rects(rects) => Self::Rects(rects.iter().map(|&r| view.rect(r)).collect()),
            Self::Mask(mask) => Self::Mask(Mask {
                frame: view.rect(mask.frame),
                ..mask.clone()
            }),
        }
    }

    /// The rectangles that it lies in.
    pub fn bounds(&self) -> Vec<Rect> {
        match self {
            Self::Rects(rects) => rects.clone(),
            Self::Mask(mask) => vec![mask.frame],
        }
    }

    /// Mirrored left-right, top-bottom, or both, within a frame of this size.
    pub fn mirrored(&self, size: Size, across: bool, down: bool) -> Self {
        let flip = |r: &Rect| {
            let (w, h) = (f64::from(size.width), f64::from(size.height));
            let (x0, x1) = if across {
                (w - r.x1, w - r.x0)
            } else {
                (r.x0, r.x1)
            };
            let (y0, y1) = if down {
                (h - r.y1, h - r.y0)
            } else {
                (r.y0, r.y1)
            };
            Rect::new(x0, y0, x1, y1)
        };
        match self {
            Self::Rects(rects) => Self::Rects(rects.iter().map(flip).collect()),
            Self::Mask(mask) => {
                let mut rows: Vec<Vec<u8>> = mask
                    .coverage
                    .chunks_exact(mask.size.width.max(1) as usize)
                    .map(<[u8]>::to_vec)
                    .collect();
                if down {
                    rows.reverse();
                }
                if across {
                    rows.iter_mut().for_each(|row| row.reverse());
                }
                Self::Mask(Mask {
                    coverage: rows.concat(),
                    frame: flip(&mask.frame),
                    size: mask.size,
                })
            }
        }
    }

    /// Area of the union.
    pub fn area(&self) -> f64 {
        match self {
            Self::Rects(rects) => disjoint(rects).iter().map(|r| r.area()).sum(),
            Self::Mask(mask) => mask.area(),
        }
    }
}

/// The affine view: where an original pixel lands in the model's input. `x' = x * x_scale + x_offset`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct View {
    pub original: Size,
    /// The model's input.
    pub size: Size,
    pub x_scale: f64,
    pub x_offset: f64,
    pub y_scale: f64,
    pub y_offset: f64,
}

impl View {
    /// The photo as it is.
    pub fn identity(original: Size) -> Self {
        Self {
            original,
            size: original,
            x_scale: 1.0,
            x_offset: 0.0,
            y_scale: 1.0,
            y_offset: 0.0,
        }
    }

    /// After a resize to the integer size that was actually used.
    pub fn resized(self, to: Size) -> Self {
        let sx = f64::from(to.width) / f64::from(self.size.width);
        let sy = f64::from(to.height) / f64::from(self.size.height);
        Self {
            size: to,
            x_scale: self.x_scale * sx,
            x_offset: self.x_offset * sx,
            y_scale: self.y_scale * sy,
            y_offset: self.y_offset * sy,
            ..self
        }
    }

    /// After a crop at (`left`, `top`), or a pad where they are negative.
    pub fn cropped(self, left: i64, top: i64, to: Size) -> Self {
        Self {
            size: to,
            x_offset: self.x_offset - left as f64,
            y_offset: self.y_offset - top as f64,
            ..self
        }
    }

    /// A point of the original in view coordinates.
    pub fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [
            x * self.x_scale + self.x_offset,
            y * self.y_scale + self.y_offset,
        ]
    }

    /// A rectangle of the original in view coordinates, not clipped.
    pub fn rect(&self, r: Rect) -> Rect {
        Rect::new(
            r.x0 * self.x_scale + self.x_offset,
            r.y0 * self.y_scale + self.y_offset,
            r.x1 * self.x_scale + self.x_offset,
            r.y1 * self.y_scale + self.y_offset,
        )
    }

    /// The part of the view that shows the photo; the rest is padding.
    pub fn content(&self) -> Option<Rect> {
        self.rect(self.original.rect()).intersect(self.size.rect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_rectangles_count_once() {
        let check =
            |rects: &[Rect], area: f64| assert_eq!(Shape::Rects(rects.to_vec()).area(), area);
        let a = Rect::new(0.0, 0.0, 2.0, 2.0);
        check(&[a], 4.0);
        check(&[a, a], 4.0);
        check(&[a, Rect::new(1.0, 1.0, 3.0, 3.0)], 7.0);
        check(&[a, Rect::new(2.0, 0.0, 3.0, 2.0)], 6.0);
        check(&[a, Rect::new(5.0, 5.0, 6.0, 6.0)], 5.0);
    }

    #[test]
    fn resize_then_crop_loses_the_sides() {
        let view = View::identity(Size::new(500, 375))
            .resized(Size::new(341, 256))
            .cropped(58, 16, Size::new(224, 224));
        let all = view.rect(view.original.rect());
        assert_eq!((all.x0, all.x1), (-58.0, 283.0));
        let left = -view.x_offset / view.x_scale;
        assert!(
            (left - -85.04).abs() < 0.01 || (left - 85.04).abs() < 0.01,
            "{left}"
        );
    }
}
