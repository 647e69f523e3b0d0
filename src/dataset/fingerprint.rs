//! A hash of a set: equal for equal paths, labels, splits, groups and annotations in equal order.

use super::annotation::{Annotation, Outline};
use super::item::Entry;
use blake3::Hasher;

/// BLAKE3 of the images so far.
#[derive(Default)]
pub struct Fingerprint(Hasher);

impl Fingerprint {
    pub fn add(&mut self, entry: &Entry, label: &str) {
        let hasher = &mut self.0;
        add_text(hasher, label);
        add_text(hasher, entry.split.as_deref().unwrap_or_default());
        add_text(hasher, entry.group.as_deref().unwrap_or_default());
        hasher.update(entry.path.as_os_str().as_encoded_bytes());
        for flag in &entry.flags {
            add_text(hasher, flag);
        }
        hasher.update(format!("{:?}", entry.declared_size).as_bytes());
        for annotation in &entry.annotations {
            add_annotation(hasher, annotation);
        }
        hasher.update(b"\n");
    }

    /// Adds the cells that are kept of an image.
    pub fn add_cells(&mut self, entry: &Entry) {
        for (column, cell) in &entry.cells {
            add_text(&mut self.0, column);
            add_text(&mut self.0, cell);
        }
        self.0.update(b"\n");
    }

    /// The fingerprint of all images, and of the file of boxes beside them, as hexadecimal digits.
    pub fn finish(mut self, boxes: Option<blake3::Hash>) -> String {
        let boxes = boxes.map_or([0; 32], |hash| *hash.as_bytes());
        self.0.update(&boxes);
        self.0.finalize().to_hex().to_string()
    }
}

fn add_text(hasher: &mut Hasher, text: &str) {
    hasher.update(text.as_bytes()).update(&[0]);
}

fn add_annotation(hasher: &mut Hasher, annotation: &Annotation) {
    // The debug format of these types is a part of the fingerprint.
    let Outline::Pixels(mask) = &annotation.outline else {
        hasher.update(format!("\n{annotation:?}").as_bytes());
        return;
    };
    let Annotation {
        category, ignore, ..
    } = annotation;
    let text = format!("\n{category:?} {ignore} {:?}", mask.frame);
    hasher.update(text.as_bytes());
    hasher.update(&mask.coverage);
}
