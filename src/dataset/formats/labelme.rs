//! LabelMe: one JSON per image with rectangles, polygons and circles; image-level flags give a
//! label.

use super::sidecar::Sidecar;
use crate::dataset::annotation::{Annotation, Outline};
use crate::dataset::checks::{checked_box, checked_size};
use crate::dataset::json;
use crate::dataset::problem::{Problem, ProblemLog};
use crate::geometry::Rect;
use serde::Deserialize;
use serde_json::Value;
use std::f64::consts::TAU;
use std::path::Path;

/// Largest file: it may hold the photo as text, which takes four bytes for three.
pub const BYTES_MAX: u64 = 128 << 20;
/// Most bytes of a file beside its texts, of which the photo is the longest.
const STRUCTURE_BYTES_MAX: usize = 32 << 20;
/// Corners of the polygon that approximates a circle.
const CIRCLE_CORNERS: u32 = 64;
/// How far the corners of an upright rectangle may be apart by rounding, in pixels.
const SLANT_MAX: f64 = 1.0;
/// The label of ignored regions in LabelMe's own examples.
const IGNORE: &str = "__ignore__";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    shapes: Vec<Value>,
    #[serde(default)]
    flags: Value,
    #[serde(default)]
    image_height: Value,
    #[serde(default)]
    image_width: Value,
}

pub fn parse(text: &str, file: &Path) -> Sidecar {
    if structure_bytes(text) > STRUCTURE_BYTES_MAX {
        let message = format!(
            "its shapes take more than {} MiB",
            STRUCTURE_BYTES_MAX >> 20
        );
        return Sidecar::of_problem(Problem::in_file("bad_file", file, message));
    }
    let parsed: File = match serde_json::from_str(&json::without_nan(text)) {
        Ok(parsed) => parsed,
        Err(error) => {
            let line = error.line() as u64;
            let problem = Problem::at_line("bad_file", file, line, error.to_string());
            return Sidecar::of_problem(problem);
        }
    };

    let mut sidecar = Sidecar {
        declared_size: checked_size(parsed.image_width.as_f64(), parsed.image_height.as_f64()),
        ..Sidecar::default()
    };
    let mut log = ProblemLog::in_file(&mut sidecar.problems, file);
    sidecar.label = label(&parsed.flags, &mut log);
    for shape in &parsed.shapes {
        sidecar.annotations.extend(annotation(shape, &mut log));
    }
    sidecar
}

/// Bytes outside of the texts of a JSON, about: a number of three bytes takes sixteen in memory.
fn structure_bytes(text: &str) -> usize {
    let mut count = 0;
    let mut is_text = false;
    let mut is_escaped = false;
    for byte in text.bytes() {
        match byte {
            b'"' if !is_escaped => is_text = !is_text,
            _ if !is_text => count += 1,
            _ => {}
        }
        is_escaped = is_text && byte == b'\\' && !is_escaped;
    }
    count
}

/// The first flag that is set.
fn label(flags: &Value, log: &mut ProblemLog<'_>) -> Option<String> {
    let flags = flags.as_object()?;
    let mut names: Vec<&String> = Vec::new();
    for (name, value) in flags {
        if value.as_bool() == Some(true) {
            names.push(name);
        }
    }
    names.sort();

    if let [first, second, ..] = names[..] {
        let message = format!("the flags {first:?} and {second:?} are both set");
        log.add("two_labels", message);
    }
    names.first().map(|name| (*name).clone())
}

fn annotation(shape: &Value, log: &mut ProblemLog<'_>) -> Option<Annotation> {
    // Labels may be numbers.
    let category = match &shape["label"] {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let kind = shape["shape_type"].as_str().unwrap_or("polygon");
    if matches!(kind, "point" | "line" | "linestrip" | "points") {
        return None;
    }
    if category.is_empty() {
        log.add("unknown_category", format!("a {kind} without a label"));
        return None;
    }
    let Some(points) = points(&shape["points"]) else {
        let message = format!("{category}: a {kind} whose points are no pairs of numbers");
        log.add("not_a_number", message);
        return None;
    };

    let mut annotation = match (kind, &points[..]) {
        ("rectangle" | "mask", &[_, _]) => checked_box(&category, bounds(&points), log)?,
        // Some editors write all four corners of a rectangle.
        ("rectangle", &[a, b, c, d]) if is_upright(a, b, c, d) => {
            checked_box(&category, bounds(&points), log)?
        }
        ("rectangle" | "rotation", &[_, _, _, _]) => polygon(&category, points),
        ("circle", &[centre, edge]) => polygon(&category, circle(centre, edge)),
        ("polygon", corners) if corners.len() >= 3 => polygon(&category, points),
        _ => {
            let message = format!("{category}: a {kind} of {} points", points.len());
            log.add("bad_annotation", message);
            return None;
        }
    };
    annotation.ignore = category == IGNORE;
    Some(annotation)
}

fn points(value: &Value) -> Option<Vec<[f64; 2]>> {
    let mut points = Vec::new();
    for point in value.as_array()? {
        points.push([point[0].as_f64()?, point[1].as_f64()?]);
    }
    Some(points)
}

/// The edges of the box around points, whatever their order.
fn bounds(points: &[[f64; 2]]) -> [f64; 4] {
    let rect = Rect::around(points);
    [rect.x0, rect.y0, rect.x1, rect.y1]
}

/// Whether the sides of a quadrangle run along the axes.
fn is_upright(a: [f64; 2], b: [f64; 2], c: [f64; 2], d: [f64; 2]) -> bool {
    let sides = [(a, b), (b, c), (c, d), (d, a)];
    sides.iter().all(|(from, to)| {
        let [dx, dy] = [(to[0] - from[0]).abs(), (to[1] - from[1]).abs()];
        dx.min(dy) <= SLANT_MAX
    })
}

fn polygon(label: &str, points: Vec<[f64; 2]>) -> Annotation {
    Annotation::new(label, Outline::Polygons(vec![points]))
}

/// The polygon of a circle given by its centre and a point of its edge.
fn circle(centre: [f64; 2], edge: [f64; 2]) -> Vec<[f64; 2]> {
    let radius = (edge[0] - centre[0]).hypot(edge[1] - centre[1]);

    let mut corners = Vec::new();
    for i in 0..CIRCLE_CORNERS {
        let angle = TAU * f64::from(i) / f64::from(CIRCLE_CORNERS);
        let x = centre[0] + radius * angle.cos();
        let y = centre[1] + radius * angle.sin();
        corners.push([x, y]);
    }
    corners
}
