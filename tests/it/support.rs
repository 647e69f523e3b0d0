//! Helpers: where the fixtures are, pipelines in a temporary folder, runs, Parquet as columns.

use camaudit::audit::{Observer, Outcome, run};
use camaudit::plan::{Device, Engine, Plan};
use camaudit::record::SkipRow;
use polars::prelude::{DataFrame, DataType, ParquetReader, SerReader};
use std::path::{Path, PathBuf};

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

/// Data that is not part of the project. Tests that want it say so and are skipped where it is absent.
pub fn shared(test: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data");
    if !path.is_dir() {
        eprintln!("SKIPPED {test}: ../shared/data is absent");
        return None;
    }
    path.canonicalize().ok()
}

/// ONNX Runtime from the project's Python environment, which `make test` makes; skipped visibly where it is absent.
pub fn onnxruntime(test: &str) -> Option<Engine> {
    let list = |folder: PathBuf| {
        std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .collect::<Vec<_>>()
    };
    let packages = list(root().join(".venv/lib"))
        .into_iter()
        .flat_map(|python| list(python.join("site-packages/onnxruntime/capi")));
    let is_library = |p: &PathBuf| {
        p.file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with("libonnxruntime.so"))
    };
    let library = packages.filter(is_library).max();
    if library.is_none() {
        eprintln!("SKIPPED {test} with ONNX Runtime: not in .venv");
    }
    library.map(|library| Engine::OnnxRuntime {
        library: Some(library),
        device: Device::Cpu,
    })
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
