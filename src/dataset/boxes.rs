//! Annotated boxes beside any format: CSV `path,category,xmin,ymin,xmax,ymax`.

use super::annotation::Annotation;
use super::checks::checked_box;
use super::csv_table::{BoundedCsv, bad_row, column, line_of};
use super::paths::relative;
use super::problem::{self, Problem, ProblemLog};
use crate::bounded;
use crate::error::{Error, Result};
use crate::plan::{self, BoxCoordinates};
use csv::{ReaderBuilder, StringRecord};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const COLUMNS: [&str; 6] = ["path", "category", "xmin", "ymin", "xmax", "ymax"];

/// All boxes of the file by path, and the problems of its rows.
#[derive(Default)]
pub struct Boxes {
    by_path: HashMap<PathBuf, Vec<Annotation>>,
    pub problems: Vec<Problem>,
    /// BLAKE3 of the file.
    pub hash: Option<blake3::Hash>,
}

impl Boxes {
    /// Reads `dataset.boxes`, if the plan has it. A row that makes no box is a problem, no error.
    ///
    /// # Errors
    /// When the file cannot be read, or lacks a column.
    pub fn load(plan: &plan::Dataset) -> Result<Self> {
        let Some(file) = &plan.boxes else {
            return Ok(Self::default());
        };
        let what = format!("read dataset.boxes {}", file.display());
        let opened = bounded::open(file).map_err(Error::cause(&what))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(opened).map_err(Error::cause(&what))?;

        let builder = ReaderBuilder::new();
        let mut reader = BoundedCsv::open(&builder, file).map_err(Error::cause(&what))?;
        let header = reader.headers().map_err(Error::cause(&what))?.clone();
        let mut columns = [0; 6];
        for (index, name) in columns.iter_mut().zip(COLUMNS) {
            *index = column(&header, name, file)?;
        }

        let is_normalised = plan.box_coordinates == BoxCoordinates::Normalised;
        let mut boxes = Self {
            hash: Some(hasher.finalize()),
            ..Self::default()
        };
        while let Some(record) = reader.next() {
            match record {
                Err(error) if error.is_io_error() => return Err(Error::cause(&what)(error)),
                Ok(record) => boxes.add(&record, columns, is_normalised, file),
                Err(error) => problem::add(&mut boxes.problems, bad_row(file, &error)),
            }
        }
        Ok(boxes)
    }

    fn add(&mut self, record: &StringRecord, columns: [usize; 6], normalised: bool, file: &Path) {
        let line = line_of(record.position());
        let mut log = ProblemLog::at_line(&mut self.problems, file, line);
        let cells = columns.map(|column| record.get(column).unwrap_or_default().trim());
        let [path, category, edges @ ..] = cells;
        let Some(path_in_set) = relative(path) else {
            log.add("bad_row", format!("no usable path: {path:?}"));
            return;
        };

        let edges = edges.map(|edge| edge.parse().unwrap_or(f64::NAN));
        if let Some(annotation) = checked_box(category, edges, &mut log) {
            let annotations = self.by_path.entry(path_in_set).or_default();
            annotations.push(Annotation {
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
