//! `camaudit measure` and `camaudit conclude`: the two halves of a run, by hand.

use crate::support::{files, json, parquet, texts};
use crate::workplace::{Workplace, concluded, copied, newest};
use camaudit::runs::history;
use std::path::Path;

/// The tables that `measure` writes.
const ROWS: [&str; 4] = ["images/", "regions/", "skipped.parquet", "problems.parquet"];

/// Keys of `run.json` and `measured.json` that are of this run only.
const TIMES: [&str; 7] = [
    "run_id",
    "stages_ms",
    "slowest_image",
    "slowest_image_ms",
    "measure_s",
    "wall_s",
    "images_per_s",
];

fn is_row_file(name: &str) -> bool {
    ROWS.iter().any(|table| name.starts_with(table))
}

fn row_files(run: &Path) -> Vec<(String, Vec<u8>)> {
    let all = files(run).into_iter();
    all.filter(|(name, _)| is_row_file(name)).collect()
}

fn without_times(file: &Path) -> serde_json::Value {
    let mut document = json(file);
    for key in TIMES {
        document.as_object_mut().expect("an object").remove(key);
    }
    document
}

/// Both runs have the same files; all have the same bytes but for the times of the runs.
fn assert_same_files(first: &Path, second: &Path) {
    let (first_files, second_files) = (files(first), files(second));
    let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
        files.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&first_files), names(&second_files));

    for ((name, first_bytes), (_, second_bytes)) in first_files.iter().zip(&second_files) {
        if name == "run.json" || name == "measured.json" {
            let [first, second] = [first, second].map(|run| without_times(&run.join(name)));
            assert_eq!(first, second, "{name}");
        } else if name == "report.html" {
            let page = |run: &Path, bytes: &[u8]| {
                String::from_utf8_lossy(bytes).replace(&history::started_at(run), "")
            };
            assert!(
                page(first, first_bytes) == page(second, second_bytes),
                "{name}"
            );
        } else {
            assert!(first_bytes == second_bytes, "{name} differs");
        }
    }
}

#[test]
fn measure_and_conclude_write_what_run_writes() {
    let workplace = Workplace::new();
    let measured = workplace.start("measure", "by hand", &[]);
    assert!(measured.join("measured.json").is_file() && !measured.join("run.json").exists());
    concluded(&measured, &[]);
    let run = workplace.start("run", "at once", &[]);
    assert_same_files(&measured, &run);
}

#[test]
fn a_copied_run_is_concluded_with_the_same_bytes() {
    let workplace = Workplace::new();
    let run = workplace.start("run", "out", &[]);

    let with_documents = copied(&run, &workplace.path("first"));
    concluded(&with_documents, &[]);
    assert_same_files(&run, &with_documents);

    let rows_only = copied(&run, &workplace.path("second"));
    for (name, _) in files(&rows_only) {
        if !is_row_file(&name) && name != "measured.json" {
            std::fs::remove_file(rows_only.join(name)).expect("removed");
        }
    }
    concluded(&rows_only, &[]);
    assert_same_files(&run, &rows_only);
}

fn verdict_on_the_tag(run: &Path) -> String {
    let findings = parquet(&run.join("findings.parquet"));
    let pairs = texts(&findings, "label")
        .into_iter()
        .zip(texts(&findings, "region"));
    let row = pairs
        .into_iter()
        .position(|pair| pair == ("horse".into(), "source-tag".into()))
        .expect("the finding");
    texts(&findings, "verdict")[row].clone()
}

#[test]
fn another_policy_makes_a_new_run_of_the_same_rows() {
    let workplace = Workplace::new();
    let old = workplace.start("run", "out", &[]);
    let before = files(&old);
    concluded(&old, &["--set", "verdict.causal_rate=0.9"]);

    let home = old.parent().expect("home");
    let runs = history::finished(home);
    assert_eq!((runs.len(), &runs[0]), (2, &old));
    let new = &runs[1];
    let record = json(&new.join("run.json"));
    let old_id = old.file_name().and_then(|name| name.to_str());
    assert_eq!(record["rows_of"].as_str(), old_id);
    assert_eq!(
        record["overrides"],
        serde_json::json!(["run.shard_size=100", "verdict.causal_rate=0.9"])
    );

    assert_eq!(verdict_on_the_tag(&old), "confirmed");
    assert_eq!(verdict_on_the_tag(new), "candidate");
    assert!(row_files(&old) == row_files(new), "the rows differ");
    assert!(files(&old) == before, "the old run was changed");
    assert_eq!(
        home.join("latest").canonicalize().expect("latest"),
        old.canonicalize().expect("old"),
        "other thresholds are a trial"
    );
    let changes = json(&new.join("changes.json"));
    assert_eq!(changes["previous"].as_str(), old_id);

    let next = workplace.start("run", "out", &[]);
    let changes = json(&next.join("changes.json"));
    assert_eq!(
        changes["previous"].as_str(),
        old_id,
        "not the other policy's"
    );
}

/// A run with another policy keeps its identity and its policy when it is concluded once more.
#[test]
fn a_run_with_another_policy_is_concluded_again_as_what_it_is() {
    let workplace = Workplace::new();
    let old = workplace.start("run", "out", &[]);
    concluded(&old, &["--set", "verdict.causal_rate=0.9"]);
    let new = newest(old.parent().expect("home"));
    assert_eq!(verdict_on_the_tag(&new), "candidate");

    concluded(&new, &[]);
    let record = json(&new.join("run.json"));
    let id = |run: &Path| history::run_id(run);
    assert_eq!(
        (record["run_id"].as_str(), record["rows_of"].as_str()),
        (Some(id(&new).as_str()), Some(id(&old).as_str()))
    );
    assert_eq!(verdict_on_the_tag(&new), "candidate");
}
