//! Every way of writing a head, against ONNX Runtime (fixtures/make_models.py).

use crate::support::{fixtures, json, onnxruntime, plan};
use camaudit::audit::load_model;
use camaudit::cam::Cam;
use camaudit::model::{Model, Options, probe};
use camaudit::plan::Engine;
use std::io::Write as _;
use std::path::Path;

#[test]
fn every_way_of_writing_a_head_is_read_or_refused_by_name() {
    zoo(&Engine::default());
}

#[test]
#[ignore = "needs ONNX Runtime in .venv"]
fn every_way_of_writing_a_head_is_read_or_refused_with_onnxruntime() {
    zoo(&onnxruntime());
}

/// Networks that only ONNX Runtime runs, and the operator to be named.
const NOT_BUILT_IN: [(&str, &str); 2] = [("celu_head", "Celu"), ("upsample_opset9", "Upsample")];

fn zoo(engine: &Engine) {
    let cases = json(&fixtures().join("golden/zoo.json"));
    let cases = cases.as_object().expect("cases");
    let mut failures = Vec::new();
    for (name, case) in cases {
        if let Err(failure) = check(name, case, engine) {
            failures.push(format!("{name}: {failure}"));
        }
    }
    assert!(cases.len() >= 120, "{} cases", cases.len());
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

/// Loads one network and compares it with its golden, or its refusal with the words that it must
/// hold.
fn check(name: &str, case: &serde_json::Value, engine: &Engine) -> Result<(), String> {
    let options = Options {
        engine: engine.clone(),
        output: case["options"]["output"].as_str(),
        inputs: serde_json::from_value(case["options"]["inputs"].clone()).unwrap_or_default(),
        ..Options::default()
    };
    let path = fixtures().join(format!("models/zoo/{name}.onnx"));
    let loaded = Model::load(&path, &options);
    let missing = NOT_BUILT_IN.iter().find(|(network, _)| network == &name);
    if let (Engine::Tract { .. }, Some((_, operator))) = (engine, missing) {
        let text = loaded.err().map_or_else(String::new, |e| e.to_string());
        let is_named = text.contains(operator) && text.contains("engine = \"onnxruntime\"");
        return is_named.then_some(()).ok_or(text);
    }
    match (loaded, case["refused"].as_array()) {
        (Ok(model), None) => check_maps(&model, case),
        (Ok(_), Some(words)) => Err(format!("accepted, should be refused with {words:?}")),
        (Err(error), None) => Err(format!("refused: {error}")),
        (Err(error), Some(words)) => {
            let text = error.to_string();
            let mut words = words.iter().map(|word| word.as_str().expect("a word"));
            match words.find(|word| !text.contains(word)) {
                None => Ok(()),
                Some(word) => Err(format!("{text}\n  does not say {word:?}")),
            }
        }
    }
}

/// Models of PyTorch, timm, Hugging Face and Keras, with the maps that those frameworks compute
/// themselves (fixtures/exports). The files are too large for the repository.
#[test]
#[ignore = "needs exported models in target/exports"]
fn real_exports_have_the_maps_of_their_frameworks() {
    let folder = fixtures().join("../target/exports");
    let entries = std::fs::read_dir(&folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("entry").path());
    let mut goldens: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    goldens.sort();
    if goldens.is_empty() {
        let message = "SKIPPED real exports: target/exports is empty (make exports)\n";
        std::io::stderr()
            .write_all(message.as_bytes())
            .expect("stderr");
    }

    let mut failures = Vec::new();
    for path in &goldens {
        let start = std::time::Instant::now();
        let case = json(path);
        let result = check_export(&path.with_extension("onnx"), &case);
        let name = path.file_stem().expect("a name").display();
        eprintln!("{name} {:.1} s {result:?}", start.elapsed().as_secs_f64());
        if let Err(failure) = result {
            failures.push(format!("{name}: {failure}"));
        }
    }
    let count = goldens.len();
    assert!(
        failures.is_empty(),
        "{} of {count}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn check_export(path: &Path, case: &serde_json::Value) -> Result<(), String> {
    let shape: Vec<usize> =
        serde_json::from_value(case["input_shape"].clone()).map_err(|e| e.to_string())?;
    let options = Options {
        input_shape: Some(&shape),
        ..Options::default()
    };
    let is_refused = case["refuse"] == true;
    let model = match Model::load(path, &options) {
        Ok(_) if is_refused => return Err(format!("accepted: {}", case["reason"])),
        Ok(model) => model,
        Err(_) if is_refused => return Ok(()),
        // What the built-in engine lacks must say so, and run with the other one.
        Err(error) if error.to_string().contains("engine = \"onnxruntime\"") => {
            let options = Options {
                engine: onnxruntime(),
                ..options
            };
            Model::load(path, &options).map_err(|e| e.to_string())?
        }
        Err(error) => return Err(error.to_string()),
    };

    let inference = model
        .session()
        .and_then(|mut session| session.run(&probe(&model.facts.input_shape)))
        .map_err(|e| e.to_string())?;
    let is_binary = case["logits"].as_array().is_some_and(|z| z.len() == 1);
    let class = if is_binary {
        1
    } else {
        case["class"].as_u64().unwrap_or(1) as usize
    };
    let weights = model.weights(&inference, class);
    let cam = Cam::new(&model.layout, &inference.features, &weights);

    let rows = case["map"].as_array().expect("a map");
    let map: Vec<f64> = rows
        .iter()
        .flat_map(|row| row.as_array().expect("a row"))
        .map(|value| value.as_f64().expect("a number"))
        .collect();
    let grid = serde_json::json!(model.facts.map);
    if grid != case["grid"] {
        return Err(format!("grid {grid}, expected {}", case["grid"]));
    }
    let largest = map.iter().fold(1e-6_f64, |max, v| max.max(v.abs()));
    let difference = cam
        .values
        .iter()
        .zip(&map)
        .fold(0.0_f64, |max, (a, b)| max.max((a - b).abs()));
    // The reference rounds weights before batch normalisation is folded into them, the file after.
    let is_half =
        path.to_string_lossy().contains("half") || path.to_string_lossy().contains("conv16");
    let tolerance = if is_half { 2e-2 } else { 1e-3 };
    if difference > tolerance * largest {
        let decomposition = model.facts.decomposition.name();
        return Err(format!(
            "{decomposition} map differs by {:.1e} of the largest value; expected {}",
            difference / largest,
            case["kind"]
        ));
    }
    Ok(())
}

fn check_maps(model: &Model, case: &serde_json::Value) -> Result<(), String> {
    let same = |what: &str, found: serde_json::Value, expected: &serde_json::Value| {
        if found == *expected {
            Ok(())
        } else {
            Err(format!("{what}: {found}, expected {expected}"))
        }
    };
    let decomposition = model.facts.decomposition.name();
    same(
        "decomposition",
        decomposition.into(),
        &case["decomposition"],
    )?;
    same("grid", serde_json::json!(model.facts.map), &case["grid"])?;
    match (model.facts.frame, case["frame"].as_array()) {
        (None, None) => {}
        (Some(found), Some(expected)) => {
            for (found, expected) in found.iter().zip(expected) {
                near("frame", *found, expected, 0.5)?;
            }
        }
        (found, expected) => return Err(format!("frame: {found:?}, expected {expected:?}")),
    }

    let mut image = probe(&model.facts.input_shape);
    if model.facts.precisions.iter().any(|p| p == "uint8") {
        image
            .iter_mut()
            .for_each(|v| *v = (127.5 + 127.5 * *v).round());
    }
    let inference = model
        .session()
        .and_then(|mut session| session.run(&image))
        .map_err(|e| e.to_string())?;
    let logits = case["logits"].as_array().expect("logits");
    same(
        "classes",
        inference.logits.len().into(),
        &logits.len().into(),
    )?;
    let tolerance = case["tolerance"].as_f64().unwrap_or(1e-3);
    let exact = tolerance.max(1e-3) * 0.1;
    for (class, logit) in logits.iter().enumerate() {
        near(
            "logit",
            f64::from(inference.logits[class]),
            logit,
            exact * logit.as_f64().expect("logit").abs().max(1.0),
        )?;
        let weights = model.weights(&inference, class);
        let cam = Cam::new(&model.layout, &inference.features, &weights);
        let map = case["maps"][class].as_array().expect("map");
        let largest = map
            .iter()
            .fold(1e-6_f64, |max, v| max.max(v.as_f64().expect("value").abs()));
        same("cells", cam.values.len().into(), &map.len().into())?;
        for (found, expected) in cam.values.iter().zip(map) {
            near("map", *found, expected, tolerance * largest)?;
        }
        near("bias", cam.bias, &case["bias"][class], tolerance * largest)?;
    }
    Ok(())
}

fn near(
    what: &str,
    found: f64,
    expected: &serde_json::Value,
    tolerance: f64,
) -> Result<(), String> {
    let expected = expected.as_f64().expect("a number");
    if (found - expected).abs() <= tolerance {
        Ok(())
    } else {
        Err(format!("{what}: {found}, expected {expected}"))
    }
}

#[test]
fn the_input_size_is_checked_against_the_file() {
    let path = fixtures().join("models/shortcut.onnx");
    let load = |shape: &[usize]| {
        Model::load(
            &path,
            &Options {
                input_shape: Some(shape),
                ..Options::default()
            },
        )
    };
    let error = load(&[1, 3, 32, 32]).err().expect("refused").to_string();
    assert!(
        error.contains("?x3x64x64") && error.contains("1x3x32x32"),
        "{error}"
    );
    assert!(load(&[1, 3, 64, 64]).is_ok());
}

/// When it is loaded: every image would be wrong.
#[test]
fn a_model_of_8_bit_pixels_refuses_other_numbers() {
    let folder = tempfile::tempdir().expect("folder");
    let load = |scale: &str| {
        let text = format!(
            "[dataset]\nroot = {:?}\n[model]\npath = {:?}\n[preprocess]\nscale = {scale}\nlayout = \"nhwc\"\nsteps = [{{ resize = {{ exact = [20, 20] }} }}]\n",
            fixtures().join("exact"),
            fixtures().join("models/zoo/uint8_nhwc.onnx"),
        );
        load_model(&plan(folder.path(), "bytes", &text, &[]))
    };
    let error = load("0.5").err().expect("refused").to_string();
    assert!(
        error.contains("takes 8-bit pixels") && error.contains("scale = 1"),
        "{error}"
    );
    if let Err(error) = load("1.0") {
        panic!("{error}");
    }
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let path = fixtures().join("README.md");
    let error = Model::load(&path, &Options::default())
        .err()
        .expect("refused");
    assert!(error.to_string().contains("README.md"), "{error}");
}

/// Files of other tools, by their first bytes.
#[test]
fn a_file_of_another_tool_points_to_the_export_guide() {
    let folder = tempfile::tempdir().expect("folder");
    let cases: [(&str, &[u8], &str); 3] = [
        ("net.pt", b"PK\x03\x04 archive", "PyTorch"),
        ("net.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("net.tflite", b"\x1c\x00\x00\x00TFL3", "TensorFlow Lite"),
    ];
    for (name, bytes, kind) in cases {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("file");
        let error = Model::load(&file, &Options::default()).err();
        let text = error.expect("refused").to_string();
        assert!(
            text.contains(kind) && text.contains("docs/export.md"),
            "{text}"
        );
    }
}

/// Found by fuzzing: the engine would count to the axis.
#[test]
fn an_axis_that_no_tensor_has_is_refused() {
    let error = Model::load(
        &fixtures().join("fuzz/layer_norm_axis.onnx"),
        &Options::default(),
    )
    .err()
    .expect("refused");
    assert!(error.to_string().contains("there is no axis"), "{error}");
}

/// Found by fuzzing: the engine would take the low half of a number, and make the tensor before its
/// size was checked.
#[test]
fn sizes_that_no_tensor_has_are_refused_before_the_engine_makes_it() {
    let long = |number: i64| number.to_le_bytes().to_vec();
    let float = |number: f32| number.to_le_bytes().to_vec();
    let thousand = [long(1000), long(1000), long(1000)].concat();
    let low = [long(1000), long(1000 - (1 << 49)), long(1000)].concat();
    let cases = [
        ("tile", thousand.clone(), low.clone(), "Tile"),
        ("expand", thousand.clone(), low.clone(), "Expand"),
        ("constant_of_shape", thousand, low, "ConstantOfShape"),
        ("range", float(1e9), float(-1e9), "Range"),
    ];
    let folder = tempfile::tempdir().expect("folder");
    for (name, old, new, operator) in cases {
        let path = fixtures().join(format!("models/zoo/hostile_{name}.onnx"));
        let mut bytes = std::fs::read(path).expect("a model");
        let at = bytes.windows(old.len()).position(|window| window == old);
        let at = at.expect("the sizes");
        bytes[at..at + new.len()].copy_from_slice(&new);
        if name == "range" {
            // Down from 0, where the file goes up.
            replace_step(&mut bytes);
        }

        let file = folder.path().join("changed.onnx");
        std::fs::write(&file, bytes).expect("written");
        let start = std::time::Instant::now();
        let error = Model::load(&file, &Options::default()).err();
        let text = error.expect("refused").to_string();
        let is_refused = text.contains(operator) && text.contains("asks for");
        assert!(is_refused, "{name}: {text}");
        assert!(
            start.elapsed().as_secs() < 2,
            "{name}: {:?}",
            start.elapsed()
        );
    }
}

/// Turns the first constant of a single 1 into -1.
fn replace_step(bytes: &mut [u8]) {
    let one = [&b"J\x04"[..], &1_f32.to_le_bytes()].concat();
    let at = bytes.windows(one.len()).position(|window| window == one);
    let sign = at.expect("the step") + one.len() - 1;
    bytes[sign] |= 0x80;
}
