//! Real models and real photos, where they are at hand.

use crate::support::{
    Silent, audit, camaudit, files, fixtures, json, numbers, parquet, plan, shared, texts,
};
use camaudit::audit::{load_model, run};
use camaudit::cam::Cam;
use camaudit::dataset::Source;
use camaudit::finding::{FindingOrigin, Verdict};
use camaudit::input::{Preprocessor, decode, read};
use camaudit::model::{Model, Options, OutputActivation, probe};

#[test]
#[ignore = "needs ../shared/data"]
fn outputs_of_real_models_equal_onnx_runtime() {
    let data = shared();
    let cases = json(&data.join("reference/model_outputs.json"));
    let mut compared = 0;
    for (path, case) in cases.as_object().expect("cases") {
        let shape: Vec<usize> = case["shape"]
            .as_array()
            .expect("shape")
            .iter()
            .filter_map(|v| Some(v.as_u64()? as usize))
            .collect();
        let options = Options {
            input_shape: Some(&shape),
            ..Options::default()
        };
        let model = match Model::load(&data.join(path), &options) {
            Err(e) if path.contains("vit") => {
                assert!(e.to_string().contains("Gather"), "{e}");
                continue;
            }
            loaded => loaded.unwrap_or_else(|e| panic!("{e}")),
        };
        let inference = model
            .session()
            .expect("session")
            .run(&probe(&shape))
            .expect("run");
        let mut outputs: Vec<f64> = inference.logits.iter().map(|&z| f64::from(z)).collect();
        if model.facts.output_activation == OutputActivation::Softmax {
            let sum: f64 = outputs.iter().map(|z| z.exp()).sum();
            outputs.iter_mut().for_each(|z| *z = z.exp() / sum);
        }
        let golden: Vec<f64> = case["output"]
            .as_array()
            .expect("output")
            .iter()
            .filter_map(serde_json::Value::as_f64)
            .collect();
        let largest = golden.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let worst = outputs
            .iter()
            .zip(&golden)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(
            outputs.len() == golden.len() && worst <= 1e-3 * largest,
            "{path}: {worst} of {largest}"
        );
        compared += 1;
    }
    assert_eq!(compared, 10);
}

#[test]
#[ignore = "needs ../shared/data"]
fn real_graphs_of_opset_9_come_apart_or_are_refused() {
    let data = shared();
    let check = |name: &str, expected: Result<[usize; 3], &str>| {
        let loaded = Model::load(
            &data.join(format!("models/light/light_{name}.onnx")),
            &Options::default(),
        );
        match (loaded, expected) {
            (Ok(model), Ok(shape)) => assert_eq!(model.facts.features_shape[1..], shape, "{name}"),
            (Err(e), Err(word)) => assert!(e.to_string().contains(word), "{name}: {e}"),
            (Ok(_), Err(_)) => panic!("{name} should be refused"),
            (Err(e), Ok(_)) => panic!("{name}: {e}"),
        }
    };
    check("densenet121", Ok([1024, 7, 7]));
    check("inception_v1", Ok([1024, 6, 6]));
    check("inception_v2", Ok([1024, 7, 7]));
    // Its constant weights make logits of 1e19, in whose rounding a cell is lost.
    check("resnet50", Err("knock-out"));
    check("shufflenet", Ok([544, 7, 7]));
    check("squeezenet", Ok([1000, 13, 13]));
    // Their weights are computed by the graph, and too many to be read one by one.
    check("bvlc_alexnet", Err("neither affine"));
    check("vgg19", Err("neither affine"));
    check("zfnet512", Err("neither affine"));
}

#[test]
#[ignore = "needs ../shared/data"]
fn maps_of_efficientnet_lite0_equal_the_recorded_ones() {
    let data = shared();
    let folder = tempfile::tempdir().expect("folder");
    let text = format!(
        "[dataset]\nroot = {:?}\n[model]\npath = {:?}\n[preprocess]\nsteps = [{{ resize = {{ exact = [224, 224] }} }}]\nscale = 1.0\nmean = [127]\nstd = [128]\n",
        data.join("photos"),
        data.join("models/efficientnet_lite0.plain.onnx")
    );
    let plan = plan(folder.path(), "lite0", &text, &[]);
    let model = load_model(&plan).expect("model");
    let mut session = model.pixel_session().expect("session");
    let cases = json(&data.join("reference/cam_lite0.json"));
    for case in cases.as_array().expect("cases") {
        let file = case["file"].as_str().expect("file");
        let photo = decode(&read(&Source::File(data.join("reference").join(file))).expect("read"))
            .expect("decode");
        let (tensor, _) = Preprocessor::new(&plan.preprocess, None)
            .run(&photo)
            .expect("preprocess");
        let inference = session.run(&tensor.levels).expect("run");
        let label = case["label"].as_u64().expect("label") as usize;
        let top = case["top5"][0].as_u64().expect("top") as usize;
        for (class, key) in [(label, "cam_label"), (top, "cam_top1")] {
            let cam = Cam::new(
                &model.layout,
                &inference.features,
                &model.weights(&inference, class),
            );
            cam.check(f64::from(inference.logits[class]), 1e-4, 1.0)
                .expect("invariant");
            let golden: Vec<f64> = case[key]
                .as_array()
                .expect("map")
                .iter()
                .flat_map(|r| r.as_array().expect("row"))
                .filter_map(serde_json::Value::as_f64)
                .collect();
            let largest = golden.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            let worst = cam
                .values
                .iter()
                .zip(&golden)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            assert!(
                golden.len() == 49 && worst <= 1e-3 * largest,
                "{file} {key}: {worst} of {largest}"
            );
        }
    }
}

/// A weak shortcut on real photos: the positive bee heat in the tag of tagged bees is several times
/// as large for the model that was trained with the tag. The whole set is found; threads change no
/// byte.
#[test]
#[ignore = "needs ../shared/data"]
fn tagged_bees() {
    let data = shared();
    let set = data.join("tagged_ants_bees");
    let folder = tempfile::tempdir().expect("folder");
    let table = std::fs::read_to_string(set.join("tag_boxes.csv")).expect("boxes");
    let mut boxes = String::from("path,category,xmin,ymin,xmax,ymax\n");
    let mut manifest = String::from("path,label,split\n");
    for line in table.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let path = format!("{}/{}/{}", f[0], f[1], f[2]);
        manifest += &format!("{path},{},{}\n", f[1], f[0]);
        // No ant carries the tag; the place is measured on both, so that presence stays with the
        // bees.
        if f[1] == "bees" {
            boxes += &format!("{path},tag,{},{},{},{}\n", f[5], f[6], f[7], f[8]);
        }
    }
    std::fs::write(folder.path().join("boxes.csv"), boxes).expect("boxes");
    std::fs::write(folder.path().join("manifest.csv"), manifest).expect("manifest");
    let share = |model: &str, set_keys: &[&str], splits: &str, expected: usize| {
        let text = format!(
            "[dataset]\nroot = {:?}\nformat = \"csv\"\nmanifest = \"manifest.csv\"\nsplits = {splits}\nboxes = \"boxes.csv\"\n[model]\npath = {:?}\n\
             [preprocess]\nsteps = [{{ resize = {{ exact = [224, 224] }} }}]\nscale = 1.0\nmean = [127]\nstd = [128]\n\
             [[region]]\nname = \"tag\"\nannotation = \"tag\"\n",
            set.join("biased"),
            set.join(format!("{model}.onnx"))
        );
        let outcome = run(&plan(folder.path(), model, &text, set_keys), &Silent)
            .unwrap_or_else(|e| panic!("{e}"));
        let counts = &outcome.record.facts.counts;
        assert_eq!(
            (counts.found, counts.scored + counts.skipped),
            (expected, expected)
        );
        assert!(outcome.record.facts.invariant_error_max < 1e-4);
        let classes = parquet(&outcome.folder.join("classes.parquet"));
        let rows = texts(&classes, "label")
            .into_iter()
            .zip(texts(&classes, "region"));
        let row = rows
            .into_iter()
            .position(|r| r == ("bees".into(), "tag".into()))
            .expect("row");
        (
            numbers(&classes, "share_mean")[row].expect("share"),
            outcome.folder,
        )
    };
    // The tag sits on every bee: the ants are the baseline.
    let verdict = |folder: &std::path::Path| {
        let findings = parquet(&folder.join("findings.parquet"));
        let row = texts(&findings, "label")
            .iter()
            .position(|l| l == "bees")
            .expect("the finding");
        (
            texts(&findings, "verdict")[row].clone(),
            texts(&findings, "baseline")[row].clone(),
        )
    };
    let all = "[\"train\", \"val\"]";
    let (_, honest) = share("honest", &[], all, 397);
    assert_eq!(
        verdict(&honest),
        ("data_risk".into(), "other_classes".into())
    );
    let (_, first) = share("clever", &["run.jobs=1"], all, 397);
    let (_, second) = share("clever", &["run.jobs=2"], all, 397);
    assert_eq!(
        verdict(&first),
        ("candidate".into(), "other_classes".into())
    );
    let tables = |f: &std::path::Path| {
        files(f)
            .into_iter()
            .filter(|(n, _)| {
                !["run.json", "measured.json", "changes.json", "report.html"].contains(&n.as_str())
            })
            .collect::<Vec<_>>()
    };
    assert!(tables(&first) == tables(&second), "jobs change bytes");
    let (clever, _) = share("clever", &[], "[\"val\"]", 153);
    let (honest, _) = share("honest", &[], "[\"val\"]", 153);
    eprintln!(
        "bee heat in the tag of tagged validation bees: clever {clever:.4}, honest {honest:.4}"
    );
    assert!(
        (0.05..0.12).contains(&clever) && honest < 0.03,
        "clever {clever}, honest {honest}"
    );
}

/// Without boxes the tag is found, and both models are told apart as with boxes. About a quarter of
/// the tags are missed; as images without the tag they would hide its effect.
#[test]
#[ignore = "needs ../shared/data"]
fn tagged_bees_without_boxes() {
    let set = shared().join("tagged_ants_bees");
    let folder = tempfile::tempdir().expect("folder");
    for (model, photos, expected) in [
        ("clever", "biased", Some(Verdict::Candidate)),
        ("honest", "biased", Some(Verdict::DataRisk)),
        ("clever", "clean", None),
    ] {
        let text = format!(
            "[dataset]\nroot = {:?}\nsplits = [\"train\", \"val\"]\n[model]\npath = {:?}\n\
             classes = {:?}\n[preprocess]\nsteps = [{{ resize = {{ exact = [224, 224] }} }}]\nscale = 1.0\n\
             mean = [127]\nstd = [128]\n[discovery]\nproperties = false\nconcepts = false\n",
            set.join(photos),
            set.join(format!("{model}.onnx")),
            set.join("labels.txt"),
        );
        let outcome = audit(&plan(
            folder.path(),
            &format!("{model}_{photos}"),
            &text,
            &[],
        ));
        let found = &outcome.summary.findings;
        let found: Vec<_> = found
            .iter()
            .filter(|f| f.origin == FindingOrigin::Patch)
            .collect();
        let verdicts: Vec<_> = found.iter().map(|f| (&*f.label, f.verdict)).collect();
        let expected: Vec<_> = expected.iter().map(|verdict| ("bees", *verdict)).collect();
        assert_eq!(verdicts, expected, "{model} {photos}: {found:#?}");
        for finding in found {
            let counts = finding.confounder().expect("evidence").counts;
            assert!((20..60).contains(&counts.missed), "{counts:?}");
        }
    }
}

/// The watermark that ImageNet models take for cartons (Li et al. 2023, ImageNet-W): white through
/// the glyphs at half opacity. Of a thousand classes, carton rises most. It enters 12 of 126 photos
/// against 6, which is too little for a shortcut, and the finding says so.
#[test]
#[ignore = "needs ../shared/data"]
fn the_watermark_of_cartons() {
    let data = shared();
    let set = data.join("imagenet_w");
    let folder = tempfile::tempdir().expect("folder");
    let glyphs = image::open(set.join("region_mask.png"))
        .expect("mask")
        .to_luma8();
    let (w, h) = glyphs.dimensions();
    let picture = image::RgbaImage::from_fn(w, h, |x, y| {
        image::Rgba([255, 255, 255, glyphs.get_pixel(x, y).0[0]])
    });
    picture
        .save(folder.path().join("glyphs.png"))
        .expect("picture");
    let text = format!(
        "[dataset]\nroot = {:?}\n[model]\npath = {:?}\nclasses = {:?}\n\
         [preprocess]\nsteps = [{{ resize = {{ exact = [224, 224] }} }}]\nscale = 1.0\nmean = [127]\nstd = [128]\n\
         [[region]]\nname = \"watermark\"\noverlay = {{ picture = \"glyphs.png\", opacity = 0.5 }}\n",
        set.join("clean"),
        data.join("models/efficientnet_lite0.plain.onnx"),
        data.join("photos/classes.txt")
    );
    let found = parquet(
        &audit(&plan(folder.path(), "watermark", &text, &[]))
            .folder
            .join("findings.parquet"),
    );
    assert!(!texts(&found, "verdict").contains(&"model_shortcut".to_owned()));
    let rises = numbers(&found, "insertion");
    let row = (0..rises.len())
        .max_by(|&a, &b| rises[a].partial_cmp(&rises[b]).expect("numbers"))
        .expect("a finding");
    assert_eq!(texts(&found, "label")[row], "n02971356", "carton");
    let sentence = &texts(&found, "sentence")[row];
    for part in [
        "an association and no shortcut: entry into the 5 highest classes is not shown",
        "126 images can show a net rate of 6.3 % or more",
    ] {
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[test]
#[ignore = "needs ../shared/data"]
fn photos_with_efficientnet_lite0() {
    let data = shared();
    let folder = tempfile::tempdir().expect("folder");
    let text = format!(
        "[dataset]\nroot = {:?}\n[model]\npath = {:?}\nclasses = {:?}\nexpected_accuracy = 0.88\n[preprocess]\npreset = \"tf-lite\"\n",
        data.join("photos"),
        data.join("models/efficientnet_lite0.plain.onnx"),
        data.join("photos/classes.txt")
    );
    let outcome = audit(&plan(folder.path(), "photos", &text, &[]));
    let counts = &outcome.record.facts.counts;
    assert_eq!((counts.found, counts.scored, counts.skipped), (158, 158, 0));
    assert!(
        (0.85..0.92).contains(&outcome.record.top1_accuracy),
        "{}",
        outcome.record.top1_accuracy
    );
    assert!(outcome.record.facts.invariant_error_max < 1e-4);
    // A wrong class order passes every invariant; the accuracy gives it away.
    let names = std::fs::read_to_string(data.join("photos/classes.txt")).expect("classes");
    let reversed: Vec<&str> = names.lines().rev().collect();
    std::fs::write(folder.path().join("reversed.txt"), reversed.join("\n")).expect("classes");
    let wrong = text.replace(
        &format!("{:?}", data.join("photos/classes.txt")),
        "\"reversed.txt\"",
    );
    let outcome = audit(&plan(folder.path(), "wrong", &wrong, &[]));
    assert!(
        outcome
            .summary
            .warnings
            .iter()
            .any(|w| w.contains("check the order of model.classes")),
        "{:?}",
        outcome.summary.warnings
    );
    let _ = fixtures();
}

/// Without any hint, on real photos. The model has 90.5 % of them right with its own transform.
#[test]
#[ignore = "needs ../shared/data"]
fn init_finds_a_transform_within_a_point_of_the_models_own() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("lite0.toml");
    let data = shared();
    let output = camaudit(&[
        "init".as_ref(),
        data.join("models/efficientnet_lite0.plain.onnx")
            .as_os_str(),
        data.join("photos").as_os_str(),
        "--out".as_ref(),
        file.as_os_str(),
    ]);
    let text = String::from_utf8_lossy(&output.stdout);
    let top1 = text
        .split("top-1 ")
        .nth(2)
        .and_then(|rest| rest.split(' ').next());
    let top1: f64 = top1
        .and_then(|t| t.parse().ok())
        .unwrap_or_else(|| panic!("{text}"));
    // With the model's own transform, `preset = "tf-lite"`, this program has 89.2 % on these photos.
    assert!(top1 >= 88.2, "{text}");
}
