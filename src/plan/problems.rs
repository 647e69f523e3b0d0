//! Problems of annotations: their codes, and what happens to each.

use super::file::ProblemAction::{self, Ignore, Skip};
use std::collections::BTreeMap;

/// Every code, what happens by default, and what it means.
pub const CODES: [(&str, ProblemAction, &str); 16] = [
    (
        "annotation_without_image",
        Ignore,
        "annotations of an image that the dataset does not contain",
    ),
    (
        "image_without_annotation",
        Ignore,
        "an image without annotations in a format that keeps them in separate files",
    ),
    ("bad_file", Skip, "an annotation file that cannot be parsed"),
    ("bad_encoding", Skip, "an annotation file that is not UTF-8"),
    (
        "bad_row",
        Ignore,
        "a row that cannot be parsed or has no usable path; \
         in a manifest its image is counted and skipped with `annotation/bad_row`",
    ),
    (
        "not_a_number",
        Ignore,
        "a coordinate that is not a finite number; the box is left out",
    ),
    (
        "swapped_corners",
        Ignore,
        "corners in the wrong order; they are swapped back",
    ),
    (
        "box_without_area",
        Ignore,
        "a box without area; it is left out",
    ),
    (
        "box_outside",
        Ignore,
        "a box that extends beyond the image; it is clipped",
    ),
    (
        "unknown_category",
        Ignore,
        "a category without a name; the box is left out",
    ),
    (
        "bad_segmentation",
        Ignore,
        "a segmentation that cannot be read; the box is used instead",
    ),
    ("duplicate", Skip, "an image that is listed twice"),
    (
        "two_labels",
        Skip,
        "an image with two labels where one is expected",
    ),
    (
        "too_many_boxes",
        Ignore,
        "more than 1,000 annotations of one image; the others are left out",
    ),
    (
        "no_label",
        Skip,
        "an image for which the rule gives no label",
    ),
    (
        "size_contradicts",
        Skip,
        "the annotation's image size differs from the file's",
    ),
];

/// What to do with each code.
#[derive(Debug, Clone, Default)]
pub struct Policy(BTreeMap<String, ProblemAction>);

impl Policy {
    pub fn new(chosen: &BTreeMap<String, ProblemAction>) -> Self {
        Self(chosen.clone())
    }

    /// What the pipeline chose for a code, else the default.
    pub fn severity(&self, code: &str) -> ProblemAction {
        if let Some(action) = self.0.get(code) {
            return *action;
        }
        for (known, default, _) in CODES {
            if known == code {
                return default;
            }
        }
        Ignore
    }
}
