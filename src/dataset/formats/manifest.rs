//! Manifests: `path,label[,split,group]`, one image a row, paths relative to the root. CSV, TSV and
//! Parquet.

use super::manifest_row::{ManifestRow, RowResult, UsedColumns};
use super::{manifest_csv, manifest_parquet};
use crate::dataset::csv_table::{BadRow, LineBreaks, RowError};
use crate::dataset::item::{Entry, Item, Skipped};
use crate::dataset::paths::SetRoot;
use crate::dataset::problem::Problem;
use crate::dataset::sample::ImageId;
use crate::error::{Result, Skip, SkipReason, Stage};
use crate::plan::{Columns, Format};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A manifest is refused where so many rows, and such a share of them, name no further image. A
/// list with a row for each box of Open Images has 88 %.
const UNUSABLE_ROWS_MAX: usize = 250_000;
const UNUSABLE_SHARE_MAX: f64 = 0.9;

/// A manifest and how to read it.
pub struct Manifest<'a> {
    pub file: &'a Path,
    pub format: Format,
    /// The splits that belong to the set; all if `None`.
    pub splits: Option<Vec<String>>,
    pub columns: &'a Columns,
    /// Presence columns.
    pub presence: &'a [String],
    /// Whether the cells of all other columns are kept.
    pub keeps_cells: bool,
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
            keeps_cells: self.keeps_cells,
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
            rows: 0,
            unusable: 0,
            is_refused: false,
        };
        let items = rows.map_while(move |row| reader.next(row));
        Ok(items.flatten())
    }
}

struct ManifestReader {
    file: PathBuf,
    root: SetRoot,
    splits: Option<Vec<String>>,
    /// Images so far.
    ids: HashSet<ImageId>,
    /// Rows so far, and those of them that name no further image.
    rows: usize,
    unusable: usize,
    is_refused: bool,
}

impl ManifestReader {
    /// The items of a row; nothing after a refusal.
    fn next(&mut self, row: RowResult) -> Option<Vec<Item>> {
        if self.is_refused {
            return None;
        }
        self.rows += 1;
        let mut items = self.items(row);
        if self.is_no_list_of_images() {
            items = vec![Item::Refused(format!(
                "{}: {} of its first {} rows repeat an earlier path or have no usable one: a \
                 manifest has one row an image (is `path` the right column? boxes belong into \
                 dataset.boxes)",
                self.file.display(),
                self.unusable,
                self.rows
            ))];
        }
        self.is_refused = matches!(items.first(), Some(Item::Refused(_)));
        Some(items)
    }

    /// A file of some kilobytes can repeat a row millions of times.
    fn is_no_list_of_images(&self) -> bool {
        let share = self.unusable as f64 / self.rows as f64;
        self.unusable >= UNUSABLE_ROWS_MAX && share > UNUSABLE_SHARE_MAX
    }

    fn items(&mut self, row: RowResult) -> Vec<Item> {
        match row {
            Ok(row) if !self.is_in_splits(&row) => vec![Item::Ignored("row of another split")],
            Ok(row) => vec![self.image(row)],
            Err(RowError::Bad(bad)) => {
                self.unusable += 1;
                lost_images(bad)
            }
            Err(RowError::End(message)) => vec![Item::Refused(message)],
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
            self.unusable += 1;
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
            cells: row.cells,
            ..Entry::new(path)
        };
        if !self.ids.insert(entry.id()) {
            self.unusable += 1;
            let message = "an earlier row has the same path";
            let problem = Problem::at_line("duplicate", &self.file, row.line, message);
            entry.problems.push(problem);
        }
        for (column, cell) in row.bad_flags {
            let message = format!("column {column:?}: {cell:?} is neither true nor false");
            let problem = Problem::at_line("bad_flag", &self.file, row.line, message);
            entry.problems.push(problem);
            entry.bad_flags.push(column);
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
