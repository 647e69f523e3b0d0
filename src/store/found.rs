//! What a finished run wrote of the images of one class, with one of its regions.

use crate::error::{Error, Result};
use crate::record::{ImageRow, RegionRow, Row};
use polars::prelude::{AnyValue, DataFrame, ParquetReader, PolarsResult, SerReader};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Columns of an image that are handed on, behind path, prediction and presence.
pub const MEASURES: [&str; 6] = [
    "share",
    "contrast",
    "specificity",
    "contribution",
    "logit",
    "margin",
];

/// One image of the class, with the map of the class and what the region held of it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Relative to the dataset's root.
    pub path: String,
    /// BLAKE3 of the file that was scored.
    pub content: String,
    pub predicted: String,
    pub present: Option<bool>,
    /// In the order of [`MEASURES`].
    pub measures: [Option<f64>; 6],
    /// Rows and columns of the map, and the map in logits.
    pub cells: [usize; 2],
    pub cam: Vec<f32>,
}

/// Reads part after part, in the order of the dataset; memory is what is handed back, and one part.
///
/// # Errors
/// When a file is missing or no part of a run.
pub fn found(run: &Path, class: &str, region: &str) -> Result<Vec<Found>> {
    let mut out = Vec::new();
    for part in parts(&run.join(ImageRow::TABLE))? {
        let regions = run
            .join(RegionRow::TABLE)
            .join(part.file_name().unwrap_or_default());
        let read = |file: &Path, wanted: &[&str]| {
            frame(file, wanted)
                .map_err(|e| Error::new(format!("{} is no part of a run: {e}", file.display())))
        };
        let images = read(&part, &IMAGE)?;
        let regions = read(&regions, &REGION)?;
        out.extend(
            joined(&images, &regions, class, region)
                .map_err(Error::cause(format!("read {}", part.display())))?,
        );
    }
    Ok(out)
}

const IMAGE: [&str; 9] = [
    "image_id",
    "path",
    "content_hash",
    "target",
    "predicted",
    "logit",
    "margin",
    "cam_height",
    "cam_width",
];
const REGION: [&str; 9] = [
    "image_id",
    "label",
    "target",
    "region",
    "present",
    "share",
    "contrast",
    "specificity",
    "contribution",
];

fn parts(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).map_err(Error::cause(format!("read {}", folder.display())))?;
    let mut parts: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    parts.retain(|p| p.extension().is_some_and(|e| e == "parquet"));
    parts.sort();
    Ok(parts)
}

fn frame(file: &Path, columns: &[&str]) -> PolarsResult<DataFrame> {
    let mut wanted: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
    if columns.contains(&"cam_height") {
        wanted.push("cam".into());
    }
    ParquetReader::new(File::open(file)?)
        .with_columns(Some(wanted))
        .finish()
}

/// Rows of both tables that are of the class's own map, in the order of the images.
fn joined(
    images: &DataFrame,
    regions: &DataFrame,
    class: &str,
    region: &str,
) -> PolarsResult<Vec<Found>> {
    let [of, label, target, name] = ["image_id", "label", "target", "region"]
        .map(|c| regions.column(c).and_then(|c| c.str().cloned()));
    let (of, label, target, name) = (of?, label?, target?, name?);
    let mut rows: HashMap<&str, usize> = HashMap::new();
    for row in 0..regions.height() {
        if label.get(row) == Some(class)
            && target.get(row) == Some("label")
            && name.get(row) == Some(region)
        {
            rows.extend(of.get(row).map(|id| (id, row)));
        }
    }
    let [id, path, predicted, own, content] =
        ["image_id", "path", "predicted", "target", "content_hash"]
            .map(|c| images.column(c).and_then(|c| c.str().cloned()));
    let (id, path, predicted, own, content) = (id?, path?, predicted?, own?, content?);
    let maps = images.column("cam")?.list()?.clone();
    let mut out = Vec::new();
    for row in 0..images.height() {
        let Some(&at) = id
            .get(row)
            .filter(|_| own.get(row) == Some("label"))
            .and_then(|id| rows.get(id))
        else {
            continue;
        };
        let number = |frame: &DataFrame, column: &str, row: usize| -> PolarsResult<Option<f64>> {
            frame.column(column)?.get(row).map(|v| v.extract::<f64>())
        };
        let mut measures = [None; 6];
        for (measure, name) in measures.iter_mut().zip(MEASURES) {
            let (frame, row) = if REGION.contains(&name) {
                (regions, at)
            } else {
                (images, row)
            };
            *measure = number(frame, name, row)?;
        }
        let side = |column: &str| {
            Ok::<_, polars::prelude::PolarsError>(
                number(images, column, row)?.unwrap_or(0.0) as usize
            )
        };
        let cam = maps
            .get_as_series(row)
            .map(|s| s.f32().map(|v| v.iter().flatten().collect()))
            .transpose()?;
        out.push(Found {
            path: path.get(row).unwrap_or_default().to_owned(),
            content: content.get(row).unwrap_or_default().to_owned(),
            predicted: predicted.get(row).unwrap_or_default().to_owned(),
            present: match regions.column("present")?.get(at)? {
                AnyValue::Boolean(present) => Some(present),
                _ => None,
            },
            measures,
            cells: [side("cam_height")?, side("cam_width")?],
            cam: cam.unwrap_or_default(),
        });
    }
    Ok(out)
}
