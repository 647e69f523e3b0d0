//! `[scores]`, `[verdict]`, `[report]`, `[review]` and `[retention]`: ranges of the thresholds.

use super::checker::Checker;
use crate::plan::file::{Pictures, ReportFile, RetentionFile, ReviewFile, ScoresFile, VerdictFile};
use crate::plan::types::{Report, Retention, Review, Scores, Verdicts};

pub fn scores(file: &ScoresFile, check: &mut Checker<'_>) -> Scores {
    let object_visible_min = file.object_visible_min.unwrap_or(0.25);
    let confounder_visible_min = file.confounder_visible_min.unwrap_or(0.5);
    let pointing_tolerance_px = file.pointing_tolerance_px.unwrap_or(15.0);

    Scores {
        object_visible_min: check.number(
            "scores.object_visible_min",
            object_visible_min,
            0.0..=1.0,
        ),
        confounder_visible_min: check.number(
            "scores.confounder_visible_min",
            confounder_visible_min,
            0.0..=1.0,
        ),
        pointing_tolerance_px: check.number(
            "scores.pointing_tolerance_px",
            pointing_tolerance_px,
            0.0..=112.0,
        ),
    }
}

pub fn verdicts(file: &VerdictFile, scores: &Scores, check: &mut Checker<'_>) -> Verdicts {
    unused(
        "contrast_logits",
        file.contrast_logits,
        "contrast_fraction",
        check,
    );
    unused(
        "causal_logits",
        file.causal_logits,
        "causal_fraction",
        check,
    );
    let mut t = Thresholds { check };
    let donors_min = t.count("donors_min", file.donors_min, 8, 32);

    Verdicts {
        tagged_min: t.count("tagged_min", file.tagged_min, 10, 1_000_000),
        baseline_min: t.count("baseline_min", file.baseline_min, 10, 1_000_000),
        prevalence_margin: t.number("prevalence_margin", file.prevalence_margin, 0.01, 1.0),
        contrast_fraction: t.number("contrast_fraction", file.contrast_fraction, 0.05, 1.0),
        screening_q: t.number("screening_q", file.screening_q, 0.1, 1.0),
        lift_min: t.number("lift_min", file.lift_min, 2.0, 1e3),
        excess_min: t.number("excess_min", file.excess_min, 0.02, 1.0),
        low_mass_max: t.number("low_mass_max", file.low_mass_max, 0.2, 1.0),
        proof_min: t.count("proof_min", file.proof_min, 30, 1_000_000),
        // An intervention pastes what it cut, so it needs one photo at least.
        donors_min: donors_min.max(1),
        hosts_max: t.count("hosts_max", file.hosts_max, 200, 100_000),
        max_candidates: t.count("max_candidates", file.max_candidates, 10, 1_000_000),
        max_forwards: t.count("max_forwards", file.max_forwards, 1500, 1_000_000),
        causal_fraction: t.number("causal_fraction", file.causal_fraction, 0.1, 10.0),
        causal_rate: t.number("causal_rate", file.causal_rate, 0.02, 1.0),
        cleared_rate: t.number("cleared_rate", file.cleared_rate, 0.05, 1.0),
        confirming_q: t.number("confirming_q", file.confirming_q, 0.05, 1.0),
        shortcut_z: t.number("shortcut_z", file.shortcut_z, 4.0, 1e3),
        context_kept: t.number("context_kept", file.context_kept, 0.5, 1.0),
        visible_min: scores.confounder_visible_min,
    }
}

/// Says that a threshold in logits has no effect any more.
fn unused(name: &str, value: Option<f64>, instead: &str, check: &mut Checker<'_>) {
    if value.is_some() {
        check.warning(
            &format!("verdict.{name}"),
            format!(
                "verdict.{name} is no longer used, because logits depend on the scale of the head; \
                 remove it, and set verdict.{instead} if the default does not fit"
            ),
        );
    }
}

/// Numbers of `[verdict]`, each with its default and its maximum; the minimum is 0.
struct Thresholds<'c, 'a> {
    check: &'c mut Checker<'a>,
}

impl Thresholds<'_, '_> {
    fn number(&mut self, name: &str, value: Option<f64>, default: f64, max: f64) -> f64 {
        let key = format!("verdict.{name}");
        self.check.number(&key, value.unwrap_or(default), 0.0..=max)
    }

    fn count(&mut self, name: &str, value: Option<u32>, default: u32, max: u32) -> u32 {
        let key = format!("verdict.{name}");
        self.check.count(&key, value.unwrap_or(default), 0..=max)
    }
}

pub fn report(file: &ReportFile, check: &mut Checker<'_>) -> Report {
    let megabytes = check.number("report.max_mb", file.max_mb.unwrap_or(20.0), 0.0..=1e4);
    Report {
        pictures: file.pictures.unwrap_or(Pictures::Findings),
        figure_bytes_max: (1e6 * megabytes) as usize,
    }
}

pub fn review(file: &ReviewFile, check: &mut Checker<'_>) -> Review {
    Review {
        decisions: file.decisions.as_ref().map(|file| check.path(file)),
        margin: check.number("review.margin", file.margin.unwrap_or(0.25), 0.0..=100.0),
    }
}

pub fn retention(file: &RetentionFile, check: &mut Checker<'_>) -> Retention {
    let bytes = match file.gb {
        Some(gb) => check.gigabytes("retention.gb", gb),
        None => u64::MAX,
    };
    Retention {
        runs: match retained_runs(file, check) {
            Some(runs) => runs.max(1) as usize,
            None => usize::MAX,
        },
        days: file.days,
        bytes,
    }
}

/// `retention.runs`, which the old key `nights` may also set.
fn retained_runs(file: &RetentionFile, check: &mut Checker<'_>) -> Option<u32> {
    if file.nights.is_none() {
        return file.runs;
    }

    if file.runs.is_some() {
        check.problem(
            "retention.nights",
            "nights is the old name of runs, and both are set; remove nights",
        );
    } else {
        check.warning(
            "retention.nights",
            "retention.nights is now called retention.runs; \
             the old name works in this version only",
        );
    }
    file.nights
}
