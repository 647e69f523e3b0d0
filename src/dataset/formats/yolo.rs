//! YOLO: one text file per image, `class cx cy w h` or `class x1 y1 x2 y2 ..` (a polygon),
//! normalised; the classes are named in `data.yaml` or `classes.txt`.

use super::sidecar::Sidecar;
use crate::dataset::annotation::{Annotation, Outline};
use crate::dataset::checks::checked_box;
use crate::dataset::class_names::ClassNames;
use crate::dataset::problem::ProblemLog;
use std::path::Path;

pub fn parse(text: &str, file: &Path, names: &ClassNames) -> Sidecar {
    let mut sidecar = Sidecar::default();
    for (line, row) in (1..).zip(text.lines()) {
        if row.trim().is_empty() {
            continue;
        }
        let mut log = ProblemLog::at_line(&mut sidecar.problems, file, line);
        sidecar.annotations.extend(annotation(row, names, &mut log));
    }
    sidecar
}

fn annotation(row: &str, names: &ClassNames, log: &mut ProblemLog<'_>) -> Option<Annotation> {
    let mut fields = row.split_whitespace();
    let class = fields.next().unwrap_or_default();
    let name = class.parse().ok().and_then(|number| names.get(&number));
    let Some(name) = name else {
        log.add("unknown_category", format!("class {class} has no name"));
        return None;
    };

    let values: Vec<f64> = fields
        .map(|field| field.parse().unwrap_or(f64::NAN))
        .collect();
    let mut annotation = match values[..] {
        [x, y, w, h] => {
            let edges = [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
            checked_box(name, edges, log)?
        }
        _ if is_polygon(&values) => {
            let points = values.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
            Annotation::new(name, Outline::Polygons(vec![points]))
        }
        _ => {
            let message = format!(
                "{name}: expected 4 numbers, or the points of a polygon; found {}",
                values.len()
            );
            log.add("not_a_number", message);
            return None;
        }
    };
    annotation.normalised = true;
    Some(annotation)
}

/// Whether these are the coordinates of three or more points.
fn is_polygon(values: &[f64]) -> bool {
    values.len() >= 6
        && values.len().is_multiple_of(2)
        && values.iter().all(|value| value.is_finite())
}
