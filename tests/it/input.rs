//! Decoding and preprocessing against Pillow (fixtures/make_goldens.py).

use crate::support::{close, demo_text, fixtures, json, plan};
use camaudit::dataset::Source;
use camaudit::geometry::{Rect, Size};
use camaudit::input::{Photo, Preprocessor, decode, decode_for};
use camaudit::plan::Plan;
use std::path::Path;

fn read(path: &Path) -> Result<Vec<u8>, camaudit::error::Skip> {
    camaudit::input::read(&Source::File(path.to_path_buf())).map(std::borrow::Cow::into_owned)
}

fn decode_file(path: &Path) -> Result<image::RgbImage, camaudit::error::Skip> {
    Ok(decode(&read(path)?)?.rgb)
}

/// Largest and mean difference in levels of 255.
fn difference(a: &[u8], b: &[u8]) -> (u8, f64) {
    assert_eq!(a.len(), b.len());
    let differences = || a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    (
        differences().max().unwrap_or(0),
        differences().map(f64::from).sum::<f64>() / a.len() as f64,
    )
}

#[test]
fn every_kind_of_file_is_read_as_pillow_reads_it_or_skipped_with_a_reason() {
    let cases = json(&fixtures().join("golden/odd.json"));
    for (name, case) in cases.as_object().expect("cases") {
        let found = decode_file(&fixtures().join("odd").join(name));
        match (found, case["reason"].as_str()) {
            (Ok(picture), None) => {
                let golden = image::open(fixtures().join(format!("odd/{name}.rgb.png")))
                    .expect("golden")
                    .into_rgb8();
                assert_eq!(picture.dimensions(), golden.dimensions(), "{name}");
                let (worst, _) = difference(picture.as_raw(), golden.as_raw());
                assert!(
                    u64::from(worst) <= case["tolerance"].as_u64().expect("tolerance"),
                    "{name}: {worst} levels off"
                );
            }
            (Err(skip), Some(reason)) => {
                assert_eq!(skip.stage.name(), case["stage"], "{name}");
                assert_eq!(skip.reason.name(), reason, "{name}");
            }
            (Ok(_), Some(reason)) => panic!("{name} should be skipped as {reason}"),
            (Err(skip), None) => panic!("{name}: {}: {}", skip.reason, skip.message),
        }
    }
}

/// Containers, depths, alpha, planes, tiles, first frames and orientations (fixtures/make_pictures.py).
#[test]
fn pictures_have_the_pixels_of_pillow_or_a_reason_that_names_the_remedy() {
    let cases = json(&fixtures().join("golden/pictures.json"));
    for (name, case) in cases.as_object().expect("cases") {
        let bytes = read(&fixtures().join("pictures").join(name)).expect("read");
        match (decode(&bytes), case["reason"].as_str()) {
            (Ok(photo), None) => {
                let golden = image::open(fixtures().join(format!("pictures/{name}.rgb.png")))
                    .expect("golden")
                    .into_rgb8();
                assert_eq!(photo.rgb.dimensions(), golden.dimensions(), "{name}");
                let (worst, _) = difference(photo.rgb.as_raw(), golden.as_raw());
                let tolerance = case["tolerance"].as_u64().expect("tolerance");
                assert!(u64::from(worst) <= tolerance, "{name}: {worst} levels off");
                let turned = case["turned"].as_bool().unwrap_or(false);
                assert_eq!(photo.is_turned, turned, "{name}");
            }
            (Err(skip), Some(reason)) => {
                assert_eq!(skip.reason.name(), reason, "{name}: {}", skip.message);
                let word = case["word"].as_str().expect("word");
                assert!(skip.message.contains(word), "{name}: {}", skip.message);
            }
            (Ok(_), Some(reason)) => panic!("{name} should be skipped as {reason}"),
            (Err(skip), None) => panic!("{name}: {}: {}", skip.reason, skip.message),
        }
    }
}

/// Cut anywhere, a file is skipped or gives the pixels of the whole: never a picture that is partly
/// made up.
#[test]
fn truncated_files_are_never_read_as_something_else() {
    let names = [
        "odd/baseline.jpg",
        "odd/progressive.jpg",
        "odd/restart_markers.jpg",
        "odd/rgb.png",
        "odd/lossy.webp",
        "odd/lossless.webp",
        "odd/plain.bmp",
        "odd/lzw.tif",
        "odd/animated.gif",
        "pictures/rgba16_interlaced.png",
        "pictures/small_frame.gif",
        "pictures/rle8_delta.bmp",
        "pictures/animated.webp",
        "pictures/planar_tiles.tif",
        "pictures/big.tif",
    ];
    for name in names {
        let bytes = read(&fixtures().join(name)).expect("read");
        let whole = decode(&bytes).expect("decode").rgb;
        for length in (0..bytes.len()).step_by(if bytes.len() > 20_000 { 64 } else { 7 }) {
            if let Ok(photo) = decode(&bytes[..length]) {
                assert!(
                    photo.rgb == whole,
                    "{name} cut to {length} of {} bytes is read as another picture",
                    bytes.len()
                );
            }
        }
    }
}

/// Found by fuzzing: the values of a tag took their memory before they were read.
#[test]
fn a_tiff_tag_of_billions_of_values_is_a_skip() {
    let cases = [
        ("palette8.tif", 320, u32::MAX),
        ("palette8_tiles.tif", 320, u32::MAX / 2),
        ("rgb_alpha.tif", 338, u32::MAX),
        ("planar.tif", 258, u32::MAX),
    ];
    for (name, tag, count) in cases {
        let mut bytes = read(&fixtures().join("pictures").join(name)).expect("read");
        decode(&bytes).expect("sound");
        claim_values(&mut bytes, tag, count);
        let skip = decode(&bytes).err().expect("a tag that claims too much");
        assert!(skip.message.contains("TIFF"), "{name}: {}", skip.message);
    }
}

/// Sets the number of values that an entry of the directory claims.
fn claim_values(tiff: &mut [u8], tag: u16, count: u32) {
    let number = |at: usize| usize::from(u16::from_le_bytes([tiff[at], tiff[at + 1]]));
    let directory = number(4) + (number(6) << 16);
    let mut entries = (0..number(directory)).map(|entry| directory + 2 + 12 * entry);
    let at = entries.find(|at| number(*at) == usize::from(tag));
    let at = at.expect("the tag") + 4;
    tiff[at..at + 4].copy_from_slice(&count.to_le_bytes());
}

/// A plan whose tensor is the preprocessed picture in levels of 255.
fn levels(steps: &serde_json::Value) -> Plan {
    let folder = tempfile::tempdir().expect("folder");
    let toml = toml::Value::try_from(steps).expect("steps");
    let fixtures = fixtures();
    let text = format!(
        "[dataset]\nroot = {:?}\n[model]\npath = {:?}\n[preprocess]\nscale = 1.0\nlayout = \"nhwc\"\nsteps = {toml}\n",
        fixtures.join("exact"),
        fixtures.join("models/shortcut.onnx")
    );
    plan(folder.path(), "levels", &text, &[])
}

#[test]
fn resizing_and_cropping_equal_pillow() {
    let mut jpeg_means = Vec::new();
    let cases = json(&fixtures().join("golden/preprocess.json"));
    for (name, steps) in cases.as_object().expect("cases") {
        let plan = levels(steps).preprocess;
        for (kind, worst_allowed) in [("png", 1), ("jpg", 8)] {
            let photo =
                decode(&read(&fixtures().join(format!("preprocess/source.{kind}"))).expect("read"))
                    .expect("decode");
            let (tensor, _) = Preprocessor::new(&plan, None)
                .run(&photo)
                .expect("preprocess");
            let golden = image::open(fixtures().join(format!("preprocess/{name}.{kind}.png")))
                .expect("golden")
                .into_rgb8();
            let (worst, mean) = difference(&tensor.levels, golden.as_raw());
            assert!(
                worst <= worst_allowed,
                "{name}.{kind}: worst {worst}, mean {mean:.3}"
            );
            if kind == "jpg" {
                jpeg_means.push(mean);
            }
        }
    }
    let mean = jpeg_means.iter().sum::<f64>() / jpeg_means.len() as f64;
    assert!(
        mean <= 0.25,
        "JPEGs are {mean:.3} levels off on average: {jpeg_means:.3?}"
    );
}

#[test]
fn the_view_says_where_each_pixel_went() {
    let check = |steps: serde_json::Value, rect: [f64; 4], expected: [f64; 4]| {
        let photo = Photo {
            original: Size::new(500, 375),
            size: Size::new(500, 375),
            rgb: image::RgbImage::new(500, 375),
            transpose: None,
            is_turned: false,
        };
        let (_, view) = Preprocessor::new(&levels(&steps).preprocess, None)
            .run(&photo)
            .expect("preprocess");
        let r = view.rect(Rect::new(rect[0], rect[1], rect[2], rect[3]));
        for (found, expected) in [r.x0, r.y0, r.x1, r.y1].into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{steps}: {r:?}");
        }
    };
    // 500 x 375 -> 341 x 256 (truncated) -> crop at (58, 16): half of 117 is 58.5, to even is 58.
    let crop = serde_json::json!([{"resize": {"short": 256}}, {"center_crop": 224}]);
    check(crop, [0.0, 0.0, 500.0, 375.0], [-58.0, -16.0, 283.0, 240.0]);
    check(
        serde_json::json!([{"resize": {"exact": [250, 750]}}]),
        [100.0, 50.0, 200.0, 100.0],
        [50.0, 100.0, 100.0, 200.0],
    );
    let letterbox = serde_json::json!([{"letterbox": {"size": [224, 224]}}]);
    check(
        letterbox,
        [0.0, 0.0, 500.0, 375.0],
        [0.0, 28.0, 224.0, 196.0],
    );
}

#[test]
fn bgr_grey_and_layouts_order_the_channels() {
    let photo =
        decode(&read(&fixtures().join("odd/one_pixel.png")).expect("read")).expect("decode");
    let [r, g, b] = photo.rgb.get_pixel(0, 0).0;
    let run = |channels: &str, layout: &str| {
        let mut plan = levels(&serde_json::json!([{"resize": {"exact": [1, 1]}}]));
        let folder = tempfile::tempdir().expect("folder");
        let fixtures = fixtures();
        let text = format!(
            "[dataset]\nroot = {:?}\n[model]\npath = {:?}\n[preprocess]\nscale = 1.0\nlayout = {layout:?}\nchannels = {channels:?}\nsteps = [{{ resize = {{ exact = [1, 1] }} }}]\n",
            fixtures.join("exact"),
            fixtures.join("models/shortcut.onnx")
        );
        plan.preprocess = crate::support::plan(folder.path(), "channels", &text, &[]).preprocess;
        Preprocessor::new(&plan.preprocess, None)
            .run(&photo)
            .expect("preprocess")
            .0
    };
    assert_eq!(run("rgb", "nchw").levels, [r, g, b]);
    assert_eq!(run("bgr", "nhwc").levels, [b, g, r]);
    assert_eq!(run("rgba", "nhwc").levels, [r, g, b, 255]);
    assert_eq!(run("rgba", "nchw").shape, [1, 4, 1, 1]);
    let luma = (19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b) + 0x8000) >> 16;
    let grey = run("grey", "nhwc");
    assert_eq!((grey.levels, grey.shape), (vec![luma as u8], [1, 1, 1, 1]));
}

/// A large JPEG at a quarter of its pixels: the same geometry, nearly the same tensor, and boxes in
/// pixels of the file.
#[test]
fn fast_decoding_changes_pixels_a_little_and_geometry_not_at_all() {
    let smooth = |x: u32, y: u32| {
        let wave = |t: f64| (127.0 + 120.0 * t.sin()) as u8;
        image::Rgb([
            wave(f64::from(x) / 150.0),
            wave(f64::from(y) / 220.0),
            wave(f64::from(x + y) / 300.0),
        ])
    };
    let mut bytes = Vec::new();
    let large = image::RgbImage::from_fn(2401, 1803, smooth);
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(&large)
        .expect("encoded");
    let folder = tempfile::tempdir().expect("folder");
    let plan = |decode: &str| {
        let text = demo_text("shortcut.onnx")
            .replace("size = 64", &format!("size = 64\ndecode = \"{decode}\""));
        plan(folder.path(), decode, &text, &[])
    };
    let (exact, fast) = (plan("exact"), plan("fast"));
    let run = |plan: &Plan| {
        let photo = decode_for(&bytes, &plan.preprocess).expect("decoded");
        let (tensor, view) = Preprocessor::new(&plan.preprocess, None)
            .run(&photo)
            .expect("preprocessed");
        (photo.size, photo.original, tensor.levels, view)
    };
    let (whole, reduced) = (run(&exact), run(&fast));
    assert_eq!(
        (whole.0, whole.1),
        (Size::new(2401, 1803), Size::new(2401, 1803))
    );
    assert_eq!(
        (reduced.0, reduced.1),
        (Size::new(301, 226), Size::new(2401, 1803))
    );
    let corner = |view: &camaudit::geometry::View| view.point([2401.0, 1803.0]);
    corner(&whole.3)
        .iter()
        .zip(corner(&reduced.3))
        .for_each(|(a, b)| close(*a, b, 1e-9, "corner"));
    let worst = whole
        .2
        .iter()
        .zip(&reduced.2)
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .expect("levels");
    assert!(worst > 0 && worst < 13, "{worst}");
    let small = std::fs::read(fixtures().join("horses/horse/horse000.jpg")).expect("read");
    assert_eq!(
        decode_for(&small, &fast.preprocess)
            .expect("decoded")
            .size
            .width,
        112,
        "never below twice the input"
    );
}
