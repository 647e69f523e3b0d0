//! The pages and pictures that people are shown.

use crate::support::{audit, camaudit, demo_text, fixtures, json, numbers, page, parquet, plan};
use crate::support::{stderr, texts};
use camaudit::audit::tiles;
use camaudit::model::Facts;
use camaudit::report::contact_sheet::{contact_page, contact_sheet};
use camaudit::runs::{history, images};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn the_page_is_made_of_the_run_folder_alone_and_names_nothing_outside() {
    let folder = tempfile::tempdir().expect("folder");
    let outcome = audit(&plan(
        folder.path(),
        "page",
        &demo_text("shortcut.onnx"),
        &[],
    ));
    let written = std::fs::read_to_string(outcome.folder.join("report.html")).expect("page");
    assert_eq!(page(&outcome.folder, 20_000_000), written, "made again");
    for outside in [
        "http:", "https:", "src=\"/", "href=\"/", "style=\"", "onclick",
    ] {
        assert!(!written.contains(outside), "{outside}");
    }
    assert!(written.matches("\"/9j/").count() > 20);
    let small = page(&outcome.folder, 30_000);
    assert!(
        small.len() < 30_000 + 120_000 && small.contains("beyond the budget"),
        "{}",
        small.len()
    );
    std::fs::remove_dir_all(outcome.folder.join("pictures")).expect("pictures");
    assert!(page(&outcome.folder, 20_000_000).contains("pictures are no longer there"));
}

#[test]
fn no_pixel_leaves_a_set_that_forbids_it() {
    let folder = tempfile::tempdir().expect("folder");
    let outcome = audit(&plan(
        folder.path(),
        "page",
        &demo_text("shortcut.onnx"),
        &["report.pictures=none"],
    ));
    assert!(!outcome.folder.join("pictures").exists());
    assert!(
        !std::fs::read_to_string(outcome.folder.join("report.html"))
            .expect("page")
            .contains("\"/9j/")
    );
}

/// Names from a dataset are text: quotes, tags, newlines and marks that turn the writing around.
#[test]
fn hostile_names_are_shown_as_text() {
    let folder = tempfile::tempdir().expect("folder");
    let (set, names) = (
        folder.path().join("set"),
        ["<img src=x onerror=alert(1)>", "a\"b'c&d", "x\u{202e}gnp"],
    );
    for (i, name) in names.iter().enumerate() {
        std::fs::create_dir_all(set.join(name)).expect("class");
        for k in 0..2 {
            let from = fixtures().join(format!("horses/car/car{:03}.jpg", 2 * i + k));
            std::fs::copy(from, set.join(name).join(format!("{k}.jpg"))).expect("photo");
        }
    }
    let text = format!(
        "[dataset]\nroot = {set:?}\n[model]\npath = {:?}\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [[region]]\nname = \"</script><b>\"\ncorner = {{ at = \"top-left\", width = 0.2, height = 0.2 }}\n",
        fixtures().join("models/shortcut.onnx")
    );
    let outcome = audit(&plan(folder.path(), "hostile", &text, &[]));
    let page = std::fs::read_to_string(outcome.folder.join("report.html")).expect("page");
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    for raw in ["<img src=x", "</script><b>", "\u{202e}"] {
        assert!(!page.contains(raw), "{raw:?}");
    }
}

/// The images behind a finding, against the tables themselves; a photo that is gone leaves a tile
/// that says so.
#[test]
fn a_gallery_shows_the_images_that_the_tables_name() {
    let folder = tempfile::tempdir().expect("folder");
    let plan = plan(folder.path(), "gallery", &demo_text("shortcut.onnx"), &[]);
    let run = audit(&plan).folder;
    let found =
        images::images(&run, &BTreeSet::from(["horse".to_owned()]), "source-tag").expect("found");
    assert_eq!(found.len(), 200);
    let regions = parquet(&run.join("regions/part-00000.parquet"));
    let rows = [
        texts(&regions, "label"),
        texts(&regions, "target"),
        texts(&regions, "region"),
    ];
    let shares = numbers(&regions, "share");
    let own = (0..shares.len())
        .filter(|&i| [&rows[0][i], &rows[1][i], &rows[2][i]] == ["horse", "label", "source-tag"]);
    let rows_of_images = parquet(&run.join("images/part-00000.parquet"));
    let paths: BTreeMap<String, String> = texts(&rows_of_images, "image_id")
        .into_iter()
        .zip(texts(&rows_of_images, "path"))
        .collect();
    let ids = texts(&regions, "image_id");
    let expected: Vec<(&str, Option<f64>)> =
        own.map(|i| (paths[&ids[i]].as_str(), shares[i])).collect();
    assert_eq!(
        found
            .iter()
            .map(|f| (f.path.as_str(), f.share))
            .collect::<Vec<_>>(),
        expected
    );
    let present = found.iter().filter(|f| f.present == Some(true)).count();
    assert_eq!(
        (present, found[0].cam.len()),
        (40, found[0].cells[0] * found[0].cells[1])
    );
    let mut shown = found[..3].to_vec();
    shown[2].path = "horse/<b>gone</b>.jpg".into();
    shown[1].content = "of another photo".into();
    let (tiles, scale) = tiles(&plan, &Facts::default(), &shown, "source-tag").expect("tiles");
    assert!(
        scale > 1.0 && tiles[1].missing.as_deref() == Some("the photo has changed since the run")
    );
    let page = contact_page(&tiles, "horse / source-tag", "3 of 200 images.").expect("page");
    assert_eq!(page.matches("data:image/jpeg").count(), 2);
    assert!(
        page.contains("no longer in the dataset")
            && page.contains("&lt;b&gt;gone")
            && !page.contains("<b>gone")
    );
    let sheet = contact_sheet(&tiles, "horse");
    let painted = |x: u32| (100..180).any(|y| sheet.get_pixel(x, y).0 != [255; 3]);
    assert!(
        painted(60) && painted(220) && !painted(400) && !painted(700),
        "the first tile has pictures"
    );
    let wrong = images::labels_of(&folder.path().join("nowhere"), "horse").expect_err("refused");
    assert!(wrong.to_string().contains("nowhere"), "{wrong}");
}

#[test]
fn the_index_names_the_last_run_of_every_pipeline_the_most_serious_first() {
    let folder = tempfile::tempdir().expect("folder");
    let reports = folder.path().join("reports");
    let index = |of: &Path| camaudit(&["index".as_ref(), of.as_os_str()]);
    let page = || std::fs::read_to_string(reports.join("index.html")).expect("index.html");

    let empty = index(folder.path());
    assert_eq!(empty.status.code(), Some(2), "{:?}", stderr(&empty));
    for (name, model) in [
        ("calm", "clean.onnx"),
        ("clever", "shortcut.onnx"),
        ("clever", "shortcut.onnx"),
    ] {
        audit(&plan(folder.path(), name, &demo_text(model), &[]));
    }
    assert_eq!(index(&reports).status.code(), Some(0));
    let first = page();
    let (clever, calm) = (
        first.find(">clever<").expect("clever"),
        first.find(">calm<").expect("calm"),
    );
    assert!(
        clever < calm && first.contains("1 confirmed") && first.contains("1 unchanged"),
        "{first}"
    );
    assert_eq!(first.matches("/report.html").count(), 2);
    let link = first
        .split("href=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a link");
    assert!(reports.join(link).is_file(), "{link}");

    // A run whose files are damaged comes first.
    let calm = history::finished(&reports.join("calm"))
        .pop()
        .expect("a run");
    std::fs::write(calm.join("summary.json"), "{").expect("damaged");
    assert_eq!(index(&reports).status.code(), Some(0));
    let second = page();
    let (damaged, clever) = (
        second.find("not readable: ").expect("the cause"),
        second.find(">clever<").expect("clever"),
    );
    assert!(damaged < clever && second[damaged..clever].contains("summary.json"));
}

/// Where the evidence is on average, with the region and without it: at the tag, and not there.
#[test]
fn the_mean_maps_of_a_shortcut_differ_at_its_place() {
    let folder = tempfile::tempdir().expect("folder");
    let run = audit(&plan(
        folder.path(),
        "means",
        &demo_text("shortcut.onnx"),
        &[],
    ))
    .folder;
    let document = json(&run.join("figures.json"));
    let means = document["figures"]
        .as_array()
        .expect("figures")
        .iter()
        .find(|e| e["role"] == "mean")
        .expect("means");
    let captions: Vec<&str> = (0..3)
        .map(|i| means["panels"][i]["caption"].as_str().expect("caption"))
        .collect();
    assert!(
        captions[0].contains("40 images") && captions[1].contains("160 without"),
        "{captions:?}"
    );
    // Orange, strong at the bottom left, nothing at the top right.
    let file = run.join(means["panels"][2]["file"].as_str().expect("file"));
    let picture = image::open(file).expect("picture").to_rgb8();
    let warmth = |x: u32, y: u32| {
        i32::from(picture.get_pixel(x, y).0[0]) - i32::from(picture.get_pixel(x, y).0[2])
    };
    assert!(
        warmth(12, 54) > 60 && warmth(52, 10).abs() < 30,
        "{} {}",
        warmth(12, 54),
        warmth(52, 10)
    );
}

/// A chat or a pull request must not follow what a class is called.
#[test]
fn names_in_the_summary_are_no_markdown() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set");
    let name = "@all [x](http:) `a` <b> | *c* www.x _d_";
    std::fs::create_dir_all(set.join(name)).expect("class");
    std::fs::copy(
        fixtures().join("horses/car/car000.jpg"),
        set.join(name).join("0.jpg"),
    )
    .expect("photo");
    let text = format!(
        "[dataset]\nroot = {set:?}\n[dataset.labels]\n{name:?} = 0\n[model]\npath = {:?}\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [[region]]\nname = \"corner\"\ncorner = {{ at = \"top-left\", width = 0.2, height = 0.2 }}\n",
        fixtures().join("models/shortcut.onnx")
    );
    let run = audit(&plan(folder.path(), "markdown", &text, &[])).folder;
    let summary = std::fs::read_to_string(run.join("summary.md")).expect("summary");
    let line = summary
        .lines()
        .find(|l| l.contains("&#64;"))
        .expect("the class");
    assert!(
        line.contains("&#64;all \\[x\\](http&#58;) \\`a\\` &lt;b> \\| \\*c\\* www&#46;x \\_d\\_"),
        "{line}"
    );
}

/// A run folder from elsewhere must not pull files of this machine into a page that is passed on.
#[test]
fn a_report_shows_pictures_of_its_own_folder_only() {
    let folder = tempfile::tempdir().expect("folder");
    let run = audit(&plan(
        folder.path(),
        "page",
        &demo_text("shortcut.onnx"),
        &[],
    ))
    .folder;
    let pictures = || page(&run, 20_000_000).matches("\"/9j/").count();
    let before = pictures();
    let figures = std::fs::read_to_string(run.join("figures.json")).expect("figures");
    std::fs::write(run.join("pictures/../secret.jpg"), b"secret").expect("a file");
    for elsewhere in [
        "/etc/hostname",
        "pictures/../secret.jpg",
        "../page/latest/run.json",
    ] {
        std::fs::write(
            run.join("figures.json"),
            figures.replacen("pictures/00000.jpg", elsewhere, 1),
        )
        .expect("written");
        assert_eq!(pictures(), before - 1, "{elsewhere}");
    }
}

/// Train against val: the figures of each split, against the rows themselves.
#[test]
fn classes_are_listed_by_split_where_there_are_several() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set");
    for (split, label, count) in [
        ("train", "horse", 4),
        ("train", "car", 2),
        ("val", "horse", 3),
    ] {
        std::fs::create_dir_all(set.join(split).join(label)).expect("class");
        for i in 0..count {
            let i = if split == "val" { i + 4 } else { i };
            let from = fixtures().join(format!("horses/{label}/{label}{i:03}.jpg"));
            std::fs::copy(from, set.join(format!("{split}/{label}/{i}.jpg"))).expect("photo");
        }
    }
    let text = format!(
        "[dataset]\nroot = {set:?}\n[model]\npath = {:?}\nclasses = {:?}\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [[region]]\nname = \"corner\"\ncorner = {{ at = \"bottom-left\", width = 0.35, height = 0.2 }}\n",
        fixtures().join("models/shortcut.onnx"),
        fixtures().join("models/classes.txt"),
    );
    let run = audit(&plan(folder.path(), "splits", &text, &[])).folder;
    let summary = json(&run.join("summary.json"));
    let splits = summary["splits"].as_array().expect("splits");
    let names: Vec<&str> = splits.iter().filter_map(|s| s["split"].as_str()).collect();
    assert_eq!(names, ["train", "val"]);

    let images = parquet(&run.join("images/part-00000.parquet"));
    let regions = parquet(&run.join("regions/part-00000.parquet"));
    let split_of: BTreeMap<String, String> = texts(&images, "image_id")
        .into_iter()
        .zip(texts(&images, "split"))
        .collect();
    let (ids, labels) = (texts(&regions, "image_id"), texts(&regions, "label"));
    let (targets, shares) = (texts(&regions, "target"), numbers(&regions, "share"));
    for split in splits {
        for class in split["classes"].as_array().expect("classes") {
            let mut of_images = Vec::new();
            let mut count = 0;
            for row in 0..ids.len() {
                let is_of_class = Some(labels[row].as_str()) == class["label"].as_str();
                let is_of_split = split["split"].as_str() == Some(split_of[&ids[row]].as_str());
                if is_of_class && is_of_split && targets[row] == "label" {
                    count += 1;
                    of_images.extend(shares[row]);
                }
            }
            assert_eq!(class["images"], count, "{split}");
            let mean = of_images.iter().sum::<f64>() / of_images.len() as f64;
            match class["share"].as_f64() {
                Some(share) => assert!((share - mean).abs() < 1e-9, "{share}, {mean}"),
                None => assert!(of_images.is_empty()),
            }
        }
    }
    assert!(page(&run, 0).contains("<select id=\"split\">"));

    let train = text.replace(&format!("{set:?}"), &format!("{:?}", set.join("train")));
    let one = audit(&plan(folder.path(), "one", &train, &[])).folder;
    assert!(json(&one.join("summary.json"))["splits"].is_null());
    assert!(!page(&one, 0).contains("<select id=\"split\">"));
}
