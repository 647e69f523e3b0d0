//! File types -> [`Plan`]: defaults filled in, ranges checked, files found. All problems are collected.

mod dataset;
mod preprocess;
mod region;

use super::file::{EngineName, ModelFile, PipelineFile, RetentionFile};
use super::read::{Document, Problem};
use super::{
    Dataset, Device, Engine, Format, Model, Pictures, Plan, Presence, Region, Report, Retention,
    Review, Run, Scores, Verdicts,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest side of a model input, crop or resize that a pipeline may ask for.
const SIDE_MAX: u32 = 8192;

pub(super) fn plan(file: &Path, mut doc: Document<'_>) -> Result<Plan, Vec<Problem>> {
    let mut parsed = doc.read();
    let base = file.parent().unwrap_or(Path::new(""));
    let mut dataset = dataset::dataset(&parsed, base, &mut doc);
    let model = model(&parsed, base, &mut doc);
    let preprocess = preprocess::preprocess(&parsed, &mut doc);
    let regions = region::regions(&parsed, base, &mut doc);
    dataset.presence_columns = presence_columns(&regions, &dataset, &mut doc);
    let scores = scores(&parsed, &mut doc);
    let verdict = verdict(&parsed, &scores, &mut doc);
    let report = Report {
        pictures: parsed.report.pictures.unwrap_or(Pictures::Findings),
        pictures_max: (1e6
            * range(
                parsed.report.max_mb.unwrap_or(20.0),
                0.0,
                1e4,
                "report.max_mb",
                &mut doc,
            )) as usize,
    };
    let review = Review {
        decisions: parsed.review.decisions.as_ref().map(|file| base.join(file)),
        margin: range(
            parsed.review.margin.unwrap_or(0.25),
            0.0,
            100.0,
            "review.margin",
            &mut doc,
        ),
    };
    let retention = Retention {
        nights: parsed
            .retention
            .nights
            .map_or(usize::MAX, |n| n.max(1) as usize),
        days: parsed.retention.days,
        bytes: parsed.retention.gb.map_or(u64::MAX, |gb| {
            (1e9 * range(gb, 0.0, 1e6, "retention.gb", &mut doc)) as u64
        }),
    };
    let run = run(&parsed, base, &mut doc);
    if !doc.problems.is_empty() {
        let mut problems = doc.problems;
        problems.sort_by_key(|p| p.line);
        return Err(problems);
    }
    (parsed.run.jobs, parsed.run.out, parsed.run.cache_gb) = (None, None, None);
    (
        parsed.run.metrics,
        parsed.run.on_finish,
        parsed.run.memory_gb,
    ) = (None, None, None);
    parsed.retention = RetentionFile::default();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&serde_json::to_vec(&parsed).unwrap_or_default());
    model.classes.iter().flatten().for_each(|name| {
        hasher.update(name.as_bytes()).update(b"\n");
    });
    for region in &regions {
        hasher.update(region.hash.as_bytes());
    }
    let hash = hasher.finalize().to_hex().to_string();
    let name = file
        .file_stem()
        .map_or_else(|| "pipeline".into(), |s| s.to_string_lossy().into_owned());
    let file = file.to_path_buf();
    let overrides = Vec::new();
    Ok(Plan {
        name,
        file,
        overrides,
        hash,
        dataset,
        model,
        preprocess,
        regions,
        scores,
        verdict,
        report,
        review,
        retention,
        run,
    })
}

/// A path relative to the pipeline file, which must exist.
fn existing(
    value: Option<&String>,
    base: &Path,
    key: &str,
    folder: bool,
    doc: &mut Document<'_>,
) -> Option<PathBuf> {
    let path = base.join(value?);
    let found = if folder {
        path.is_dir()
    } else {
        path.is_file()
    };
    if !found {
        let what = if folder { "folder" } else { "file" };
        let message = match path.exists() {
            true => format!("{} is no {what}", path.display()),
            false => format!(
                "there is no {what} {} (paths are relative to the pipeline file)",
                path.display()
            ),
        };
        doc.complain(key, message);
    }
    Some(path)
}

fn required(given: Option<PathBuf>, key: &str, what: &str, doc: &mut Document<'_>) -> PathBuf {
    given.unwrap_or_else(|| {
        doc.complain(key, format!("missing: {what}"));
        PathBuf::new()
    })
}

fn model(parsed: &PipelineFile, base: &Path, doc: &mut Document<'_>) -> Model {
    let m = &parsed.model;
    let path = existing(m.path.as_ref(), base, "model.path", false, doc);
    let path = required(path, "model.path", "the ONNX file", doc);
    let file = existing(m.classes.as_ref(), base, "model.classes", false, doc);
    let classes = file.filter(|f| f.is_file()).map(|f| read_classes(&f, doc));
    if let Some(accuracy) = m.expected_accuracy {
        range(accuracy, 0.0, 1.0, "model.expected_accuracy", doc);
    }
    Model {
        path,
        classes,
        output: m.output.clone(),
        activation: m.activation,
        engine: engine(m, base, doc),
        expected_accuracy: m.expected_accuracy,
        trained_splits: m
            .trained_splits
            .clone()
            .unwrap_or_else(|| vec!["train".into()]),
    }
}

fn engine(m: &ModelFile, base: &Path, doc: &mut Document<'_>) -> Engine {
    let library = existing(m.library.as_ref(), base, "model.library", false, doc);
    let device = match m.device.as_deref() {
        None | Some("cpu") => Some(Device::Cpu),
        Some("cuda") => Some(Device::Cuda(0)),
        Some(named) => named
            .strip_prefix("cuda:")
            .and_then(|n| n.parse::<u16>().ok())
            .map(Device::Cuda),
    };
    let device = device.unwrap_or_else(|| {
        let found = m.device.as_deref().unwrap_or_default();
        doc.complain(
            "model.device",
            format!("found {found:?}, allowed are \"cpu\", \"cuda\" and \"cuda:1\""),
        );
        Device::Cpu
    });
    if m.engine == Some(EngineName::Onnxruntime) {
        return Engine::OnnxRuntime { library, device };
    }
    for (key, given) in [
        ("model.library", m.library.is_some()),
        ("model.device", m.device.is_some()),
    ] {
        if given {
            doc.complain(
                key,
                "is for engine = \"onnxruntime\"; add that line or take this one away",
            );
        }
    }
    Engine::Tract
}

fn read_classes(file: &Path, doc: &mut Document<'_>) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| {
        doc.complain(
            "model.classes",
            format!("failed to read {}: {e}", file.display()),
        );
        String::new()
    });
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let names: Vec<String> = text
        .lines()
        .map(|l| l.trim().to_owned())
        .filter(|l| !l.is_empty())
        .collect();
    let mut sorted = names.clone();
    sorted.sort();
    if let Some(pair) = sorted.windows(2).find(|p| p[0] == p[1]) {
        doc.complain(
            "model.classes",
            format!("{} names {:?} twice", file.display(), pair[0]),
        );
    }
    names
}

fn range(value: f64, min: f64, max: f64, key: &str, doc: &mut Document<'_>) -> f64 {
    if !(min..=max).contains(&value) {
        doc.complain(key, format!("found {value}, allowed is {min} to {max}"));
    }
    value
}

fn side(value: u32, key: &str, doc: &mut Document<'_>) -> u32 {
    if !(1..=SIDE_MAX).contains(&value) {
        doc.complain(
            key,
            format!("found {value}, allowed is 1 to {SIDE_MAX} pixels"),
        );
    }
    value.clamp(1, SIDE_MAX)
}

fn scores(parsed: &PipelineFile, doc: &mut Document<'_>) -> Scores {
    let s = &parsed.scores;
    Scores {
        object_visible_min: range(
            s.object_visible_min.unwrap_or(0.25),
            0.0,
            1.0,
            "scores.object_visible_min",
            doc,
        ),
        confounder_visible_min: range(
            s.confounder_visible_min.unwrap_or(0.5),
            0.0,
            1.0,
            "scores.confounder_visible_min",
            doc,
        ),
        pointing_tolerance_px: range(
            s.pointing_tolerance_px.unwrap_or(15.0),
            0.0,
            112.0,
            "scores.pointing_tolerance_px",
            doc,
        ),
    }
}

fn verdict(parsed: &PipelineFile, scores: &Scores, doc: &mut Document<'_>) -> Verdicts {
    let v = &parsed.verdict;
    let mut number = |value: Option<f64>, default: f64, max: f64, key: &str| {
        range(
            value.unwrap_or(default),
            0.0,
            max,
            &format!("verdict.{key}"),
            doc,
        )
    };
    Verdicts {
        prevalence_margin: number(v.prevalence_margin, 0.01, 1.0, "prevalence_margin"),
        contrast_logits: number(v.contrast_logits, 0.15, 1e3, "contrast_logits"),
        contrast_fraction: number(v.contrast_fraction, 0.05, 1.0, "contrast_fraction"),
        screening_q: number(v.screening_q, 0.1, 1.0, "screening_q"),
        lift_min: number(v.lift_min, 2.0, 1e3, "lift_min"),
        excess_min: number(v.excess_min, 0.02, 1.0, "excess_min"),
        low_mass_max: number(v.low_mass_max, 0.2, 1.0, "low_mass_max"),
        causal_logits: number(v.causal_logits, 0.5, 1e3, "causal_logits"),
        causal_rate: number(v.causal_rate, 0.02, 1.0, "causal_rate"),
        confirming_q: number(v.confirming_q, 0.05, 1.0, "confirming_q"),
        shortcut_z: number(v.shortcut_z, 5.0, 1e3, "shortcut_z"),
        context_kept: number(v.context_kept, 0.5, 1.0, "context_kept"),
        proof_min: number(v.proof_min.map(f64::from), 30.0, 1e6, "proof_min") as u32,
        donors_min: number(v.donors_min.map(f64::from), 8.0, 32.0, "donors_min").max(1.0) as u32,
        hosts_max: number(v.hosts_max.map(f64::from), 200.0, 1e5, "hosts_max") as u32,
        max_candidates: number(v.max_candidates.map(f64::from), 10.0, 1e6, "max_candidates") as u32,
        max_forwards: number(v.max_forwards.map(f64::from), 1500.0, 1e6, "max_forwards") as u32,
        tagged_min: number(v.tagged_min.map(f64::from), 10.0, 1e6, "tagged_min") as u32,
        baseline_min: number(v.baseline_min.map(f64::from), 10.0, 1e6, "baseline_min") as u32,
        visible_min: scores.confounder_visible_min,
    }
}

fn run(parsed: &PipelineFile, base: &Path, doc: &mut Document<'_>) -> Run {
    let r = &parsed.run;
    let shard_size = range(
        f64::from(r.shard_size.unwrap_or(512)),
        1.0,
        65536.0,
        "run.shard_size",
        doc,
    ) as usize;
    let jobs = range(f64::from(r.jobs.unwrap_or(0)), 0.0, 1024.0, "run.jobs", doc) as usize;
    let image_seconds = range(
        r.image_seconds.unwrap_or(60.0),
        1e-3,
        1e5,
        "run.image_seconds",
        doc,
    );
    Run {
        shard_size,
        jobs,
        seed: r.seed.unwrap_or(0),
        limit: r
            .limit
            .map(|n| range(f64::from(n), 1.0, f64::from(u32::MAX), "run.limit", doc) as usize),
        verify_cache: false,
        trial: false,
        metrics: r.metrics.as_ref().map(|file| base.join(file)),
        on_finish: r.on_finish.clone().unwrap_or_default(),
        image_time: Duration::try_from_secs_f64(image_seconds).unwrap_or_default(),
        memory: r
            .memory_gb
            .map(|gb| (1e9 * range(gb, 0.0, 1e6, "run.memory_gb", doc)) as u64),
        cache_max: (1e9 * range(r.cache_gb.unwrap_or(20.0), 0.0, 1e6, "run.cache_gb", doc)) as u64,
        max_skipped: range(
            r.max_skipped.unwrap_or(0.1),
            0.0,
            1.0,
            "run.max_skipped",
            doc,
        ),
        out: r
            .out
            .as_ref()
            .map_or_else(|| PathBuf::from("reports"), |out| base.join(out)),
    }
}

/// Columns that regions name; only manifests have any.
fn presence_columns(regions: &[Region], dataset: &Dataset, doc: &mut Document<'_>) -> Vec<String> {
    let is_manifest = matches!(dataset.format, Format::Csv | Format::Tsv | Format::Parquet);
    let mut columns = Vec::new();
    for (i, region) in regions.iter().enumerate() {
        if let Presence::Column { name, .. } = &region.presence {
            if !is_manifest {
                doc.complain(
                    &format!("region[{i}].presence_column"),
                    "only goes with a manifest (csv, tsv, parquet)",
                );
            }
            columns.push(name.clone());
        }
    }
    columns
}
