//! Shards that are measured elsewhere give the files of one machine.

use crate::support::{Silent, demo_text, files, fixtures, json, plan};
use camaudit::audit::{ShardWorker, Shards, measure_only, measure_shards};
use camaudit::error::{Error, Result};
use camaudit::plan::Plan;
use std::path::Path;

type Measured = std::vec::IntoIter<Result<Vec<u8>>>;

/// Two workers take the shards from both ends; the results come in order.
fn by_two_workers(shards: &Shards) -> Result<Measured> {
    let workers = [1, 2].map(|threads| ShardWorker::open(&shards.folder, threads));
    let mut measured = Vec::new();
    for index in (0..shards.count).rev() {
        let worker = workers[index % 2].as_ref().expect("a worker");
        measured.push(worker.measure(index));
    }
    measured.reverse();
    Ok(measured.into_iter())
}

fn rows(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = files(run);
    files.retain(|(name, _)| name != "measured.json");
    files
}

/// The rows and counts of both ways; returns the counts.
fn check(text: &str, set: &[&str]) -> serde_json::Value {
    let folders = [(), ()].map(|()| tempfile::tempdir().expect("folder"));
    let plans = [0, 1].map(|i| plan(folders[i].path(), "set", text, set));
    let (single, _) = measure_only(&plans[0], &Silent).expect("measured here");
    let (sharded, _) = measure_shards(&plans[1], &Silent, by_two_workers).expect("elsewhere");
    assert!(rows(&single) == rows(&sharded), "{text}");

    let [single, sharded] = [single, sharded].map(|run| json(&run.join("measured.json")));
    for key in [
        "audit_id",
        "content_fingerprint",
        "counts",
        "invariant_error_max",
        "warnings",
    ] {
        assert_eq!(single[key], sharded[key], "{key}");
    }
    sharded["counts"].clone()
}

fn format_text(root: &Path, keys: &str) -> String {
    let formats = fixtures().join("formats").display().to_string();
    format!(
        "[dataset]\nroot = {root:?}\n{}\n[model]\npath = {:?}\nclasses = {:?}\n\
         [preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [[region]]\nname = \"corner\"\ncorner = {{ at = \"top-left\", width = 0.25, height = 0.25 }}\n",
        keys.replace("FORMATS", &formats),
        fixtures().join("models/shortcut.onnx"),
        fixtures().join("models/classes.txt"),
    )
}

#[test]
fn shards_of_the_demo() {
    let text = demo_text("shortcut.onnx");
    check(&text, &["run.limit=8", "run.shard_size=5"]);
}

#[test]
fn shards_of_masks_archives_and_tables() {
    let formats = fixtures().join("formats");
    let cases = [
        (
            "images",
            "annotations = \"FORMATS/masks\"\nnames = \"FORMATS/masks.yaml\"",
        ),
        ("webdataset", "names = \"FORMATS/classes.txt\""),
        ("parquet-images", "format = \"parquet-images\""),
    ];
    for (root, keys) in cases {
        let counts = check(
            &format_text(&formats.join(root), keys),
            &["run.shard_size=4"],
        );
        assert_eq!(counts["scored"], 9, "{root}");
    }
}

#[test]
fn an_image_that_cannot_be_read_is_a_skip() {
    let set = tempfile::tempdir().expect("folder");
    for (label, name) in [("horse", "horse005.jpg"), ("boat", "boat068.jpg")] {
        let folder = set.path().join(label);
        std::fs::create_dir(&folder).expect("folder");
        let photo = fixtures().join("horses").join(label).join(name);
        std::fs::copy(photo, folder.join(name)).expect("copied");
    }
    std::fs::write(set.path().join("horse/cut.jpg"), b"no picture").expect("written");
    let counts = check(&format_text(set.path(), ""), &["run.shard_size=2"]);
    assert_eq!(
        (&counts["scored"], &counts["skipped"]),
        (&2.into(), &1.into())
    );
}

fn refused(distribute: impl FnOnce(&Plan, &Shards) -> Result<Measured>) -> String {
    let folder = tempfile::tempdir().expect("folder");
    let set = ["run.limit=2", "run.shard_size=2"];
    let plan = plan(folder.path(), "set", &demo_text("shortcut.onnx"), &set);
    let measured = measure_shards(&plan, &Silent, |shards| distribute(&plan, shards));
    let error = measured.expect_err("refused").to_string();
    let run = std::fs::read_dir(plan.run.out.join("set")).expect("a home");
    for entry in run.flatten() {
        assert!(!entry.path().join("measured.json").exists());
    }
    error
}

#[test]
fn shards_that_are_missing_or_in_another_order_are_refused() {
    let missing = refused(|_, shards| {
        let mut measured: Vec<_> = by_two_workers(shards)?.collect();
        measured.pop();
        Ok(measured.into_iter())
    });
    assert_eq!(missing, "2 of 3 shards came back");

    let reversed = refused(|_, shards| {
        let mut measured: Vec<_> = by_two_workers(shards)?.collect();
        measured.reverse();
        Ok(measured.into_iter())
    });
    assert!(reversed.starts_with("shard 0 of the audit"), "{reversed}");
    let failed = refused(|_, _| Err(Error::new("the cluster is gone")));
    assert_eq!(failed, "the cluster is gone");
}

#[test]
fn a_machine_with_another_pipeline_is_refused() {
    let error = refused(|plan, shards| {
        let text = std::fs::read_to_string(&plan.file).expect("a pipeline");
        std::fs::write(&plan.file, text.replace("0.35", "0.3")).expect("written");
        ShardWorker::open(&shards.folder, 1).map(|_| Vec::new().into_iter())
    });
    assert!(
        error.starts_with("the pipeline of this machine is"),
        "{error}"
    );
}
