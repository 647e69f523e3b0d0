//! Rows and documents of a run folder, written and read back.

use super::{record, write_run};
use crate::finding::Verdict;
use crate::runs::images::images;
use crate::runs::{Lock, Measure, RunFolder, verdicts, write_file};
use crate::tables::{FindingRow, ImageRow, ProblemRow, RegionRow, SkipRow};
use std::collections::BTreeSet;
use std::path::Path;

fn image(id: &str, target: &str) -> ImageRow {
    ImageRow {
        image_id: id.into(),
        path: format!("horse/{id}.jpg"),
        predicted: "dog".into(),
        target: target.into(),
        logit: 2.0,
        margin: -1.0,
        cam_height: 1,
        cam_width: 2,
        cam: vec![0.5, 1.5],
        ..ImageRow::default()
    }
}

fn region(id: &str, label: &str, region: &str) -> RegionRow {
    RegionRow {
        image_id: id.into(),
        label: label.into(),
        target: "label".into(),
        region: region.into(),
        present: Some(true),
        share: Some(0.25),
        relative_contribution: Some(0.75),
        ..RegionRow::default()
    }
}

/// A run folder with two parts and every table, measured but not concluded.
fn measured_run(path: &Path) -> RunFolder {
    let mut run = RunFolder::create(path, "audit").expect("created");
    let images = [
        image("a", "label"),
        image("a", "predicted"),
        image("b", "label"),
    ];
    let regions = [region("a", "horse", "tag"), region("b", "dog", "tag")];
    run.part(&images, &regions).expect("part");
    run.part(&[image("c", "label")], &[region("c", "horse", "tag")])
        .expect("part");

    run.table::<SkipRow>(&[]).expect("skipped");
    run.table::<ProblemRow>(&[]).expect("problems");
    run.file("measured.json", b"{}").expect("measured");
    run
}

#[test]
fn images_of_a_class_and_region_are_read_back() {
    let home = tempfile::tempdir().expect("home");
    let path = home.path().join("20261123T021500Z");
    measured_run(&path);

    let found = images(&path, &horses(), "tag").expect("images");
    let paths: Vec<&str> = found.iter().map(|image| image.path.as_str()).collect();
    assert_eq!(paths, ["horse/a.jpg", "horse/c.jpg"]);
    assert_eq!(found[0].cells, [1, 2]);
    assert_eq!(found[0].cam, [0.5, 1.5]);
    assert_eq!(found[0].present, Some(true));

    let measure = |name: &str| found[0].measure(name.parse::<Measure>().expect("measure"));
    assert_eq!(measure("share"), Some(0.25));
    assert_eq!(measure("contrast"), None);
    assert_eq!(measure("specificity"), Some(0.75));
    assert_eq!(measure("margin"), Some(-1.0));
    let error = "lift".parse::<Measure>().expect_err("no measure");
    assert!(error.contains("expected one of share, contrast"), "{error}");
}

#[test]
fn parts_that_are_missing_or_damaged_are_refused() {
    let home = tempfile::tempdir().expect("home");
    let path = home.path().join("20261123T021500Z");
    let refused = || {
        images(&path, &horses(), "tag")
            .expect_err("refused")
            .to_string()
    };
    assert!(refused().contains("images"), "{}", refused());

    measured_run(&path);
    let part = path.join("regions/part-00001.parquet");
    let bytes = std::fs::read(&part).expect("bytes");
    std::fs::write(&part, &bytes[..bytes.len() / 2]).expect("cut");
    assert!(refused().contains("regions/part-00001.parquet"));

    let other = [("camaudit.schema_version".to_owned(), "0".to_owned())];
    let rows = [region("c", "horse", "tag")];
    let bytes = crate::tables::encode(&rows, &other).expect("encoded");
    std::fs::write(&part, bytes).expect("written");
    assert!(refused().contains("schema version 0"), "{}", refused());

    let bytes = crate::tables::encode(&rows, &[]).expect("encoded");
    std::fs::write(&part, bytes).expect("written");
    assert!(
        refused().contains("is not a file of a run"),
        "{}",
        refused()
    );
}

#[test]
fn verdicts_are_read_back() {
    let home = tempfile::tempdir().expect("home");
    let run = write_run(home.path(), &record("20261123T021500Z"), &[]);
    let folder = RunFolder::create(&home.path().join("rows"), "audit").expect("created");
    let row = |region: &str, verdict: &str, declared: Option<&str>| FindingRow {
        label: "horse".into(),
        region: region.into(),
        verdict: verdict.into(),
        declared: declared.map(str::to_owned),
        ..FindingRow::default()
    };
    let rows = [
        row("tag", "none", Some("hash")),
        row("surroundings", "insufficient", None),
    ];
    folder.table(&rows).expect("findings");

    let read = verdicts(folder.path()).expect("verdicts");
    let pair = |region: &str| &read[&("horse".to_owned(), region.to_owned())];
    assert_eq!(read.len(), 2);
    assert_eq!(pair("tag").verdict, Verdict::None);
    assert_eq!(pair("tag").declared.as_deref(), Some("hash"));
    assert_eq!(pair("surroundings").verdict, Verdict::Insufficient);

    let error = verdicts(&run).expect_err("there is no table").to_string();
    assert!(error.contains("findings.parquet"), "{error}");
    folder
        .table(&[row("tag", "certain", None)])
        .expect("findings");
    let error = verdicts(folder.path()).expect_err("refused").to_string();
    assert!(error.contains("found \"certain\""), "{error}");
}

#[test]
fn rows_are_linked_into_another_run() {
    let home = tempfile::tempdir().expect("home");
    let measured = home.path().join("20261123T021500Z");
    measured_run(&measured);
    let concluded = home.path().join("20261124T021500Z");
    let run = RunFolder::create(&concluded, "audit").expect("created");
    run.link_rows(&measured).expect("linked");

    let names = [
        "images/part-00000.parquet",
        "regions/part-00001.parquet",
        "skipped.parquet",
        "problems.parquet",
    ];
    for name in names {
        let read = |run: &Path| std::fs::read(run.join(name)).expect(name);
        assert_eq!(read(&measured), read(&concluded), "{name}");
    }
    let error = run.link_rows(&measured).expect_err("linked twice");
    assert!(error.to_string().contains("part-00000.parquet"), "{error}");
    assert!(
        !images(&measured, &horses(), "tag")
            .expect("still whole")
            .is_empty()
    );

    // Removing one run leaves the rows of the other.
    std::fs::remove_dir_all(&measured).expect("removed");
    assert_eq!(
        images(&concluded, &horses(), "tag").expect("images").len(),
        2
    );
}

#[test]
fn only_a_measured_run_is_reopened() {
    let home = tempfile::tempdir().expect("home");
    let path = home.path().join("20261123T021500Z");
    let run = measured_run(&path);
    run.publish().expect("published");
    assert!(home.path().join("latest/measured.json").exists());

    let mut reopened = RunFolder::reopen(&path, "audit").expect("reopened");
    reopened.part(&[], &[]).expect("part");
    assert!(path.join("images/part-00002.parquet").exists());

    std::fs::remove_file(path.join("measured.json")).expect("removed");
    let error = RunFolder::reopen(&path, "audit").expect_err("refused");
    assert!(error.to_string().contains("measured.json"), "{error}");
    let error = RunFolder::create(&path, "audit").expect_err("refused");
    assert!(
        error.to_string().contains("choose another --out"),
        "{error}"
    );
}

#[test]
fn a_lock_names_its_holder() {
    let home = tempfile::tempdir().expect("home");
    let lock = Lock::take(&home.path().join("demo")).expect("taken");
    let error = Lock::take(&home.path().join("demo")).expect_err("held");
    let holder = format!("process {} since", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    drop(lock);
    Lock::take(&home.path().join("demo")).expect("free again");
}

#[cfg(unix)]
#[test]
fn files_are_readable_for_everyone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("below/report.html");
    write_file(&file, b"page").expect("written");
    let mode = std::fs::metadata(&file).expect("metadata").permissions();
    assert_eq!(mode.mode() & 0o777, 0o644);
}

fn horses() -> BTreeSet<String> {
    BTreeSet::from(["horse".to_owned()])
}
