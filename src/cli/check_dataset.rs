//! `camaudit check`: what is in the dataset.

use super::output::printable;
use crate::dataset::{DatasetStats, HandledProblem};
use crate::plan::Plan;
use crate::runs::documents::Counts;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Places shown of each kind of problem.
const EXAMPLES_MAX: usize = 3;
/// Problems that the JSON lists one by one; `problems.parquet` of a run has all.
const JSON_PROBLEMS_MAX: usize = 1000;
/// Labels listed one by one.
const LABELS_MAX: usize = 20;

pub fn as_json(plan: &Plan, stats: &DatasetStats) -> Value {
    let problems = stats.problems.iter().take(JSON_PROBLEMS_MAX);
    let examples: Vec<Value> = problems.map(problem_as_json).collect();
    json!({
        "format": plan.dataset.format.name(),
        "guess": plan.dataset.guess,
        "found": stats.found,
        "labels": stats.labels,
        "annotations": stats.categories,
        "lost": stats.skipped,
        "ignored": stats.ignored,
        "problems": stats.problem_counts(),
        "problem_examples": examples,
    })
}

fn problem_as_json(problem: &HandledProblem) -> Value {
    json!({
        "code": problem.code,
        "severity": problem.action.name(),
        "path": problem.path,
        "place": problem.place,
        "message": problem.message,
    })
}

/// Why a run on these annotations would not be reliable, whatever the photos are.
pub fn refusal(plan: &Plan, stats: &DatasetStats) -> Option<String> {
    let skipped: usize = stats.skipped.values().sum();
    let mut counts = Counts {
        found: stats.found,
        scored: stats.found.saturating_sub(skipped),
        skipped,
        ..Counts::default()
    };
    for (reason, images) in &stats.skipped {
        counts.skipped_by_reason.insert(reason.to_string(), *images);
    }
    counts.refusal(plan.run.max_skipped)
}

pub fn describe(plan: &Plan, stats: &DatasetStats) -> String {
    let mut out = format!("pipeline       {}\n", printable(&plan.name));
    out += &format!("format         {}", plan.dataset.format.name());
    if let Some(guess) = &plan.dataset.guess {
        out += &format!(" (guessed: {})", printable(guess));
    }
    out.push('\n');

    let (found, labels) = (stats.found, stats.labels.len());
    out += &format!("dataset        {found} images, {labels} classes\n");
    for (label, images) in stats.labels.iter().take(LABELS_MAX) {
        out += &format!("  {images:>8}  {}\n", printable(label));
    }
    if labels > LABELS_MAX {
        out += &format!("  and {} more classes\n", labels - LABELS_MAX);
    }
    out += &annotations(&stats.categories);
    for (reason, images) in &stats.skipped {
        out += &format!("will skip      {images} x {reason}\n");
        if let Some(example) = stats.skip_examples.get(reason) {
            out += &format!("  {}\n", printable(example));
        }
    }
    for (kind, files) in &stats.ignored {
        out += &format!("ignored        {files} x {kind}\n");
    }
    out + &problems(stats)
}

fn annotations(categories: &BTreeMap<String, usize>) -> String {
    if categories.is_empty() {
        return String::new();
    }
    let mut names = Vec::new();
    for (category, count) in categories.iter().take(LABELS_MAX) {
        let name = if category.is_empty() {
            "no category"
        } else {
            category
        };
        names.push(format!("{} ({count})", printable(name)));
    }
    format!("annotations    {}\n", names.join(", "))
}

fn problems(stats: &DatasetStats) -> String {
    let mut out = String::new();
    for (code, count) in stats.problem_counts() {
        let of_code: Vec<&HandledProblem> =
            stats.problems.iter().filter(|p| p.code == code).collect();
        let action = of_code.first().map_or("", |p| p.action.name());
        out += &format!("problem        {count} x {code} ({action})\n");
        for problem in of_code.iter().take(EXAMPLES_MAX) {
            let (place, message) = (printable(&problem.place), printable(&problem.message));
            out += &format!("  {place}: {message}\n");
        }
    }
    out
}
