//! A run as a Prometheus text file, for the node exporter's textfile collector.

use super::RunRecord;
use crate::verdict;

/// Every verdict has a line, so that a finding that goes leaves a zero and not a gap.
pub fn prometheus(run: &RunRecord, open: usize, exit_code: u8) -> String {
    let escaped = run
        .pipeline
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    let label = format!("pipeline=\"{escaped}\"");
    let mut out = String::new();
    let mut metric = |name: &str, help: &str, values: Vec<(String, f64)>| {
        out += &format!("# HELP camaudit_{name} {help}\n# TYPE camaudit_{name} gauge\n");
        values.iter().for_each(|(labels, value)| {
            out += &format!("camaudit_{name}{{{label}{labels}}} {value}\n")
        });
    };
    let one = |value: f64| vec![(String::new(), value)];
    metric(
        "images_found",
        "Images of the dataset.",
        one(run.counts.found as f64),
    );
    metric(
        "images_skipped",
        "Images that could not be scored.",
        one(run.counts.skipped as f64),
    );
    metric(
        "top1_accuracy",
        "Part of the images predicted as their label.",
        one(run.top1_accuracy),
    );
    metric(
        "open_findings",
        "Findings at or above candidate that nobody decided.",
        one(open as f64),
    );
    let count = |v: &str| {
        (
            format!(",verdict=\"{v}\""),
            run.verdicts.get(v).copied().unwrap_or(0) as f64,
        )
    };
    metric(
        "findings",
        "Findings by verdict.",
        verdict::ORDER
            .iter()
            .filter(|v| **v != verdict::NONE)
            .map(|v| count(v))
            .collect(),
    );
    metric(
        "exit_code",
        "0 calm, 1 findings at or above --fail-on, 3 too many images skipped.",
        one(f64::from(exit_code)),
    );
    metric("wall_seconds", "Time of the run.", one(run.wall_s));
    metric(
        "finished_timestamp_seconds",
        "When the run was finished.",
        one(jiff::Timestamp::now().as_second() as f64),
    );
    out
}
