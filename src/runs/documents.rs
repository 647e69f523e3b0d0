//! The JSON documents of a run folder: what is written is what is read back, and a document of
//! another schema is refused.

use super::change::Change;
use super::review::Decision;
use crate::bounded;
use crate::dataset::{DatasetStats, ignored_pictures};
use crate::error::{Error, Result};
use crate::finding::{Finding, RunPart, Verdict};
use crate::model::Facts;
use crate::tables::{ProblemRow, SCHEMA_VERSION, SkipRow};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

pub use super::figures::{Figure, Figures, Panel};
pub use super::splits::{SplitClass, SplitSummary};

/// Ignored pictures, as a part of the images found, that are worth a warning.
const IGNORED_MAX: f64 = 0.01;

/// A JSON file of a run folder.
pub trait Document: Serialize + DeserializeOwned {
    /// The file's name in the run folder.
    const FILE: &'static str;

    /// The document as it is written.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self)
            .map_err(Error::cause(format!("write {} as JSON", Self::FILE)))?;
        Ok(text + "\n")
    }

    /// Reads the document of a run folder.
    ///
    /// # Errors
    /// When the file is missing, damaged, or of another schema version; names the file and the
    /// cause.
    fn read(run: &Path) -> Result<Self> {
        let path = run.join(Self::FILE);
        let text = read_text(&path).map_err(Error::cause(format!("read {}", path.display())))?;

        let versioned: Versioned = parse(&text, &path)?;
        if versioned.schema_version != SCHEMA_VERSION {
            return Err(Error::new(format!(
                "{}: schema version {}, but this version of camaudit reads {SCHEMA_VERSION}; \
                 run the pipeline again",
                path.display(),
                versioned.schema_version
            )));
        }
        parse(&text, &path)
    }
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    bounded::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[derive(Deserialize)]
struct Versioned {
    schema_version: u32,
}

fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::new(format!("{}: {e}", path.display())))
}

/// Which run, of which audit, of which pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// Names the folder only.
    pub run_id: String,
    /// The place among the runs of the pipeline, from 1: the clock may go back. 0 where it is not
    /// known.
    #[serde(default)]
    pub sequence: u64,
    /// Hash of pipeline (without jobs and out), model and dataset: equal for runs that must give
    /// equal files.
    pub audit_id: String,
    pub pipeline: String,
    pub pipeline_hash: String,
    /// Absolute path of the pipeline file.
    pub pipeline_file: String,
    /// The overrides of the pipeline, as `key=value`.
    pub overrides: Vec<String>,
}

/// What was measured: on which model and dataset, how many images, in what time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredFacts {
    pub engine: String,
    /// Instruction set that the built-in engine's operators were chosen by.
    pub instruction_set: String,
    pub model_hash: String,
    pub model: Facts,
    /// Hash of paths, labels, splits, groups and boxes.
    pub dataset_fingerprint: String,
    /// Hash of the contents of the scored files, in order.
    pub content_fingerprint: String,
    pub counts: Counts,
    /// At most so many images of each label were chosen; only runs of the same limit are compared.
    pub limit: Option<usize>,
    /// Largest relative difference of mean(CAM) + bias and the logit over all maps.
    pub invariant_error_max: f64,
    /// Milliseconds per stage, summed over all workers; `store` is of the one writer, beside them.
    pub stages_ms: BTreeMap<String, f64>,
    /// The scored image that took longest, and how long.
    pub slowest_image: String,
    pub slowest_image_ms: f64,
    /// Seconds from the start until all rows were written.
    pub measure_s: f64,
}

/// Counts that add up: `found = scored + skipped`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub found: usize,
    pub scored: usize,
    pub skipped: usize,
    /// `stage/reason` -> images.
    pub skipped_by_reason: BTreeMap<String, usize>,
    /// Files that are no images of the set, by kind.
    pub ignored: BTreeMap<String, usize>,
    /// Problems of the annotations, by code.
    pub annotation_problems: BTreeMap<String, usize>,
    /// Scored photos that were turned upright, as EXIF or XMP says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turned: usize,
    /// Scored photos whose orientation was left, with `preprocess.exif = "ignore"`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_turned: usize,
}

/// Whether a count is left out of a document.
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// `measured.json`: the rows of the folder are complete and can be concluded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasureRecord {
    pub schema_version: u32,
    pub tool_version: String,
    #[serde(flatten)]
    pub identity: RunIdentity,
    /// Hash of the part of the pipeline that decides the rows.
    pub measure_hash: String,
    #[serde(flatten)]
    pub facts: MeasuredFacts,
    /// Warnings about the dataset.
    pub warnings: Vec<String>,
}

/// `run.json`: what was run on what, the counts, the timings. Its presence means that the run is
/// complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub schema_version: u32,
    pub tool_version: String,
    #[serde(flatten)]
    pub identity: RunIdentity,
    #[serde(flatten)]
    pub facts: MeasuredFacts,
    /// The run whose rows were concluded, where that is another run.
    pub rows_of: Option<String>,
    /// More images were skipped than `run.max_skipped` allows: the findings are not reliable.
    pub refused: bool,
    /// Number of findings by verdict.
    pub verdicts: BTreeMap<Verdict, usize>,
    pub top1_accuracy: f64,
    pub wall_s: f64,
    pub images_per_s: f64,
    /// File that the pipeline reads decisions from.
    pub decisions: Option<String>,
}

/// `summary.json`: the figures that depend on pipeline, model and dataset only, so that equal
/// audits give equal bytes.
///
/// Reported findings are complete; of the others at most [`Summary::OTHERS_MAX`] are listed.
/// `findings.parquet` and `classes.parquet` hold all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub schema_version: u32,
    pub tool_version: String,
    pub audit_id: String,
    pub pipeline: String,
    pub counts: Counts,
    pub limit: Option<usize>,
    /// Name of the dataset's folder.
    pub dataset: String,
    /// Name of the model's file.
    pub model_file: String,
    pub top1_accuracy: f64,
    pub invariant_error_max: f64,
    pub model: Facts,
    pub model_hash: String,
    pub pipeline_hash: String,
    pub dataset_fingerprint: String,
    pub engine: String,
    pub warnings: Vec<String>,
    /// What the run looked at, and what it did not, in sentences without a full stop.
    #[serde(default)]
    pub scope: Vec<String>,
    /// Why the run must not be relied on; `None` for a run that may be.
    #[serde(default)]
    pub refused: Option<String>,
    /// No region was declared whose presence is known: nothing could be found.
    #[serde(default)]
    pub nothing_declared: bool,
    pub verdicts: BTreeMap<Verdict, usize>,
    /// What the report draws as the least rates that count; `None` in runs of earlier versions.
    #[serde(default)]
    pub thresholds: Option<RateThresholds>,
    /// Most serious first; those with the verdict `none` are left out.
    pub findings: Vec<Finding>,
    /// Findings that are not listed, without those with the verdict `none`.
    pub findings_omitted: usize,
    /// Decisions of reviewers, about findings of this run and of others.
    pub decisions: Vec<Decision>,
    /// Heat by class and region, the largest excess first.
    pub heat: Vec<HeatRow>,
    pub heat_omitted: usize,
    /// One row per class, the most serious verdict first.
    pub classes: Vec<ClassSummary>,
    pub classes_omitted: usize,
    /// The same classes by split; empty where all images are of one split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<SplitSummary>,
}

/// The least rates that count, as fractions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RateThresholds {
    /// Of the lower bound of A.
    pub association: f64,
    /// Of the lower bound of both net rates of C.
    pub intervention: f64,
    /// Of the images that are still predicted as their class without their objects.
    pub kept: f64,
}

impl ClassSummary {
    /// The name of its findings and pictures.
    pub fn class_name(&self) -> &str {
        if self.class.is_empty() {
            &self.label
        } else {
            &self.class
        }
    }
}

impl Summary {
    /// Findings, heat rows and classes that are listed beside the reported ones.
    pub const OTHERS_MAX: usize = 200;
}

/// Mean heat of one label in one region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeatRow {
    pub label: String,
    pub region: String,
    pub kind: String,
    pub images: u32,
    pub accuracy: Option<f64>,
    pub present: Option<u32>,
    pub measured: u32,
    pub share: Option<f64>,
    pub share_counts: Vec<u32>,
    pub area: Option<f64>,
    pub lift: Option<f64>,
    pub relative_contribution: Option<f64>,
    pub visible: Option<f64>,
    pub object_share: Option<f64>,
    pub object_lift: Option<f64>,
}

/// One class: its region with the largest excess, and its most serious verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassSummary {
    pub label: String,
    /// The class of the model, where several labels are one: its findings and pictures have this
    /// name. Empty where the label is the class.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    pub images: u32,
    pub accuracy: Option<f64>,
    pub region: String,
    pub share: Option<f64>,
    pub share_counts: Vec<u32>,
    pub lift: Option<f64>,
    pub object_share: Option<f64>,
    pub verdict: Verdict,
}

/// `changes.json`: this run against the runs before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    pub schema_version: u32,
    /// Run id of the last comparable run; `None` for the first.
    pub previous: Option<String>,
    /// Why the last run could not be read; then every reported finding is `not_comparable`.
    pub unreadable: Option<String>,
    pub differences: Vec<RunPart>,
    pub changes: Vec<Change>,
    /// Images that the last run had and this one has not: sentences.
    #[serde(default)]
    pub drops: Vec<String>,
    /// Label and region, joined by a tab -> effects of the last runs, the oldest first.
    pub trends: BTreeMap<String, Vec<Option<f64>>>,
}

impl Counts {
    /// Why the findings of such counts must not be relied on: nothing was scored, or a larger part
    /// than `max_skipped` was skipped. `None` where they may be.
    pub fn refusal(&self, max_skipped: f64) -> Option<String> {
        let part = self.skipped as f64 / self.found.max(1) as f64;
        let allowed = if self.scored == 0 {
            "none could be scored".to_owned()
        } else if part > max_skipped {
            format!("run.max_skipped allows {} %", max_skipped * 100.0)
        } else {
            return None;
        };

        let mut reasons = Vec::new();
        for (reason, images) in &self.skipped_by_reason {
            reasons.push(format!("{images} {reason}"));
        }
        Some(format!(
            "{} of {} images were skipped ({}), {allowed}",
            self.skipped,
            self.found,
            reasons.join(", ")
        ))
    }

    /// The number of pictures that were not read, where they are more than a hundredth of the
    /// images found.
    pub fn ignored_pictures(&self) -> Option<usize> {
        let pictures: usize = ignored_pictures(&self.ignored).values().sum();
        (pictures as f64 > IGNORED_MAX * self.found as f64).then_some(pictures)
    }

    /// Counts the rows of a measured dataset.
    pub fn new(
        stats: &DatasetStats,
        scored: usize,
        skipped: &[SkipRow],
        problems: &[ProblemRow],
    ) -> Self {
        let mut counts = Self {
            found: scored + skipped.len(),
            scored,
            skipped: skipped.len(),
            ..Self::default()
        };
        for row in skipped {
            let reason = format!("{}/{}", row.stage, row.reason);
            *counts.skipped_by_reason.entry(reason).or_default() += 1;
        }
        for row in problems {
            let code = row.code.clone();
            *counts.annotation_problems.entry(code).or_default() += row.count as usize;
        }
        for (kind, files) in &stats.ignored {
            counts.ignored.insert((*kind).to_owned(), *files);
        }
        counts
    }
}

impl Document for MeasureRecord {
    const FILE: &'static str = "measured.json";
}

impl Document for RunRecord {
    const FILE: &'static str = "run.json";
}

impl Document for Summary {
    const FILE: &'static str = "summary.json";
}

impl Document for Changes {
    const FILE: &'static str = "changes.json";
}

impl Document for Figures {
    const FILE: &'static str = "figures.json";
}
