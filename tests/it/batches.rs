//! Several images in one run of the engine, against one at a time.

use crate::support::{
    audit, close, demo_text, files, fixtures, json, numbers, onnxruntime, parquet, plan,
};
use camaudit::audit::Outcome;
use camaudit::geometry::Size;
use camaudit::model::{Facts, Model, Normalisation, Options, probe};
use camaudit::plan::{Channels, Decode, Engine, Exif, Layout, Preprocess};
use polars::prelude::DataFrame;
use std::collections::BTreeSet;
use std::path::Path;

fn batched(size: usize) -> Engine {
    let mut engine = onnxruntime();
    if let Engine::OnnxRuntime { batch, .. } = &mut engine {
        *batch = size;
    }
    engine
}

fn run(folder: &Path, name: &str, batch: usize, set: &[&str]) -> Outcome {
    let mut plan = plan(folder, name, &demo_text("shortcut.onnx"), set);
    plan.model.engine = batched(batch);
    audit(&plan)
}

/// Rows, experiments and verdicts are those of single images, whatever the number of workers and
/// the size of a shard.
#[test]
#[ignore = "needs ONNX Runtime in .venv"]
fn a_batch_of_images_gives_the_rows_and_verdicts_of_single_ones() {
    let folder = tempfile::tempdir().expect("folder");
    let common = ["run.cache_gb=0", "run.limit=60"];
    let with = |more: &[&'static str]| [&common[..], more].concat();
    let alone = run(folder.path(), "alone", 1, &with(&[]));
    let few = run(folder.path(), "few", 7, &with(&["run.jobs=1"]));
    let set = with(&["run.jobs=3", "run.shard_size=50"]);
    let many = run(folder.path(), "many", 7, &set);
    let engine = &few.record.facts.engine;
    assert!(
        engine.ends_with("batches of 7, maps in the graph"),
        "{engine}"
    );

    let kinds = ["images", "regions"];
    for kind in kinds {
        let (alone, few, many) = (rows(&alone, kind), rows(&few, kind), rows(&many, kind));
        assert!(
            few.equals_missing(&many),
            "{kind}: other rows with other workers"
        );
        let columns = match kind {
            "images" => ["logit", "margin"],
            _ => ["share", "relative_contribution"],
        };
        for column in columns {
            let pairs = numbers(&alone, column)
                .into_iter()
                .zip(numbers(&few, column));
            for (a, b) in pairs {
                match (a, b) {
                    (Some(a), Some(b)) => close(a, b, 1e-5, column),
                    (a, b) => assert_eq!(a, b, "{column}"),
                }
            }
        }
    }
    let findings = |outcome: &Outcome| parquet(&outcome.folder.join("findings.parquet"));
    assert!(findings(&few).equals_missing(&findings(&many)), "findings");
    assert_eq!(alone.record.verdicts, few.record.verdicts);
    assert_eq!(
        numbers(&findings(&alone), "flips"),
        numbers(&findings(&few), "flips")
    );
}

/// The rows of all parts.
fn rows(outcome: &Outcome, kind: &str) -> DataFrame {
    let folder = outcome.folder.join(kind);
    let names: BTreeSet<String> = files(&folder).into_iter().map(|file| file.0).collect();
    let mut parts = names.iter().map(|file| parquet(&folder.join(file)));
    let mut rows = parts.next().expect("a part");
    for part in parts {
        rows.vstack_mut(&part).expect("the same columns");
    }
    rows
}

/// Every network of the zoo that can be audited gives the logits, features and maps of a single
/// image, or is refused with the remedy.
#[test]
#[ignore = "needs ONNX Runtime in .venv"]
fn a_network_runs_several_images_or_is_refused_with_the_remedy() {
    let cases = json(&fixtures().join("golden/zoo.json"));
    let (mut ran, mut refused) = (0, Vec::new());
    let mut in_graph = 0;
    for (name, case) in cases.as_object().expect("cases") {
        if case["refused"].is_array() {
            continue;
        }
        let path = fixtures().join(format!("models/zoo/{name}.onnx"));
        let options = |engine: Engine, normalisation: Option<Normalisation>| Options {
            engine,
            normalisation,
            output: case["options"]["output"].as_str(),
            inputs: serde_json::from_value(case["options"]["inputs"].clone()).unwrap_or_default(),
            ..Options::default()
        };
        let single = Model::load(&path, &options(batched(1), None));
        let single = single.unwrap_or_else(|e| panic!("{name}: {e}"));
        let normalisation = Normalisation::new(&preprocess(&single.facts));
        let with_batches = options(batched(4), Some(normalisation.clone()));
        let model = match Model::load(&path, &with_batches) {
            Ok(model) => model,
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("model.batch = 1"), "{name}: {text}");
                refused.push(name);
                continue;
            }
        };

        let image = probe(&model.facts.input_shape).into_iter();
        let image: Vec<u8> = image.map(|v| (127.5 + 127.5 * v).round() as u8).collect();
        let values = normalisation.values(&image);
        let alone = single
            .session()
            .and_then(|mut session| session.run(&values));
        let together = model
            .pixel_session()
            .and_then(|mut session| session.run(&image));
        let (alone, together) = (alone.expect("alone"), together.expect("together"));
        for (a, b) in [
            (&alone.logits, &together.logits),
            (&alone.features, &together.features),
        ] {
            assert_eq!(a.len(), b.len(), "{name}");
            let largest = a.iter().fold(1.0_f32, |max, v| max.max(v.abs()));
            let is_same = a
                .iter()
                .zip(b)
                .all(|(a, b)| (a - b).abs() <= 1e-4 * largest);
            assert!(is_same, "{name}: other numbers in a batch");
        }

        let asked = [0, model.facts.classes - 1];
        let evidence = model
            .pixel_session()
            .and_then(|mut session| session.evidence(&image, &asked))
            .expect("maps");
        assert_eq!(evidence.logits(), together.logits, "{name}");
        for class in [asked[0], asked[1], together.predicted()] {
            let weights = [
                single.weights(&alone, class),
                single.centred_weights(&alone, class),
            ];
            let maps = model.maps(&evidence, class).expect("asked for");
            for (weights, map) in weights.iter().zip(&maps) {
                let expected = weights.map(&single.layout, &alone.features);
                let largest = expected.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
                assert_eq!(expected.len(), map.values.len(), "{name}");
                for (a, b) in expected.iter().zip(&map.values) {
                    let is_same = (a - b).abs() <= 1e-4 * largest.max(1.0);
                    assert!(is_same, "{name}, class {class}: {a} {b}");
                }
                assert_eq!(weights.bias, map.bias, "{name}, class {class}");
            }
        }
        in_graph += usize::from(model.engine_name.contains("maps in the graph"));
        ran += 1;
    }
    assert!(in_graph > 20, "{in_graph} of {ran} have maps in the graph");
    assert!(ran > 9 * refused.len(), "{ran} ran, refused: {refused:?}");
}

/// Workers that ask for features, for logits alone and for the maps of other classes share batches,
/// and each gets what it gets alone.
#[test]
#[ignore = "needs ONNX Runtime in .venv"]
fn a_batch_of_different_requests_gives_each_its_own() {
    let path = fixtures().join("models/shortcut.onnx");
    let load = |batch: usize| {
        let shape = [1, 3, 64, 64];
        let preprocess = preprocess(&Facts {
            input_shape: shape.to_vec(),
            ..Facts::default()
        });
        let options = Options {
            input_shape: Some(&shape),
            engine: batched(batch),
            normalisation: Some(Normalisation::new(&preprocess)),
            ..Options::default()
        };
        Model::load(&path, &options).expect("the model")
    };
    let (single, model) = (load(1), load(5));
    let images: Vec<Vec<u8>> = (0..40_usize)
        .map(|image| {
            (0..3 * 64 * 64)
                .map(|i| (i * (image + 3) / 7) as u8)
                .collect()
        })
        .collect();
    // None to all three classes, in another order for each image; with the class that is predicted
    // or without it.
    let asked = |image: usize| [vec![], vec![2], vec![1, 0], vec![2, 1, 0]][image % 4].clone();

    let wait_for_all = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (model, single, images, wait_for_all) = (&model, &single, &images, &wait_for_all);
            scope.spawn(move || {
                let _permit = model.permit(4);
                let mut together = model.pixel_session().expect("a session");
                let mut alone = single.pixel_session().expect("a session");
                wait_for_all.wait();
                for (number, image) in images.iter().enumerate().skip(worker).step_by(4) {
                    let expected = alone.run(image).expect("alone");
                    let is_near = |a: &[f32], b: &[f32]| {
                        let mut pairs = a.iter().zip(b);
                        a.len() == b.len() && pairs.all(|(a, b)| (a - b).abs() < 1e-4)
                    };
                    match worker {
                        0 => {
                            let found = together.run(image).expect("features");
                            assert!(is_near(&found.features, &expected.features), "{number}");
                        }
                        1 => {
                            let found = together.logits(image).expect("logits");
                            assert!(is_near(&found, &expected.logits), "{number}");
                        }
                        _ => {
                            let asked = asked(number / 4);
                            let found = together.evidence(image, &asked).expect("maps");
                            assert!(is_near(found.logits(), &expected.logits), "{number}");
                            for class in 0..3 {
                                let maps = model.maps(&found, class);
                                let is_known =
                                    asked.contains(&class) || class == expected.predicted();
                                assert_eq!(maps.is_some(), is_known, "{number}, class {class}");
                                let Some([raw, centred]) = maps else { continue };
                                let weights = single.weights(&expected, class);
                                let of_centred = single.centred_weights(&expected, class);
                                for (map, weights) in [(raw, weights), (centred, of_centred)] {
                                    let right = weights.map(&single.layout, &expected.features);
                                    let mut pairs = right.iter().zip(&map.values);
                                    assert!(
                                        pairs.all(|(a, b)| (a - b).abs() < 1e-4),
                                        "{number}, class {class}"
                                    );
                                }
                            }
                        }
                    }
                }
            });
        }
    });
}

/// From -1 to 1, or the levels of a model that takes 8-bit pixels.
fn preprocess(facts: &Facts) -> Preprocess {
    let takes_bytes = facts.precisions.iter().any(|p| p == "uint8");
    let (layout, channels) = match facts.input_shape[..] {
        [_, channels, _, width] if width > 4 => (Layout::Nchw, channels),
        [_, _, _, channels] => (Layout::Nhwc, channels),
        _ => panic!("{:?} is no image", facts.input_shape),
    };
    // Each channel has a table of its own.
    let mean = |channel: usize| 1.0 + 0.125 * channel as f64;
    let (scale, mean): (f64, Vec<f64>) = match takes_bytes {
        true => (1.0, vec![0.0; channels]),
        false => (1.0 / 127.5, (0..channels).map(mean).collect()),
    };
    Preprocess {
        decode: Decode::default(),
        exif: Exif::default(),
        steps: Vec::new(),
        channels: Channels::Rgb,
        layout,
        scale,
        mean,
        std: vec![1.0; channels],
        output: Size::new(1, 1),
    }
}
