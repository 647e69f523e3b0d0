//! Manifests: `path,label[,split,group]`, one image a row, paths relative to the root. CSV, TSV and
//! Parquet.

use super::manifest_row::{ManifestRow, RequiredColumns, RowResult};
use super::{manifest_csv, manifest_parquet};
use crate::dataset::item::{Entry, Item, Skipped};
use crate::dataset::paths::relative;
use crate::dataset::problem::Problem;
use crate::dataset::sample::ImageId;
use crate::error::{Result, Skip, SkipReason, Stage};
use crate::plan::Format;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

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
    };
    Ok(rows.flat_map(move |row| reader.items(row)))
}

struct ManifestReader {
    file: PathBuf,
    splits: Option<Vec<String>>,
    /// Images so far.
    ids: HashSet<ImageId>,
}

impl ManifestReader {
    fn items(&mut self, row: RowResult) -> Vec<Item> {
        match row {
            Ok(row) if !self.is_in_splits(&row) => vec![Item::Ignored("row of another split")],
            Ok(row) => vec![self.image(row)],
            // A row is an image of the set even if it cannot be parsed.
            Err(problem) if problem.code == "bad_row" => {
                let message = format!("{}: {}", problem.place, problem.message);
                let image = skipped(String::new(), None, SkipReason::BadRow, message);
                vec![Item::Problem(problem), image]
            }
            Err(problem) => vec![Item::Problem(problem)],
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
