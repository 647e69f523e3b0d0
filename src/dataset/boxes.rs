//! Annotated boxes beside a folder or a manifest: CSV `path,category,xmin,ymin,xmax,ymax`.

use super::Annotation;
use super::csv::{column, relative};
use super::listing::Problem;
use crate::error::{Error, Result};
use crate::geometry::Rect;
use crate::plan::{self, BoxCoordinates};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// All boxes of a set by path, and what was wrong with some of them.
#[derive(Default)]
pub struct Boxes {
    by_path: HashMap<PathBuf, Vec<Annotation>>,
    pub categories: BTreeSet<String>,
    pub problems: Vec<Problem>,
    /// BLAKE3 of the file.
    pub hash: Option<blake3::Hash>,
}

impl Boxes {
    /// Reads the boxes that the plan names, if any. Rows that make no box are problems, not errors.
    pub fn load(plan: &plan::Dataset) -> Result<Self> {
        let Some(file) = &plan.boxes else { return Ok(Self::default()) };
        let what = format!("read dataset.boxes {}", file.display());
        let bytes = std::fs::read(file).map_err(Error::cause(&what))?;
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let header = reader.headers().map_err(Error::cause(&what))?.clone();
        let names = ["path", "category", "xmin", "ymin", "xmax", "ymax"];
        let at: Vec<usize> = names.iter().map(|n| column(&header, n, file)).collect::<Result<_>>()?;
        let mut boxes = Self { hash: Some(blake3::hash(&bytes)), ..Self::default() };
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    let fields: Vec<&str> = at.iter().map(|&i| record.get(i).unwrap_or_default().trim()).collect();
                    boxes.add(&fields, plan.box_coordinates == BoxCoordinates::Normalised, file, line);
                }
                Err(e) => boxes.note("bad_row", file, e.position().map_or(0, csv::Position::line)),
            }
        }
        Ok(boxes)
    }

    fn add(&mut self, fields: &[&str], normalised: bool, file: &Path, line: u64) {
        let Some(path) = relative(fields[0]) else { return self.note("path_outside", file, line) };
        let edges: Vec<f64> =
            fields[2..].iter().filter_map(|f| f.parse().ok()).filter(|v: &f64| v.is_finite()).collect();
        let [xa, ya, xb, yb] = edges[..] else { return self.note("not_a_number", file, line) };
        if xb < xa || yb < ya {
            self.note("swapped_corners", file, line);
        }
        let rect = Rect::new(xa.min(xb), ya.min(yb), xa.max(xb), ya.max(yb));
        if rect.area() <= 0.0 {
            return self.note("no_area", file, line);
        }
        self.categories.insert(fields[1].to_owned());
        let annotation = Annotation { category: fields[1].to_owned(), rect, normalised };
        self.by_path.entry(path).or_default().push(annotation);
    }

    fn note(&mut self, code: &'static str, file: &Path, line: u64) {
        Problem::note(&mut self.problems, code, || format!("{}:{line}", file.display()));
    }

    pub fn of(&self, path: &Path) -> Vec<Annotation> {
        self.by_path.get(path).cloned().unwrap_or_default()
    }

    pub fn has(&self, path: &Path) -> bool {
        self.by_path.contains_key(path)
    }

    pub fn images(&self) -> usize {
        self.by_path.len()
    }
}
