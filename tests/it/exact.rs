//! Logits, maps and scores on lossless pictures of exactly the input size, against NumPy and ONNX
//! Runtime (fixtures/make_goldens.py): there the integrals are brute-force sums over upsampled
//! pixels.

use crate::support::{audit, close, fixtures, json, numbers, parquet, plan, texts};
use serde_json::Value;

const PIPELINE: &str = r#"
[dataset]
root = "ROOT/exact"
boxes = "ROOT/exact.boxes.csv"
[model]
path = "ROOT/models/shortcut.onnx"
[preprocess]
preset = "zero-one"
size = 64
[[region]]
name = "corner"
corner = { at = "bottom-left", width = 24, height = 16, unit = "pixels" }
[[region]]
name = "same-corner"
rect = { left = 0, top = 0.75, right = 0.375, bottom = 1.0 }
[[region]]
name = "corner-polygon"
polygon = { points = [[0, 48], [24, 48], [24, 64], [0, 64]], unit = "view-pixels" }
"#;

fn run() -> (polars::prelude::DataFrame, polars::prelude::DataFrame) {
    let folder = tempfile::tempdir().expect("folder");
    let text = PIPELINE.replace("ROOT", &fixtures().display().to_string());
    let outcome = audit(&plan(folder.path(), "exact", &text, &[]));
    assert_eq!(outcome.record.facts.counts.scored, 9);
    (
        parquet(&outcome.folder.join("images/part-00000.parquet")),
        parquet(&outcome.folder.join("regions/part-00000.parquet")),
    )
}

#[test]
fn every_score_equals_the_independent_reference() {
    let cases = json(&fixtures().join("golden/exact.json"));
    let (images, regions) = run();
    let (paths, targets) = (texts(&images, "path"), texts(&images, "target"));
    let mut compared = 0;
    for (row, path) in paths
        .iter()
        .enumerate()
        .filter(|(i, _)| targets[*i] == "label")
    {
        let case = &cases[path];
        let number = |column: &str| numbers(&images, column)[row];
        let expect = |column: &str, golden: &Value| match golden.as_f64() {
            Some(golden) => close(
                number(column).expect(column),
                golden,
                1e-4,
                &format!("{path} {column}"),
            ),
            None => assert!(golden.is_null(), "{path} {column}"),
        };
        let label = case["label"].as_str().expect("label");
        let index = ["boat", "car", "horse"]
            .iter()
            .position(|c| *c == label)
            .expect("class");
        expect("logit", &case["logits"][index]);
        for column in [
            "margin",
            "bias",
            "positive_mass",
            "negative_mass",
            "border_share",
            "entropy",
        ] {
            expect(column, &case[column]);
        }
        for (column, key) in [
            ("object_share", "share"),
            ("object_area", "area"),
            ("object_lift", "lift"),
        ] {
            expect(column, &case["object"][key]);
        }
        let hit = images
            .column("pointing_hit")
            .expect("column")
            .bool()
            .expect("flags")
            .get(row);
        assert_eq!(hit, case["pointing_hit"].as_bool(), "{path} pointing_hit");
        if case["rank_accuracy"].is_number() {
            close(
                number("rank_accuracy").expect("rank"),
                case["rank_accuracy"].as_f64().expect("rank"),
                0.01,
                path,
            );
        }
        let cam = images
            .column("cam")
            .expect("cam")
            .list()
            .expect("lists")
            .get_as_series(row)
            .expect("row");
        let cam: Vec<f32> = cam.f32().expect("floats").iter().flatten().collect();
        let golden: Vec<f64> = case["cam"]
            .as_array()
            .expect("cam")
            .iter()
            .filter_map(Value::as_f64)
            .collect();
        let largest = golden.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        assert_eq!(cam.len(), golden.len());
        assert!(
            cam.iter()
                .zip(&golden)
                .all(|(a, b)| (f64::from(*a) - b).abs() <= 1e-4 * largest),
            "{path}: map"
        );
        compared += 1;
    }
    assert_eq!(compared, 9);
    let ids: Vec<String> = texts(&images, "image_id");
    let path_of = |id: &String| paths[ids.iter().position(|i| i == id).expect("image")].clone();
    let (names, region_targets) = (texts(&regions, "region"), texts(&regions, "target"));
    for (row, id) in texts(&regions, "image_id")
        .iter()
        .enumerate()
        .filter(|(i, _)| region_targets[*i] == "label")
    {
        let case = &cases[&path_of(id)]["corner"];
        for column in [
            "area",
            "share",
            "lift",
            "excess",
            "contribution",
            "relative_contribution",
        ] {
            let found = numbers(&regions, column)[row].expect(column);
            // The polygon is rasterised, the others are closed forms.
            let tolerance = if names[row] == "corner-polygon" {
                2e-3
            } else {
                1e-4
            };
            // The reference has an earlier name of the column.
            let reference = match column {
                "relative_contribution" => "specificity",
                other => other,
            };
            close(
                found,
                case[reference].as_f64().expect(reference),
                tolerance,
                &format!("{} {} {column}", path_of(id), names[row]),
            );
        }
    }
}

#[test]
fn shares_of_a_partition_add_up_and_contributions_make_the_logit() {
    let text = PIPELINE.replace("ROOT", &fixtures().display().to_string());
    let quarters = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)];
    let regions: String = quarters
        .iter()
        .enumerate()
        .map(|(i, (x, y))| {
            let (r, b) = (x + 0.5, y + 0.5);
            format!(
                "[[region]]\nname = \"q{i}\"\nrect = {{ left = {x:?}, top = {y:?}, right = {r:?}, bottom = {b:?} }}\n"
            )
        })
        .collect();
    let folder = tempfile::tempdir().expect("folder");
    let outcome = audit(&plan(folder.path(), "quarters", &(text + &regions), &[]));
    let rows = parquet(&outcome.folder.join("regions/part-00000.parquet"));
    let (names, shares, areas) = (
        texts(&rows, "region"),
        numbers(&rows, "share"),
        numbers(&rows, "area"),
    );
    let sums = |values: &[Option<f64>]| -> f64 {
        names
            .iter()
            .zip(values)
            .filter(|(n, _)| n.starts_with('q'))
            .filter_map(|(_, v)| *v)
            .sum()
    };
    let maps = shares
        .iter()
        .zip(&names)
        .filter(|(s, n)| n.as_str() == "q0" && s.is_some())
        .count() as f64;
    close(sums(&shares) / maps, 1.0, 1e-9, "shares");
    close(sums(&areas) / maps, 1.0, 1e-9, "areas");
}
