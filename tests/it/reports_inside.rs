//! Reports that are written into the data set itself: they are no data in any format.

use crate::support::{camaudit, fixtures, json, stderr};
use crate::workplace::copy;
use std::path::{Path, PathBuf};

/// A pipeline on a set of its own, with the reports inside the set.
fn pipeline(set: &Path, keys: &str, run: &str) -> PathBuf {
    let models = fixtures().join("models");
    let text = format!(
        "[dataset]\nroot = \".\"\n{keys}\n[model]\npath = {:?}\nclasses = {:?}\n\
         [preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [[region]]\nname = \"tag\"\ncorner = {{ at = \"bottom-left\", width = 0.35, height = 0.2 }}\n\
         always = true\n[run]\nout = \"reports\"\nmax_skipped = 1.0\n{run}\n",
        models.join("shortcut.onnx"),
        models.join("classes.txt"),
    );
    let file = set.join("p.toml");
    std::fs::write(&file, text).expect("pipeline");
    file
}

/// Runs the pipeline twice; both nights find the same images.
fn assert_found_twice(name: &str, set: &Path, keys: &str, found: u64) {
    let file = pipeline(set, keys, "").display().to_string();
    for night in 1..=2 {
        let output = camaudit(&["run", &file, "--quiet"]);
        let messages = stderr(&output);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{name} {night}: {messages:?}"
        );

        let summary = json(&set.join("reports/p/latest/summary.json"));
        let counts = &summary["counts"];
        assert_eq!(counts["found"], found, "{name}, night {night}: {counts}");
        let problems = &counts["annotation_problems"];
        assert_eq!(problems, &serde_json::json!({}), "{name}, night {night}");
    }

    let listed = camaudit(&["list", &file]);
    let text = String::from_utf8_lossy(&listed.stdout);
    assert!(!text.contains("reports/"), "{name}: {text}");
}

/// Three photos of every class, in folders.
fn class_folders(set: &Path) {
    for class in ["boat", "car", "horse"] {
        std::fs::create_dir_all(set.join(class)).expect("folder");
        for number in 0..3 {
            let name = format!("{class}/{class}00{number}.jpg");
            std::fs::copy(fixtures().join("horses").join(&name), set.join(&name)).expect("photo");
        }
    }
}

#[test]
fn reports_inside_class_folders_are_no_data() {
    for links in ["never", "inside"] {
        let folder = tempfile::tempdir().expect("folder");
        class_folders(folder.path());
        let keys = format!("links = {links:?}");
        assert_found_twice(links, folder.path(), &keys, 9);
    }
}

#[test]
fn reports_inside_shards_and_annotations_are_no_data() {
    let formats = fixtures().join("formats");
    let names = format!("names = {:?}", formats.join("classes.txt"));
    let labelme = "annotations = \".\"\nformat = \"labelme\"";
    let cases: [(&str, &[&str], &str); 4] = [
        ("webdataset", &["webdataset"], &names),
        ("parquet shards", &["parquet-images"], ""),
        ("voc", &["images", "voc"], "annotations = \".\""),
        ("labelme", &["images", "labelme"], labelme),
    ];
    for (name, sources, keys) in cases {
        let folder = tempfile::tempdir().expect("folder");
        for source in sources {
            copy(&formats.join(source), folder.path());
        }
        assert_found_twice(name, folder.path(), keys, 9);
    }
}

/// A finding has pictures, which are photos of every class of the set.
#[test]
fn pictures_of_findings_are_no_images_of_the_set() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set");
    copy(&fixtures().join("horses"), &set);
    std::fs::copy(fixtures().join("horses.boxes.csv"), set.join("boxes.csv")).expect("boxes");
    let file = pipeline(
        &set,
        "boxes = \"boxes.csv\"",
        "limit = 40\n[[region]]\nname = \"source-tag\"\nannotation = \"source-tag\"",
    );
    let file = file.display().to_string();
    let mut summaries = Vec::new();
    for _ in 0..2 {
        let output = camaudit(&["run", &file, "--quiet"]);
        assert_eq!(output.status.code(), Some(0), "{:?}", stderr(&output));
        let run = set.join("reports/p/latest");
        assert!(run.join("pictures").read_dir().expect("pictures").count() > 0);
        summaries.push(json(&run.join("summary.json"))["counts"]["found"].clone());
    }
    assert_eq!(summaries, [120, 120]);
}

/// Folders that are named as runs, or hold what a run holds, are data where both do not come
/// together.
#[test]
fn a_folder_that_is_named_as_a_run_is_data() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path();
    class_folders(set);
    for (number, name) in ["20261123T021500Z", "regions"].iter().enumerate() {
        let target = set.join("car").join(name);
        std::fs::create_dir(&target).expect("folder");
        let photo = set.join("car/car000.jpg");
        std::fs::copy(photo, target.join(format!("{number}.jpg"))).expect("copied");
    }
    assert_found_twice("named as a run", set, "", 11);
}
