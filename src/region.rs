//! Where each declared region lies in one image, in the coordinates of the model's view.

use crate::dataset::Annotation;
use crate::geometry::{Mask, Rect, Shape, View};
use crate::plan::{Corner, Place, Region, RegionKind, Unit};
use tiny_skia::{FillRule, PathBuilder, Transform};

/// What a region is to the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Object,
    Confounder,
    /// Letterbox bars: heat there is an alarm.
    Padding,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Confounder => "confounder",
            Self::Padding => "padding",
        }
    }
}

/// A region in one image.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    pub name: &'a str,
    pub kind: Kind,
    /// Whether the confounder or part is there; `None` where nothing tells.
    pub present: Option<bool>,
    /// In view coordinates, not clipped; `None` where it is absent.
    pub shape: Option<Shape>,
}

/// Places every declared region, and the padding where the view has some.
pub fn place<'a>(regions: &'a [Region], boxes: &[Annotation], view: &View) -> Vec<Placed<'a>> {
    let mut placed: Vec<Placed<'a>> = regions.iter().map(|r| place_one(r, boxes, view)).collect();
    let bars = padding(view);
    if !bars.is_empty() {
        placed.push(Placed {
            name: "padding",
            kind: Kind::Padding,
            present: Some(true),
            shape: Some(Shape::Rects(bars)),
        });
    }
    placed
}

fn place_one<'a>(region: &'a Region, boxes: &[Annotation], view: &View) -> Placed<'a> {
    let kind = match region.kind {
        RegionKind::Object => Kind::Object,
        RegionKind::Confounder => Kind::Confounder,
    };
    let (present, shape) = match &region.place {
        Place::Annotation { category } => {
            let shape = boxes_of(boxes, view, |b| b.category == *category);
            (Some(shape.is_some()), shape)
        }
        place => (None, Some(fixed(place, view))),
    };
    Placed { name: &region.name, kind, present, shape }
}

/// The objects of an image: boxes of its own label or of no category, and boxes that an `object` region names.
pub fn objects(regions: &[Region], label: &str, boxes: &[Annotation], view: &View) -> Option<Shape> {
    let names = |kind: RegionKind, category: &str| {
        let is = |r: &Region| r.kind == kind && matches!(&r.place, Place::Annotation { category: c } if c == category);
        regions.iter().any(is)
    };
    boxes_of(boxes, view, |b| {
        let own = b.category.is_empty() || b.category == label;
        names(RegionKind::Object, &b.category) || (own && !names(RegionKind::Confounder, &b.category))
    })
}

fn boxes_of(boxes: &[Annotation], view: &View, wanted: impl Fn(&Annotation) -> bool) -> Option<Shape> {
    let inside = |b: &Annotation| b.pixels(view.original).intersect(view.original.rect());
    let rects: Vec<Rect> = boxes.iter().filter(|b| wanted(b)).filter_map(inside).map(|r| view.rect(r)).collect();
    (!rects.is_empty()).then_some(Shape::Rects(rects))
}

/// A region whose place does not depend on the annotations.
fn fixed(place: &Place, view: &View) -> Shape {
    match place {
        Place::Corner { at, width, height, unit } => {
            let frame = Frame::new(*unit, view);
            let (w, h) = (width * frame.x_unit, height * frame.y_unit);
            let (left, top) = match at {
                Corner::TopLeft => (true, true),
                Corner::TopRight => (false, true),
                Corner::BottomLeft => (true, false),
                Corner::BottomRight => (false, false),
            };
            let (x0, x1) = if left { (0.0, w) } else { (frame.width - w, frame.width) };
            let (y0, y1) = if top { (0.0, h) } else { (frame.height - h, frame.height) };
            frame.rects(&[Rect::new(x0, y0, x1, y1)])
        }
        Place::Border { thickness, unit } => {
            let frame = Frame::new(*unit, view);
            let all = Rect::new(0.0, 0.0, frame.width, frame.height);
            let (tx, ty) = (thickness * frame.x_unit, thickness * frame.y_unit);
            frame.rects(&around(all, Rect::new(tx, ty, frame.width - tx, frame.height - ty)))
        }
        Place::Rect { left, top, right, bottom, unit } => {
            let frame = Frame::new(*unit, view);
            let (x, y) = (frame.x_unit, frame.y_unit);
            frame.rects(&[Rect::new(left * x, top * y, right * x, bottom * y)])
        }
        Place::Polygon { points, unit } => {
            let frame = Frame::new(*unit, view);
            polygon(points.iter().map(|p| frame.point(p[0], p[1])), view)
        }
        Place::Mask(mask) => Shape::Mask(Mask { frame: view.rect(view.original.rect()), ..mask.clone() }),
        Place::Annotation { .. } => Shape::Rects(Vec::new()),
    }
}

/// The frame that a unit measures in: the original photo, or the view itself.
struct Frame<'a> {
    width: f64,
    height: f64,
    /// Length of one unit along each axis.
    x_unit: f64,
    y_unit: f64,
    /// `None` where the frame is the view.
    view: Option<&'a View>,
}

impl<'a> Frame<'a> {
    fn new(unit: Unit, view: &'a View) -> Self {
        let size = if unit == Unit::ViewPixels { view.size } else { view.original };
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let (x_unit, y_unit) = if unit == Unit::Fraction { (width, height) } else { (1.0, 1.0) };
        Self { width, height, x_unit, y_unit, view: (unit != Unit::ViewPixels).then_some(view) }
    }

    /// Rectangles of the frame, clipped to it, in view coordinates.
    fn rects(&self, rects: &[Rect]) -> Shape {
        let all = Rect::new(0.0, 0.0, self.width, self.height);
        let clipped = rects.iter().filter_map(|r| r.intersect(all));
        Shape::Rects(clipped.map(|r| self.view.map_or(r, |v| v.rect(r))).collect())
    }

    fn point(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = (x * self.x_unit, y * self.y_unit);
        self.view.map_or((x, y), |v| (x * v.x_scale + v.x_offset, y * v.y_scale + v.y_offset))
    }
}

/// What of `all` lies outside `hole`, as disjoint bands.
fn around(all: Rect, hole: Rect) -> Vec<Rect> {
    let Some(hole) = hole.intersect(all) else { return vec![all] };
    let bands = [
        Rect::new(all.x0, all.y0, all.x1, hole.y0),
        Rect::new(all.x0, hole.y1, all.x1, all.y1),
        Rect::new(all.x0, hole.y0, hole.x0, hole.y1),
        Rect::new(hole.x1, hole.y0, all.x1, hole.y1),
    ];
    bands.into_iter().filter(|r| r.area() > 0.0).collect()
}

/// The view minus the photo.
fn padding(view: &View) -> Vec<Rect> {
    view.content().map_or_else(Vec::new, |content| around(view.size.rect(), content))
}

/// A polygon in view coordinates, rasterised with antialiasing on the view's pixels over its bounding box.
fn polygon(points: impl Iterator<Item = (f64, f64)>, view: &View) -> Shape {
    let mut path = PathBuilder::new();
    for (i, (x, y)) in points.enumerate() {
        let (x, y) = (x as f32, y as f32);
        if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.close();
    let mask = tiny_skia::Mask::new(view.size.width, view.size.height);
    let (Some(mut mask), Some(path)) = (mask, path.finish()) else { return Shape::Rects(Vec::new()) };
    mask.fill_path(&path, FillRule::EvenOdd, true, Transform::identity());
    Shape::Mask(Mask { size: view.size, coverage: mask.take(), frame: view.size.rect() })
}
