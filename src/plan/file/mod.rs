//! The pipeline file as it is written: every key optional, no meaning yet. `pipelines/schema.json` is generated from here.

mod dataset;
mod preprocess;
mod region;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use dataset::{BoxCoordinates, ClassRef, DatasetFile, Format, LabelRule, Links, Severity};
pub use preprocess::{
    Channels, Decode, Filter, Layout, LetterboxFile, PreprocessFile, Preset, ResizeFile, StepFile,
};
pub use region::{
    BorderFile, Corner, CornerFile, OverlayFile, PolygonFile, RectFile, RegionFile, RegionKind,
    TemplateFile, Unit,
};

/// One reproducible audit. Relative paths are relative to this file.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineFile {
    pub dataset: DatasetFile,
    pub model: ModelFile,
    pub preprocess: PreprocessFile,
    /// Places whose heat is measured: known confounders, or parts of the object.
    pub region: Vec<RegionFile>,
    pub scores: ScoresFile,
    pub verdict: VerdictFile,
    pub report: ReportFile,
    pub review: ReviewFile,
    pub retention: RetentionFile,
    pub run: RunFile,
}

/// Which finished runs of the pipeline stay when a new one ends; the newest always does. Default: all.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionFile {
    /// At most so many runs.
    pub nights: Option<u32>,
    /// None that started more days ago.
    pub days: Option<u32>,
    /// At most so many gigabytes.
    pub gb: Option<f64>,
}

/// What the report shows.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReportFile {
    /// Whether pictures of the dataset may leave it. Default `findings`.
    pub pictures: Option<Pictures>,
    /// Most megabytes of pictures inside `report.html`, the most serious findings first. Default 20.
    pub max_mb: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pictures {
    /// None: no pixel of the dataset is written.
    None,
    /// A few images of every finding.
    Findings,
}

/// What reviewers decided on earlier nights.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewFile {
    /// CSV with columns `class,region,decision,note,verdict,effect,unit,declared,expires` (the first three are enough), as the report exports it. A file that is not there yet
    /// counts as empty.
    pub decisions: Option<String>,
    /// A decided finding comes back when its effect has grown by more than this part. Default 0.25.
    pub margin: Option<f64>,
}

/// The ONNX classifier: a CNN that ends in global average pooling and a head.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelFile {
    pub path: Option<String>,
    /// Class names in the model's order, one a line. Default: the dataset's labels in sorted order.
    pub classes: Option<String>,
    /// Output that holds the logits (or their softmax or sigmoid). Default: the first.
    pub output: Option<String>,
    /// How logits become scores. Default: what the graph ends in, else `softmax`.
    pub activation: Option<Activation>,
    /// What runs the model: `tract` (default, built in) or `onnxruntime` (your own library, 1.5 to 1.9 times as fast).
    pub engine: Option<EngineName>,
    /// Library of the engine `onnxruntime`. Default: `ORT_DYLIB_PATH`, else the one of the active Python environment.
    pub library: Option<String>,
    /// Where the engine `onnxruntime` runs: `cpu` (default), `cuda` or `cuda:1`.
    pub device: Option<String>,
    /// Top-1 accuracy that the model is known to have; less than half of it is a warning.
    pub expected_accuracy: Option<f64>,
    /// Splits of the manifest that the model was trained on; proofs take their hosts from the others where there are any.
    /// Default `["train"]`.
    pub trained_splits: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    Softmax,
    Sigmoid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EngineName {
    Tract,
    Onnxruntime,
}

/// Policy numbers of the scores.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScoresFile {
    /// An object of which the model sees less leaves the in/out statistics. Default 0.25.
    pub object_visible_min: Option<f64>,
    /// A confounder of which the model sees less counts as not seen. Default 0.5.
    pub confounder_visible_min: Option<f64>,
    /// Tolerance of the pointing game in pixels of a 224 pixel input. Default 15.
    pub pointing_tolerance_px: Option<f64>,
}

/// Policy numbers of the verdicts; what they mean stands in `docs/verdicts.md`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerdictFile {
    /// Groups of a label that must show a region before anything is said of it. Default 10.
    pub tagged_min: Option<u32>,
    /// With fewer groups of the label without the region, other classes are the baseline. Default 10.
    pub baseline_min: Option<u32>,
    /// Least lower bound of P(present | label) - P(present | other labels). Default 0.01.
    pub prevalence_margin: Option<f64>,
    /// Least rise of the evidence at the region, in logits. Default 0.15.
    pub contrast_logits: Option<f64>,
    /// The same as a fraction of the label's median centred logit; the larger counts. Default 0.05.
    pub contrast_fraction: Option<f64>,
    /// False-discovery rate of the screening. Default 0.1.
    pub screening_q: Option<f64>,
    /// Least lift of `salient_only`. Default 2.
    pub lift_min: Option<f64>,
    /// Least excess of `salient_only`. Default 0.02.
    pub excess_min: Option<f64>,
    /// Largest part of a label's images without enough heat. Default 0.2.
    pub low_mass_max: Option<f64>,
    /// Groups of a label that must show a region before it is put to the proof by changed pixels. Default 30.
    pub proof_min: Option<u32>,
    /// Photos that tags must be cut from. Default 8.
    pub donors_min: Option<u32>,
    /// Most images that a tag is pasted on, and most that it is taken off. Default 200.
    pub hosts_max: Option<u32>,
    /// Most candidates that are put to the proof, most serious first; 0 for none. Default 10.
    pub max_candidates: Option<u32>,
    /// Most passes through the network for one candidate. Default 1500.
    pub max_forwards: Option<u32>,
    /// Least causal effect on the margin, in logits; a tenth of the spread of the hosts' margins where that is more. Default 0.5.
    pub causal_logits: Option<f64>,
    /// Least lower bound of the net flip rate or of the net loss of accuracy. Default 0.02.
    pub causal_rate: Option<f64>,
    /// False-discovery rate of the proofs. Default 0.05.
    pub confirming_q: Option<f64>,
    /// Robust z above which an overlay speaks for one class of all. Default 5.
    pub shortcut_z: Option<f64>,
    /// Least lower bound of the part of images that are still recognised with their objects filled in. Default 0.5.
    pub context_kept: Option<f64>,
}

/// How the run goes; `jobs`, `memory_gb`, `cache_gb`, `metrics`, `on_finish` and `out` never change a result.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunFile {
    /// Images held in memory at once; one Parquet part each. Default 512.
    pub shard_size: Option<u32>,
    /// Worker threads, 0 = all cores (default).
    pub jobs: Option<u32>,
    /// Seed of every choice by hash. Default 0.
    pub seed: Option<u64>,
    /// At most this many images per class, chosen by hash.
    pub limit: Option<u32>,
    /// Fraction of skipped images above which the run ends with exit code 3. Default 0.1.
    pub max_skipped: Option<f64>,
    /// Longest time for decoding one image, in seconds; a decoder that hangs is a skip. Default 60.
    pub image_seconds: Option<f64>,
    /// Most gigabytes of memory; fewer workers run where they would not fit. Default: the limit of the container.
    pub memory_gb: Option<f64>,
    /// Most gigabytes of what the network said that are kept for the next night; 0 for none. Default 20.
    pub cache_gb: Option<f64>,
    /// Prometheus text file to write when the run is finished, as for the node exporter's textfile collector.
    pub metrics: Option<String>,
    /// Program and arguments to start when the run is finished, without a shell. It finds the run's folder in CAMAUDIT_RUN,
    /// the number of open findings at or above candidate in CAMAUDIT_OPEN, the headline in CAMAUDIT_HEADLINE and the exit
    /// code that the run will have in CAMAUDIT_EXIT.
    pub on_finish: Option<Vec<String>>,
    /// Folder of the reports. Default `reports` in the current folder.
    pub out: Option<String>,
}
