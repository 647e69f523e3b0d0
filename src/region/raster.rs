//! Polygons -> masks.

use crate::geometry::{Mask, Rect, Shape, Size};
use tiny_skia::{FillRule, Path, PathBuilder, Transform};

/// Longest side of a rasterised shape.
const MASK_SIDE_MAX: f64 = 2048.0;

/// The union of polygons and a mask in view coordinates; `None` without any area.
///
/// The result covers the bounding box with about one mask pixel per pixel of the view, antialiased.
pub fn raster(polygons: &[Vec<[f64; 2]>], pixels: Option<&Mask>) -> Option<Shape> {
    let mut points = polygons.concat();
    if let Some(pixels) = pixels {
        points.push([pixels.frame.x0, pixels.frame.y0]);
        points.push([pixels.frame.x1, pixels.frame.y1]);
    }
    let frame = Rect::around(&points);
    if frame.area().is_nan() || frame.area() <= 0.0 {
        return None;
    }

    let canvas = Canvas::new(frame);
    let mut mask = tiny_skia::Mask::new(canvas.size.width, canvas.size.height)?;
    for points in polygons {
        if let Some(path) = canvas.path(points) {
            mask.fill_path(&path, FillRule::EvenOdd, true, Transform::identity());
        }
    }

    let mut coverage = mask.take();
    if let Some(pixels) = pixels {
        for (i, pixel) in coverage.iter_mut().enumerate() {
            *pixel = (*pixel).max(pixels.at(canvas.centre(i)));
        }
    }
    Some(Shape::Mask(Mask {
        size: canvas.size,
        coverage,
        frame,
    }))
}

/// The pixels that a rectangle of the view is drawn on.
struct Canvas {
    frame: Rect,
    size: Size,
    x_scale: f64,
    y_scale: f64,
}

impl Canvas {
    fn new(frame: Rect) -> Self {
        let size = Size::new(side(frame.width()), side(frame.height()));
        Self {
            frame,
            size,
            x_scale: f64::from(size.width) / frame.width(),
            y_scale: f64::from(size.height) / frame.height(),
        }
    }

    /// A closed ring in pixels of the canvas.
    fn path(&self, ring: &[[f64; 2]]) -> Option<Path> {
        let mut path = PathBuilder::new();
        for (i, [x, y]) in ring.iter().enumerate() {
            let x = ((x - self.frame.x0) * self.x_scale) as f32;
            let y = ((y - self.frame.y0) * self.y_scale) as f32;
            if i == 0 {
                path.move_to(x, y);
            } else {
                path.line_to(x, y);
            }
        }
        path.close();
        path.finish()
    }

    /// The centre of a pixel, counted row by row, in view coordinates.
    fn centre(&self, i: usize) -> [f64; 2] {
        let column = i % self.size.width as usize;
        let row = i / self.size.width as usize;
        [
            self.frame.x0 + (column as f64 + 0.5) / self.x_scale,
            self.frame.y0 + (row as f64 + 0.5) / self.y_scale,
        ]
    }
}

fn side(length: f64) -> u32 {
    length.ceil().clamp(1.0, MASK_SIDE_MAX) as u32
}
