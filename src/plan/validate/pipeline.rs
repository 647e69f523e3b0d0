//! All sections of a pipeline file -> [`Plan`].

use super::checker::Checker;
use super::{dataset, discovery, hash, model, policy, preprocess, region, run};
use crate::plan::document::{Document, Problem};
use crate::plan::types::Plan;
use std::path::{Path, PathBuf};

/// Validates the document of a pipeline file.
///
/// # Errors
/// All problems, in the order of their lines.
pub fn plan(file: &Path, mut document: Document<'_>) -> Result<Plan, Vec<Problem>> {
    let parsed = document.read();
    let base = file.parent().unwrap_or(Path::new(""));
    let mut check = Checker::new(document, base);

    let mut dataset = dataset::dataset(&parsed.dataset, &mut check);
    let model = model::model(&parsed.model, &mut check);
    let preprocess = preprocess::preprocess(&parsed.preprocess, &mut check);
    let regions = region::regions(&parsed.region, &mut check);
    dataset.presence_columns = region::presence_columns(&regions, dataset.format, &mut check);
    let scores = policy::scores(&parsed.scores, &mut check);
    let verdict = policy::verdicts(&parsed.verdict, &scores, &mut check);
    let discovery = parsed.discovery.as_ref();
    let discovery = discovery.map(|file| discovery::discovery(file, &mut check));
    dataset.keeps_cells = discovery.is_some_and(|discovery| discovery.properties);
    let report = policy::report(&parsed.report, &mut check);
    let review = policy::review(&parsed.review, &mut check);
    let retention = policy::retention(&parsed.retention, &mut check);
    let run = run::run(&parsed.run, &mut check);

    let (problems, warnings) = check.into_findings();
    if !problems.is_empty() {
        return Err(problems);
    }

    let class_names = model.classes.as_deref().unwrap_or_default();
    let hashes = hash::hashes(parsed, class_names, &regions);
    Ok(Plan {
        name: name(file),
        file: absolute(file),
        overrides: Vec::new(),
        warnings: listed(&warnings, file),
        hash: hashes.audit,
        measure_hash: hashes.measure,
        dataset,
        model,
        preprocess,
        regions,
        scores,
        verdict,
        discovery,
        report,
        review,
        retention,
        run,
    })
}

/// The file name without its extension.
fn name(file: &Path) -> String {
    match file.file_stem() {
        Some(stem) => stem.to_string_lossy().into_owned(),
        None => "pipeline".into(),
    }
}

/// The path that stays valid in another working directory, else the path as it is.
///
/// Links are not resolved: the pipeline's name and its relative paths belong to the link.
fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf())
}

fn listed(warnings: &[Problem], file: &Path) -> Vec<String> {
    warnings
        .iter()
        .map(|warning| format!("{}: {}", warning.place(file), warning.message))
        .collect()
}
