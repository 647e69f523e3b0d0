//! From heat to verdicts: what is found, what is not, and what may not change it.

use crate::support::{audit, demo_text, fixtures, json, numbers, parquet, plan, texts};
use polars::prelude::DataFrame;
use std::fmt::Write as _;
use std::path::Path;

/// The findings of a pipeline.
fn findings(folder: &Path, name: &str, text: &str, set: &[&str]) -> DataFrame {
    parquet(
        &audit(&plan(folder, name, text, set))
            .folder
            .join("findings.parquet"),
    )
}

fn verdict(findings: &DataFrame, label: &str, region: &str) -> String {
    let (labels, regions) = (texts(findings, "label"), texts(findings, "region"));
    let row = labels
        .iter()
        .zip(&regions)
        .position(|(l, r)| l == label && r == region)
        .expect("the finding");
    texts(findings, "verdict")[row].clone()
}

/// The demo as a manifest: (path, label, whether it carries the tag), in the order given.
fn rows() -> Vec<(String, String, bool)> {
    let boxes = std::fs::read_to_string(fixtures().join("horses.boxes.csv")).expect("boxes");
    let tagged = |path: &str| {
        boxes
            .lines()
            .any(|l| l.starts_with(&format!("{path},source-tag,")))
    };
    let mut rows = Vec::new();
    for entry in walkdir::WalkDir::new(fixtures().join("horses"))
        .min_depth(2)
        .sort_by_file_name()
    {
        let entry = entry.expect("entry");
        let path = entry
            .path()
            .strip_prefix(fixtures().join("horses"))
            .expect("below")
            .display()
            .to_string();
        let label = path.split('/').next().expect("label").to_owned();
        let tag = tagged(&path);
        rows.push((path, label, tag));
    }
    rows
}

fn with_manifest(
    folder: &Path,
    name: &str,
    model: &str,
    rows: &[(String, String, Option<String>)],
) -> DataFrame {
    let mut manifest = String::from("path,label,group\n");
    for (path, label, group) in rows {
        let _ = writeln!(
            manifest,
            "{path},{label},{}",
            group.as_deref().unwrap_or_default()
        );
    }
    let file = folder.join(format!("{name}.csv"));
    std::fs::write(&file, manifest).expect("manifest");
    let text = demo_text(model).replacen(
        "boxes =",
        &format!("format = \"csv\"\nmanifest = {file:?}\nboxes ="),
        1,
    );
    findings(folder, name, &text, &[])
}

#[test]
fn the_tag_is_confirmed_for_the_network_that_learned_it_and_a_risk_in_the_data_for_the_other() {
    let folder = tempfile::tempdir().expect("folder");
    let clever = findings(folder.path(), "clever", &demo_text("shortcut.onnx"), &[]);
    let honest = findings(folder.path(), "honest", &demo_text("clean.onnx"), &[]);
    assert_eq!(verdict(&clever, "horse", "source-tag"), "confirmed");
    assert_eq!(verdict(&honest, "horse", "source-tag"), "data_risk");
    assert_eq!(
        texts(&clever, "label")[0],
        "horse",
        "the most serious finding comes first"
    );
    for found in [&clever, &honest] {
        for (label, region) in [
            ("car", "source-tag"),
            ("boat", "source-tag"),
            ("car", "bottom-left"),
        ] {
            assert_eq!(verdict(found, label, region), "none", "{label} {region}");
        }
        assert_ne!(
            verdict(found, "horse", "bottom-left"),
            "candidate",
            "nothing tells where a corner is present"
        );
    }
    assert_eq!(texts(&clever, "severity")[0], "critical");
    let number = |column: &str| numbers(&clever, column)[0].expect("a number");
    // Nearly every car and boat becomes a horse; the same patch from elsewhere, or a foreign one,
    // hardly does that.
    assert!(
        number("flips") > 0.8 * number("hosts") && number("control_flips") < 0.1 * number("hosts")
    );
    assert!(
        number("insertion_low") > 10.0 && number("removal_low") > 10.0,
        "in logits"
    );
    assert!(number("forwards") <= 1500.0);
    let sentence = &texts(&clever, "sentence")[0];
    assert!(
        sentence.starts_with("source-tag in 40 of 200 horse images and 0 of 200 others"),
        "{sentence}"
    );
}

#[test]
fn verdicts_do_not_depend_on_threads_shards_or_the_order_of_a_manifest() {
    let folder = tempfile::tempdir().expect("folder");
    let text = demo_text("shortcut.onnx");
    let one = findings(folder.path(), "one", &text, &["run.jobs=1"]);
    for set in [
        ["run.jobs=2", "run.shard_size=7"],
        ["run.jobs=2", "run.shard_size=1000"],
    ] {
        assert!(
            one.equals_missing(&findings(folder.path(), "one", &text, &set)),
            "{set:?}"
        );
    }
    let mut all: Vec<_> = rows()
        .into_iter()
        .map(|(path, label, _)| (path, label, None))
        .collect();
    let sorted = with_manifest(folder.path(), "sorted", "shortcut.onnx", &all);
    assert!(one.equals_missing(&sorted), "a manifest of the same images");
    // A fixed shuffle: the digits of a name backwards.
    all.sort_by_key(|(path, ..)| path.chars().rev().collect::<String>());
    assert!(
        one.equals_missing(&with_manifest(
            folder.path(),
            "shuffled",
            "shortcut.onnx",
            &all
        )),
        "shuffled"
    );
}

#[test]
fn images_of_a_group_are_one_piece_of_evidence() {
    let folder = tempfile::tempdir().expect("folder");
    let grouped: Vec<_> = rows()
        .into_iter()
        .map(|(path, label, tag)| (path, label, tag.then(|| "one photo".to_owned())))
        .collect();
    let found = with_manifest(folder.path(), "grouped", "shortcut.onnx", &grouped);
    assert_eq!(verdict(&found, "horse", "source-tag"), "insufficient");
}

#[test]
fn where_every_image_of_a_class_is_tagged_the_other_classes_are_the_baseline() {
    let folder = tempfile::tempdir().expect("folder");
    let kept: Vec<_> = rows()
        .into_iter()
        .filter(|(_, label, tag)| label != "horse" || *tag)
        .map(|(path, label, _)| (path, label, None))
        .collect();
    for (model, expected) in [("shortcut.onnx", "confirmed"), ("clean.onnx", "data_risk")] {
        let found = with_manifest(folder.path(), model, model, &kept);
        assert_eq!(verdict(&found, "horse", "source-tag"), expected, "{model}");
        assert!(texts(&found, "baseline").contains(&"other_classes".to_owned()));
    }
}

/// The same confounder in all classes equally is tied to none of them.
#[test]
fn a_region_that_all_classes_show_equally_convicts_nobody() {
    let folder = tempfile::tempdir().expect("folder");
    let mut boxes = std::fs::read_to_string(fixtures().join("horses.boxes.csv")).expect("boxes");
    for (i, (path, ..)) in rows().iter().enumerate().filter(|(i, _)| i % 3 == 0) {
        let x = i % 20;
        let _ = writeln!(boxes, "{path},mark,{x},2,{},10", x + 12);
    }
    let file = folder.path().join("boxes.csv");
    std::fs::write(&file, boxes).expect("boxes");
    let text = demo_text("shortcut.onnx").replace(
        &format!("{:?}", fixtures().join("horses.boxes.csv")),
        &format!("{file:?}"),
    ) + "[[region]]\nname = \"mark\"\nannotation = \"mark\"\n";
    let found = findings(folder.path(), "equal", &text, &[]);
    // With 100 groups a difference of 10 points cannot be excluded.
    for label in ["horse", "car", "boat"] {
        let verdict = verdict(&found, label, "mark");
        assert!(
            ["none", "insufficient"].contains(&verdict.as_str()),
            "{label}: {verdict}"
        );
    }
    assert!(numbers(&found, "association_q").iter().flatten().count() >= 3);
}

/// A square that only the network with the shortcut knows: the tag itself as a picture, laid over
/// all classes.
#[test]
fn an_overlay_speaks_for_the_class_that_learned_it() {
    let folder = tempfile::tempdir().expect("folder");
    let boxes = std::fs::read_to_string(fixtures().join("horses.boxes.csv")).expect("boxes");
    let line = boxes
        .lines()
        .find(|l| l.contains(",source-tag,"))
        .expect("a tag");
    let f: Vec<&str> = line.split(',').collect();
    let [x0, y0, x1, y1] =
        [2, 3, 4, 5].map(|i: usize| f[i].parse::<f64>().expect("a number") as u32);
    let photo = image::open(fixtures().join("horses").join(f[0]))
        .expect("photo")
        .to_rgba8();
    let (w, h) = photo.dimensions();
    let inside = |x: u32, y: u32| (x0..x1).contains(&x) && (y0..y1).contains(&y);
    let tag = image::RgbaImage::from_fn(w, h, |x, y| {
        if inside(x, y) {
            *photo.get_pixel(x, y)
        } else {
            image::Rgba([0, 0, 0, 0])
        }
    });
    tag.save(folder.path().join("tag.png")).expect("picture");
    let with_tag = |model: &str| {
        demo_text(model) + "[[region]]\nname = \"stamp\"\noverlay = { picture = \"tag.png\" }\n"
    };
    let clever = findings(folder.path(), "overlay", &with_tag("shortcut.onnx"), &[]);
    assert_eq!(verdict(&clever, "horse", "stamp"), "model_shortcut");
    assert_eq!(verdict(&clever, "car", "stamp"), "none");
    let honest = findings(folder.path(), "overlay", &with_tag("clean.onnx"), &[]);
    for label in ["horse", "car", "boat"] {
        assert_eq!(verdict(&honest, label, "stamp"), "none", "{label}");
    }
}

#[test]
fn a_proof_stays_within_its_bounds_and_says_so() {
    let folder = tempfile::tempdir().expect("folder");
    let text = demo_text("shortcut.onnx");
    let few = findings(folder.path(), "few", &text, &["verdict.max_forwards=120"]);
    let row = texts(&few, "region")
        .iter()
        .position(|r| r == "source-tag")
        .expect("finding");
    assert!(numbers(&few, "forwards")[row].expect("forwards") <= 120.0);
    assert_eq!(
        texts(&few, "not_tested_reason")[row],
        "max_forwards = 120 left images out"
    );
    let none = findings(folder.path(), "none", &text, &["verdict.max_candidates=0"]);
    let row = texts(&none, "region")
        .iter()
        .position(|r| r == "source-tag")
        .expect("finding");
    assert_eq!(texts(&none, "verdict")[row], "candidate");
    assert_eq!(
        texts(&none, "not_tested_reason")[row],
        "beyond max_candidates = 0"
    );
}

/// One photo saved a hundred times over is one piece of evidence, though nobody said so.
#[test]
fn near_duplicates_are_one_group() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set");
    let photos = ["horse/horse000.jpg", "horse/horse001.jpg", "car/car000.jpg"];
    for photo in photos {
        let from = fixtures().join("horses").join(photo);
        let picture = image::open(&from).expect("photo").to_rgb8();
        let (class, name) = photo.split_once('/').expect("class");
        std::fs::create_dir_all(set.join(class)).expect("folder");
        std::fs::copy(&from, set.join(photo)).expect("copy");
        let brighter = image::imageops::colorops::brighten(&picture, 6);
        brighter
            .save(
                set.join(class)
                    .join(format!("again-{}", name.replace("jpg", "png"))),
            )
            .expect("save");
    }
    let text = demo_text("shortcut.onnx").replace(
        &format!("{:?}", fixtures().join("horses")),
        &format!("{set:?}"),
    );
    let outcome = audit(&plan(folder.path(), "twins", &text, &[]));
    let twins = parquet(&outcome.folder.join("duplicates.parquet"));
    assert_eq!(
        (
            twins.height(),
            texts(&twins, "group")
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        ),
        (6, 3)
    );
    let outcome = audit(&plan(
        folder.path(),
        "twins",
        &text,
        &["dataset.near_duplicates=false"],
    ));
    assert_eq!(
        parquet(&outcome.folder.join("duplicates.parquet")).height(),
        0
    );
}

/// The tag as a picture instead of boxes: it is found where the boxes say it is, and the verdict is
/// the same.
#[test]
fn a_template_tells_where_the_tag_is() {
    let folder = tempfile::tempdir().expect("folder");
    let template = "[[region]]\nname = \"stamp\"\ncorner = { at = \"bottom-left\", width = 0.4, height = 0.3 }\n";
    let template = format!(
        "{template}template = {{ picture = {:?} }}\n",
        fixtures().join("tag.png")
    );
    let outcome = audit(&plan(
        folder.path(),
        "template",
        &(demo_text("shortcut.onnx") + &template),
        &[],
    ));
    let mut present = std::collections::BTreeMap::<String, Vec<(String, Option<bool>)>>::new();
    for entry in std::fs::read_dir(outcome.folder.join("regions")).expect("regions") {
        let rows = parquet(&entry.expect("part").path());
        let seen: Vec<Option<bool>> = rows
            .column("present")
            .expect("present")
            .bool()
            .expect("flags")
            .iter()
            .collect();
        let (targets, regions, ids) = (
            texts(&rows, "target"),
            texts(&rows, "region"),
            texts(&rows, "image_id"),
        );
        for i in (0..seen.len()).filter(|&i| targets[i] == "label") {
            present
                .entry(regions[i].clone())
                .or_default()
                .push((ids[i].clone(), seen[i]));
        }
    }
    let shows = |region: &str| {
        present[region]
            .iter()
            .filter(|(_, p)| *p == Some(true))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shows("stamp"),
        shows("source-tag"),
        "the images that carry it"
    );
    let found = parquet(&outcome.folder.join("findings.parquet"));
    assert_eq!(verdict(&found, "horse", "stamp"), "confirmed");
    for label in ["car", "boat"] {
        assert_eq!(verdict(&found, label, "stamp"), "none", "{label}");
    }
    let document = json(&outcome.folder.join("figures.json"));
    let template = document["figures"]
        .as_array()
        .expect("figures")
        .iter()
        .find(|e| e["role"] == "template")
        .expect("picture");
    assert_eq!(
        (&template["region"], template["path"].as_str()),
        (&"stamp".into(), Some(""))
    );
}

#[test]
fn a_column_of_the_manifest_tells_where_the_tag_is() {
    let folder = tempfile::tempdir().expect("folder");
    let mut manifest = String::from("path,label,stamped\n");
    for (path, label, tag) in rows() {
        let _ = writeln!(manifest, "{path},{label},{}", if tag { "yes" } else { "0" });
    }
    let file = folder.path().join("manifest.csv");
    std::fs::write(&file, manifest).expect("manifest");
    let region = "[[region]]\nname = \"stamp\"\ncorner = { at = \"bottom-left\", width = 0.35, height = 0.2 }\n";
    let text = demo_text("shortcut.onnx").replacen(
        "boxes =",
        &format!("format = \"csv\"\nmanifest = {file:?}\nboxes ="),
        1,
    );
    let found = findings(
        folder.path(),
        "column",
        &format!("{text}{region}presence_column = \"stamped\"\n"),
        &[],
    );
    assert_eq!(verdict(&found, "horse", "stamp"), "confirmed");
    assert_eq!(verdict(&found, "car", "stamp"), "none");
    let found = findings(
        folder.path(),
        "always",
        &format!("{text}{region}always = true\n"),
        &[],
    );
    assert_eq!(
        verdict(&found, "horse", "stamp"),
        "none",
        "what all images show is tied to no class"
    );
    let missing = plan(
        folder.path(),
        "missing",
        &format!("{text}{region}presence_column = \"stampd\"\n"),
        &[],
    );
    let error = camaudit::audit::run(&missing, &crate::support::Silent)
        .err()
        .expect("refused")
        .to_string();
    assert!(error.contains("there is no column `stampd`"), "{error}");
}

/// Sigmoid heads go through the same rooms: the margin is the logit itself, and a flip is a change
/// of its sign.
#[test]
fn a_multi_label_head_is_proved_by_the_sign_of_its_logit() {
    let folder = tempfile::tempdir().expect("folder");
    let found = findings(
        folder.path(),
        "sigmoid",
        &demo_text("shortcut.onnx"),
        &["model.activation=sigmoid"],
    );
    assert_eq!(verdict(&found, "horse", "source-tag"), "confirmed");
    let row = texts(&found, "region")
        .iter()
        .position(|r| r == "source-tag")
        .expect("finding");
    let number = |column: &str| numbers(&found, column)[row].expect("a number");
    assert!(number("flips") > 0.5 * number("hosts") && number("insertion_low") > 1.0);
    assert_eq!(verdict(&found, "car", "source-tag"), "none");
}
