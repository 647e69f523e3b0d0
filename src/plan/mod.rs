//! The plan of one audit: `pipelines/*.toml` -> file types -> validated [`Plan`].

pub mod file;
pub mod problems;
mod read;
mod validate;

use crate::error::{Error, Result};
use crate::geometry::{Mask, Rect, Size};
pub use file::{
    Activation, BoxCoordinates, Channels, ClassRef, Corner, Decode, Filter, Format, LabelRule,
    Layout, Links, Pictures, RegionKind, Severity, Unit,
};
pub use read::Problem;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A validated pipeline: every path absolute or relative to the current folder, every number in range.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The pipeline's name: its file name without `.toml`.
    pub name: String,
    /// The file as it was named, and what was laid over it, as `key=value`.
    pub file: PathBuf,
    pub overrides: Vec<String>,
    /// BLAKE3 of the pipeline's meaning: all keys but those that change no result.
    pub hash: String,
    pub dataset: Dataset,
    pub model: Model,
    pub preprocess: Preprocess,
    pub regions: Vec<Region>,
    pub scores: Scores,
    pub verdict: Verdicts,
    pub report: Report,
    pub review: Review,
    pub retention: Retention,
    pub run: Run,
}

/// What the report shows.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    pub pictures: Pictures,
    /// Most bytes of pictures inside `report.html`.
    pub pictures_max: usize,
}

/// Which finished runs stay.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    pub nights: usize,
    pub days: Option<u32>,
    pub bytes: u64,
}

/// What reviewers decided on earlier nights.
#[derive(Debug, Clone)]
pub struct Review {
    pub decisions: Option<PathBuf>,
    /// A decided finding comes back when its effect has grown by more than this part.
    pub margin: f64,
}

#[derive(Debug, Clone)]
pub struct Dataset {
    pub root: PathBuf,
    pub format: Format,
    /// Why the format was guessed, where the file does not name it.
    pub guess: Option<String>,
    pub manifest: Option<PathBuf>,
    pub annotations: Option<PathBuf>,
    pub names: Option<PathBuf>,
    pub label: Option<LabelRule>,
    pub label_table: Option<PathBuf>,
    pub problems: problems::Policy,
    pub boxes: Option<PathBuf>,
    pub box_coordinates: BoxCoordinates,
    pub splits: Option<Vec<String>>,
    /// COCO: outlines instead of boxes.
    pub segmentations: bool,
    /// Photos that hardly differ become one group, where the set names none.
    pub near_duplicates: bool,
    /// Columns of the manifest that tell where a region is present.
    pub presence_columns: Vec<String>,
    pub links: Links,
    pub labels: BTreeMap<String, ClassRef>,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub path: PathBuf,
    /// Class names in the model's order.
    pub classes: Option<Vec<String>>,
    pub output: Option<String>,
    pub activation: Option<Activation>,
    pub engine: Engine,
    pub expected_accuracy: Option<f64>,
    /// Splits that it was trained on.
    pub trained_splits: Vec<String>,
}

/// What runs the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Engine {
    /// Built in.
    #[default]
    Tract,
    OnnxRuntime {
        /// The library; looked for where it is not named.
        library: Option<PathBuf>,
        device: Device,
    },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Device {
    #[default]
    Cpu,
    /// The number of the device.
    Cuda(u16),
}

impl Model {
    /// Whether the model may have seen images of this split in training; nothing is known of images without one.
    pub fn trained_on(&self, split: Option<&str>) -> bool {
        split.is_none_or(|split| self.trained_splits.iter().any(|s| s == split))
    }
}

#[derive(Debug, Clone)]
pub struct Preprocess {
    pub decode: Decode,
    pub steps: Vec<Step>,
    pub channels: Channels,
    pub layout: Layout,
    pub scale: f64,
    /// One per channel.
    pub mean: Vec<f64>,
    /// One per channel.
    pub std: Vec<f64>,
    /// The model's input, fixed by the steps.
    pub output: Size,
}

/// One step on the upright 8-bit image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    ResizeShort {
        side: u32,
        filter: Filter,
    },
    ResizeExact {
        size: Size,
        filter: Filter,
    },
    CenterCrop {
        side: u32,
    },
    CenterCropFraction {
        fraction: f64,
    },
    Letterbox {
        size: Size,
        fill: [u8; 3],
        filter: Filter,
    },
}

/// A declared place whose heat is measured.
#[derive(Debug, Clone)]
pub struct Region {
    pub name: String,
    pub kind: RegionKind,
    pub place: Place,
    /// What tells where the region is present, beside annotations.
    pub presence: Presence,
    /// Changes when the region is declared otherwise, whatever its name and the names of its files: 16 hex digits.
    pub hash: String,
}

/// What tells that a confounder is there. Whatever it is, it becomes an annotation of the region's own name.
#[derive(Debug, Clone)]
pub enum Presence {
    /// The annotations of the dataset, or nothing.
    Annotated,
    /// A column of the manifest; the region is the area, in fractions of the photo.
    Column { name: String, area: Rect },
    /// Every image shows it.
    Always { area: Rect },
    /// A picture that is looked for.
    Template(Arc<Template>),
}

/// A picture to look for in every photo.
#[derive(Debug, Clone)]
pub struct Template {
    pub grey: image::GrayImage,
    /// Where to look, in fractions of the photo.
    pub area: Rect,
    /// Sizes to try, times the picture's own.
    pub scales: Vec<f64>,
    /// Least correlation, 0 to 1.
    pub threshold: f64,
    /// Tells this search from others: BLAKE3 of all of the above, in hex.
    pub hash: String,
}

/// Where a region lies, in its own unit.
#[derive(Debug, Clone)]
pub enum Place {
    Corner {
        at: Corner,
        width: f64,
        height: f64,
        unit: Unit,
    },
    Border {
        thickness: f64,
        unit: Unit,
    },
    Rect {
        left: f64,
        top: f64,
        right: f64,
        bottom: f64,
        unit: Unit,
    },
    Polygon {
        points: Vec<[f64; 2]>,
        unit: Unit,
    },
    Annotation {
        category: String,
    },
    /// Coverage over the unit square.
    Mask(Mask),
    /// A picture with transparency that is laid over photos to see what the model makes of it.
    Overlay {
        picture: Arc<image::RgbaImage>,
        opacity: f64,
        place: Rect,
        unit: Unit,
    },
}

#[derive(Debug, Clone, Copy)]
pub struct Scores {
    pub object_visible_min: f64,
    pub confounder_visible_min: f64,
    pub pointing_tolerance_px: f64,
}

/// Policy numbers of the verdicts.
#[derive(Debug, Clone, Copy)]
pub struct Verdicts {
    pub tagged_min: u32,
    pub baseline_min: u32,
    pub prevalence_margin: f64,
    pub contrast_logits: f64,
    pub contrast_fraction: f64,
    pub screening_q: f64,
    pub lift_min: f64,
    pub excess_min: f64,
    pub low_mass_max: f64,
    /// Groups of the label that must show a region before it is put to the proof.
    pub proof_min: u32,
    pub donors_min: u32,
    pub hosts_max: u32,
    pub max_candidates: u32,
    pub max_forwards: u32,
    pub causal_logits: f64,
    pub causal_rate: f64,
    pub confirming_q: f64,
    /// Robust z above which a class stands out from all under an overlay.
    pub shortcut_z: f64,
    /// With the objects filled in, the least part of images still predicted as the label.
    pub context_kept: f64,
    /// `scores.confounder_visible_min`.
    pub visible_min: f64,
}

#[derive(Debug, Clone)]
pub struct Run {
    pub shard_size: usize,
    pub jobs: usize,
    pub seed: u64,
    pub limit: Option<usize>,
    /// Whether the limit was laid over the pipeline: not what runs every night.
    pub trial: bool,
    pub max_skipped: f64,
    /// Longest time for decoding one image.
    pub image_time: Duration,
    /// Most bytes of memory, where the pipeline says so.
    pub memory: Option<u64>,
    /// Most bytes that the cache keeps; 0 for none.
    pub cache_max: u64,
    /// Prometheus text file that is written when the run is finished.
    pub metrics: Option<PathBuf>,
    /// Program and arguments that are started when the run is finished.
    pub on_finish: Vec<String>,
    /// Infer all the same, and stop where the cache differs.
    pub verify_cache: bool,
    pub out: PathBuf,
}

impl Plan {
    /// Reads and validates a pipeline file with `key=value` overrides laid over it.
    ///
    /// # Errors
    /// One error that lists every problem with its line and key.
    pub fn load(file: &Path, overrides: &[String]) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .map_err(Error::cause(format!("read pipeline {}", file.display())))?;
        let sources = read::Sources::new(text, overrides);
        let result = match read::Document::parse(&sources) {
            Ok(document) => validate::plan(file, document),
            Err(problem) => Err(vec![problem]),
        };
        let mut plan = result.map_err(|problems| Error::new(list(file, &problems)))?;
        plan.run.trial = overrides.iter().any(|o| {
            o.split('=')
                .next()
                .is_some_and(|key| key.trim() == "run.limit")
        });
        Ok(Self {
            overrides: overrides.to_vec(),
            ..plan
        })
    }
}

fn list(file: &Path, problems: &[Problem]) -> String {
    let plural = if problems.len() == 1 {
        "problem"
    } else {
        "problems"
    };
    let mut out = format!("{} {plural} in the pipeline", problems.len());
    for p in problems {
        let place = p.line.map_or("--set".to_owned(), |line| {
            format!("{}:{line}", file.display())
        });
        out += &format!("\n  {place}: {}: {}", p.key, p.message);
    }
    out
}

/// JSON schema of the pipeline file, as committed in `pipelines/schema.json`.
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(file::PipelineFile);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
