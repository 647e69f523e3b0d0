//! Helpers: where the fixtures are, pipelines in a temporary folder, runs, Parquet as columns.

use camaudit::audit::{Observer, Outcome, report_page, run};
use camaudit::finding::{
    ConfounderEvidence, EffectUnit, Estimate, Finding, FindingEvidence, FindingOrigin,
    InsertionControl, Intervention, InterventionEffect, RemovalFill, ReviewState, Verdict,
};
use camaudit::plan::{Device, Engine, Plan};
use camaudit::runs::open_finished;
use camaudit::tables::SkipRow;
use polars::prelude::{DataFrame, DataType, ParquetReader, SerReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn fixtures() -> PathBuf {
    root().join("fixtures")
}

pub fn json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Data that is not part of the project. Tests that need it are ignored; `make test` includes them
/// where it is present.
pub fn shared() -> PathBuf {
    let path = root().join("../shared/data");
    path.canonicalize()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// ONNX Runtime from the project's Python environment, which `make test` makes. Tests that need it
/// are ignored, and `make test` includes them.
pub fn onnxruntime() -> Engine {
    let mut libraries = Vec::new();
    for python in list(&root().join(".venv/lib")) {
        for file in list(&python.join("site-packages/onnxruntime/capi")) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("libonnxruntime.so") {
                libraries.push(file.clone());
            }
        }
    }
    let library = libraries.into_iter().max();
    assert!(
        library.is_some(),
        "ONNX Runtime is not in .venv: run `make test`"
    );
    Engine::OnnxRuntime {
        library,
        device: Device::Cpu,
        batch: 1,
    }
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// A pipeline in a folder of its own.
pub fn plan(folder: &Path, name: &str, text: &str, set: &[&str]) -> Plan {
    let file = folder.join(format!("{name}.toml"));
    std::fs::write(&file, text).expect("write the pipeline");
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    let mut plan = Plan::load(&file, &set).unwrap_or_else(|e| panic!("{e}"));
    plan.run.out = folder.join("reports");
    plan
}

pub struct Silent;

impl Observer for Silent {
    fn stage(&self, _: &str, _: Option<usize>) {}
    fn image(&self, _: Option<&SkipRow>) {}
    fn warning(&self, _: &str) {}
}

pub fn audit(plan: &Plan) -> Outcome {
    run(plan, &Silent).unwrap_or_else(|e| panic!("{e}"))
}

/// The demo pipeline on the fixtures, written with absolute paths.
pub fn demo_text(model: &str) -> String {
    let fixtures = fixtures();
    format!(
        "[dataset]\nroot = {:?}\nboxes = {:?}\n[model]\npath = {:?}\nclasses = {:?}\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [[region]]\nname = \"source-tag\"\nannotation = \"source-tag\"\n\
         [[region]]\nname = \"bottom-left\"\ncorner = {{ at = \"bottom-left\", width = 0.35, height = 0.2 }}\n",
        fixtures.join("horses"),
        fixtures.join("horses.boxes.csv"),
        fixtures.join("models").join(model),
        fixtures.join("models/classes.txt"),
    )
}

/// `report.html`, made from the documents of a run folder.
pub fn page(run: &Path, picture_bytes_max: usize) -> String {
    let documents = open_finished(run).unwrap_or_else(|e| panic!("{e}"));
    let changes = documents.changes().unwrap_or_else(|e| panic!("{e}"));
    report_page(
        run,
        &documents.summary,
        &changes,
        &documents.record.identity.pipeline_file,
        picture_bytes_max,
    )
    .unwrap_or_else(|e| panic!("{e}"))
}

/// Runs the program.
pub fn camaudit<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_camaudit"))
        .args(arguments)
        .output()
        .expect("camaudit starts")
}

pub fn stderr(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().map(str::to_owned).collect()
}

pub fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate { value, low, high }
}

/// One side of C on 100 images, significant and largest for its own class.
pub fn effect<Control>(
    control: Control,
    margin: Estimate,
    rate: Estimate,
) -> InterventionEffect<Control> {
    InterventionEffect {
        images: 100,
        margin,
        rate,
        predicted: [50, 5],
        control,
        largest_shift: true,
        p: 1e-6,
    }
}

pub type Insertion = InterventionEffect<InsertionControl>;
pub type Removal = InterventionEffect<RemovalFill>;

/// C with all of its controls; the smallest effect that counts is 0.5.
pub fn intervention(insertion: Option<Insertion>, removal: Option<Removal>) -> Intervention {
    Intervention {
        insertion,
        removal,
        has_place_control: true,
        consensus: None,
        template_hits: None,
        untagged_filled: 20,
        hosts_trained_on: false,
        min_effect: 0.5,
        scrambled_flips: 0,
        donors: 32,
        forwards: 1000,
        cut_short: false,
        photos_lost: 0,
    }
}

/// A finding about class 0 without anything but its verdict and its evidence.
pub fn finding_with(
    label: &str,
    region: &str,
    verdict: Verdict,
    evidence: FindingEvidence,
) -> Finding {
    Finding {
        label: label.into(),
        class: 0,
        region: region.into(),
        origin: FindingOrigin::Declared,
        verdict,
        severity: None,
        severity_at_least: false,
        evidence,
        effect: None,
        effect_unit: EffectUnit::Fraction,
        not_tested: None,
        unmet: Vec::new(),
        declared: None,
        review: ReviewState::default(),
    }
}

/// A finding about horses and the region `tag`: the interval of its flip rate is `effect` +- 0.05.
pub fn finding(verdict: Verdict, effect: f64) -> Finding {
    tested(verdict, effect, effect, None)
}

/// The same with the margin that pasting adds, of which 0.5 is the smallest that counts, and the
/// adjusted p-value of pasting.
pub fn tested(verdict: Verdict, rate: f64, margin: f64, insertion_q: Option<f64>) -> Finding {
    let around = |value: f64| estimate(value, value - 0.05, value + 0.05);
    let insertion = effect(InsertionControl::OtherPatch, around(margin), around(rate));
    let evidence = FindingEvidence::Confounder(ConfounderEvidence {
        intervention: Some(Box::new(intervention(Some(insertion), None))),
        insertion_q,
        ..ConfounderEvidence::default()
    });
    Finding {
        class: 2,
        effect: Some(rate),
        ..finding_with("horse", "tag", verdict, evidence)
    }
}

pub fn parquet(path: &Path) -> DataFrame {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    ParquetReader::new(file)
        .finish()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn numbers(frame: &DataFrame, column: &str) -> Vec<Option<f64>> {
    let column = frame
        .column(column)
        .expect("the column")
        .cast(&DataType::Float64)
        .expect("numbers");
    column.f64().expect("numbers").iter().collect()
}

pub fn texts(frame: &DataFrame, column: &str) -> Vec<String> {
    let column = frame
        .column(column)
        .expect("the column")
        .str()
        .expect("texts");
    column
        .iter()
        .map(|v| v.unwrap_or_default().to_owned())
        .collect()
}

/// All files below a folder with their bytes, by relative name.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out: Vec<(String, Vec<u8>)> = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|e| e.file_type().is_file())
        .map(|e| {
            (
                e.path()
                    .strip_prefix(folder)
                    .expect("below")
                    .display()
                    .to_string(),
                std::fs::read(e.path()).expect("read"),
            )
        })
        .collect();
    out.sort();
    out
}

pub fn close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!(
        (a - b).abs() <= tolerance * b.abs().max(1.0),
        "{what}: {a} instead of {b}"
    );
}

/// What the report gives its scripts.
pub fn report_document(page: &str) -> serde_json::Value {
    let script = |id: &str| {
        let start = format!("id=\"{id}\">");
        let (_, rest) = page.split_once(&start).expect("a document");
        rest.split_once("</script>").expect("its end").0
    };
    let mut document: serde_json::Value = serde_json::from_str(script("document")).expect("JSON");
    let cards = document["cards"].as_array_mut().expect("cards");
    for (card, line) in cards.iter_mut().zip(script("details").lines()) {
        let details: serde_json::Map<_, _> = serde_json::from_str(line).expect("JSON");
        card.as_object_mut().expect("a card").extend(details);
    }
    document
}
