//! Places that do not depend on the annotations.

use super::raster::raster;
use crate::geometry::{Mask, Rect, Shape, View};
use crate::plan::{Corner, Place, Unit};

/// A place in view coordinates, clipped to the photo or to the view.
pub fn fixed(place: &Place, view: &View) -> Shape {
    match place {
        Place::Corner {
            at,
            width,
            height,
            unit,
        } => {
            let frame = Frame::new(*unit, view);
            frame.shape(&[frame.corner(*at, *width, *height)])
        }
        Place::Border { thickness, unit } => {
            let frame = Frame::new(*unit, view);
            frame.shape(&frame.border(*thickness))
        }
        Place::Rect {
            left,
            top,
            right,
            bottom,
            unit,
        } => {
            let frame = Frame::new(*unit, view);
            frame.shape(&[frame.scaled(Rect::new(*left, *top, *right, *bottom))])
        }
        Place::Polygon { points, unit } => {
            let frame = Frame::new(*unit, view);
            let points: Vec<[f64; 2]> = points.iter().map(|point| frame.point(*point)).collect();
            raster(&[points], None).unwrap_or(Shape::Rects(Vec::new()))
        }
        Place::Mask(mask) => Shape::Mask(Mask {
            frame: view.rect(view.original.rect()),
            ..mask.clone()
        }),
        Place::Overlay { place, unit, .. } => {
            let frame = Frame::new(*unit, view);
            frame.shape(&[frame.scaled(*place)])
        }
        Place::Annotation { .. } => Shape::Rects(Vec::new()),
    }
}

/// Where a rectangle in some unit lies on the photo, in fractions of it.
pub fn on_photo(place: Rect, unit: Unit, view: &View) -> Rect {
    let pixels = match unit {
        Unit::Fraction => return place,
        Unit::Pixels => place,
        Unit::ViewPixels => {
            let input = view.input_place();
            let x = |x: f64| (x + input.x - view.x_offset) / view.x_scale;
            let y = |y: f64| (y + input.y - view.y_offset) / view.y_scale;
            Rect::new(x(place.x0), y(place.y0), x(place.x1), y(place.y1))
        }
    };

    let w = f64::from(view.original.width);
    let h = f64::from(view.original.height);
    Rect::new(pixels.x0 / w, pixels.y0 / h, pixels.x1 / w, pixels.y1 / h)
}

/// The part of `all` outside `hole`, as disjoint bands.
pub fn outside(all: Rect, hole: Rect) -> Vec<Rect> {
    let Some(hole) = hole.intersect(all) else {
        return vec![all];
    };
    let bands = [
        Rect::new(all.x0, all.y0, all.x1, hole.y0),
        Rect::new(all.x0, hole.y1, all.x1, all.y1),
        Rect::new(all.x0, hole.y0, hole.x0, hole.y1),
        Rect::new(hole.x1, hole.y0, all.x1, hole.y1),
    ];
    bands.into_iter().filter(|band| band.area() > 0.0).collect()
}

/// The frame that a unit measures in: the photo, or the model's input.
struct Frame<'a> {
    width: f64,
    height: f64,
    /// Length of one unit along each axis.
    x_unit: f64,
    y_unit: f64,
    view: &'a View,
    /// Whether the frame is the photo, rather than the model's input.
    is_photo: bool,
}

impl<'a> Frame<'a> {
    fn new(unit: Unit, view: &'a View) -> Self {
        let size = match unit {
            Unit::Fraction | Unit::Pixels => view.original,
            Unit::ViewPixels => view.input_place().size,
        };
        let width = f64::from(size.width);
        let height = f64::from(size.height);
        let (x_unit, y_unit) = match unit {
            Unit::Fraction => (width, height),
            Unit::Pixels | Unit::ViewPixels => (1.0, 1.0),
        };
        Self {
            width,
            height,
            x_unit,
            y_unit,
            view,
            is_photo: unit != Unit::ViewPixels,
        }
    }

    fn all(&self) -> Rect {
        Rect::new(0.0, 0.0, self.width, self.height)
    }

    /// A rectangle given in units, in coordinates of the frame.
    fn scaled(&self, rect: Rect) -> Rect {
        Rect::new(
            rect.x0 * self.x_unit,
            rect.y0 * self.y_unit,
            rect.x1 * self.x_unit,
            rect.y1 * self.y_unit,
        )
    }

    fn corner(&self, at: Corner, width: f64, height: f64) -> Rect {
        let w = width * self.x_unit;
        let h = height * self.y_unit;
        let right = self.width - w;
        let bottom = self.height - h;
        match at {
            Corner::TopLeft => Rect::new(0.0, 0.0, w, h),
            Corner::TopRight => Rect::new(right, 0.0, self.width, h),
            Corner::BottomLeft => Rect::new(0.0, bottom, w, self.height),
            Corner::BottomRight => Rect::new(right, bottom, self.width, self.height),
        }
    }

    fn border(&self, thickness: f64) -> Vec<Rect> {
        let dx = thickness * self.x_unit;
        let dy = thickness * self.y_unit;
        let inner = Rect::new(dx, dy, self.width - dx, self.height - dy);
        outside(self.all(), inner)
    }

    /// Rectangles of the frame, clipped to it, in view coordinates.
    fn shape(&self, rects: &[Rect]) -> Shape {
        let mut clipped = Vec::new();
        for rect in rects.iter().filter_map(|rect| rect.intersect(self.all())) {
            let [x0, y0] = self.in_view([rect.x0, rect.y0]);
            let [x1, y1] = self.in_view([rect.x1, rect.y1]);
            clipped.push(Rect::new(x0, y0, x1, y1));
        }
        Shape::Rects(clipped)
    }

    /// A point given in units, clamped to the frame, in view coordinates.
    fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let x = (x * self.x_unit).clamp(0.0, self.width);
        let y = (y * self.y_unit).clamp(0.0, self.height);
        self.in_view([x, y])
    }

    fn in_view(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        if self.is_photo {
            return self.view.point([x, y]);
        }
        let input = self.view.input_place();
        [x + input.x, y + input.y]
    }
}
