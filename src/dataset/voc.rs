//! Pascal VOC: one XML per image; corners are 1-based and inclusive, `difficult` objects are ignore regions.

use super::problem::boxed;
use super::sidecar::Sidecar;
use crate::geometry::Size;
use roxmltree::{Document, Node, ParsingOptions};
use std::path::Path;

/// Most elements of one file.
const NODES_MAX: u32 = 1_000_000;

pub fn parse(text: &str, file: &Path) -> Sidecar {
    let mut out = Sidecar::default();
    let options = ParsingOptions {
        nodes_limit: NODES_MAX,
        allow_dtd: false,
        ..ParsingOptions::default()
    };
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(e) => {
            out.note("bad_file", file, u64::from(e.pos().row), e.to_string());
            return out;
        }
    };
    let root = document.root_element();
    let side = |name| {
        number(child(root, "size")?, name)
            .filter(|v| *v >= 1.0)
            .map(|v| v as u32)
    };
    out.stated = side("width")
        .zip(side("height"))
        .map(|(w, h)| Size::new(w, h));
    for object in root.children().filter(|n| n.has_tag_name("object")) {
        let line = u64::from(document.text_pos_at(object.range().start).row);
        let name = child(object, "name")
            .and_then(|n| n.text())
            .unwrap_or_default()
            .trim();
        let Some(bounds) = child(object, "bndbox") else {
            out.note(
                "not_a_number",
                file,
                line,
                format!("{name}: there is no bndbox"),
            );
            continue;
        };
        let [x0, y0, x1, y1] =
            ["xmin", "ymin", "xmax", "ymax"].map(|n| number(bounds, n).unwrap_or(f64::NAN));
        let difficult = child(object, "difficult")
            .and_then(|n| n.text())
            .is_some_and(|t| t.trim() == "1");
        let note = |code, message: String| {
            out.odd
                .push(super::problem::Odd::new(code, file, line, message))
        };
        let annotation = boxed(name, [x0 - 1.0, y0 - 1.0, x1, y1], note);
        out.annotations
            .extend(annotation.map(|a| super::Annotation {
                ignore: difficult,
                ..a
            }));
    }
    out
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|n| n.has_tag_name(name))
}

fn number(node: Node<'_, '_>, name: &str) -> Option<f64> {
    child(node, name)?.text()?.trim().parse().ok()
}
