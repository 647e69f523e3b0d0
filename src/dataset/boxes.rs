//! Annotated boxes beside any format: CSV `path,category,xmin,ymin,xmax,ymax`.

use super::annotation::Annotation;
use super::checks::checked_box;
use super::csv_table::{CsvRow, CsvRows, LineBreaks, RowError, column};
use super::paths::{SetRoot, normal_form};
use super::problem::{self, Problem, ProblemLog};
use crate::bounded;
use crate::error::{Error, Result};
use crate::plan::{self, BoxCoordinates};
use csv::ReaderBuilder;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const COLUMNS: [&str; 6] = ["path", "category", "xmin", "ymin", "xmax", "ymax"];

/// All boxes of the file by path in one Unicode normal form, and the problems of its rows.
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

        let line_breaks = LineBreaks::of_policy(&plan.problems);
        let rows = CsvRows::open(&ReaderBuilder::new(), file, line_breaks);
        let mut rows = rows.map_err(Error::cause(&what))?;
        let header = rows.header().map_err(Error::cause(&what))?.clone();
        let mut columns = [0; 6];
        for (index, name) in columns.iter_mut().zip(COLUMNS) {
            *index = column(&header, name, file)?;
        }

        let root = SetRoot::new(&plan.root);
        let is_normalised = plan.box_coordinates == BoxCoordinates::Normalised;
        let mut boxes = Self {
            hash: Some(hasher.finalize()),
            ..Self::default()
        };
        for row in rows {
            match row {
                Ok(row) => boxes.add(&row, columns, &root, is_normalised, file),
                Err(RowError::Bad(bad)) => problem::add(&mut boxes.problems, bad.problem),
                Err(RowError::End(message)) => return Err(Error::new(message)),
            }
        }
        Ok(boxes)
    }

    fn add(
        &mut self,
        row: &CsvRow,
        columns: [usize; 6],
        root: &SetRoot,
        normalised: bool,
        file: &Path,
    ) {
        let mut log = ProblemLog::at_line(&mut self.problems, file, row.line);
        let cells = columns.map(|column| row.text(column).trim());
        let [path, category, edges @ ..] = cells;
        let Some(path_in_set) = root.relative(path) else {
            log.add("bad_row", format!("no usable path: {path:?}"));
            return;
        };

        let mut numbers = [0.0; 4];
        for ((number, text), name) in numbers.iter_mut().zip(edges).zip(&COLUMNS[2..]) {
            let Ok(parsed) = text.parse() else {
                log.add("not_a_number", format!("{category}: {name} is {text:?}"));
                return;
            };
            *number = parsed;
        }
        if let Some(annotation) = checked_box(category, numbers, &mut log) {
            let annotations = self.by_path.entry(key(&path_in_set)).or_default();
            annotations.push(Annotation {
                normalised,
                upright: true,
                ..annotation
            });
        }
    }

    pub fn of(&self, path: &Path) -> &[Annotation] {
        self.by_path.get(&key(path)).map_or(&[], Vec::as_slice)
    }

    /// The key of an image's boxes in the file, if it has some.
    pub fn key_of(&self, path: &Path) -> Option<PathBuf> {
        Some(key(path)).filter(|key| self.by_path.contains_key(key))
    }

    pub fn keys(&self) -> impl Iterator<Item = &PathBuf> {
        self.by_path.keys()
    }
}

/// The annotations of an image from boxes that are given in memory, and their problems.
pub fn image_boxes(
    path: &str,
    boxes: &[(String, [f64; 4])],
    coordinates: BoxCoordinates,
) -> (Vec<Annotation>, Vec<Problem>) {
    let mut annotations = Vec::new();
    let mut problems = Vec::new();
    let mut log = ProblemLog::in_file(&mut problems, Path::new(path));
    for (category, edges) in boxes {
        if let Some(annotation) = checked_box(category, *edges, &mut log) {
            annotations.push(Annotation {
                normalised: coordinates == BoxCoordinates::Normalised,
                upright: true,
                ..annotation
            });
        }
    }
    (annotations, problems)
}

/// Names are compared in one Unicode normal form: macOS writes them in another one.
fn key(path: &Path) -> PathBuf {
    match path.to_str() {
        Some(text) => normal_form(text).into(),
        None => path.to_path_buf(),
    }
}
