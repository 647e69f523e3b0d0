//! Manifests: `path,label[,split,group]`, one image a row, paths relative to the root. CSV, TSV and
//! Parquet.

use super::manifest_row::{ManifestRow, RowResult, UsedColumns};
use super::{manifest_csv, manifest_parquet};
use crate::dataset::csv_table::{BadRow, LineBreaks};
use crate::dataset::item::{Entry, Item, Skipped};
use crate::dataset::paths::SetRoot;
use crate::dataset::problem::Problem;
use crate::dataset::sample::ImageId;
use crate::error::{Result, Skip, SkipReason, Stage};
use crate::plan::{Columns, Format};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A manifest and how to read it.
pub struct Manifest<'a> {
    pub file: &'a Path,
    pub format: Format,
    /// The splits that belong to the set; all if `None`.
    pub splits: Option<Vec<String>>,
    pub columns: &'a Columns,
    /// Presence columns.
    pub presence: &'a [String],
    pub line_breaks: LineBreaks,
    pub root: SetRoot,
}

impl Manifest<'_> {
    /// Streams the manifest in its own order. Memory per image: 16 bytes, to notice duplicates.
    ///
    /// # Errors
    /// When the file cannot be read, or lacks a column.
    pub fn items(self) -> Result<impl Iterator<Item = Item> + Send + use<>> {
        let used = UsedColumns {
            names: self.columns,
            needs_split: self.splits.is_some(),
            presence: self.presence,
        };
        let (file, line_breaks) = (self.file, self.line_breaks);
        let rows: Box<dyn Iterator<Item = RowResult> + Send> = match self.format {
            Format::Parquet => Box::new(manifest_parquet::rows(file, &used)?),
            Format::Tsv => Box::new(manifest_csv::rows(file, b'\t', line_breaks, &used)?),
            _ => Box::new(manifest_csv::rows(file, b',', line_breaks, &used)?),
        };

        let mut reader = ManifestReader {
            file: file.to_path_buf(),
            root: self.root,
            splits: self.splits,
            ids: HashSet::new(),
        };
        Ok(rows.flat_map(move |row| reader.items(row)))
    }
}

struct ManifestReader {
    file: PathBuf,
    root: SetRoot,
    splits: Option<Vec<String>>,
    /// Images so far.
    ids: HashSet<ImageId>,
}

impl ManifestReader {
    fn items(&mut self, row: RowResult) -> Vec<Item> {
        match row {
            Ok(row) if !self.is_in_splits(&row) => vec![Item::Ignored("row of another split")],
            Ok(row) => vec![self.image(row)],
            Err(bad) => lost_images(bad),
        }
    }

    fn is_in_splits(&self, row: &ManifestRow) -> bool {
        let Some(splits) = &self.splits else {
            return true;
        };
        row.split
            .as_ref()
            .is_some_and(|split| splits.contains(split))
    }

    fn image(&mut self, row: ManifestRow) -> Item {
        let Some(path) = self.root.relative(&row.path) else {
            let message = format!(
                "{}:{}: the path is empty or leaves dataset.root",
                self.file.display(),
                row.line
            );
            return skipped(row.path, Some(row.label), SkipReason::PathOutside, message);
        };

        let mut entry = Entry {
            label: Some(row.label).filter(|label| !label.is_empty()),
            split: row.split,
            group: row.group,
            flags: row.flags,
            ..Entry::new(path)
        };
        if !self.ids.insert(entry.id()) {
            let message = "an earlier row has the same path";
            let problem = Problem::at_line("duplicate", &self.file, row.line, message);
            entry.problems.push(problem);
        }
        for (column, cell) in row.bad_flags {
            let message = format!("column {column:?}: {cell:?} is neither true nor false");
            let problem = Problem::at_line("bad_flag", &self.file, row.line, message);
            entry.problems.push(problem);
        }
        Item::Found(entry)
    }
}

/// A row is an image of the set even if it cannot be parsed, and so is every line that is lost in
/// it.
fn lost_images(bad: BadRow) -> Vec<Item> {
    let message = format!("{}: {}", bad.problem.place, bad.problem.message);
    let reason = SkipReason::Problem(bad.problem.code);
    let image = skipped(String::new(), None, reason, message);

    let mut items = vec![Item::Problem(bad.problem)];
    for _ in 0..bad.lines {
        items.push(image.clone());
    }
    items
}

fn skipped(path: String, label: Option<String>, reason: SkipReason, message: String) -> Item {
    Item::Skipped(Skipped {
        path,
        label,
        skip: Skip::new(Stage::Annotation, reason, message),
    })
}
