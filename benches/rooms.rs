//! The rooms that only compute, one at a time and so many times: `cargo bench --bench rooms -- ROOM
//! TIMES` says how long once takes, `benches/instructions.py` counts what it costs. A photo of 500
//! x 375 pixels, features of 1280 x 7 x 7, ten regions and an object; convolutions of mobile
//! networks (5 x 5, and of one pixel) and of a ResNet (3 x 3).
//!
//! `cargo bench --bench rooms -- kernels MODEL.onnx TIMES` runs one image through tract's operators
//! and through ours, in turn.

#![allow(clippy::expect_used, clippy::print_stdout)]

use camaudit::cam::Cam;
use camaudit::geometry::{Rect, Shape, Size};
use camaudit::grid::Grid;
use camaudit::input::{Preprocessor, decode};
use camaudit::model::{ClassWeights, Convolution, Geometry, MapLayout, Model, Options, probe};
use camaudit::plan::Plan;
use camaudit::score::{self, Footprint, Heat};
use image::codecs::jpeg::JpegEncoder;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// A room's name, and how to go through it so many times.
type Room = (&'static str, fn(usize));

const ROOMS: [Room; 8] = [
    ("decode", decoding),
    ("preprocess", preprocessing),
    ("depthwise", |times| convolving(times, 240, 240, 28, 5)),
    ("pointwise", |times| convolving(times, 80, 480, 14, 1)),
    ("dense", |times| convolving(times, 128, 128, 28, 3)),
    ("cam", mapping),
    ("score", scoring),
    ("localise", localising),
];

fn main() {
    // `cargo test` and `cargo bench` start it with arguments of their own: then every room is tried
    // once.
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    if let [wanted, model, times] = &args[..]
        && wanted == "kernels"
    {
        return kernels(Path::new(model), times.parse().expect("a number"));
    }
    let times = args.get(1).and_then(|n| n.parse().ok()).unwrap_or(1);
    for (name, room) in ROOMS {
        if args.first().is_none_or(|wanted| wanted == name) {
            let start = Instant::now();
            room(times);
            println!(
                "{name:<11}{:9.4} ms",
                1e3 * start.elapsed().as_secs_f64() / times as f64
            );
        }
    }
}

/// The least time of one image through tract's operators, and through ours.
fn kernels(model: &Path, times: usize) {
    use tract_onnx::prelude::{DatumExt, Framework, InferenceModelExt, IntoRunnable, Tensor, tvec};
    let own = Model::load(model, &Options::default()).expect("a model");
    let shape = &own.facts.input_shape;
    let image = probe(shape);
    let tensor = Tensor::from_shape(shape, &image).expect("an image");
    let graph = tract_onnx::onnx().model_for_path(model).expect("a graph");
    let graph = graph.with_input_fact(0, f32::fact(shape).into());
    let plain = graph
        .expect("a shape")
        .into_optimized()
        .and_then(IntoRunnable::into_runnable)
        .expect("operators of tract");
    let mut session = own.session().expect("a session");

    let mut least = [f64::INFINITY; 2];
    for _ in 0..times {
        let start = Instant::now();
        black_box(plain.run(tvec!(tensor.clone().into())).expect("it runs"));
        least[0] = least[0].min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        black_box(session.run(black_box(&image)).expect("it runs"));
        least[1] = least[1].min(start.elapsed().as_secs_f64());
    }
    let [theirs, ours] = least.map(|seconds| 1e3 * seconds);
    let ratio = theirs / ours;
    println!("tract {theirs:.1} ms, own {ours:.1} ms, {ratio:.2} times as fast");
}

fn jpeg() -> Vec<u8> {
    let photo = image::RgbImage::from_fn(500, 375, |x, y| {
        image::Rgb([
            (x / 2) as u8,
            (y * 2 / 3) as u8,
            ((x * y) / 700 + (x ^ y) % 23) as u8,
        ])
    });
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(&photo)
        .expect("it works");
    bytes
}

fn decoding(times: usize) {
    let bytes = jpeg();
    for _ in 0..times {
        black_box(decode(black_box(&bytes)).expect("it works"));
    }
}

fn preprocessing(times: usize) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/demo.toml");
    let set = [
        "preprocess.preset=\"imagenet-torchvision\"".to_owned(),
        "preprocess.size=224".to_owned(),
    ];
    let plan = Plan::load(&file, &set).expect("it works");
    let mut preprocessor = Preprocessor::new(&plan.preprocess, None);
    let photo = decode(&jpeg()).expect("it works");
    for _ in 0..times {
        black_box(preprocessor.run(black_box(&photo)).expect("it works"));
    }
}

/// A depthwise convolution where there are as many outputs as inputs and the kernel is of 5 x 5,
/// else a dense one.
fn convolving(times: usize, inputs: usize, outputs: usize, side: usize, kernel: usize) {
    let sides = [side, side];
    let (kernel, padding) = ([kernel, kernel], [kernel / 2, kernel / 2]);
    let geometry = Geometry {
        input: sides,
        output: sides,
        kernel,
        stride: [1, 1],
        dilation: [1, 1],
        padding,
    };
    let numbers = |n: usize| {
        (0..n)
            .map(|i| (i % 13) as f32 / 13.0 - 0.5)
            .collect::<Vec<f32>>()
    };
    let (taps, bias) = (kernel[0] * kernel[1], numbers(outputs));
    let convolution = if taps == 25 {
        Convolution::depthwise(geometry, numbers(outputs * taps), bias)
    } else {
        Convolution::dense(geometry, &numbers(outputs * inputs * taps), &bias)
    };
    let convolution = convolution.expect("it works");
    let (input, mut output) = (
        numbers(inputs * side * side),
        numbers(outputs * side * side),
    );
    for _ in 0..times {
        convolution.run(black_box(&input), &mut output, false);
    }
}

fn map() -> (MapLayout, Vec<f32>, ClassWeights) {
    let layout = MapLayout {
        channels: 1280,
        height: 7,
        width: 7,
        channels_last: false,
        flattened: false,
    };
    let features = (0..1280 * 49).map(|i| (i % 13) as f32 / 13.0).collect();
    let weights = (0..1280).map(|k| f64::from(k % 7) - 2.0).collect();
    (layout, features, ClassWeights { weights, bias: 0.5 })
}

fn mapping(times: usize) {
    let (layout, features, class) = map();
    for _ in 0..times {
        black_box(Cam::new(&layout, black_box(&features), &class));
    }
}

fn scoring(times: usize) {
    let (layout, features, class) = map();
    let cam = Cam::new(&layout, &features, &class);
    let grid = Grid {
        height: 7,
        width: 7,
        view: Size::new(224, 224),
    };
    let shapes: Vec<Shape> = (0..10)
        .map(|i| {
            Shape::Rects(vec![Rect::new(
                20.0 * f64::from(i),
                30.0,
                20.0 * f64::from(i) + 45.0,
                90.0,
            )])
        })
        .collect();
    for _ in 0..times {
        let heat = Heat::new(&cam.values, black_box(1.0));
        for shape in &shapes {
            black_box(score::region(
                &Footprint::new(&grid, shape),
                &heat,
                &cam,
                Some(1000),
            ));
        }
    }
}

fn localising(times: usize) {
    let (layout, features, class) = map();
    let cam = Cam::new(&layout, &features, &class);
    let grid = Grid {
        height: 7,
        width: 7,
        view: Size::new(224, 224),
    };
    let (heat, object) = (
        Heat::new(&cam.values, 1.0),
        Shape::Rects(vec![Rect::new(40.0, 50.0, 170.0, 200.0)]),
    );
    for _ in 0..times {
        black_box(score::localise(&grid, black_box(&heat), &object, 15.0));
    }
}
