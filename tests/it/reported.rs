//! What a run reports beside its findings: misspelled names, bad rows, trials, and pictures for
//! every kind of finding.

use crate::support::{audit, demo_text, fixtures, json, plan};
use camaudit::plan::Plan;
use camaudit::report::{headline, upshot};
use std::path::Path;

fn roles(run: &Path, region: &str) -> Vec<String> {
    let document = json(&run.join("figures.json"));
    let mut roles = Vec::new();
    for figure in document["figures"].as_array().expect("figures") {
        if figure["region"] != region {
            continue;
        }
        let panels = figure["panels"].as_array().expect("panels");
        for panel in panels {
            let file = run.join(panel["file"].as_str().expect("a file"));
            assert!(file.is_file(), "{}", file.display());
        }
        roles.push(format!(
            "{} {} of {}",
            figure["role"].as_str().expect("a role"),
            panels.len(),
            figure["label"].as_str().expect("a label")
        ));
    }
    roles
}

/// A trial with a few images must not be what the next run is compared with.
#[test]
fn a_trial_is_not_what_the_next_run_is_compared_with() {
    let folder = tempfile::tempdir().expect("folder");
    let run = |set: &[&str]| {
        audit(&plan(
            folder.path(),
            "trial",
            &demo_text("shortcut.onnx"),
            set,
        ))
    };
    let first = run(&[]);
    assert_eq!(first.new_confirmed, 1);
    let trial = run(&["run.limit=3"]);
    assert!(
        headline(&trial.summary).contains("at most 3 of each label"),
        "{}",
        headline(&trial.summary)
    );
    let latest = || {
        first
            .folder
            .with_file_name("latest")
            .canonicalize()
            .expect("latest")
    };
    assert_eq!(latest(), first.folder.canonicalize().expect("first"));
    let second = run(&[]);
    assert_eq!(second.new_confirmed, 0, "the same finding is not new");
    assert_eq!(latest(), second.folder.canonicalize().expect("second"));
    let changes = json(&second.folder.join("changes.json"));
    assert_eq!(
        changes["previous"].as_str(),
        first.folder.file_name().and_then(|n| n.to_str())
    );
    // A limit in the pipeline file makes no trial.
    let text = demo_text("shortcut.onnx") + "[run]\nlimit = 3\n";
    let limited = audit(&plan(folder.path(), "trial", &text, &[]));
    assert_eq!(latest(), limited.folder.canonicalize().expect("limited"));
}

#[test]
fn a_misspelled_name_is_reported_with_the_nearest_one() {
    let folder = tempfile::tempdir().expect("folder");
    let set = [
        "dataset.labels.hors=car",
        "dataset.labels.zebra=car",
        "region=[{name=\"tag\",annotation=\"sorce-tag\"}]",
        "run.limit=5",
    ];
    let outcome = audit(&plan(folder.path(), "slip", &demo_text("clean.onnx"), &set));
    let warnings = outcome.summary.warnings.join("\n");
    assert!(
        warnings.contains("\"hors\", but no image has this label; did you mean \"horse\"?"),
        "{warnings}"
    );
    assert!(
        warnings.contains("no image has an annotation \"sorce-tag\"; did you mean \"source-tag\"?"),
        "{warnings}"
    );
    assert!(
        upshot(&outcome.summary).ends_with("; 2 warnings"),
        "{}",
        upshot(&outcome.summary)
    );
    let markdown = std::fs::read_to_string(outcome.folder.join("summary.md")).expect("summary");
    assert!(markdown.contains("2 warnings"), "{markdown}");
    let plan = Plan::load(
        &folder.path().join("slip.toml"),
        &["run.jbos=1".into(), "run.seed=x".into()],
    );
    let message = plan.expect_err("unknown").to_string();
    assert!(
        message.contains("unknown key `jbos`; did you mean `jobs`?"),
        "{message}"
    );
    assert!(
        message.contains("a whole number from 0 on is expected"),
        "{message}"
    );
}

/// Corners alone find nothing: the run warns that presence information is missing.
#[test]
fn a_run_that_can_find_nothing_warns() {
    let folder = tempfile::tempdir().expect("folder");
    let corner = "region=[{name=\"c\",corner={at=\"top-left\",width=0.2,height=0.2}}]";
    let text = demo_text("clean.onnx").replace("boxes = ", "# ");
    let outcome = audit(&plan(
        folder.path(),
        "corner",
        &text,
        &[corner, "run.limit=3"],
    ));
    assert!(
        outcome
            .summary
            .warnings
            .iter()
            .any(|w| w.contains("`template`, `annotation`")),
        "{:?}",
        outcome.summary.warnings
    );
}

#[test]
fn rows_that_name_no_image_are_reported_everywhere() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(
        folder.path().join("set.csv"),
        "path,label\ncar/car000.jpg,car\nhorse/horse000.jpg,horse,x\nboat\n",
    )
    .expect("manifest");
    let manifest = format!(
        "format = \"csv\"\nmanifest = {:?}\nboxes = ",
        folder.path().join("set.csv")
    );
    let text = demo_text("clean.onnx").replace("boxes = ", &manifest);
    let outcome = audit(&plan(folder.path(), "rows", &text, &["run.max_skipped=1"]));
    let counts = &outcome.record.facts.counts;
    assert_eq!(
        (
            counts.found,
            counts.scored,
            counts.skipped_by_reason["annotation/bad_row"]
        ),
        (3, 1, 2)
    );
    assert!(
        headline(&outcome.summary).contains("2 skipped (2 annotation/bad_row)"),
        "{}",
        headline(&outcome.summary)
    );
    let warning = "2 rows of the annotations could not be used";
    assert!(
        outcome
            .summary
            .warnings
            .iter()
            .any(|w| w.starts_with(warning)),
        "{:?}",
        outcome.summary.warnings
    );
    let page = std::fs::read_to_string(outcome.folder.join("report.html")).expect("page");
    assert!(page.contains(warning) && page.contains("2 bad_row"));
    let markdown = std::fs::read_to_string(outcome.folder.join("summary.md")).expect("summary");
    assert!(
        markdown.contains(warning) && markdown.contains("2 bad\\_row"),
        "{markdown}"
    );
}

/// A reviewer decides by pictures: the surroundings without their objects, and the overlay.
#[test]
fn surroundings_and_overlays_are_shown() {
    let folder = tempfile::tempdir().expect("folder");
    let trains = std::fs::read_to_string(crate::support::root().join("pipelines/trains.toml"))
        .expect("pipeline");
    let text = trains.replace("\"../fixtures", &format!("\"{}", fixtures().display()));
    let run = audit(&plan(folder.path(), "trains", &text, &[])).folder;
    let shown = roles(&run, "surroundings");
    assert!(
        shown.iter().filter(|s| *s == "filled 3 of train").count() >= 2,
        "{shown:?}"
    );
    let page = std::fs::read_to_string(run.join("report.html")).expect("page");
    assert!(
        page.contains("objects imputed: predicted train")
            && page.contains("filled images of other labels")
    );

    // The tag of one photo, where it is in that photo.
    let boxes = std::fs::read_to_string(fixtures().join("horses.boxes.csv")).expect("boxes");
    let f: Vec<&str> = boxes
        .lines()
        .find(|l| l.contains(",source-tag,"))
        .expect("a tag")
        .split(',')
        .collect();
    let [x0, y0, x1, y1] =
        [2, 3, 4, 5].map(|i: usize| f[i].parse::<f64>().expect("a number") as u32);
    let mut tag = image::open(fixtures().join("horses").join(f[0]))
        .expect("photo")
        .to_rgba8();
    for (x, y, pixel) in tag.enumerate_pixels_mut() {
        if !((x0..x1).contains(&x) && (y0..y1).contains(&y)) {
            *pixel = image::Rgba([0, 0, 0, 0]);
        }
    }
    tag.save(folder.path().join("stamp.png")).expect("picture");
    let stamp = "[[region]]\nname = \"stamp\"\noverlay = { picture = \"stamp.png\" }\n";
    let run = audit(&plan(
        folder.path(),
        "stamp",
        &(demo_text("shortcut.onnx") + stamp),
        &[],
    ))
    .folder;
    assert_eq!(roles(&run, "stamp"), vec!["laid 4 of horse"; 3]);
}
