//! Where each declared region lies in one image, in the coordinates of the model's view.

use crate::dataset::{Annotation, Outline};
use crate::geometry::{Mask, Rect, Shape, Size, View};
use crate::plan::{Corner, Place, Region, RegionKind, Unit};
use tiny_skia::{FillRule, PathBuilder, Transform};

/// What a region is to the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Object,
    Confounder,
    /// A picture of its own; its place is measured without it.
    Overlay,
    /// Letterbox bars: heat there is an alarm.
    Padding,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Confounder => "confounder",
            Self::Overlay => "overlay",
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
pub fn place<'a>(
    regions: &'a [Region],
    annotations: &[Annotation],
    view: &View,
) -> Vec<Placed<'a>> {
    let mut placed: Vec<Placed<'a>> = regions
        .iter()
        .map(|r| place_one(r, annotations, view))
        .collect();
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

fn place_one<'a>(region: &'a Region, annotations: &[Annotation], view: &View) -> Placed<'a> {
    let kind = match (region.kind, &region.place) {
        (RegionKind::Object, _) => Kind::Object,
        (RegionKind::Confounder, Place::Overlay { .. }) => Kind::Overlay,
        (RegionKind::Confounder, _) => Kind::Confounder,
    };
    let (present, shape) = match &region.place {
        Place::Annotation { category } => {
            let shape = union(annotations, view, |a| a.category == *category && !a.ignore);
            (Some(shape.is_some()), shape)
        }
        place => (None, Some(fixed(place, view))),
    };
    Placed {
        name: &region.name,
        kind,
        present,
        shape,
    }
}

/// The annotations of a category in pixels of the photo.
pub fn annotated(annotations: &[Annotation], category: &str, photo: Size) -> Option<Shape> {
    union(annotations, &View::identity(photo), |a| {
        a.category == category && !a.ignore
    })
}

/// The mirror images of a region within the view that meet neither the region itself nor an object.
pub fn mirrors(shape: &Shape, objects: Option<&Shape>, view: Size) -> Vec<Shape> {
    let taken = [shape.bounds(), objects.map_or_else(Vec::new, Shape::bounds)].concat();
    let free = |s: &Shape| {
        s.bounds()
            .iter()
            .all(|r| taken.iter().all(|t| r.intersect(*t).is_none()))
    };
    let ways = [(true, false), (false, true), (true, true)];
    ways.iter()
        .map(|&(across, down)| shape.mirrored(view, across, down))
        .filter(free)
        .collect()
}

/// The objects of an image, and the objects together with what counts neither way.
pub struct Objects {
    pub objects: Shape,
    /// `None` where nothing is to be ignored.
    pub with_ignored: Option<Shape>,
}

/// The objects of an image: annotations of its own label or of no category, and those that an `object` region names.
pub fn objects(
    regions: &[Region],
    label: &str,
    annotations: &[Annotation],
    view: &View,
) -> Option<Objects> {
    let names = |kind: RegionKind, category: &str| {
        let is = |r: &Region| {
            r.kind == kind && matches!(&r.place, Place::Annotation { category: c } if c == category)
        };
        regions.iter().any(is)
    };
    let is_object = |a: &Annotation| {
        let own = a.category.is_empty() || a.category == label;
        !a.ignore
            && (names(RegionKind::Object, &a.category)
                || (own && !names(RegionKind::Confounder, &a.category)))
    };
    let objects = union(annotations, view, is_object)?;
    let any_ignored = annotations.iter().any(|a| a.ignore);
    let with_ignored = || union(annotations, view, |a| a.ignore || is_object(a));
    Some(Objects {
        objects,
        with_ignored: if any_ignored { with_ignored() } else { None },
    })
}

/// The union of annotations, clipped to the photo, in view coordinates: rectangles where all are boxes, else a mask.
fn union(
    annotations: &[Annotation],
    view: &View,
    wanted: impl Fn(&Annotation) -> bool,
) -> Option<Shape> {
    let photo = view.original.rect();
    let outlines: Vec<Outline> = annotations
        .iter()
        .filter(|a| wanted(a))
        .map(|a| a.pixels(view.original))
        .collect();
    let boxes: Option<Vec<Rect>> = outlines
        .iter()
        .map(|o| {
            if let Outline::Box(r) = o {
                Some(*r)
            } else {
                None
            }
        })
        .collect();
    if let Some(boxes) = boxes {
        let rects: Vec<Rect> = boxes
            .iter()
            .filter_map(|r| r.intersect(photo))
            .map(|r| view.rect(r))
            .collect();
        return (!rects.is_empty()).then_some(Shape::Rects(rects));
    }
    let masks: Vec<&Mask> = outlines
        .iter()
        .filter_map(|o| {
            if let Outline::Pixels(m) = o {
                Some(m.as_ref())
            } else {
                None
            }
        })
        .collect();
    let pixels = || {
        Mask::union(&masks).map(|m| Mask {
            frame: view.rect(m.frame),
            ..m
        })
    };
    if masks.len() == outlines.len() {
        return pixels().map(Shape::Mask);
    }
    let clip =
        |[x, y]: [f64; 2]| view.point([x.clamp(photo.x0, photo.x1), y.clamp(photo.y0, photo.y1)]);
    let rings = |o: &Outline| match o {
        Outline::Box(r) => vec![
            [[r.x0, r.y0], [r.x1, r.y0], [r.x1, r.y1], [r.x0, r.y1]]
                .map(clip)
                .to_vec(),
        ],
        Outline::Polygons(rings) => rings
            .iter()
            .map(|ring| ring.iter().map(|&p| clip(p)).collect())
            .collect(),
        Outline::Pixels(_) => Vec::new(),
    };
    raster(
        &outlines.iter().flat_map(rings).collect::<Vec<_>>(),
        pixels().as_ref(),
    )
}

/// A region whose place does not depend on the annotations.
fn fixed(place: &Place, view: &View) -> Shape {
    match place {
        Place::Corner {
            at,
            width,
            height,
            unit,
        } => {
            let frame = Frame::new(*unit, view);
            let (w, h) = (width * frame.x_unit, height * frame.y_unit);
            let (left, top) = match at {
                Corner::TopLeft => (true, true),
                Corner::TopRight => (false, true),
                Corner::BottomLeft => (true, false),
                Corner::BottomRight => (false, false),
            };
            let (x0, x1) = if left {
                (0.0, w)
            } else {
                (frame.width - w, frame.width)
            };
            let (y0, y1) = if top {
                (0.0, h)
            } else {
                (frame.height - h, frame.height)
            };
            frame.rects(&[Rect::new(x0, y0, x1, y1)])
        }
        Place::Border { thickness, unit } => {
            let frame = Frame::new(*unit, view);
            let all = Rect::new(0.0, 0.0, frame.width, frame.height);
            let (tx, ty) = (thickness * frame.x_unit, thickness * frame.y_unit);
            frame.rects(&around(
                all,
                Rect::new(tx, ty, frame.width - tx, frame.height - ty),
            ))
        }
        Place::Rect {
            left,
            top,
            right,
            bottom,
            unit,
        } => {
            let frame = Frame::new(*unit, view);
            let (x, y) = (frame.x_unit, frame.y_unit);
            frame.rects(&[Rect::new(left * x, top * y, right * x, bottom * y)])
        }
        Place::Polygon { points, unit } => {
            let frame = Frame::new(*unit, view);
            let points: Vec<[f64; 2]> = points.iter().map(|p| frame.point(*p)).collect();
            raster(&[points], None).unwrap_or(Shape::Rects(Vec::new()))
        }
        Place::Mask(mask) => Shape::Mask(Mask {
            frame: view.rect(view.original.rect()),
            ..mask.clone()
        }),
        Place::Overlay { place, unit, .. } => {
            let frame = Frame::new(*unit, view);
            frame.rects(&[Rect::new(
                place.x0 * frame.x_unit,
                place.y0 * frame.y_unit,
                place.x1 * frame.x_unit,
                place.y1 * frame.y_unit,
            )])
        }
        Place::Annotation { .. } => Shape::Rects(Vec::new()),
    }
}

/// Where a rectangle in some unit lies on the photo, in fractions of it.
pub fn on_photo(place: Rect, unit: Unit, view: &View) -> Rect {
    let (w, h) = (
        f64::from(view.original.width),
        f64::from(view.original.height),
    );
    let r = match unit {
        Unit::Fraction => return place,
        Unit::Pixels => place,
        Unit::ViewPixels => Rect::new(
            (place.x0 - view.x_offset) / view.x_scale,
            (place.y0 - view.y_offset) / view.y_scale,
            (place.x1 - view.x_offset) / view.x_scale,
            (place.y1 - view.y_offset) / view.y_scale,
        ),
    };
    Rect::new(r.x0 / w, r.y0 / h, r.x1 / w, r.y1 / h)
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
        let size = if unit == Unit::ViewPixels {
            view.size
        } else {
            view.original
        };
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let (x_unit, y_unit) = if unit == Unit::Fraction {
            (width, height)
        } else {
            (1.0, 1.0)
        };
        Self {
            width,
            height,
            x_unit,
            y_unit,
            view: (unit != Unit::ViewPixels).then_some(view),
        }
    }

    /// Rectangles of the frame, clipped to it, in view coordinates.
    fn rects(&self, rects: &[Rect]) -> Shape {
        let all = Rect::new(0.0, 0.0, self.width, self.height);
        let clipped = rects.iter().filter_map(|r| r.intersect(all));
        Shape::Rects(
            clipped
                .map(|r| self.view.map_or(r, |v| v.rect(r)))
                .collect(),
        )
    }

    /// A point of the frame, drawn to its edge, in view coordinates.
    fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let point = [
            (x * self.x_unit).clamp(0.0, self.width),
            (y * self.y_unit).clamp(0.0, self.height),
        ];
        self.view.map_or(point, |v| v.point(point))
    }
}

/// What of `all` lies outside `hole`, as disjoint bands.
fn around(all: Rect, hole: Rect) -> Vec<Rect> {
    let Some(hole) = hole.intersect(all) else {
        return vec![all];
    };
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
    let bars = view
        .content()
        .map_or_else(Vec::new, |content| around(view.size.rect(), content));
    // Scales that are no fractions of two leave slivers where there is no bar.
    bars.into_iter()
        .filter(|bar| bar.width().min(bar.height()) > 1e-6)
        .collect()
}

/// Longest side of a rasterised shape.
const MASK_SIDE_MAX: f64 = 2048.0;

/// The union of polygons and a mask in view coordinates, rasterised with antialiasing over its bounding box, about a mask
/// pixel for a pixel of the view. `None` without any area.
fn raster(polygons: &[Vec<[f64; 2]>], pixels: Option<&Mask>) -> Option<Shape> {
    let corners = pixels.map(|m| [[m.frame.x0, m.frame.y0], [m.frame.x1, m.frame.y1]]);
    let frame = Rect::around(
        &[
            &polygons.concat()[..],
            corners.as_ref().map_or(&[][..], |c| c),
        ]
        .concat(),
    );
    if frame.area().is_nan() || frame.area() <= 0.0 {
        return None;
    }
    let side = |length: f64| length.ceil().clamp(1.0, MASK_SIDE_MAX) as u32;
    let size = Size::new(side(frame.width()), side(frame.height()));
    let (sx, sy) = (
        f64::from(size.width) / frame.width(),
        f64::from(size.height) / frame.height(),
    );
    let mut mask = tiny_skia::Mask::new(size.width, size.height)?;
    for points in polygons {
        let mut path = PathBuilder::new();
        for (i, [x, y]) in points.iter().enumerate() {
            let (x, y) = (((x - frame.x0) * sx) as f32, ((y - frame.y0) * sy) as f32);
            if i == 0 {
                path.move_to(x, y)
            } else {
                path.line_to(x, y)
            }
        }
        path.close();
        if let Some(path) = path.finish() {
            mask.fill_path(&path, FillRule::EvenOdd, true, Transform::identity());
        }
    }
    let mut coverage = mask.take();
    if let Some(pixels) = pixels {
        for (i, c) in coverage.iter_mut().enumerate() {
            let (x, y) = (i % size.width as usize, i / size.width as usize);
            *c = (*c).max(pixels.at([
                frame.x0 + (x as f64 + 0.5) / sx,
                frame.y0 + (y as f64 + 0.5) / sy,
            ]));
        }
    }
    Some(Shape::Mask(Mask {
        size,
        coverage,
        frame,
    }))
}
