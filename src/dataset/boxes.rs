//! Annotated boxes beside any format: CSV `path,category,xmin,ymin,xmax,ymax`.

use super::Annotation;
use super::manifest::{column, relative};
use super::problem::{Odd, boxed};
use crate::error::{Error, Result};
use crate::plan::{self, BoxCoordinates};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// All boxes of the file by path, and what was wrong with some of them.
#[derive(Default)]
pub struct Boxes {
    by_path: HashMap<PathBuf, Vec<Annotation>>,
    pub odd: Vec<Odd>,
    /// BLAKE3 of the file.
    pub hash: Option<blake3::Hash>,
}

impl Boxes {
    /// Reads the boxes that the plan names, if any. Rows that make no box are odd, not errors.
    pub fn load(plan: &plan::Dataset) -> Result<Self> {
        let Some(file) = &plan.boxes else {
            return Ok(Self::default());
        };
        let what = format!("read dataset.boxes {}", file.display());
        let bytes = std::fs::read(file).map_err(Error::cause(&what))?;
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let header = reader.headers().map_err(Error::cause(&what))?.clone();
        let names = ["path", "category", "xmin", "ymin", "xmax", "ymax"];
        let at: Vec<usize> = names
            .iter()
            .map(|n| column(&header, n, file))
            .collect::<Result<_>>()?;
        let mut boxes = Self {
            hash: Some(blake3::hash(&bytes)),
            ..Self::default()
        };
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    let fields: Vec<&str> = at
                        .iter()
                        .map(|&i| record.get(i).unwrap_or_default().trim())
                        .collect();
                    boxes.add(
                        &fields,
                        plan.box_coordinates == BoxCoordinates::Normalised,
                        file,
                        line,
                    );
                }
                Err(e) => {
                    let line = e.position().map_or(0, csv::Position::line);
                    boxes
                        .odd
                        .push(Odd::new("bad_row", file, line, e.to_string()));
                }
            }
        }
        Ok(boxes)
    }

    fn add(&mut self, fields: &[&str], normalised: bool, file: &Path, line: u64) {
        let mut note = |code, message: String| self.odd.push(Odd::new(code, file, line, message));
        let Some(path) = relative(fields[0]) else {
            return note("bad_row", format!("no usable path: {:?}", fields[0]));
        };
        let edges = [2, 3, 4, 5].map(|i| fields[i].parse().unwrap_or(f64::NAN));
        if let Some(annotation) = boxed(fields[1], edges, note) {
            self.by_path.entry(path).or_default().push(Annotation {
                normalised,
                upright: true,
                ..annotation
            });
        }
    }

    pub fn of(&self, path: &Path) -> &[Annotation] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }

    pub fn has(&self, path: &Path) -> bool {
        self.by_path.contains_key(path)
    }

    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.by_path.keys()
    }
}
