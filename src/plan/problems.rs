//! Problems of annotations: their codes, and what happens to each.

use super::file::ProblemAction::{self, Error, Ignore, Skip};
use std::collections::BTreeMap;

/// The code of boxes that cannot be what the format says.
pub const IMPLAUSIBLE_BOXES: &str = "implausible_boxes";

/// Every code, what happens by default, and what it means.
pub const CODES: [(&str, ProblemAction, &str); 21] = [
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
        "newline_in_field",
        Skip,
        "a line break in a quoted field: a quotation mark may be missing, and rows lost in the \
         field; each line counts as an image that is skipped",
    ),
    (
        "bad_flag",
        Skip,
        "a cell of a presence column that is neither true nor false",
    ),
    (
        "bad_annotation",
        Ignore,
        "an annotation whose form is not known; it is left out",
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
        "an annotation without a category, or whose category has no name; it is left out",
    ),
    (
        "bad_segmentation",
        Ignore,
        "a segmentation that cannot be read; the box is used instead",
    ),
    ("duplicate", Skip, "an image that is listed twice"),
    (
        "duplicate_id",
        Skip,
        "images that share an id, so that annotations cannot be told apart",
    ),
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
        IMPLAUSIBLE_BOXES,
        Error,
        "most boxes of a category cannot be what the format says: smaller than a pixel, outside of \
         their photos, without area, or with swapped corners",
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
