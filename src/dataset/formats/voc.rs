//! Pascal VOC: one XML per image; corners are 1-based and inclusive, `difficult` objects are
//! ignored regions.

use super::sidecar::Sidecar;
use crate::dataset::annotation::Annotation;
use crate::dataset::checks::{checked_box, checked_flag, checked_size};
use crate::dataset::problem::{Problem, ProblemLog};
use roxmltree::{Document, Node, ParsingOptions};
use std::path::Path;

/// Largest file: an object takes about 300 bytes.
pub const BYTES_MAX: u64 = 8 << 20;
/// Most elements of one file: a thousand objects have ten thousand.
const NODES_MAX: u32 = 500_000;
/// Most signs that assign attributes. VOC has no attributes, and other tools write two or three in
/// a file; the time that an element takes grows with the square of their number.
const ASSIGNMENTS_MAX: usize = 10_000;
/// Most declarations of namespaces, which every element below them takes time for; VOC has none.
const NAMESPACES_MAX: usize = 50;

pub fn parse(text: &str, file: &Path) -> Sidecar {
    if let Err(message) = check_attributes(text) {
        return Sidecar::of_problem(Problem::in_file("bad_file", file, message));
    }
    let options = ParsingOptions {
        nodes_limit: NODES_MAX,
        allow_dtd: false,
        ..ParsingOptions::default()
    };
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(error) => {
            let line = u64::from(error.pos().row);
            let problem = Problem::at_line("bad_file", file, line, error.to_string());
            return Sidecar::of_problem(problem);
        }
    };

    let root = document.root_element();
    let mut sidecar = Sidecar::default();
    if let Some(size) = child(root, "size") {
        sidecar.declared_size = checked_size(number(size, "width"), number(size, "height"));
    }
    let mut lines = Lines::new(text);
    for object in root.children().filter(|node| node.has_tag_name("object")) {
        let line = lines.line_of(object.range().start);
        let mut log = ProblemLog::at_line(&mut sidecar.problems, file, line);
        sidecar.annotations.extend(annotation(object, &mut log));
    }
    sidecar
}

fn check_attributes(text: &str) -> Result<(), String> {
    let assignments = text.bytes().filter(|byte| *byte == b'=');
    if assignments.count() > ASSIGNMENTS_MAX {
        return Err(format!(
            "over {ASSIGNMENTS_MAX} attributes; is it a VOC file?"
        ));
    }
    if text.matches("xmlns").count() > NAMESPACES_MAX {
        return Err(format!(
            "over {NAMESPACES_MAX} namespaces; is it a VOC file?"
        ));
    }
    Ok(())
}

/// Lines of ascending positions, counted once over the whole text.
struct Lines<'t> {
    text: &'t [u8],
    position: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text: text.as_bytes(),
            position: 0,
            line: 1,
        }
    }

    /// The line of a position behind all before it, from 1.
    fn line_of(&mut self, position: usize) -> u64 {
        let passed = self.text.get(self.position..position).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.position = position;
        self.line
    }
}

fn annotation(object: Node<'_, '_>, log: &mut ProblemLog<'_>) -> Option<Annotation> {
    let name = child_text(object, "name").unwrap_or_default();
    let Some(bounds) = child(object, "bndbox") else {
        log.add("not_a_number", format!("{name}: there is no bndbox"));
        return None;
    };

    let edge = |key| number(bounds, key).unwrap_or(f64::NAN);
    // The first pixel is number 1, and a box contains the pixels of its corners.
    let x0 = edge("xmin") - 1.0;
    let y0 = edge("ymin") - 1.0;
    let x1 = edge("xmax");
    let y1 = edge("ymax");

    let difficult = checked_flag("difficult", child_text(object, "difficult"), log)?;
    let annotation = checked_box(name, [x0, y0, x1, y1], log)?;
    Some(Annotation {
        ignore: difficult,
        ..annotation
    })
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|n| n.has_tag_name(name))
}

fn child_text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim)
}

fn number(node: Node<'_, '_>, name: &str) -> Option<f64> {
    child_text(node, name)?.parse().ok()
}
