//! Every way of writing a head, against ONNX Runtime (fixtures/make_models.py).

use crate::support::{close, fixtures, json, onnxruntime};
use camaudit::cam::Cam;
use camaudit::model::{Convolution, Geometry, Model, Options, probe};
use camaudit::plan::Engine;

#[test]
fn every_way_of_writing_a_head_is_read_or_refused_by_name() {
    zoo(&Engine::Tract);
}

#[test]
#[ignore = "needs ONNX Runtime in .venv"]
fn every_way_of_writing_a_head_is_read_or_refused_with_onnxruntime() {
    zoo(&onnxruntime());
}

fn zoo(engine: &Engine) {
    let cases = json(&fixtures().join("golden/zoo.json"));
    for (name, case) in cases.as_object().expect("cases") {
        let options = Options {
            engine: engine.clone(),
            ..Options::default()
        };
        let loaded = Model::load(
            &fixtures().join(format!("models/zoo/{name}.onnx")),
            &options,
        );
        match (loaded, case["refused"].as_array()) {
            (Ok(model), None) => check(name, &model, case),
            (Err(error), Some(words)) => {
                for word in words {
                    let word = word.as_str().expect("word");
                    assert!(
                        error.to_string().contains(word),
                        "{name}: {error} does not say {word:?}"
                    );
                }
            }
            (Ok(_), Some(_)) => panic!("{name} should be refused"),
            (Err(error), None) => panic!("{name}: {error}"),
        }
    }
}

fn check(name: &str, model: &Model, case: &serde_json::Value) {
    assert_eq!(
        model.facts.decomposition.name(),
        case["decomposition"],
        "{name}"
    );
    assert_eq!(
        serde_json::json!(model.facts.features_shape),
        case["features_shape"],
        "{name}"
    );
    let inference = model
        .session()
        .expect("session")
        .run(&probe(&model.facts.input_shape))
        .expect("run");
    let logits = case["logits"].as_array().expect("logits");
    assert_eq!(inference.logits.len(), logits.len(), "{name}");
    let sum: f64 = inference.features.iter().map(|&v| f64::from(v)).sum();
    close(sum, case["features_sum"].as_f64().expect("sum"), 1e-4, name);
    for (class, expected) in logits.iter().enumerate() {
        let expected = expected.as_f64().expect("logit");
        close(f64::from(inference.logits[class]), expected, 1e-4, name);
        // The map must give the logit that ONNX Runtime computed, not only our own.
        let cam = Cam::new(
            &model.layout,
            &inference.features,
            &model.weights(&inference, class),
        );
        close(cam.mean() + cam.bias, expected, 1e-4, name);
    }
    let centred: f64 = (0..logits.len())
        .map(|c| model.centred_weights(&inference, c).bias)
        .sum();
    if case["decomposition"] == "exact_linear" && !name.contains("sigmoid") {
        close(centred, 0.0, 1e-6, name);
    }
}

/// Every geometry against sums written out in 64 bits: depthwise, in place too where the output is
/// as large, and dense, with and without something that is added.
#[test]
fn an_own_convolution_is_the_sum_over_its_taps() {
    let (mut tried, mut dense) = (0, 0);
    for (kernel, padding) in [
        ([1, 1], [0, 0]),
        ([3, 3], [1, 1]),
        ([3, 5], [0, 2]),
        ([5, 5], [2, 2]),
        ([7, 7], [3, 3]),
        ([2, 3], [1, 0]),
    ] {
        for input in [
            [1_usize, 1],
            [7, 7],
            [9, 16],
            [14, 14],
            [13, 56],
            [112, 112],
        ] {
            for (stride, dilation) in [
                ([1, 1], [1, 1]),
                ([2, 2], [1, 1]),
                ([1, 2], [1, 1]),
                ([3, 2], [1, 1]),
                ([1, 1], [2, 2]),
                ([2, 2], [2, 3]),
            ] {
                let side = |a: usize| {
                    let span = (kernel[a] - 1) * dilation[a];
                    (input[a] + 2 * padding[a])
                        .checked_sub(span + 1)
                        .map(|room| room / stride[a] + 1)
                };
                let (Some(height), Some(width)) = (side(0), side(1)) else {
                    continue;
                };
                let output = [height, width];
                let geometry = Geometry {
                    input,
                    output,
                    kernel,
                    stride,
                    dilation,
                    padding,
                };
                check_depthwise(&geometry);
                // An odd number of outputs leaves a block half empty; many inputs make more than
                // one panel.
                dense += check_dense(&geometry, 2, 11);
                tried += 1;
            }
        }
    }
    let still = |input: [usize; 2]| Geometry {
        input,
        output: input,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0],
    };
    dense += check_dense(&still([56, 56]), 150, 3) + check_dense(&still([7, 7]), 300, 17);
    assert!(tried > 150 && dense > 140, "{tried}, {dense}");
}

fn wave(n: usize, step: f32) -> Vec<f32> {
    (0..n).map(|i| (step * i as f32).sin()).collect()
}

/// One output pixel of one kernel over one channel, in 64 bits.
fn taps(geometry: &Geometry, kernel: &[f32], channel: &[f32], [y, x]: [usize; 2]) -> f64 {
    let ([h, w], [kh, kw]) = (geometry.input, geometry.kernel);
    let mut sum = 0.0;
    for (tap, weight) in kernel[..kh * kw].iter().enumerate() {
        let row = (y * geometry.stride[0] + tap / kw * geometry.dilation[0])
            .checked_sub(geometry.padding[0]);
        let column = (x * geometry.stride[1] + tap % kw * geometry.dilation[1])
            .checked_sub(geometry.padding[1]);
        if let (Some(row), Some(column)) = (row.filter(|r| *r < h), column.filter(|c| *c < w)) {
            sum += f64::from(*weight) * f64::from(channel[row * w + column]);
        }
    }
    sum
}

fn check_depthwise(geometry: &Geometry) {
    let ([h, w], [kh, kw], [oh, ow]) = (geometry.input, geometry.kernel, geometry.output);
    let (image, kernel, bias) = (wave(3 * h * w, 0.7), wave(3 * kh * kw, 1.3), wave(3, 2.0));
    let convolution =
        Convolution::depthwise(geometry.clone(), kernel.clone(), bias.clone()).expect("a geometry");
    let convolution = convolution.clamped(-1.5, 2.0);
    let mut found = vec![f32::NAN; 3 * oh * ow];
    convolution.run(&image, &mut found, false);
    for (i, value) in found.iter().enumerate() {
        let (c, y, x) = (i / (oh * ow), i / ow % oh, i % ow);
        let sum = f64::from(bias[c])
            + taps(
                geometry,
                &kernel[c * kh * kw..],
                &image[c * h * w..],
                [y, x],
            );
        close(
            f64::from(*value),
            sum.clamp(-1.5, 2.0),
            1e-5,
            &format!("{geometry:?} at {i}"),
        );
    }
    assert_eq!(convolution.in_place(), geometry.input == geometry.output);
    if convolution.in_place() {
        let mut values = image;
        convolution.run_in_place(&mut values);
        assert_eq!(values, found, "{geometry:?}");
    }
}

fn check_dense(geometry: &Geometry, inputs: usize, outputs: usize) -> usize {
    let ([h, w], [kh, kw], [oh, ow]) = (geometry.input, geometry.kernel, geometry.output);
    let (image, kernel) = (
        wave(inputs * h * w, 0.7),
        wave(outputs * inputs * kh * kw, 1.3),
    );
    let (bias, before) = (wave(outputs, 2.0), wave(outputs * oh * ow, 0.3));
    // Where nearly all is padding there is none.
    let Some(convolution) = Convolution::dense(geometry.clone(), &kernel, &bias) else {
        return 0;
    };
    let convolution = convolution.clamped(-1.5, 2.0);
    let mut found = vec![f32::NAN; outputs * oh * ow];
    convolution.run(&image, &mut found, false);
    let mut added = before.clone();
    convolution.run(&image, &mut added, true);
    for i in 0..found.len() {
        let (o, y, x) = (i / (oh * ow), i / ow % oh, i % ow);
        let of = |c: usize| {
            taps(
                geometry,
                &kernel[(o * inputs + c) * kh * kw..],
                &image[c * h * w..],
                [y, x],
            )
        };
        let sum = f64::from(bias[o]) + (0..inputs).map(of).sum::<f64>();
        let what = format!("{geometry:?} {inputs} to {outputs} at {i}");
        close(f64::from(found[i]), sum.clamp(-1.5, 2.0), 2e-5, &what);
        close(
            f64::from(added[i]),
            (sum + f64::from(before[i])).clamp(-1.5, 2.0),
            2e-5,
            &what,
        );
    }
    1
}

/// Networks of such convolutions, with the engine's own operators.
#[test]
fn the_own_convolutions_say_what_the_engine_s_say() {
    use tract_onnx::prelude::{Framework, InferenceModelExt, IntoRunnable, Tensor, tvec};
    let dense = |n: usize| if Convolution::dense_pays() { n } else { 0 };
    for (name, swapped) in [("depthwise", 7), ("dense", dense(8))] {
        let path = fixtures().join(format!("models/zoo/{name}.onnx"));
        let model = Model::load(&path, &Options::default()).expect("model");
        let image = probe(&model.facts.input_shape);
        let own = model
            .session()
            .expect("session")
            .run(&image)
            .expect("run")
            .logits;
        let tensor = Tensor::from_shape(&model.facts.input_shape, &image).expect("tensor");
        let plain = tract_onnx::onnx().model_for_path(&path).expect("read");
        let plain = plain
            .into_optimized()
            .and_then(IntoRunnable::into_runnable)
            .expect("optimise");
        let theirs = plain.run(tvec!(tensor.into())).expect("run");
        let theirs = theirs[0].to_plain_array_view::<f32>().expect("view");
        assert_eq!(
            (own.len(), model.facts.own_convolutions),
            (theirs.len(), swapped),
            "{name}: all of them are swapped"
        );
        own.iter()
            .zip(theirs)
            .for_each(|(a, b)| close(f64::from(*a), f64::from(*b), 1e-4, name));
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

#[test]
fn a_file_that_is_no_model_is_refused() {
    let path = fixtures().join("README.md");
    let error = Model::load(&path, &Options::default())
        .err()
        .expect("refused");
    assert!(error.to_string().contains("README.md"), "{error}");
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
