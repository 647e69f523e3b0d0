//! Images that the last run had and this one has not: a folder that was not mounted, a manifest
//! that was cut.

use crate::error::{Error, Result};
use crate::runs::documents::RunRecord;
use crate::runs::parquet;
use crate::tables::{ClassRow, Row};
use std::collections::BTreeMap;
use std::path::Path;

/// Classes that are named one by one.
const CLASSES_MAX: usize = 5;

/// A sentence for the images found, and one for the classes, where more than the part `max_drop` is
/// gone since the last run. Classes are compared where their table can be read.
pub fn drops(
    last: &Path,
    last_record: &RunRecord,
    record: &RunRecord,
    classes: &[ClassRow],
    max_drop: f64,
) -> Vec<String> {
    let is_drop = |before: usize, now: usize| (now as f64) < (1.0 - max_drop) * before as f64;
    let mut drops = Vec::new();

    let [before, now] = [last_record, record].map(|record| record.facts.counts.found);
    if is_drop(before, now) {
        drops.push(format!(
            "{now} images found, but the last run found {before}: check the dataset (run.max_drop)"
        ));
    }

    let mut by_label: BTreeMap<&str, usize> = BTreeMap::new();
    for row in classes {
        by_label.insert(&row.label, row.images as usize);
    }
    let mut fewer = Vec::new();
    for (label, before) in class_counts(last).unwrap_or_default() {
        let now = by_label.get(label.as_str()).copied().unwrap_or(0);
        if is_drop(before, now) {
            fewer.push(format!("{label} ({now}, before {before})"));
        }
    }
    if !fewer.is_empty() {
        let named = &fewer[..fewer.len().min(CLASSES_MAX)];
        let more = match fewer.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        drops.push(format!(
            "fewer images of a class were scored than in the last run: {}{more} (run.max_drop)",
            named.join(", ")
        ));
    }
    drops
}

/// The scored images of every class of a run.
fn class_counts(run: &Path) -> Result<BTreeMap<String, usize>> {
    let file = run.join(format!("{}.parquet", ClassRow::TABLE));
    let frame = parquet::read(&file, &["label", "images"])?;
    let what = format!("read {}", file.display());

    let labels = frame.column("label").and_then(|column| column.str());
    let images = frame.column("images").and_then(|column| column.u32());
    let (labels, images) = (
        labels.map_err(Error::cause(&what))?,
        images.map_err(Error::cause(&what))?,
    );
    let mut counts = BTreeMap::new();
    for (label, images) in labels.iter().zip(images.iter()) {
        if let (Some(label), Some(images)) = (label, images) {
            counts.insert(label.to_owned(), images as usize);
        }
    }
    Ok(counts)
}
