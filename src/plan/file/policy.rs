//! `[scores]`, `[verdict]`, `[report]`, `[review]` and `[retention]` as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Thresholds of the scores.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScoresFile {
    /// Minimum fraction of an object inside the model's input for the in/out statistics.
    /// Default 0.25.
    pub object_visible_min: Option<f64>,
    /// Minimum fraction of a confounder inside the model's input to count as visible. Default 0.5.
    pub confounder_visible_min: Option<f64>,
    /// Tolerance of the pointing game in pixels of a 224 pixel input. Default 15.
    pub pointing_tolerance_px: Option<f64>,
}

/// Thresholds of the verdicts, explained in `docs/method.md`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerdictFile {
    /// Minimum number of groups of a label that show a region, for any verdict on it. Default 10.
    pub tagged_min: Option<u32>,
    /// Minimum number of groups of the label without the region; below it, other classes are the
    /// baseline. Default 10.
    pub baseline_min: Option<u32>,
    /// Minimum of the lower bound of P(present | label) - P(present | other labels). Default 0.01.
    pub prevalence_margin: Option<f64>,
    /// Minimum rise of the evidence at the region, in logits. Default 0.15.
    pub contrast_logits: Option<f64>,
    /// The same as a fraction of the label's median centred logit; the larger of the two applies.
    /// Default 0.05.
    pub contrast_fraction: Option<f64>,
    /// False-discovery rate of the screening. Default 0.1.
    pub screening_q: Option<f64>,
    /// Minimum lift of `salient_only`. Default 2.
    pub lift_min: Option<f64>,
    /// Minimum excess of `salient_only`. Default 0.02.
    pub excess_min: Option<f64>,
    /// Maximum fraction of a label's images without enough heat. Default 0.2.
    pub low_mass_max: Option<f64>,
    /// Minimum number of groups of a label that show a region, for an intervention. Default 30.
    pub proof_min: Option<u32>,
    /// Minimum number of photos to cut regions from. Default 8.
    pub donors_min: Option<u32>,
    /// Maximum number of images that a region is pasted on, and that it is removed from.
    /// Default 200.
    pub hosts_max: Option<u32>,
    /// Maximum number of candidates to test by an intervention, most serious first; 0 for none.
    /// Default 10.
    pub max_candidates: Option<u32>,
    /// Maximum number of forward passes for one candidate. Default 1500.
    pub max_forwards: Option<u32>,
    /// Minimum causal effect on the margin, in logits; a tenth of the spread of the hosts' margins
    /// if that is more. Default 0.5.
    pub causal_logits: Option<f64>,
    /// Minimum effect of an overlay on a class, as a fraction of the standard deviation of the
    /// hosts' clean margins of that class. Default 0.1.
    pub causal_fraction: Option<f64>,
    /// Minimum of the lower bound of the net flip rate or of the net drop in accuracy; for an
    /// overlay, of the net rate of images in which the class enters the highest ones. Default 0.02.
    pub causal_rate: Option<f64>,
    /// False-discovery rate of the interventions. Default 0.05.
    pub confirming_q: Option<f64>,
    /// Minimum robust z by which an overlay raises one class more than the others; not used with
    /// fewer than ten classes. Default 4.
    pub shortcut_z: Option<f64>,
    /// Minimum of the lower bound of the fraction of images that are still recognised with their
    /// objects filled in. Default 0.5.
    pub context_kept: Option<f64>,
}

/// What the report shows.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReportFile {
    /// Whether the report contains pictures of the dataset. Default `findings`.
    pub pictures: Option<Pictures>,
    /// Maximum megabytes of pictures inside `report.html`, the most serious findings first.
    /// Default 20.
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

/// What reviewers decided after earlier runs.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewFile {
    /// CSV with columns `class,region,decision,note,verdict,effect,unit,declared,expires`, as the
    /// report exports it; the first three are required. A missing file counts as empty.
    pub decisions: Option<String>,
    /// A decided finding is reported again when its effect has grown by more than this fraction.
    /// Default 0.25.
    pub margin: Option<f64>,
}

/// Which finished runs of the pipeline are kept when a new one ends; the newest always is.
/// Default: all.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionFile {
    // Skipped if absent: the hash of a pipeline that does not use the key stays as it was.
    /// Maximum number of runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<u32>,
    /// Old name of `runs`; works in this version only.
    pub nights: Option<u32>,
    /// Maximum age of a run in days.
    pub days: Option<u32>,
    /// Maximum size of all runs in gigabytes.
    pub gb: Option<f64>,
}
