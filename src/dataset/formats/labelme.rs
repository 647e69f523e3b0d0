//! LabelMe: one JSON per image with rectangles, polygons and circles; image-level flags give a
//! label.

use super::sidecar::Sidecar;
use crate::dataset::annotation::{Annotation, Outline};
use crate::dataset::checks::{checked_box, checked_size};
use crate::dataset::problem::{Problem, ProblemLog};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::path::Path;

/// Largest file: it may hold the photo as text, which takes four bytes for three.
pub const BYTES_MAX: u64 = 128 << 20;
/// Most bytes of a file beside its texts, of which the photo is the longest.
const STRUCTURE_BYTES_MAX: usize = 32 << 20;
/// Corners of the polygon that approximates a circle.
const CIRCLE_CORNERS: u32 = 64;
/// The label of ignored regions in LabelMe's own examples.
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
    if structure_bytes(text) > STRUCTURE_BYTES_MAX {
        let message = format!(
            "its shapes take more than {} MiB",
            STRUCTURE_BYTES_MAX >> 20
        );
        return Sidecar::of_problem(Problem::in_file("bad_file", file, message));
    }
    let parsed: File = match serde_json::from_str(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let line = error.line() as u64;
            let problem = Problem::at_line("bad_file", file, line, error.to_string());
            return Sidecar::of_problem(problem);
        }
    };

    let mut sidecar = Sidecar {
        declared_size: checked_size(parsed.image_width, parsed.image_height),
        ..Sidecar::default()
    };
    let mut log = ProblemLog::in_file(&mut sidecar.problems, file);
    sidecar.label = label(parsed.flags.unwrap_or_default(), &mut log);
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
fn label(flags: BTreeMap<String, bool>, log: &mut ProblemLog<'_>) -> Option<String> {
    let mut names = flags.into_iter().filter(|(_, is_set)| *is_set);
    let (first, _) = names.next()?;
    if let Some((second, _)) = names.next() {
        log.add(
            "two_labels",
            format!("the flags {first:?} and {second:?} are both set"),
        );
    }
    Some(first)
}

fn annotation(shape: &Shape, log: &mut ProblemLog<'_>) -> Option<Annotation> {
    let kind = shape.shape_type.as_deref().unwrap_or("polygon");
    let mut annotation = match (kind, &shape.points[..]) {
        ("rectangle" | "mask", &[a, b]) => {
            // The corners of a rectangle, and of a mask's bounding box, come in any order.
            let edges = [
                a[0].min(b[0]),
                a[1].min(b[1]),
                a[0].max(b[0]),
                a[1].max(b[1]),
            ];
            checked_box(&shape.label, edges, log)?
        }
        ("circle", &[centre, edge]) => polygon(&shape.label, circle(centre, edge)),
        ("polygon", points) if points.len() >= 3 => polygon(&shape.label, points.to_vec()),
        ("point" | "line" | "linestrip" | "points", _) => return None,
        (kind, points) => {
            let message = format!("{}: a {kind} of {} points", shape.label, points.len());
            log.add("box_without_area", message);
            return None;
        }
    };
    annotation.ignore = shape.label == IGNORE;
    Some(annotation)
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
