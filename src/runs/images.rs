//! The images of one class and region, read back from the rows of a run.

use super::parquet;
use crate::error::{Error, Result};
use crate::finding::MapTarget;
use crate::tables::{ClassRow, FindingRow, ImageRow, RegionRow, Row};
use polars::prelude::{DataFrame, PolarsResult};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// What images can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Share,
    Contrast,
    /// `specificity` in earlier versions; still accepted as a name.
    RelativeContribution,
    Contribution,
    Logit,
    Margin,
}

impl Measure {
    /// Every measure, in the order of the columns of `camaudit images`.
    pub const ALL: [Self; 6] = [
        Self::Share,
        Self::Contrast,
        Self::RelativeContribution,
        Self::Contribution,
        Self::Logit,
        Self::Margin,
    ];

    /// The name of its column in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Contrast => "contrast",
            Self::RelativeContribution => "relative_contribution",
            Self::Contribution => "contribution",
            Self::Logit => "logit",
            Self::Margin => "margin",
        }
    }
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Measure {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "specificity" {
            return Ok(Self::RelativeContribution);
        }
        for measure in Self::ALL {
            if measure.name() == name {
                return Ok(measure);
            }
        }
        let names = Self::ALL.map(Self::name).join(", ");
        Err(format!("found {name:?}, expected one of {names}"))
    }
}

/// One image of a class: the class's map, and the map's heat in a region.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundImage {
    /// Relative to the dataset's root.
    pub path: String,
    /// BLAKE3 of the scored file, in hex.
    pub content: String,
    /// The predicted class.
    pub predicted: String,
    /// Whether the image shows the region; `None` without presence information.
    pub present: Option<bool>,
    pub share: Option<f64>,
    pub contrast: Option<f64>,
    pub relative_contribution: Option<f64>,
    pub contribution: Option<f64>,
    pub logit: Option<f64>,
    pub margin: Option<f64>,
    /// Rows and columns of the map.
    pub cells: [usize; 2],
    /// The map, row by row, in logits.
    pub cam: Vec<f32>,
}

impl FoundImage {
    pub fn measure(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Share => self.share,
            Measure::Contrast => self.contrast,
            Measure::RelativeContribution => self.relative_contribution,
            Measure::Contribution => self.contribution,
            Measure::Logit => self.logit,
            Measure::Margin => self.margin,
        }
    }
}

/// Columns of an image row that are read.
const IMAGE_COLUMNS: [&str; 10] = [
    "image_id",
    "path",
    "content_hash",
    "target",
    "predicted",
    "logit",
    "margin",
    "cam_height",
    "cam_width",
    "cam",
];

/// Columns of a region row that are read.
const REGION_COLUMNS: [&str; 9] = [
    "image_id",
    "label",
    "target",
    "region",
    "present",
    "share",
    "contrast",
    "relative_contribution",
    "contribution",
];

/// Reads the images of some labels with rows of a region, in the order of the dataset.
///
/// One part is read at a time.
///
/// # Errors
/// When a file is missing, damaged, or of another schema version; names the file and the cause.
pub fn images(run: &Path, labels: &BTreeSet<String>, region: &str) -> Result<Vec<FoundImage>> {
    let mut images = Vec::new();
    for part in parquet::parts(run, ImageRow::TABLE)? {
        let image_file = run.join(ImageRow::TABLE).join(&part);
        let region_file = run.join(RegionRow::TABLE).join(&part);
        let image_rows = parquet::read(&image_file, &IMAGE_COLUMNS)?;
        let region_rows = parquet::read(&region_file, &REGION_COLUMNS)?;

        let joined = join(&image_rows, &region_rows, labels, region)
            .map_err(Error::cause(format!("read {}", image_file.display())))?;
        images.extend(joined);
    }
    Ok(images)
}

/// The labels that a name stands for: those of the class that a finding of this name is about, else
/// the label itself.
///
/// # Errors
/// As [`images`].
pub fn labels_of(run: &Path, name: &str) -> Result<BTreeSet<String>> {
    let pairs = |table: &str| -> Result<Vec<(String, u32)>> {
        let file = run.join(format!("{table}.parquet"));
        let frame = parquet::read(&file, &["label", "label_index"])?;
        let pairs = label_pairs(&frame);
        pairs.map_err(Error::cause(format!("read {}", file.display())))
    };

    let mut labels = BTreeSet::from([name.to_owned()]);

    let findings = pairs(FindingRow::TABLE)?;
    if let Some((_, class)) = findings.iter().find(|(label, _)| label == name) {
        let of_class = pairs(ClassRow::TABLE)?
            .into_iter()
            .filter(|(_, c)| c == class);
        labels.extend(of_class.map(|(label, _)| label));
    }
    Ok(labels)
}

fn label_pairs(frame: &DataFrame) -> PolarsResult<Vec<(String, u32)>> {
    let labels = frame.column("label")?.str()?;
    let classes = frame.column("label_index")?.u32()?;
    let mut pairs = Vec::new();
    for row in 0..frame.height() {
        if let (Some(label), Some(class)) = (labels.get(row), classes.get(row)) {
            pairs.push((label.to_owned(), class));
        }
    }
    Ok(pairs)
}

/// Joins the rows of both tables that are of the label's map, in the order of the images.
fn join(
    images: &DataFrame,
    regions: &DataFrame,
    selected: &BTreeSet<String>,
    region: &str,
) -> PolarsResult<Vec<FoundImage>> {
    let region_rows = rows_by_image(regions, selected, region)?;
    let ids = images.column("image_id")?.str()?;
    let targets = images.column("target")?.str()?;

    let mut joined = Vec::new();
    for row in 0..images.height() {
        if targets.get(row) != Some(MapTarget::Label.name()) {
            continue;
        }
        let region_row = ids.get(row).and_then(|id| region_rows.get(id));
        if let Some(region_row) = region_row {
            joined.push(found_image(images, row, regions, *region_row)?);
        }
    }
    Ok(joined)
}

/// Image id -> row of the class's map and the region.
fn rows_by_image<'a>(
    regions: &'a DataFrame,
    selected: &BTreeSet<String>,
    region: &str,
) -> PolarsResult<HashMap<&'a str, usize>> {
    let ids = regions.column("image_id")?.str()?;
    let labels = regions.column("label")?.str()?;
    let targets = regions.column("target")?.str()?;
    let names = regions.column("region")?.str()?;

    let mut rows = HashMap::new();
    for row in 0..regions.height() {
        let is_selected = labels
            .get(row)
            .is_some_and(|label| selected.contains(label))
            && targets.get(row) == Some(MapTarget::Label.name())
            && names.get(row) == Some(region);
        if let (true, Some(id)) = (is_selected, ids.get(row)) {
            rows.insert(id, row);
        }
    }
    Ok(rows)
}

fn found_image(
    images: &DataFrame,
    image_row: usize,
    regions: &DataFrame,
    region_row: usize,
) -> PolarsResult<FoundImage> {
    let cells = [
        count(images, "cam_height", image_row)?,
        count(images, "cam_width", image_row)?,
    ];

    Ok(FoundImage {
        path: text(images, "path", image_row)?,
        content: text(images, "content_hash", image_row)?,
        predicted: text(images, "predicted", image_row)?,
        present: regions.column("present")?.bool()?.get(region_row),
        share: number(regions, "share", region_row)?,
        contrast: number(regions, "contrast", region_row)?,
        relative_contribution: number(regions, "relative_contribution", region_row)?,
        contribution: number(regions, "contribution", region_row)?,
        logit: number(images, "logit", image_row)?,
        margin: number(images, "margin", image_row)?,
        cells,
        cam: floats(images, "cam", image_row)?,
    })
}

fn text(frame: &DataFrame, column: &str, row: usize) -> PolarsResult<String> {
    let cell = frame.column(column)?.str()?.get(row);
    Ok(cell.unwrap_or_default().to_owned())
}

fn number(frame: &DataFrame, column: &str, row: usize) -> PolarsResult<Option<f64>> {
    Ok(frame.column(column)?.f64()?.get(row))
}

fn count(frame: &DataFrame, column: &str, row: usize) -> PolarsResult<usize> {
    let cell = frame.column(column)?.u32()?.get(row);
    Ok(cell.unwrap_or_default() as usize)
}

fn floats(frame: &DataFrame, column: &str, row: usize) -> PolarsResult<Vec<f32>> {
    match frame.column(column)?.list()?.get_as_series(row) {
        Some(cells) => Ok(cells.f32()?.iter().flatten().collect()),
        None => Ok(Vec::new()),
    }
}
