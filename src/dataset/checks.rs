//! Checks of coordinates and sizes that annotation files state.

use super::annotation::{Annotation, Outline};
use super::cells;
use super::problem::ProblemLog;
use crate::geometry::{Rect, Size};

/// Rounding that a box may reach over the edge of its image, in pixels.
const EDGE_TOLERANCE: f64 = 1.0;

/// Makes a box of its edges, or logs why they make none.
///
/// Swapped corners are logged and put right.
pub fn checked_box(
    category: &str,
    [x0, y0, x1, y1]: [f64; 4],
    log: &mut ProblemLog<'_>,
) -> Option<Annotation> {
    if category.trim().is_empty() {
        log.add("unknown_category", "an annotation without a category");
        return None;
    }
    let is_finite = [x0, y0, x1, y1].iter().all(|edge| edge.is_finite());
    if !is_finite {
        let edges = [x0, y0, x1, y1].map(|edge| match edge.is_nan() {
            true => "no number".to_owned(),
            false => edge.to_string(),
        });
        let message = format!("{category}: left, top, right, bottom: {}", edges.join(", "));
        log.add("not_a_number", message);
        return None;
    }
    if x1 < x0 || y1 < y0 {
        log.add_of(
            "swapped_corners",
            category,
            box_text(category, [x0, y0, x1, y1]),
        );
    }

    let rect = Rect::new(x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1));
    if rect.area() <= 0.0 {
        log.add_of(
            "box_without_area",
            category,
            box_text(category, [x0, y0, x1, y1]),
        );
        return None;
    }
    Some(Annotation::new(category, Outline::Box(rect)))
}

fn box_text(category: &str, [x0, y0, x1, y1]: [f64; 4]) -> String {
    format!("{category}: {x0}, {y0}, {x1}, {y1}")
}

/// Reads a flag of an annotation, which is not set where there is no cell; `None`, and a problem,
/// where the cell is no flag.
pub fn checked_flag(name: &str, cell: Option<&str>, log: &mut ProblemLog<'_>) -> Option<bool> {
    let text = cell.unwrap_or_default().trim();
    if text.is_empty() {
        return Some(false);
    }
    let flag = cells::flag(text);
    if flag.is_none() {
        let message = format!("{name} is {text:?}, which is neither true nor false");
        log.add("bad_annotation", message);
    }
    flag
}

/// Logs boxes that reach over the edge of an image of this size by more than rounding.
pub fn check_inside(annotations: &[Annotation], size: Size, log: &mut ProblemLog<'_>) {
    let x_max = f64::from(size.width) + EDGE_TOLERANCE;
    let y_max = f64::from(size.height) + EDGE_TOLERANCE;
    for annotation in annotations {
        let rect = annotation.bounds(size);
        let is_outside = rect.x0 < -EDGE_TOLERANCE
            || rect.y0 < -EDGE_TOLERANCE
            || rect.x1 > x_max
            || rect.y1 > y_max;

        if is_outside {
            let edges = [rect.x0, rect.y0, rect.x1, rect.y1];
            let text = box_text(&annotation.category, edges);
            log.add("box_outside", format!("{text} in {size}"));
        }
    }
}

/// The size of an image from sides that a file states; none where a side is below one pixel.
pub fn checked_size(width: Option<f64>, height: Option<f64>) -> Option<Size> {
    let (width, height) = (width?, height?);
    let is_size = width >= 1.0 && height >= 1.0;
    is_size.then(|| Size::new(width as u32, height as u32))
}
