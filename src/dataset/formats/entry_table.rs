//! A table of images in memory, built from files that list one annotation a row.

use crate::dataset::annotation::Annotation;
use crate::dataset::checks::{checked_box, checked_flag};
use crate::dataset::item::{Entry, Item, Table};
use crate::dataset::paths::SetRoot;
use crate::dataset::problem::{self, Problem, ProblemLog};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Entries in the order in which the files first name their images.
#[derive(Default)]
pub struct EntryTable {
    entries: Vec<Entry>,
    /// Index of a path in `entries`.
    index: HashMap<PathBuf, usize>,
    root: SetRoot,
    pub problems: Vec<Problem>,
}

/// A row of a file, for problems.
#[derive(Clone, Copy)]
pub struct RowPlace<'a> {
    pub file: &'a Path,
    pub line: u64,
}

impl Table for EntryTable {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn item(&self, index: usize) -> Item {
        Item::Found(self.entries[index].clone())
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl EntryTable {
    pub fn new(root: &Path) -> Self {
        Self {
            root: SetRoot::new(root),
            ..Self::default()
        }
    }

    /// The label of an image that is in the table.
    pub fn label_of(&self, path: &str) -> Option<&str> {
        let index = *self.index.get(&self.root.relative(path)?)?;
        self.entries[index].label.as_deref()
    }

    /// The entry of a path, added if it is new; `None`, and a problem, for a path that is empty or
    /// leaves the root.
    pub fn entry(&mut self, path: &str, place: RowPlace<'_>) -> Option<&mut Entry> {
        let Some(path) = self.root.relative(path) else {
            let message = format!("no usable path: {path:?}");
            let problem = Problem::at_line("bad_row", place.file, place.line, message);
            problem::add(&mut self.problems, problem);
            return None;
        };

        let index = *self.index.entry(path.clone()).or_insert_with(|| {
            self.entries.push(Entry::new(path));
            self.entries.len() - 1
        });
        self.entries.get_mut(index)
    }

    /// Reads a flag of a box; `None`, and a problem of the image, where the cell is no flag.
    pub fn flag(
        &mut self,
        path: &str,
        name: &str,
        cell: Option<&str>,
        place: RowPlace<'_>,
    ) -> Option<bool> {
        let entry = self.entry(path, place)?;
        let mut log = ProblemLog::at_line(&mut entry.problems, place.file, place.line);
        checked_flag(name, cell, &mut log)
    }

    /// Adds a box to the entry of a path.
    pub fn add_box(
        &mut self,
        path: &str,
        category: &str,
        edges: [f64; 4],
        place: RowPlace<'_>,
    ) -> Option<&mut Annotation> {
        let entry = self.entry(path, place)?;
        let mut log = ProblemLog::at_line(&mut entry.problems, place.file, place.line);
        let annotation = checked_box(category, edges, &mut log)?;
        entry.annotations.push(annotation);
        entry.annotations.last_mut()
    }
}
