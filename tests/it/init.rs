//! `camaudit init`: pipelines that are written from a model and a folder.

use crate::support::{camaudit, fixtures, root, stderr};
use camaudit::geometry::Size;
use camaudit::plan::{Channels, Filter, Plan, Step, parse_run_id};
use std::path::{Path, PathBuf};

/// A model and a folder of labeled images in a temporary folder.
struct Workplace {
    folder: tempfile::TempDir,
}

impl Workplace {
    /// The demo's model with its class names, and so many images of every class.
    fn new(images: usize) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let place = Self { folder };
        std::fs::create_dir(place.path("model")).expect("folder");
        let models = fixtures().join("models");
        std::fs::copy(models.join("shortcut.onnx"), place.model()).expect("model");
        std::fs::copy(models.join("classes.txt"), place.path("model/classes.txt")).expect("names");
        for class in ["boat", "car", "horse"] {
            place.copy_images(class, &format!("photos/{class}"), 0, images);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn model(&self) -> PathBuf {
        self.path("model/net.onnx")
    }

    fn pipeline(&self) -> PathBuf {
        self.path("pipelines/own.toml")
    }

    /// Copies images of a class from the fixtures.
    fn copy_images(&self, class: &str, to: &str, from: usize, images: usize) {
        let to = self.path(to);
        std::fs::create_dir_all(&to).expect("folder");
        let folder = std::fs::read_dir(fixtures().join("horses").join(class)).expect("images");
        let mut files: Vec<PathBuf> = folder.map(|entry| entry.expect("entry").path()).collect();
        files.sort();
        for file in files.iter().skip(from).take(images) {
            std::fs::copy(file, to.join(file.file_name().expect("name"))).expect("copy");
        }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("write");
    }

    /// Adds an entry to the metadata of the model: protobuf merges what is appended.
    fn add_metadata(&self, key: &str, value: &str) {
        let field = |tag: u8, bytes: &[u8]| {
            let mut field = vec![tag];
            let mut length = bytes.len();
            while length > 127 {
                field.push((length & 127) as u8 | 128);
                length >>= 7;
            }
            field.push(length as u8);
            field.extend(bytes);
            field
        };
        let entry = [field(0x0a, key.as_bytes()), field(0x12, value.as_bytes())].concat();
        let mut bytes = std::fs::read(self.model()).expect("model");
        bytes.extend(field(0x72, &entry));
        std::fs::write(self.model(), bytes).expect("model");
    }

    /// Runs `camaudit init`; its text and its warnings.
    fn init(&self, more: &[&str]) -> Result<(String, Vec<String>), Vec<String>> {
        let mut arguments = vec![
            "init".to_owned(),
            self.model().display().to_string(),
            self.path("photos").display().to_string(),
            "--out".into(),
            self.pipeline().display().to_string(),
        ];
        arguments.extend(more.iter().map(|s| (*s).to_owned()));
        let output = camaudit(&arguments);
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            Ok((text, stderr(&output)))
        } else {
            Err(stderr(&output))
        }
    }

    /// Runs `camaudit init`; the plan it wrote, its text and its warnings.
    fn started(&self) -> (Plan, String, Vec<String>) {
        let (text, warnings) = self.init(&[]).unwrap_or_else(|e| panic!("{e:?}"));
        (load(&self.pipeline()), text, warnings)
    }
}

fn load(pipeline: &Path) -> Plan {
    Plan::load(pipeline, &[]).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_demo_is_found() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("demo.toml");
    let model = fixtures().join("models/shortcut.onnx");
    let output = camaudit(&[
        "init".as_ref(),
        model.as_os_str(),
        fixtures().join("horses").as_os_str(),
        "--out".as_ref(),
        file.as_os_str(),
    ]);
    assert!(output.status.success(), "{:?}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("3 of 3 labels are classes"), "{text}");
    assert!(
        text.contains(&format!("camaudit check {}", file.display())),
        "{text}"
    );

    let (found, demo) = (load(&file), load(&root().join("pipelines/demo.toml")));
    // Accuracy does not tell the crop from the squash of the training, and that is said.
    assert!(text.contains("It is a tie"), "{text}");
    let whole = "It cuts off the edges of photos, where tags often are; \"0..1; squash 64x64\" \
                 shows all of a photo";
    assert!(text.contains(whole), "{text}");
    assert_eq!(found.preprocess.mean, demo.preprocess.mean);
    assert_eq!(found.preprocess.std, demo.preprocess.std);
    assert_eq!(found.preprocess.scale, demo.preprocess.scale);
    assert_eq!(found.preprocess.channels, demo.preprocess.channels);
    assert_eq!(found.model.classes, demo.model.classes);
    assert!(found.dataset.boxes.is_some());
    let names: Vec<&str> = found.regions.iter().map(|r| r.name.as_str()).collect();
    let expected = [
        "top-left",
        "top-right",
        "bottom-left",
        "bottom-right",
        "frame",
        "source-tag",
    ];
    assert_eq!(names, expected);
    let written = std::fs::read_to_string(&file).expect("pipeline");
    assert!(written.starts_with("#:schema schema.json\n"), "{written}");
    assert!(written.contains("no region: boat, car, horse"), "{written}");
    assert!(folder.path().join("schema.json").is_file());
}

#[test]
fn a_file_is_replaced_only_by_force() {
    let place = Workplace::new(4);
    place.init(&[]).expect("the first time");
    place.write("pipelines/own.toml", "mine");
    let refused = place.init(&[]).expect_err("the file exists");
    assert!(
        refused[0].contains("exists: name another file with --out"),
        "{refused:?}"
    );
    assert_eq!(
        std::fs::read_to_string(place.pipeline()).expect("file"),
        "mine"
    );
    place.init(&["--force"]).expect("by force");
    load(&place.pipeline());
}

#[test]
fn few_images_are_a_tie() {
    let place = Workplace::new(8);
    let (_, text, warnings) = place.started();
    assert!(text.contains("It is a tie"), "{text}");
    assert!(text.contains("may be none of these"), "{text}");
    assert!(warnings.is_empty(), "{warnings:?}");
    let written = std::fs::read_to_string(place.pipeline()).expect("pipeline");
    assert!(written.contains("# It is a tie"), "{written}");
}

#[test]
fn wrong_labels_confirm_no_transform_and_are_not_run() {
    let place = Workplace::new(20);
    place.write("model/classes.txt", "car\nhorse\nboat\n");
    let (_, text, warnings) = place.started();
    assert!(text.contains("No transform could be confirmed"), "{text}");
    assert!(
        warnings[0].contains("may not be the model's classes"),
        "{warnings:?}"
    );

    for _ in 0..2 {
        let run = camaudit(&[
            "run".as_ref(),
            place.model().as_os_str(),
            place.path("photos").as_os_str(),
            "--out".as_ref(),
            place.path("reports").as_os_str(),
        ]);
        assert_eq!(run.status.code(), Some(2), "{:?}", stderr(&run));
        let message = stderr(&run).pop().expect("a message");
        assert!(message.contains("so nothing is run"), "{message}");
    }
}

#[test]
fn a_model_and_a_folder_are_run() {
    let place = Workplace::new(12);
    let reports = place.path("reports");
    let run = |root: &str| {
        camaudit(&[
            "run".as_ref(),
            place.model().as_os_str(),
            place.path(root).as_os_str(),
            "--out".as_ref(),
            reports.as_os_str(),
        ])
    };
    let first = run("photos");
    assert_eq!(first.status.code(), Some(0), "{:?}", stderr(&first));
    let home = reports.join("photos-net");
    assert!(home.join("latest/report.html").is_file());

    let again = run("photos");
    let text = String::from_utf8_lossy(&again.stdout);
    assert!(text.contains("photos-net.toml, as it is"), "{text}");
    let entries = std::fs::read_dir(&home).expect("reports").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let runs = names.filter(|name| parse_run_id(name).is_some()).count();
    assert_eq!(runs, 2);

    let alone = camaudit(&["run".as_ref(), place.model().as_os_str()]);
    assert!(stderr(&alone)[0].contains("name the folder of labeled images too"));
    std::fs::create_dir(place.path("else")).expect("folder");
    std::fs::rename(place.path("photos"), place.path("else/photos")).expect("rename");
    let other = run("else/photos");
    assert_eq!(other.status.code(), Some(2), "{:?}", stderr(&other));
}

#[test]
fn transforms_are_tried_on_the_split_that_was_held_out() {
    let place = Workplace::new(0);
    std::fs::remove_dir_all(place.path("photos")).expect("remove");
    for class in ["boat", "car", "horse"] {
        place.copy_images(class, &format!("photos/train/{class}"), 0, 6);
        place.copy_images(class, &format!("photos/val/{class}"), 6, 4);
    }
    let (plan, text, _) = place.started();
    assert!(text.contains("on 12 images of val"), "{text}");
    assert!(text.contains("30 images, 3 labels"), "{text}");
    assert_eq!(plan.dataset.splits, None, "all splits are audited");
}

/// What a hint states is taken, whatever is measured.
#[test]
fn every_hint_is_read() {
    let check = |prepare: &dyn Fn(&Workplace), source: &str, expected: &dyn Fn(&Plan)| {
        let place = Workplace::new(6);
        prepare(&place);
        let (plan, text, _) = place.started();
        assert!(text.contains("The transform is that of"), "{text}");
        assert!(text.contains(source), "{source}: {text}");
        expected(&plan);
    };

    check(
        &|place| {
            let own = r#"{"steps": [{"letterbox": {"size": [64, 64], "fill": [9, 9, 9]}}], "std": [0.5]}"#;
            place.add_metadata("camaudit.preprocess", own);
            // Less trusted.
            place.add_metadata("imgsz", "[64, 64]");
        },
        "the model's metadata (camaudit.preprocess)",
        &|plan| {
            assert!(matches!(
                plan.preprocess.steps[..],
                [Step::Letterbox {
                    fill: [9, 9, 9],
                    ..
                }]
            ));
            assert_eq!(plan.preprocess.std, [0.5; 3]);
        },
    );
    check(
        &|place| place.add_metadata("imgsz", "[64, 64]"),
        "the model's metadata (Ultralytics)",
        &|plan| {
            let steps = &plan.preprocess.steps;
            assert!(matches!(
                steps[..],
                [
                    Step::ResizeShort { side: 64, .. },
                    Step::CenterCrop { side: 64 }
                ]
            ));
        },
    );
    check(
        &|place| {
            place.write(
                "model/preprocessor_config.json",
                r#"{"do_resize": true, "size": {"shortest_edge": 70}, "resample": 3,
                   "do_center_crop": true, "crop_size": {"height": 64, "width": 64},
                   "do_rescale": true, "rescale_factor": 0.00392156862745098, "do_normalize": true,
                   "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4],
                   "do_flip_channel_order": true}"#,
            );
        },
        "preprocessor_config.json",
        &|plan| {
            let steps = &plan.preprocess.steps;
            let filter = Filter::Bicubic;
            assert_eq!(steps[0], Step::ResizeShort { side: 70, filter });
            assert_eq!(plan.preprocess.mean, [0.4, 0.5, 0.6]);
            assert_eq!(plan.preprocess.channels, Channels::Bgr);
        },
    );
    check(
        &|place| {
            place.write(
                "model/config.json",
                r#"{"pretrained_cfg": {"input_size": [3, 224, 224], "crop_pct": 0.9,
                   "interpolation": "bicubic", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}}"#,
            );
        },
        "config.json",
        &|plan| {
            // The graph's 64 pixels, and the part of 0.9.
            let filter = Filter::Bicubic;
            assert_eq!(
                plan.preprocess.steps[0],
                Step::ResizeShort { side: 71, filter }
            );
            assert_eq!(plan.preprocess.mean, [0.5; 3]);
        },
    );
}

#[test]
fn a_hint_that_does_not_fit_is_said_and_not_used() {
    let place = Workplace::new(6);
    place.add_metadata(
        "camaudit.preprocess",
        r#"{"preset": "zero-one", "size": 96}"#,
    );
    place.write("model/preprocessor_config.json", "{");
    let (plan, text, warnings) = place.started();
    assert!(text.contains("best of"), "{text}");
    assert!(
        warnings[0].contains("it makes 1x3x96x96, the model takes 1x3x64x64"),
        "{warnings:?}"
    );
    assert!(
        warnings[1].contains("preprocessor_config.json is not used"),
        "{warnings:?}"
    );
    assert_eq!(plan.preprocess.output, Size::new(64, 64));
}

#[test]
fn a_hint_that_the_images_contradict_is_a_warning() {
    let place = Workplace::new(20);
    let wrong =
        r#"{"preset": "zero-one", "size": 64, "scale": 1.0, "channels": "bgr", "mean": [300]}"#;
    place.add_metadata("camaudit.preprocess", wrong);
    let (plan, text, warnings) = place.started();
    assert!(
        warnings[0].contains("compare with the training"),
        "{warnings:?}"
    );
    assert!(
        text.contains("Warning: the transform that the model's metadata"),
        "{text}"
    );
    assert_eq!(plan.preprocess.mean, [300.0; 3], "what is stated is taken");
}

#[test]
fn class_names_come_from_the_most_trusted_source() {
    let check = |prepare: &dyn Fn(&Workplace), source: &str, names: Option<&[&str]>| {
        let place = Workplace::new(6);
        prepare(&place);
        let (plan, text, _) = place.started();
        assert!(text.contains(source), "{source}: {text}");
        let expected = names.map(|n| n.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        assert_eq!(plan.model.classes, expected);
        text
    };
    let order = std::fs::read_to_string(fixtures().join("models/classes.txt")).expect("names");
    let names: Vec<&str> = order.lines().collect();
    let [a, b, c] = names[..] else {
        panic!("three classes")
    };
    let python = format!("{{0: '{a}', 1: '{b}', 2: '{c}'}}");
    let config = format!(r#"{{"id2label": {{"0": "{a}, x", "1": "{b}", "2": "{c}"}}}}"#);

    check(&|_| {}, "classes.txt; 3 of 3", Some(&names));
    check(
        &|place| {
            place.add_metadata("names", &python);
            place.write("model/config.json", &config);
        },
        "the model's metadata (names); 3 of 3",
        Some(&names),
    );
    // The label is one of several names of its class.
    check(
        &|place| place.write("model/config.json", &config),
        "config.json; 3 of 3",
        Some(&[&format!("{a}, x"), b, c]),
    );
    check(
        &|place| {
            place.write(
                "model/config.json",
                r#"{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}"#,
            );
            place.write("model/classes.txt", "four\nnames\nare\nwrong\n");
        },
        "the sorted labels are the classes",
        None,
    );
    let text = check(
        &|place| {
            std::fs::rename(place.path("photos/car"), place.path("photos/cart")).expect("rename");
        },
        "2 of 3 labels are classes",
        Some(&names),
    );
    assert!(text.contains("no class       cart"), "{text}");
}
