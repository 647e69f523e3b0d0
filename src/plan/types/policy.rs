//! Thresholds of scores and verdicts, and what happens to reports and runs.

use crate::plan::file::Pictures;
use std::path::PathBuf;

/// Thresholds of the scores.
#[derive(Debug, Clone, Copy)]
pub struct Scores {
    pub object_visible_min: f64,
    pub confounder_visible_min: f64,
    pub pointing_tolerance_px: f64,
}

/// Thresholds of the verdicts.
#[derive(Debug, Clone, Copy)]
pub struct Verdicts {
    pub tagged_min: u32,
    pub baseline_min: u32,
    pub prevalence_margin: f64,
    pub contrast_fraction: f64,
    pub screening_q: f64,
    pub lift_min: f64,
    pub excess_min: f64,
    pub low_mass_max: f64,
    /// Groups of the label that must show a region before it is tested by an intervention.
    pub proof_min: u32,
    pub donors_min: u32,
    pub hosts_max: u32,
    pub max_candidates: u32,
    pub max_forwards: u32,
    /// Of the standard deviation of the hosts' clean margins.
    pub causal_fraction: f64,
    pub causal_rate: f64,
    /// Upper bounds of both net rates of a cleared region lie below.
    pub cleared_rate: f64,
    pub confirming_q: f64,
    /// Minimum robust z by which an overlay raises one class more than the others.
    pub shortcut_z: f64,
    /// Minimum fraction of images still predicted as the label with their objects filled in.
    pub context_kept: f64,
    /// `scores.confounder_visible_min`.
    pub visible_min: f64,
}

/// What the report shows.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    pub pictures: Pictures,
    /// Maximum bytes of pictures inside `report.html`.
    pub figure_bytes_max: usize,
}

/// What reviewers decided after earlier runs.
#[derive(Debug, Clone)]
pub struct Review {
    pub decisions: Option<PathBuf>,
    /// A decided finding is reported again when its effect has grown by more than this fraction.
    pub margin: f64,
}

/// Which finished runs are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// How many, the newest first.
    pub runs: usize,
    /// Maximum age in days.
    pub days: Option<u32>,
    pub bytes: u64,
}
