//! Manifests: `path,label[,split,group]`, one image a row, paths relative to the root. CSV, TSV and
//! Parquet.

use super::manifest_row::{ManifestRow, RequiredColumns, RowError, RowResult};
use super::{manifest_csv, manifest_parquet};
use crate::dataset::item::{Entry, Item, Skipped};
use crate::dataset::paths::relative;
use crate::dataset::problem::Problem;
use crate::dataset::sample::ImageId;
use crate::error::{Result, Skip, SkipReason, Stage};
use crate::plan::Format;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A manifest is refused where so many rows, and such a share of them, name no further image. A
/// list with a row for each box of Open Images has 88 %.
const UNUSABLE_ROWS_MAX: usize = 250_000;
const UNUSABLE_SHARE_MAX: f64 = 0.9;

/// Streams a manifest in its own order. Memory per image: 16 bytes, to notice duplicates.
///
/// `splits` limits the set to some splits; `presence` names its presence columns.
///
/// # Errors
/// When the file cannot be read, or lacks a column.
pub fn items(
    manifest: &Path,
    format: Format,
    splits: Option<Vec<String>>,
    presence: &[String],
) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let required = RequiredColumns {
        split: splits.is_some(),
        presence,
    };
    let rows: Box<dyn Iterator<Item = RowResult> + Send> = match format {
        Format::Parquet => Box::new(manifest_parquet::rows(manifest, &required)?),
        Format::Tsv => Box::new(manifest_csv::rows(manifest, b'\t', &required)?),
        _ => Box::new(manifest_csv::rows(manifest, b',', &required)?),
    };

    let mut reader = ManifestReader {
        file: manifest.to_path_buf(),
        splits,
        ids: HashSet::new(),
        rows: 0,
        unusable: 0,
        is_refused: false,
    };
    let items = rows.map_while(move |row| reader.next(row));
    Ok(items.flatten())
}

struct ManifestReader {
    file: PathBuf,
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
            // A row is an image of the set even if it cannot be parsed.
            Err(RowError::Row(problem)) => {
                self.unusable += 1;
                let message = format!("{}: {}", problem.place, problem.message);
                let image = skipped(String::new(), None, SkipReason::BadRow, message);
                vec![Item::Problem(problem), image]
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
        let Some(path) = relative(&row.path) else {
            self.unusable += 1;
            let message = format!(
                "{}:{}: the path is empty, absolute or leaves dataset.root",
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
            self.unusable += 1;
            let message = "an earlier row has the same path";
            let problem = Problem::at_line("duplicate", &self.file, row.line, message);
            entry.problems.push(problem);
        }
        Item::Found(entry)
    }
}

fn skipped(path: String, label: Option<String>, reason: SkipReason, message: String) -> Item {
    Item::Skipped(Skipped {
        path,
        label,
        skip: Skip::new(Stage::Annotation, reason, message),
    })
}
