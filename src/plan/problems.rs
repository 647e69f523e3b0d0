//! Oddities of annotations: their codes, and what is done about each.

use super::file::Severity;
use std::collections::BTreeMap;

/// Every code, what happens by default, and what it means.
pub const CODES: [(&str, Severity, &str); 16] = [
    (
        "annotation_without_image",
        Severity::Ignore,
        "annotations of an image that the set lacks",
    ),
    (
        "image_without_annotation",
        Severity::Ignore,
        "an image without annotations in a format that has them beside",
    ),
    (
        "bad_file",
        Severity::Skip,
        "an annotation file that cannot be parsed",
    ),
    (
        "bad_encoding",
        Severity::Skip,
        "an annotation file that is not UTF-8",
    ),
    (
        "bad_row",
        Severity::Ignore,
        "a row that cannot be parsed or has no usable path; of a manifest it is an image all the same, skipped with `annotation/bad_row`",
    ),
    (
        "not_a_number",
        Severity::Ignore,
        "a coordinate that is no finite number; the box is left out",
    ),
    (
        "swapped_corners",
        Severity::Ignore,
        "corners in the wrong order; they are swapped back",
    ),
    (
        "box_without_area",
        Severity::Ignore,
        "a box without area; it is left out",
    ),
    (
        "box_outside",
        Severity::Ignore,
        "a box that reaches over the image's edge; it is clipped",
    ),
    (
        "unknown_category",
        Severity::Ignore,
        "a category that has no name; the box is left out",
    ),
    (
        "bad_segmentation",
        Severity::Ignore,
        "a segmentation that cannot be read; the box stands for it",
    ),
    ("duplicate", Severity::Skip, "an image that is listed twice"),
    (
        "two_labels",
        Severity::Skip,
        "an image with two labels where one is expected",
    ),
    (
        "too_many_boxes",
        Severity::Ignore,
        "more than 1,000 annotations of one image; the others are left out",
    ),
    (
        "no_label",
        Severity::Skip,
        "an image for which the rule gives no label",
    ),
    (
        "size_contradicts",
        Severity::Skip,
        "the annotation's image size is not the file's",
    ),
];

/// What to do with each code.
#[derive(Debug, Clone, Default)]
pub struct Policy(BTreeMap<String, Severity>);

impl Policy {
    pub fn new(chosen: &BTreeMap<String, Severity>) -> Self {
        Self(chosen.clone())
    }

    pub fn severity(&self, code: &str) -> Severity {
        let default = || {
            CODES
                .iter()
                .find(|(c, ..)| *c == code)
                .map_or(Severity::Ignore, |(_, s, _)| *s)
        };
        self.0.get(code).copied().unwrap_or_else(default)
    }
}
