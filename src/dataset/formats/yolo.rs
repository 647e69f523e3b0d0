//! YOLO: one text file per image, a row per object, normalised; the classes are named in
//! `data.yaml` or `classes.txt`.
//!
//! A row is `class cx cy w h`, with the confidence and the number of a track behind it where a
//! model wrote it; or `class x1 y1 x2 y2 ..`, a polygon; or, by `kpt_shape` of `data.yaml`, a box
//! with keypoints.

use super::sidecar::{Sidecar, TEXT_BYTES_MAX};
use crate::bounded;
use crate::dataset::annotation::{Annotation, Outline};
use crate::dataset::cells;
use crate::dataset::checks::checked_box;
use crate::dataset::class_names::{ClassNames, NamesFile};
use crate::dataset::problem::ProblemLog;
use crate::dataset::walk::{self, Step};
use crate::error::Result;
use crate::plan::Links;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;

/// Numbers of a box.
const BOX: usize = 4;
/// Numbers of an oriented box: a polygon of four points.
const ORIENTED_BOX: usize = 8;
/// Where corners of polygons lie: fractions of the photo, off by rounding and by objects that are
/// cut off.
const POLYGON: RangeInclusive<f64> = -0.05..=1.05;
/// Label files that are looked at to tell polygons from keypoints.
const FILES_LOOKED_AT: usize = 200;
/// Rows of one length from which on keypoints are assumed.
const ROWS_OF_ONE_LENGTH: usize = 3;

/// How to read the rows of a set.
pub struct Rows {
    names: ClassNames,
    /// Numbers behind the box, by `kpt_shape`.
    keypoint_numbers: Option<usize>,
    /// The length of all long rows, where it is one: objects outlined by polygons differ in the
    /// number of their corners, objects with keypoints do not.
    only_length: Option<usize>,
}

impl Rows {
    /// Looks at some label files below a folder.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn of_set(names: NamesFile, folder: &Path, links: Links) -> Result<Self> {
        let keypoint_numbers = names.keypoint_shape.map(|[points, each]| points * each);
        let mut lengths = BTreeSet::new();
        let mut rows = 0;
        for step in walk::files(folder, &["txt"], links)?.take(FILES_LOOKED_AT) {
            let Step::File(path) = step else {
                continue;
            };
            let text = bounded::text(&folder.join(path), TEXT_BYTES_MAX).unwrap_or_default();
            for row in text.lines() {
                let length = row.split_whitespace().count().saturating_sub(1);
                if length > BOX + 2 {
                    lengths.insert(length);
                    rows += 1;
                }
            }
        }

        let is_one_length = lengths.len() == 1 && rows >= ROWS_OF_ONE_LENGTH;
        Ok(Self {
            names: names.names,
            keypoint_numbers,
            only_length: lengths.pop_first().filter(|_| is_one_length),
        })
    }

    pub fn parse(&self, text: &str, file: &Path) -> Sidecar {
        let mut sidecar = Sidecar::default();
        for (line, row) in (1..).zip(text.lines()) {
            let row = row.split('#').next().unwrap_or_default();
            if row.trim().is_empty() {
                continue;
            }
            let mut log = ProblemLog::at_line(&mut sidecar.problems, file, line);
            sidecar.annotations.extend(self.annotation(row, &mut log));
        }
        sidecar
    }

    fn annotation(&self, row: &str, log: &mut ProblemLog<'_>) -> Option<Annotation> {
        let mut fields = row.split_whitespace();
        let class = fields.next().unwrap_or_default();
        let name = cells::whole_number(class).and_then(|number| self.names.get(&number));
        let Some(name) = name else {
            log.add("unknown_category", format!("class {class} has no name"));
            return None;
        };

        let fields: Vec<&str> = fields.collect();
        let numbers = fields
            .iter()
            .map(|field| field.parse().unwrap_or(f64::NAN))
            .collect::<Vec<f64>>();
        let mut annotation = match self.form(&fields, &numbers) {
            Form::Box => checked_box(name, edges(&numbers), log)?,
            Form::Polygon => {
                let points = numbers.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
                Annotation::new(name, Outline::Polygons(vec![points]))
            }
            Form::Unknown(message) => {
                log.add("bad_annotation", format!("{name}: {message}"));
                return None;
            }
        };
        annotation.normalised = true;
        Some(annotation)
    }

    fn form(&self, fields: &[&str], numbers: &[f64]) -> Form {
        let count = numbers.len();
        if count < BOX {
            return Form::Unknown(format!("{count} numbers, where a box has 4"));
        }
        if let Some(keypoints) = self.keypoint_numbers {
            return match count - BOX {
                0 | 1 => Form::Box,
                more if more == keypoints || more == keypoints + 1 => Form::Box,
                _ => Form::Unknown(format!(
                    "{count} numbers, where kpt_shape gives {}",
                    BOX + keypoints
                )),
            };
        }

        match count {
            // With a confidence, or with the number of a track.
            4 | 5 => Form::Box,
            // With both.
            6 if is_track(fields[5]) => Form::Box,
            _ if !count.is_multiple_of(2) || !numbers.iter().all(|n| POLYGON.contains(n)) => {
                Form::Unknown(format!(
                    "{count} numbers are neither a box nor the corners of a polygon; if they are \
                     keypoints, write kpt_shape into data.yaml"
                ))
            }
            _ if self.only_length == Some(count) && count != ORIENTED_BOX => {
                Form::Unknown(format!(
                    "every long row has {count} numbers, as objects with keypoints have, and \
                     polygons do not: write kpt_shape into data.yaml"
                ))
            }
            _ => Form::Polygon,
        }
    }
}

/// What the numbers of a row are.
enum Form {
    Box,
    Polygon,
    /// With the reason.
    Unknown(String),
}

/// Whether the text is the number of a track: whole, from 1.
fn is_track(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|number| number >= 1)
}

/// The edges of a box that is given by centre and size.
fn edges(numbers: &[f64]) -> [f64; 4] {
    let [x, y, w, h] = [numbers[0], numbers[1], numbers[2], numbers[3]];
    [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0]
}
