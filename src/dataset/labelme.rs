//! LabelMe: one JSON per image with rectangles, polygons and circles; image-level flags give a label.

use super::problem::{Odd, boxed};
use super::sidecar::Sidecar;
use super::{Annotation, Outline};
use crate::geometry::Size;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Corners of the polygon that stands for a circle.
const CIRCLE_CORNERS: u32 = 64;
/// The name LabelMe's own examples give to what counts neither way.
const IGNORE: &str = "__ignore__";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    shapes: Vec<Shape>,
    #[serde(default)]
    flags: Option<BTreeMap<String, bool>>,
    image_height: Option<f64>,
    image_width: Option<f64>,
}

#[derive(Deserialize)]
struct Shape {
    label: String,
    points: Vec<[f64; 2]>,
    shape_type: Option<String>,
}

pub fn parse(text: &str, file: &Path) -> Sidecar {
    let mut out = Sidecar::default();
    let parsed: File = match serde_json::from_str(text) {
        Ok(parsed) => parsed,
        Err(e) => {
            out.note("bad_file", file, e.line() as u64, e.to_string());
            return out;
        }
    };
    let side = |v: Option<f64>| v.filter(|v| *v >= 1.0).map(|v| v as u32);
    out.stated = side(parsed.image_width)
        .zip(side(parsed.image_height))
        .map(|(w, h)| Size::new(w, h));
    let mut set = parsed
        .flags
        .into_iter()
        .flatten()
        .filter(|(_, on)| *on)
        .map(|(name, _)| name);
    out.label = set.next();
    if let Some(second) = set.next() {
        out.note(
            "two_labels",
            file,
            0,
            format!(
                "the flags {:?} and {second:?} are both set",
                out.label.clone().unwrap_or_default()
            ),
        );
    }
    for shape in parsed.shapes {
        let note = |code, message: String| out.odd.push(Odd::new(code, file, 0, message));
        out.annotations.extend(annotation(&shape, note));
    }
    out
}

fn annotation(shape: &Shape, mut note: impl FnMut(&'static str, String)) -> Option<Annotation> {
    let outline = |points| {
        let category = shape.label.clone();
        Some(Annotation {
            category,
            outline: Outline::Polygons(vec![points]),
            normalised: false,
            ignore: shape.label == IGNORE,
            upright: false,
        })
    };
    match (
        shape.shape_type.as_deref().unwrap_or("polygon"),
        &shape.points[..],
    ) {
        // The corners of a rectangle, and of a mask's bounding box, come in any order.
        ("rectangle" | "mask", [a, b]) => {
            let edges = [
                a[0].min(b[0]),
                a[1].min(b[1]),
                a[0].max(b[0]),
                a[1].max(b[1]),
            ];
            boxed(&shape.label, edges, note).map(|a| Annotation {
                ignore: shape.label == IGNORE,
                ..a
            })
        }
        ("circle", [centre, edge]) => {
            let radius = (edge[0] - centre[0]).hypot(edge[1] - centre[1]);
            let turn = |i| std::f64::consts::TAU * f64::from(i) / f64::from(CIRCLE_CORNERS);
            outline(
                (0..CIRCLE_CORNERS)
                    .map(|i| {
                        [
                            centre[0] + radius * turn(i).cos(),
                            centre[1] + radius * turn(i).sin(),
                        ]
                    })
                    .collect(),
            )
        }
        ("polygon", points) if points.len() >= 3 => outline(points.to_vec()),
        ("point" | "line" | "linestrip" | "points", _) => None,
        (kind, points) => {
            note(
                "box_without_area",
                format!("{}: a {kind} of {} points", shape.label, points.len()),
            );
            None
        }
    }
}
