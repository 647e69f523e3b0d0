//! The heat of every class and region of a run: `summary.json` lists only some of them.

use super::parquet;
use crate::error::{Error, Result};
use crate::tables::{ClassRow, Row};
use polars::prelude::{DataFrame, PolarsResult};
use std::path::Path;

/// The heat of one label in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassHeat {
    pub label: String,
    pub region: String,
    pub images: u32,
    /// Of these, predicted as the label.
    pub correct: u32,
    /// Mean share of the positive heat.
    pub share: Option<f64>,
    /// Share / area.
    pub lift: Option<f64>,
}

const COLUMNS: [&str; 6] = ["label", "region", "images", "correct", "share_mean", "lift"];

/// Reads `classes.parquet`.
///
/// # Errors
/// When the file is missing, damaged, or of another schema version; names the file and the cause.
pub fn class_heat(run: &Path) -> Result<Vec<ClassHeat>> {
    let file = run.join(format!("{}.parquet", ClassRow::TABLE));
    let frame = parquet::read(&file, &COLUMNS)?;
    rows(&frame).map_err(Error::cause(format!("read {}", file.display())))
}

fn rows(frame: &DataFrame) -> PolarsResult<Vec<ClassHeat>> {
    let labels = frame.column("label")?.str()?;
    let regions = frame.column("region")?.str()?;
    let images = frame.column("images")?.u32()?;
    let correct = frame.column("correct")?.u32()?;
    let shares = frame.column("share_mean")?.f64()?;
    let lifts = frame.column("lift")?.f64()?;

    let mut rows = Vec::new();
    for row in 0..frame.height() {
        rows.push(ClassHeat {
            label: labels.get(row).unwrap_or_default().to_owned(),
            region: regions.get(row).unwrap_or_default().to_owned(),
            images: images.get(row).unwrap_or_default(),
            correct: correct.get(row).unwrap_or_default(),
            share: shares.get(row),
            lift: lifts.get(row),
        });
    }
    Ok(rows)
}
