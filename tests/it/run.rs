//! Whole runs on the fixtures: what the heat says, counts, determinism, skips, limits.

use crate::support::{
    audit, close, demo_text, files, fixtures, json, numbers, onnxruntime, parquet, plan, texts,
};
use camaudit::audit::Outcome;
use camaudit::runs::history;
use std::collections::BTreeSet;

#[test]
fn the_model_that_learned_the_tag_has_its_heat_there_and_the_other_has_not() {
    let folder = tempfile::tempdir().expect("folder");
    let share = |model: &str| {
        let outcome = audit(&plan(folder.path(), model, &demo_text(model), &[]));
        let classes = parquet(&outcome.folder.join("classes.parquet"));
        let (labels, regions) = (texts(&classes, "label"), texts(&classes, "region"));
        let row = labels
            .iter()
            .zip(&regions)
            .position(|(l, r)| l == "horse" && r == "source-tag")
            .expect("row");
        let present = classes
            .column("present")
            .expect("present")
            .u32()
            .expect("counts")
            .get(row);
        assert_eq!(present, Some(40));
        (
            numbers(&classes, "lift")[row].expect("lift"),
            numbers(&classes, "relative_contribution_mean")[row].expect("relative_contribution"),
        )
    };
    let (clever_lift, clever_contribution) = share("shortcut.onnx");
    let (clean_lift, clean_contribution) = share("clean.onnx");
    assert!(
        clever_lift > 3.0 && clean_lift < 1.5,
        "lifts {clever_lift} and {clean_lift}"
    );
    assert!(
        clever_contribution > 5.0 * clean_contribution.abs(),
        "{clever_contribution} and {clean_contribution}"
    );
}

/// The second engine gives the same rows and the same verdicts.
#[test]
#[ignore = "needs ONNX Runtime in .venv"]
fn onnxruntime_gives_the_rows_of_the_built_in_engine() {
    let engine = onnxruntime();
    let folder = tempfile::tempdir().expect("folder");
    let mut second = plan(folder.path(), "second", &demo_text("shortcut.onnx"), &[]);
    second.model.engine = engine;
    let first = audit(&plan(
        folder.path(),
        "first",
        &demo_text("shortcut.onnx"),
        &[],
    ));
    let second = audit(&second);
    assert!(
        first.record.facts.engine.starts_with("tract"),
        "{}",
        first.record.facts.engine
    );
    assert!(
        second.record.facts.engine.starts_with("onnxruntime 1."),
        "{}",
        second.record.facts.engine
    );
    let part = |outcome: &Outcome, kind: &str| {
        parquet(&outcome.folder.join(kind).join("part-00000.parquet"))
    };
    for (kind, columns) in [
        ("images", &["logit", "margin"][..]),
        ("regions", &["share", "relative_contribution"][..]),
    ] {
        let (a, b) = (part(&first, kind), part(&second, kind));
        assert_eq!(texts(&a, "label"), texts(&b, "label"));
        for column in columns {
            let (a, b) = (numbers(&a, column), numbers(&b, column));
            a.iter().zip(&b).for_each(|(a, b)| match (a, b) {
                (Some(a), Some(b)) => close(*a, *b, 1e-4, column),
                (a, b) => assert_eq!(a, b, "{column}"),
            });
        }
    }
    assert_eq!(first.record.verdicts, second.record.verdicts);
}

#[test]
fn found_is_scored_plus_skipped_and_every_skip_has_a_reason() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set/horse");
    std::fs::create_dir_all(&set).expect("set");
    std::fs::create_dir_all(set.join("a folder.jpg")).expect("folder with a picture's name");
    let copy = |from: &str, to: &str| {
        std::fs::copy(fixtures().join(from), set.join(to)).expect("copy");
    };
    copy("horses/horse/horse000.jpg", "good.jpg");
    copy("horses/horse/horse001.jpg", "a folder.jpg/inside.jpg");
    copy("odd/truncated.png", "cut.png");
    copy("odd/text.jpg", "text.jpg");
    copy("odd/empty.jpg", "empty.jpg");
    copy("README.md", "notes.txt");
    copy("horses/horse/horse000.jpg", ".hidden.jpg");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere.jpg", set.join("dangling.jpg")).expect("link");
        std::os::unix::fs::symlink("..", set.join("loop.jpg")).expect("link");
        std::os::unix::fs::symlink(
            fixtures().join("horses/car/car000.jpg"),
            set.join("outside.jpg"),
        )
        .expect("link");
        std::os::unix::fs::symlink("good.jpg", set.join("link.jpg")).expect("link");
    }
    let text = demo_text("shortcut.onnx").replace(
        &format!("{:?}", fixtures().join("horses")),
        &format!("{:?}", folder.path().join("set")),
    );
    let outcome = audit(&plan(folder.path(), "odd", &text, &["run.max_skipped=0.9"]));
    let counts = &outcome.record.facts.counts;
    assert_eq!(counts.found, counts.scored + counts.skipped);
    assert_eq!(counts.scored, if cfg!(unix) { 3 } else { 2 });
    let skipped = parquet(&outcome.folder.join("skipped.parquet"));
    let reasons: BTreeSet<String> = texts(&skipped, "path")
        .into_iter()
        .zip(texts(&skipped, "reason"))
        .map(|(p, r)| format!("{p} {r}"))
        .collect();
    let mut expected = vec![
        "horse/cut.png corrupt",
        "horse/text.jpg not_an_image",
        "horse/empty.jpg empty",
    ];
    if cfg!(unix) {
        expected.extend([
            "horse/dangling.jpg dangling_link",
            "horse/loop.jpg link_loop",
            "horse/outside.jpg link_outside",
        ]);
    }
    assert_eq!(reasons, expected.into_iter().map(str::to_owned).collect());
    assert_eq!(counts.ignored["hidden file"], 1);
    assert_eq!(counts.ignored["file without an image's extension"], 1);
}

#[test]
fn too_many_skips_refuse_the_run_but_leave_a_report() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set/horse");
    std::fs::create_dir_all(&set).expect("set");
    for i in 0..4 {
        let from = if i == 0 {
            "horses/horse/horse000.jpg"
        } else {
            "odd/text.jpg"
        };
        std::fs::copy(fixtures().join(from), set.join(format!("{i}.jpg"))).expect("copy");
    }
    let text = demo_text("shortcut.onnx").replace(
        &format!("{:?}", fixtures().join("horses")),
        &format!("{:?}", folder.path().join("set")),
    );
    let refused = audit(&plan(folder.path(), "broken", &text, &[]))
        .refused
        .expect("too many");
    assert!(
        refused.contains("3 of 4 images were skipped (3 decode/not_an_image)"),
        "{refused}"
    );
    let record = json(&folder.path().join("reports/broken/latest/run.json"));
    assert_eq!(record["refused"], true);
}

/// A page without the minute in which its run started.
fn without_start(run: &std::path::Path, page: &[u8]) -> Vec<u8> {
    let page = String::from_utf8_lossy(page);
    let page = page.replace(&history::started_at(run), "");
    // Commands to copy name the pipeline file, which stands in a folder of its own here.
    let record = json(&run.join("run.json"));
    let pipeline = record["pipeline_file"].as_str().expect("a path");
    page.replace(pipeline, "").into_bytes()
}

/// The same bytes for any number of threads; the same rows for any shard size.
#[test]
fn threads_and_shards_change_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let run = |name: &str, set: &[&str]| {
        std::fs::create_dir_all(folder.path().join(name)).expect("folder");
        audit(&plan(
            &folder.path().join(name),
            "demo",
            &demo_text("shortcut.onnx"),
            set,
        ))
        .folder
    };
    let tables = |folder: &std::path::Path| -> Vec<(String, Vec<u8>)> {
        files(folder)
            .into_iter()
            .filter(|(name, _)| name != "run.json" && name != "measured.json")
            .map(|(name, bytes)| match name.as_str() {
                "report.html" => (name, without_start(folder, &bytes)),
                _ => (name, bytes),
            })
            .collect()
    };
    // Two tables in parts, five whole ones, five documents, and the pictures.
    let one = tables(&run("one", &["run.jobs=1", "run.shard_size=64"]));
    let pictures = one
        .iter()
        .filter(|(name, _)| name.starts_with("pictures/"))
        .count();
    assert!(pictures > 20);
    assert_eq!(
        one.len(),
        7 * 2 + 7 + 3 + pictures,
        "{:?}",
        one.iter().map(|f| &f.0).collect::<Vec<_>>()
    );
    let two = tables(&run("two", &["run.jobs=2", "run.shard_size=64"]));
    for (first, second) in one.iter().zip(&two) {
        assert!(first == second, "jobs change bytes of {}", first.0);
    }
    assert_eq!(one.len(), two.len());
    let (small, large) = (
        run("small", &["run.shard_size=7"]),
        run("large", &["run.shard_size=1000"]),
    );
    for table in ["images", "regions"] {
        let rows = |folder: &std::path::Path| {
            let parts = files(&folder.join(table));
            let frames = parts
                .iter()
                .map(|(name, _)| parquet(&folder.join(table).join(name)));
            frames
                .reduce(|a, b| a.vstack(&b).expect("same columns"))
                .expect("parts")
        };
        assert!(
            rows(&small).equals_missing(&rows(&large)),
            "shard size changes rows of {table}"
        );
    }
}

#[test]
fn a_limit_takes_the_same_images_of_each_class_every_time() {
    let folder = tempfile::tempdir().expect("folder");
    let paths = |name: &str, set: &[&str]| {
        let outcome = audit(&plan(folder.path(), name, &demo_text("shortcut.onnx"), set));
        assert_eq!(outcome.record.facts.counts.found, 15);
        texts(
            &parquet(&outcome.folder.join("images/part-00000.parquet")),
            "path",
        )
        .into_iter()
        .collect::<BTreeSet<_>>()
    };
    let first = paths("first", &["run.limit=5"]);
    assert_eq!(first, paths("second", &["run.limit=5"]));
    assert_ne!(first, paths("third", &["run.limit=5", "run.seed=1"]));
}

#[test]
fn a_manifest_gives_the_rows_that_the_folders_give() {
    let folder = tempfile::tempdir().expect("folder");
    let mut manifest = String::from("\u{feff}path,label,split,group\r\n");
    for class in ["boat", "car", "horse"] {
        for i in 0..4 {
            let split = if i == 3 { "val" } else { "train" };
            manifest += &format!("{class}/{class}00{i}.jpg,{class},{split},g{i}\r\n");
        }
    }
    manifest += "../models/clean.onnx,horse,train,\r\nhorse/horse000.jpg,car,train,\r\nhorse/none.jpg,horse,train,\r\nhorse/horse004.jpg,,train,\r\n";
    std::fs::write(folder.path().join("labels.csv"), manifest).expect("manifest");
    let root = format!("root = {:?}", fixtures().join("horses"));
    let text = demo_text("shortcut.onnx").replace(
        &root,
        &format!("{root}\nformat = \"csv\"\nmanifest = \"labels.csv\"\nsplits = [\"train\"]"),
    );
    let from_csv = audit(&plan(folder.path(), "csv", &text, &["run.max_skipped=0.5"]));
    let counts = &from_csv.record.facts.counts;
    assert_eq!((counts.found, counts.scored, counts.skipped), (13, 9, 4));
    assert_eq!(counts.ignored["row of another split"], 3);
    for reason in [
        "annotation/path_outside",
        "annotation/duplicate",
        "annotation/no_label",
        "read/not_found",
    ] {
        assert_eq!(counts.skipped_by_reason[reason], 1, "{reason}");
    }
    let images = parquet(&from_csv.folder.join("images/part-00000.parquet"));
    assert_eq!(texts(&images, "group")[0], "g0");
    let from_folders = audit(&plan(
        folder.path(),
        "folders",
        &demo_text("shortcut.onnx"),
        &[],
    ));
    let all = parquet(&from_folders.folder.join("images/part-00000.parquet"));
    let shares = numbers(&all, "object_share");
    let key = |frame| -> Vec<(String, String)> {
        texts(frame, "image_id")
            .into_iter()
            .zip(texts(frame, "target"))
            .collect()
    };
    let all_keys = key(&all);
    let compared = |(key, _): &(&(String, String), Option<f64>)| key.1 != "baseline";
    for (key, share) in key(&images)
        .iter()
        .zip(numbers(&images, "object_share"))
        .filter(compared)
    {
        let row = all_keys
            .iter()
            .position(|k| k == key)
            .expect("the same image");
        assert_eq!(share, shares[row]);
    }
}

#[test]
fn normalised_boxes_mean_the_same_as_pixels() {
    let folder = tempfile::tempdir().expect("folder");
    let boxes = std::fs::read_to_string(fixtures().join("horses.boxes.csv")).expect("boxes");
    let mut lines = boxes.lines();
    let mut normalised = lines.next().expect("header").to_owned() + "\n";
    for line in lines {
        let f: Vec<&str> = line.split(',').collect();
        let v: Vec<f64> = f[2..].iter().map(|v| v.parse().expect("number")).collect();
        normalised += &format!(
            "{},{},{},{},{},{}\n",
            f[0],
            f[1],
            v[0] / 112.0,
            v[1] / 84.0,
            v[2] / 112.0,
            v[3] / 84.0
        );
    }
    std::fs::write(folder.path().join("boxes.csv"), normalised).expect("boxes");
    let text = demo_text("shortcut.onnx");
    let old = format!("boxes = {:?}", fixtures().join("horses.boxes.csv"));
    let changed = text.replace(
        &old,
        "boxes = \"boxes.csv\"\nbox_coordinates = \"normalised\"",
    );
    let shares = |name: &str, text: &str| {
        let outcome = audit(&plan(folder.path(), name, text, &["run.limit=20"]));
        numbers(
            &parquet(&outcome.folder.join("regions/part-00000.parquet")),
            "share",
        )
    };
    for (a, b) in shares("pixels", &text)
        .into_iter()
        .zip(shares("normalised", &changed))
    {
        assert_eq!(a.is_some(), b.is_some());
        close(a.unwrap_or(0.0), b.unwrap_or(0.0), 1e-12, "share");
    }
}

#[test]
fn letterbox_bars_are_a_region_of_their_own() {
    let folder = tempfile::tempdir().expect("folder");
    let text = demo_text("shortcut.onnx").replace(
        "preset = \"zero-one\"\nsize = 64",
        "steps = [{ letterbox = { size = [64, 64] } }]",
    );
    let outcome = audit(&plan(folder.path(), "letterbox", &text, &["run.limit=3"]));
    let regions = parquet(&outcome.folder.join("regions/part-00000.parquet"));
    let (names, areas) = (texts(&regions, "region"), numbers(&regions, "area"));
    let row = names.iter().position(|n| n == "padding").expect("padding");
    assert_eq!(areas[row], Some(0.25));
}

#[test]
fn the_run_record_adds_up() {
    let folder = tempfile::tempdir().expect("folder");
    let outcome = audit(&plan(
        folder.path(),
        "demo",
        &demo_text("shortcut.onnx"),
        &[],
    ));
    let record = json(&outcome.folder.join("run.json"));
    assert_eq!(record["counts"]["found"], 400);
    assert_eq!(record["audit_id"].as_str().map(str::len), Some(32));
    assert!(record["invariant_error_max"].as_f64().expect("error") < 1e-5);
    let images = parquet(&outcome.folder.join("images/part-00000.parquet"));
    assert_eq!(
        texts(&images, "target")
            .iter()
            .filter(|t| *t == "label")
            .count(),
        400
    );
    let worst = (0..images.height()).map(|row| {
        let cam = images
            .column("cam")
            .expect("cam")
            .list()
            .expect("lists")
            .get_as_series(row)
            .expect("row");
        let mean = cam
            .f32()
            .expect("floats")
            .iter()
            .flatten()
            .map(f64::from)
            .sum::<f64>()
            / 64.0;
        (mean + numbers(&images, "bias")[row].expect("bias")
            - numbers(&images, "logit")[row].expect("logit"))
        .abs()
    });
    assert!(worst.fold(0.0, f64::max) < 1e-4);
}

#[cfg(unix)]
#[test]
fn a_limit_draws_among_the_images_that_can_be_audited() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set/horse");
    std::fs::create_dir_all(&set).expect("set");
    for i in 0..6 {
        std::fs::copy(
            fixtures().join(format!("horses/horse/horse00{i}.jpg")),
            set.join(format!("{i}.jpg")),
        )
        .expect("copy");
        std::os::unix::fs::symlink("nowhere", set.join(format!("gone{i}.jpg"))).expect("link");
    }
    let text = demo_text("shortcut.onnx").replace(
        &format!("{:?}", fixtures().join("horses")),
        &format!("{:?}", folder.path().join("set")),
    );
    let counts = audit(&plan(folder.path(), "limited", &text, &["run.limit=2"]))
        .record
        .facts
        .counts;
    assert_eq!((counts.found, counts.scored), (2, 2));
    assert_eq!(
        counts.ignored["image skipped before the limit was applied"],
        6
    );
}

#[test]
fn labels_mapped_by_index_name_the_classes() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set");
    for (label, class) in [("a_horse", "horse"), ("b_boat", "boat"), ("c_car", "car")] {
        std::fs::create_dir_all(set.join(label)).expect("set");
        std::fs::copy(
            fixtures().join(format!("horses/{class}/{class}000.jpg")),
            set.join(label).join("x.jpg"),
        )
        .expect("copy");
    }
    let f = fixtures();
    let text = format!(
        "[dataset]\nroot = {set:?}\n[dataset.labels]\na_horse = 2\nb_boat = 0\nc_car = 1\n[model]\npath = {:?}\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n",
        f.join("models/shortcut.onnx")
    );
    let outcome = audit(&plan(folder.path(), "indexed", &text, &[]));
    let images = parquet(&outcome.folder.join("images/part-00000.parquet"));
    let row = texts(&images, "label")
        .iter()
        .position(|l| l == "a_horse")
        .expect("row");
    assert_eq!(texts(&images, "predicted")[row], "a_horse");
}

/// A region that the crop cuts off has no scores, instead of zeros that change a mean.
#[test]
fn what_the_model_never_sees_has_no_scores() {
    let folder = tempfile::tempdir().expect("folder");
    let steps = "steps = [{ resize = { exact = [256, 256] } }, { center_crop = 64 }]";
    let text = demo_text("shortcut.onnx").replace("preset = \"zero-one\"\nsize = 64", steps);
    let outcome = audit(&plan(
        folder.path(),
        "cropped",
        &text,
        &["run.limit=3", "scores.object_visible_min=0"],
    ));
    let regions = parquet(&outcome.folder.join("regions/part-00000.parquet"));
    let row = texts(&regions, "region")
        .iter()
        .position(|r| r == "bottom-left")
        .expect("row");
    for column in ["share", "lift", "contribution", "relative_contribution"] {
        assert_eq!(numbers(&regions, column)[row], None, "{column}");
    }
    assert_eq!(numbers(&regions, "visible")[row], Some(0.0));
    let images = parquet(&outcome.folder.join("images/part-00000.parquet"));
    assert!(
        numbers(&images, "object_lift")
            .iter()
            .flatten()
            .all(|v| v.is_finite())
    );
    assert!(
        outcome
            .summary
            .warnings
            .iter()
            .any(|w| w.contains("never sees 100 %")),
        "{:?}",
        outcome.summary.warnings
    );
}
