//! The built-in engine's own convolutions, against sums written out in 64 bits and against the
//! engine's operators.

use crate::support::{close, fixtures};
use camaudit::model::{Convolution, Geometry, Model, Options, instruction_set, probe};
use camaudit::plan::Engine;

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

    // Small maps with many outputs, whose runs are gathered; the last ones are fewer channels.
    for (side, kernel, dilation, inputs, outputs) in [
        (7, 3, 1, 31, 70),
        (7, 3, 2, 20, 64),
        (8, 5, 1, 3, 65),
        (4, 3, 1, 90, 64),
    ] {
        let geometry = Geometry {
            input: [side, side],
            output: [side, side],
            kernel: [kernel, kernel],
            stride: [1, 1],
            dilation: [dilation, dilation],
            padding: [kernel / 2 * dilation, kernel / 2 * dilation],
        };
        assert_eq!(check_dense(&geometry, inputs, outputs), 1);
    }
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

/// How many convolutions of the geometry were compared.
fn check_dense(geometry: &Geometry, inputs: usize, outputs: usize) -> usize {
    let make = |kernel: &[f32], bias: &[f32]| Convolution::dense(geometry.clone(), kernel, bias);
    check_sums(geometry, inputs, outputs, 2e-5, make)
}

fn check_winograd(geometry: &Geometry, inputs: usize, outputs: usize) -> usize {
    let make = |kernel: &[f32], bias: &[f32]| Convolution::winograd(geometry.clone(), kernel, bias);
    check_sums(
        geometry,
        inputs,
        outputs,
        5e-6 * (inputs as f64).max(4.0),
        make,
    )
}

/// With and without something that is added, clamped.
fn check_sums(
    geometry: &Geometry,
    inputs: usize,
    outputs: usize,
    tolerance: f64,
    make: impl Fn(&[f32], &[f32]) -> Option<Convolution>,
) -> usize {
    let ([h, w], [kh, kw], [oh, ow]) = (geometry.input, geometry.kernel, geometry.output);
    let image = wave(inputs * h * w, 0.7);
    let kernel = wave(outputs * inputs * kh * kw, 1.3);
    let (bias, before) = (wave(outputs, 2.0), wave(outputs * oh * ow, 0.3));

    // Where nearly all is padding there is none.
    let Some(convolution) = make(&kernel, &bias) else {
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
            let kernel = &kernel[(o * inputs + c) * kh * kw..];
            taps(geometry, kernel, &image[c * h * w..], [y, x])
        };
        let sum = f64::from(bias[o]) + (0..inputs).map(of).sum::<f64>();
        let with_before = sum + f64::from(before[i]);
        let what = format!("{geometry:?} {inputs} to {outputs} at {i}");
        close(f64::from(found[i]), sum.clamp(-1.5, 2.0), tolerance, &what);
        close(
            f64::from(added[i]),
            with_before.clamp(-1.5, 2.0),
            tolerance,
            &what,
        );
    }
    1
}

/// Sizes that are whole tiles and others, one tile and many panels, more padding than a tile, and
/// blocks of outputs that are not full.
#[test]
fn winograd_s_algorithm_gives_the_sums_over_the_taps() {
    let geometry = |input: [usize; 2], padding: [usize; 2]| Geometry {
        input,
        output: [0, 1].map(|a| input[a] + 2 * padding[a] - 2),
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        padding,
    };

    let mut tried = 0;
    for padding in [[0, 0], [1, 1], [2, 0], [1, 5]] {
        for input in [
            [3, 3],
            [7, 7],
            [4, 70],
            [13, 27],
            [14, 14],
            [56, 9],
            [61, 112],
        ] {
            tried += check_winograd(&geometry(input, padding), 2, 11);
        }
    }
    tried += check_winograd(&geometry([56, 56], [1, 1]), 70, 3);
    tried += check_winograd(&geometry([14, 14], [1, 1]), 40, 33);
    assert_eq!(tried, 30);

    let wide = geometry([56, 56], [1, 1]);
    assert_eq!(Convolution::winograd_pays(&wide, 64, 64), has_vectors());
    assert!(
        !Convolution::winograd_pays(&geometry([2, 2], [1, 1]), 512, 512),
        "one tile"
    );
    for other in [
        Geometry {
            stride: [2, 2],
            output: [28, 28],
            ..wide.clone()
        },
        Geometry {
            dilation: [2, 2],
            output: [54, 54],
            ..wide.clone()
        },
        Geometry {
            kernel: [3, 1],
            output: [56, 58],
            ..wide
        },
    ] {
        let taps = other.kernel[0] * other.kernel[1];
        let none = Convolution::winograd(other.clone(), &wave(taps, 1.0), &[0.0]);
        assert!(none.is_none(), "{other:?}");
    }
}

/// AVX2 or AVX-512; elsewhere the algorithm is not used.
fn has_vectors() -> bool {
    cfg!(target_arch = "x86_64") && instruction_set() != "x86_64"
}

/// `model.exact_convolutions` turns it off; logits and maps are the same but for rounding.
#[test]
fn winograd_s_algorithm_changes_no_logit_and_no_map() {
    let path = fixtures().join("models/zoo/winograd.onnx");
    let load = |exact_convolutions| {
        let engine = Engine::Tract { exact_convolutions };
        let options = Options {
            engine,
            ..Options::default()
        };
        Model::load(&path, &options).expect("a model")
    };
    let (exact, fast) = (load(true), load(false));
    // Which of them pay depends on the width of the vectors.
    let counts = [&exact, &fast].map(|model| model.facts.winograd_convolutions);
    assert_eq!(counts[0], 0);
    assert_eq!(counts[1] >= 2, has_vectors(), "{counts:?}");
    assert_ne!(
        exact.engine_name, fast.engine_name,
        "the cache tells them apart"
    );

    let image = probe(&exact.facts.input_shape);
    let run = |model: &Model| {
        model
            .session()
            .expect("a session")
            .run(&image)
            .expect("a run")
    };
    let (exact_run, fast_run) = (run(&exact), run(&fast));
    let near = |found: &[f32], expected: &[f32], tolerance: f32| {
        let largest = expected
            .iter()
            .fold(0.0, |largest: f32, x| largest.max(x.abs()));
        for (a, b) in found.iter().zip(expected) {
            assert!(
                (a - b).abs() <= tolerance * largest,
                "{a} and {b} of {largest}"
            );
        }
    };
    near(&fast_run.logits, &exact_run.logits, 1e-4);
    near(&fast_run.features, &exact_run.features, 1e-3);
    assert!(fast.facts.invariant_error <= fast.facts.invariant_tolerance);
}

/// Networks of such convolutions, with the engine's own operators.
#[test]
fn the_own_convolutions_say_what_the_engine_s_say() {
    use tract_onnx::prelude::{Framework, InferenceModelExt, IntoRunnable, Tensor, tvec};
    let dense = |n: usize| if Convolution::dense_pays(64) { n } else { 0 };
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
