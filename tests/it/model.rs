//! Every way of writing a head, against ONNX Runtime (fixtures/make_models.py).

use crate::support::{close, fixtures, json};
use camaudit::cam::Cam;
use camaudit::model::{Model, Options, probe};

#[test]
fn every_way_of_writing_a_head_comes_apart_or_is_refused_by_name() {
    let cases = json(&fixtures().join("golden/zoo.json"));
    for (name, case) in cases.as_object().expect("cases") {
        let loaded = Model::load(&fixtures().join(format!("models/zoo/{name}.onnx")), &Options::default());
        match (loaded, case["refused"].as_array()) {
            (Ok(model), None) => check(name, &model, case),
            (Err(error), Some(words)) => {
                assert_eq!(error.exit_code(), 2);
                for word in words {
                    let word = word.as_str().expect("word");
                    assert!(error.to_string().contains(word), "{name}: {error} does not say {word:?}");
                }
            }
            (Ok(_), Some(_)) => panic!("{name} should be refused"),
            (Err(error), None) => panic!("{name}: {error}"),
        }
    }
}

fn check(name: &str, model: &Model, case: &serde_json::Value) {
    assert_eq!(model.facts.decomposition.name(), case["decomposition"], "{name}");
    assert_eq!(serde_json::json!(model.facts.features_shape), case["features_shape"], "{name}");
    let inference = model.session().expect("session").run(&probe(&model.facts.input_shape)).expect("run");
    let logits = case["logits"].as_array().expect("logits");
    assert_eq!(inference.logits.len(), logits.len(), "{name}");
    let sum: f64 = inference.features.iter().map(|&v| f64::from(v)).sum();
    close(sum, case["features_sum"].as_f64().expect("sum"), 1e-4, name);
    for (class, expected) in logits.iter().enumerate() {
        let expected = expected.as_f64().expect("logit");
        close(f64::from(inference.logits[class]), expected, 1e-4, name);
        // The map must give the logit that ONNX Runtime computed, not only our own.
        let cam = Cam::new(&model.layout, &inference.features, &model.weights(&inference, class));
        close(cam.mean() + cam.bias, expected, 1e-4, name);
    }
    let centred: f64 = (0..logits.len()).map(|c| model.centred_weights(&inference, c).bias).sum();
    if case["decomposition"] == "exact_linear" && !name.contains("sigmoid") {
        close(centred, 0.0, 1e-6, name);
    }
}

#[test]
fn the_input_size_is_checked_against_the_file() {
    let path = fixtures().join("models/shortcut.onnx");
    let load = |shape: &[usize]| Model::load(&path, &Options { input_shape: Some(shape), ..Options::default() });
    let error = load(&[1, 3, 32, 32]).err().expect("refused").to_string();
    assert!(error.contains("?x3x64x64") && error.contains("1x3x32x32"), "{error}");
    assert!(load(&[1, 3, 64, 64]).is_ok());
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let path = fixtures().join("README.md");
    let error = Model::load(&path, &Options::default()).err().expect("refused");
    assert!(error.to_string().contains("README.md"), "{error}");
}

/// Found by fuzzing: the engine would count to the axis.
#[test]
fn an_axis_that_no_tensor_has_is_refused() {
    let error = Model::load(&fixtures().join("fuzz/layer_norm_axis.onnx"), &Options::default()).err().expect("refused");
    assert!(error.to_string().contains("there is no axis"), "{error}");
}
