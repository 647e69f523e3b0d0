//! Every annotation format: one set in all of them gives equal rows; problems have codes and
//! severities.

use crate::support::{Silent, audit, close, fixtures, json, numbers, parquet, plan, texts};
use camaudit::audit::run;
use camaudit::dataset::{Dataset, ImageBytes, ImageId, LabelMap, Source};
use polars::prelude::DataFrame;
use std::collections::BTreeSet;
use std::path::Path;

fn text(root: &Path, keys: &str) -> String {
    let f = fixtures();
    format!(
        "[dataset]\nroot = {root:?}\n{}\n[model]\npath = {:?}\nclasses = {:?}\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [[region]]\nname = \"corner\"\ncorner = {{ at = \"top-left\", width = 0.25, height = 0.25 }}\n",
        keys.replace("FIXTURES", &f.join("formats").display().to_string()),
        f.join("models/shortcut.onnx"),
        f.join("models/classes.txt")
    )
}

/// The image and region rows, sorted by path.
fn rows(name: &str, keys: &str) -> (DataFrame, DataFrame) {
    let folder = tempfile::tempdir().expect("folder");
    let outcome = audit(&plan(
        folder.path(),
        name,
        &text(&fixtures().join("formats/images"), keys),
        &[],
    ));
    let counts = &outcome.record.facts.counts;
    assert_eq!((counts.found, counts.scored), (9, 9), "{name}");
    assert!(
        counts.annotation_problems.is_empty(),
        "{name}: {:?}",
        counts.annotation_problems
    );
    let read = |table: &str| parquet(&outcome.folder.join(table).join("part-00000.parquet"));
    let sort = |frame: DataFrame, by: &str| {
        frame
            .sort([by, "target"], Default::default())
            .expect("sorted")
    };
    (
        sort(read("images"), "path"),
        sort(read("regions"), "image_id"),
    )
}

#[test]
fn one_set_in_every_format_gives_equal_rows() {
    let formats = [
        (
            "csv",
            "manifest = \"FIXTURES/manifest.csv\"\nboxes = \"FIXTURES/boxes.csv\"",
        ),
        (
            "tsv",
            "manifest = \"FIXTURES/manifest.tsv\"\nboxes = \"FIXTURES/boxes.csv\"",
        ),
        (
            "parquet",
            "manifest = \"FIXTURES/manifest.parquet\"\nboxes = \"FIXTURES/boxes.csv\"",
        ),
        ("coco", "annotations = \"FIXTURES/coco.json\""),
        ("voc", "annotations = \"FIXTURES/voc\""),
        (
            "yolo",
            "annotations = \"FIXTURES/yolo\"\nnames = \"FIXTURES/data.yaml\"",
        ),
        ("labelme", "annotations = \"FIXTURES/labelme\""),
        (
            "open-images",
            "annotations = \"FIXTURES/open-images.csv\"\nnames = \"FIXTURES/class-descriptions.csv\"",
        ),
        (
            "imagenet-loc",
            "annotations = \"FIXTURES/LOC_val_solution.csv\"",
        ),
        (
            "wsol",
            "annotations = \"FIXTURES/wsol\"\nnames = \"FIXTURES/classes.txt\"",
        ),
    ];
    let mut reference: Option<(DataFrame, DataFrame)> = None;
    for (name, keys) in formats {
        // Named, and guessed: the same.
        let found = rows(name, &format!("format = {name:?}\n{keys}"));
        let guessed = rows(name, keys);
        assert!(
            found.0.equals_missing(&guessed.0) && found.1.equals_missing(&guessed.1),
            "{name} is guessed as another format"
        );
        let (images, regions) = reference.get_or_insert_with(|| found.clone());
        assert!(numbers(images, "object_share").iter().any(Option::is_some));
        assert!(
            found.0.equals_missing(images),
            "{name}: images differ\n{images:?}\n{:?}",
            found.0
        );
        assert!(found.1.equals_missing(regions), "{name}: regions differ");
    }
}

/// Boxes drawn as polygons, run lengths and pixels: the same shares as the boxes.
#[test]
fn outlines_of_boxes_are_the_boxes() {
    let boxes = rows(
        "csv",
        "manifest = \"FIXTURES/manifest.csv\"\nboxes = \"FIXTURES/boxes.csv\"",
    )
    .0;
    let outlines = [
        (
            "segmentations",
            "annotations = \"FIXTURES/segmentations.json\"\nsegmentations = true",
        ),
        (
            "masks",
            "annotations = \"FIXTURES/masks\"\nnames = \"FIXTURES/masks.yaml\"",
        ),
        (
            "nameless",
            "annotations = \"FIXTURES/masks\"\nlabel = \"table\"\nlabel_table = \"FIXTURES/manifest.csv\"",
        ),
    ];
    for (name, keys) in outlines {
        let found = rows(name, keys).0;
        assert_eq!(texts(&found, "label"), texts(&boxes, "label"), "{name}");
        for column in ["object_share", "object_area", "rank_accuracy"] {
            let pairs = numbers(&found, column)
                .into_iter()
                .zip(numbers(&boxes, column));
            for (i, (a, b)) in pairs.enumerate() {
                close(
                    a.expect("a number"),
                    b.expect("a number"),
                    1e-6,
                    &format!("{name} {column} {i}"),
                );
            }
        }
    }
}

/// Formats that hold the images themselves: the same pictures, so the same logits and shares.
#[test]
fn shards_and_parquet_files_hold_the_same_images() {
    let folder = tempfile::tempdir().expect("folder");
    let figures = |name: &str, root: &str, keys: &str| {
        let root = fixtures().join("formats").join(root);
        let outcome = audit(&plan(
            folder.path(),
            name,
            &text(&root, keys),
            &["run.shard_size=4"],
        ));
        assert_eq!(
            (
                outcome.record.facts.counts.found,
                outcome.record.facts.counts.scored
            ),
            (9, 9),
            "{name}"
        );
        let parts =
            (0..3).map(|i| parquet(&outcome.folder.join(format!("images/part-0000{i}.parquet"))));
        let images = parts
            .reduce(|a, b| a.vstack(&b).expect("same columns"))
            .expect("parts");
        let figures = (
            texts(&images, "content_hash"),
            texts(&images, "label"),
            numbers(&images, "logit"),
        );
        (
            figures,
            texts(&images, "path"),
            numbers(&images, "object_share"),
        )
    };
    let files = figures(
        "files",
        "images",
        "manifest = \"FIXTURES/manifest.csv\"\nboxes = \"FIXTURES/boxes.csv\"",
    );
    let tars = figures("tars", "webdataset", "names = \"FIXTURES/classes.txt\"");
    let parquet = figures("parquet", "parquet-images", "");
    for other in [&tars, &parquet] {
        assert_eq!(files.0, other.0);
    }
    assert_eq!(
        files.2, parquet.2,
        "the objects of the Parquet files are the boxes"
    );
    assert_eq!(
        (tars.1[0].as_str(), parquet.1[0].as_str()),
        ("0000.tar/p0.jpg", "train-00000-of-00002.parquet/0")
    );
}

/// The bytes of a sample, if they are in memory.
fn bytes_in_memory(source: &Source) -> Option<&[u8]> {
    match source {
        Source::Bytes(bytes) => Some(bytes),
        Source::File(_) | Source::Slice { .. } | Source::Missing(_) => None,
    }
}

/// The samples of some ids are those of the whole stream, with their bytes.
#[test]
fn samples_are_fetched_by_id_in_one_pass() {
    let sets = [
        (
            "files",
            "images",
            "manifest = \"FIXTURES/manifest.csv\"\nboxes = \"FIXTURES/boxes.csv\"",
        ),
        ("tars", "webdataset", "names = \"FIXTURES/classes.txt\""),
        ("parquet", "parquet-images", ""),
    ];
    for (name, root, keys) in sets {
        let folder = tempfile::tempdir().expect("folder");
        let root = fixtures().join("formats").join(root);
        let plan = plan(folder.path(), name, &text(&root, keys), &[]);
        let dataset = Dataset::open(&plan.dataset, None, 0).expect("dataset");
        let labels = LabelMap::without_model(dataset.stats.labels.keys());
        let read = dataset.samples(&labels, ImageBytes::Read).expect("samples");
        let all: Vec<_> = read.map(|sample| sample.expect("sample")).collect();

        let expected = [&all[1], &all[7]];
        let unknown = ImageId(1);
        let ids = expected.map(|sample| sample.id).into_iter();
        let ids = ids.chain([unknown]).collect();
        let fetched = dataset.samples_by_id(&labels, &ids).expect("fetched");
        assert_eq!(fetched.len(), 2, "{name}");
        for sample in expected {
            let other = &fetched[&sample.id];
            assert_eq!(other.path, sample.path, "{name}");
            assert_eq!(other.label, sample.label, "{name}");
            assert_eq!(other.annotations, sample.annotations, "{name}");
            let bytes = bytes_in_memory(&sample.source);
            assert_eq!(bytes_in_memory(&other.source), bytes, "{name}");
            assert!(bytes.is_none_or(|bytes| !bytes.is_empty()), "{name}");
        }

        let none = dataset.samples_by_id(&labels, &BTreeSet::new());
        assert!(none.expect("none").is_empty(), "{name}");
    }
}

/// A file whose images cannot be read does not matter to a stream without images, nor to images of
/// other files.
#[test]
fn image_bytes_of_parquet_files_are_read_only_where_they_are_used() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set");
    std::fs::create_dir(&set).expect("set");
    let files = [
        ("fuzz/bytes_unreadable.parquet", "0.parquet"),
        (
            "formats/parquet-images/train-00000-of-00002.parquet",
            "1.parquet",
        ),
    ];
    for (from, to) in files {
        std::fs::copy(fixtures().join(from), set.join(to)).expect("copy");
    }
    let plan = plan(
        folder.path(),
        "bytes",
        &text(&set, "format = \"parquet-images\""),
        &[],
    );
    let dataset = Dataset::open(&plan.dataset, None, 0).expect("dataset");
    let labels = LabelMap::without_model(dataset.stats.labels.keys());

    let left = dataset.samples(&labels, ImageBytes::Leave).expect("left");
    let left: Vec<_> = left.filter_map(Result::ok).collect();
    for sample in &left {
        assert_eq!(bytes_in_memory(&sample.source), Some(&[][..]));
    }

    // The first row group of `0.parquet`: labels that can be read, images that cannot.
    let read = dataset.samples(&labels, ImageBytes::Read).expect("read");
    let read: Vec<_> = read.filter_map(Result::ok).collect();
    assert!(left.iter().any(|sample| sample.path == "0.parquet/0"));
    assert!(!read.iter().any(|sample| sample.path == "0.parquet/0"));
    assert!(read.iter().any(|sample| sample.path == "1.parquet/0"));

    let ids = left.iter().map(|sample| sample.id).collect();
    let fetched = dataset.samples_by_id(&labels, &ids).expect("fetched");
    let fetched: BTreeSet<ImageId> = fetched.into_keys().collect();
    let readable: BTreeSet<ImageId> = read.iter().map(|sample| sample.id).collect();
    assert_eq!(fetched, readable);
}

#[test]
fn a_broken_shard_is_noted_and_its_whole_images_are_audited() {
    let folder = tempfile::tempdir().expect("folder");
    let shard = std::fs::read(fixtures().join("formats/webdataset/0000.tar")).expect("shard");
    std::fs::write(folder.path().join("0000.tar"), &shard[..shard.len() / 2]).expect("cut");
    let (found, skipped) = problems(
        folder.path(),
        "names = \"FIXTURES/classes.txt\"",
        &["run.max_skipped=1.0"],
    )
    .expect("run");
    assert!(found.contains(&"bad_file x 1".to_owned()), "{found:?}");
    assert!(skipped <= 1, "{skipped}");
}

#[test]
fn what_counts_neither_way_leaves_the_statistics_in_every_format() {
    let formats = [
        ("coco", "annotations = \"FIXTURES/ignore/coco.json\""),
        ("voc", "annotations = \"FIXTURES/ignore/voc\""),
        ("labelme", "annotations = \"FIXTURES/ignore/labelme\""),
        (
            "open-images",
            "annotations = \"FIXTURES/ignore/open-images.csv\"\nnames = \"FIXTURES/class-descriptions.csv\"",
        ),
    ];
    let (plain, _) = rows("plain", "annotations = \"FIXTURES/coco.json\"");
    let areas: Vec<Vec<Option<f64>>> = formats
        .iter()
        .map(|(name, keys)| numbers(&rows(name, keys).0, "object_area"))
        .collect();
    assert!(areas.windows(2).all(|pair| pair[0] == pair[1]), "{areas:?}");
    let (with, without) = (
        numbers(&plain, "object_area")[0].expect("area"),
        areas[0][0].expect("area"),
    );
    // p0 has a second box of 10 x 8 pixels that the first does not touch: it is neither object nor
    // background.
    let (object, ignored, view) = (with * 4096.0 - 80.0, 80.0, 4096.0);
    assert!(
        (without - object / (view - ignored)).abs() < 1e-9,
        "{without}"
    );
}

/// Problems of a set as `code x count`, by `keys` for the dataset.
fn problems(root: &Path, keys: &str, set: &[&str]) -> Result<(Vec<String>, usize), String> {
    let folder = tempfile::tempdir().expect("folder");
    let outcome = run(&plan(folder.path(), "odd", &text(root, keys), set), &Silent)
        .map_err(|e| e.to_string())?;
    let counts = &outcome.record.facts.counts;
    assert_eq!(counts.found, counts.scored + counts.skipped);
    let table = parquet(&outcome.folder.join("problems.parquet"));
    let mut found: Vec<String> = counts
        .annotation_problems
        .iter()
        .map(|(code, n)| format!("{code} x {n}"))
        .collect();
    found.sort();
    assert_eq!(
        table.height(),
        counts.annotation_problems.values().sum::<usize>()
    );
    assert!(texts(&table, "place").iter().all(|p| !p.is_empty()));
    Ok((found, counts.skipped))
}

fn photos(folder: &Path, names: &[&str]) {
    for (i, name) in names.iter().enumerate() {
        std::fs::copy(
            fixtures().join(format!("formats/images/p{i}.jpg")),
            folder.join(name),
        )
        .expect("copy");
    }
}

#[test]
fn problems_of_boxes_have_codes_and_the_pipeline_sets_what_they_do() {
    let folder = tempfile::tempdir().expect("folder");
    photos(folder.path(), &["a.jpg", "b.jpg"]);
    let rows = "path,category,xmin,ymin,xmax,ymax\na.jpg,boat,40,30,10,10\na.jpg,boat,5,5,5,9\na.jpg,boat,nan,0,3,3\n\
                a.jpg,boat,-20,0,30,100\n../b.jpg,car,0,0,9,9\nnone.jpg,car,0,0,9,9\nb.jpg,car,0,0,30,30\nb.jpg,car,0,0\n";
    let boxes = folder.path().join("boxes.csv");
    std::fs::write(&boxes, rows).expect("boxes");
    std::fs::write(
        folder.path().join("m.csv"),
        "path,label\na.jpg,boat\nb.jpg,car\n",
    )
    .expect("manifest");
    let keys = format!(
        "manifest = {:?}\nboxes = {boxes:?}",
        folder.path().join("m.csv")
    );
    let expected = [
        "annotation_without_image x 1",
        "bad_row x 2",
        "box_outside x 1",
        "box_without_area x 1",
        "not_a_number x 1",
        "swapped_corners x 1",
    ];
    assert_eq!(
        problems(folder.path(), &keys, &[]),
        Ok((expected.map(str::to_owned).to_vec(), 0))
    );
    let (_, skipped) = problems(
        folder.path(),
        &keys,
        &["dataset.problems.box_outside=skip", "run.max_skipped=1.0"],
    )
    .expect("run");
    assert_eq!(skipped, 1);
    let error =
        problems(folder.path(), &keys, &["dataset.problems.bad_row=error"]).expect_err("refused");
    assert!(
        error.contains("boxes.csv:6: bad_row") && error.contains("boxes.csv:9: bad_row"),
        "{error}"
    );
}

#[test]
fn broken_annotation_files_lose_their_images_not_the_run() {
    let folder = tempfile::tempdir().expect("folder");
    photos(
        folder.path(),
        &["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg", "f.jpg"],
    );
    let write =
        |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("write");
    let object = "<object><name>car</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>";
    write(
        "a.xml",
        format!("\u{feff}<annotation>\r\n{object}\r\n</annotation>\r\n").as_bytes(),
    );
    write("b.xml", b"<annotation><object>");
    write(
        "c.xml",
        &[
            b"<annotation><name>".as_slice(),
            &[0xff, 0xfe],
            b"</name></annotation>",
        ]
        .concat(),
    );
    write("d.xml", "<a>".repeat(20_000).as_bytes());
    write(
        "e.xml",
        format!("<annotation><size><width>4294967296</width><height>1e300</height></size>{object}</annotation>")
            .as_bytes(),
    );
    write("lonely.xml", b"<annotation/>");
    let keys = format!("annotations = {:?}", folder.path());
    let (found, skipped) = problems(folder.path(), &keys, &["run.max_skipped=1.0"]).expect("run");
    let expected = [
        "annotation_without_image x 1",
        "bad_encoding x 1",
        "bad_file x 2",
        "image_without_annotation x 1",
        "no_label x 4",
        "size_contradicts x 1",
    ];
    assert_eq!((found, skipped), (expected.map(str::to_owned).to_vec(), 5));
}

#[test]
fn coco_problems() {
    let folder = tempfile::tempdir().expect("folder");
    photos(folder.path(), &["a.jpg", "b.jpg", "c.jpg"]);
    let file = folder.path().join("coco.json");
    let coco = serde_json::json!({
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 64, "height": 64}, {"id": 2, "file_name": "b.jpg", "width": 10, "height": 10},
            {"id": 3, "file_name": "c.jpg"}, {"id": 3, "file_name": "c.jpg"}, {"id": 5, "file_name": "../up.jpg"},
            {"id": 6, "file_name": "gone.jpg"}],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10], "iscrowd": 0},
            {"id": 2, "image_id": 1, "category_id": 9, "bbox": [0, 0, 10, 10]},
            {"id": 3, "image_id": 1, "category_id": 1, "bbox": [0, 0, null, 10]},
            {"id": 4, "image_id": 2, "category_id": 1, "bbox": [0, 0, 10, 10]},
            {"id": 5, "image_id": 3, "category_id": 1, "bbox": [0, 0, 10, 10]},
            {"id": 6, "image_id": 77, "category_id": 1, "bbox": [0, 0, 10, 10]},
            {"id": 7, "image_id": 6, "category_id": 1, "bbox": [0, 0, 10, 10]}]
    });
    std::fs::write(&file, format!("\u{feff}{coco}")).expect("coco, as some editors write it");
    let keys = format!("annotations = {file:?}");
    let expected = [
        "annotation_without_image x 1",
        "duplicate x 1",
        "not_a_number x 1",
        "size_contradicts x 1",
        "unknown_category x 1",
    ];
    let (found, skipped) = problems(folder.path(), &keys, &["run.max_skipped=1.0"]).expect("run");
    assert_eq!((found, skipped), (expected.map(str::to_owned).to_vec(), 4));
    std::fs::write(&file, "{\"images\": [{\"id\": 1,\n \"file_name\": 3}]}").expect("coco");
    let error = problems(folder.path(), &keys, &[]).expect_err("refused");
    assert!(
        error.contains("coco.json") && error.contains("line 2"),
        "{error}"
    );
}

/// Boxes drawn on the stored pixels of a photo that EXIF turns: the annotation's own size tells.
#[test]
fn boxes_follow_the_exif_orientation_where_the_stated_size_says_so() {
    let cases = json(&fixtures().join("golden/odd.json"));
    assert!(cases.get("exif6.jpg").is_some());
    // Stored 40 x 30; a quarter turn clockwise makes it 30 x 40. A box in the stored top left
    // corner lands top right.
    let expected = [
        (5, (0.0, 0.0)),
        (6, (1.0, 0.0)),
        (7, (1.0, 1.0)),
        (8, (0.0, 1.0)),
    ];
    for (orientation, (right, bottom)) in expected {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::copy(
            fixtures().join(format!("odd/exif{orientation}.jpg")),
            folder.path().join("a.jpg"),
        )
        .expect("copy");
        std::fs::write(
            folder.path().join("a.json"),
            r#"{"imageWidth": 40, "imageHeight": 30, "shapes": [{"label": "car", "shape_type": "rectangle", "points": [[0, 0], [20, 15]]}]}"#,
        )
        .expect("annotation");
        let (x, y) = (right * 0.5, bottom * 0.5);
        let keys = format!("annotations = {:?}", folder.path());
        let region = format!(
            "[[region]]\nname = \"there\"\nrect = {{ left = {x:?}, top = {y:?}, right = {:?}, bottom = {:?} }}\n",
            x + 0.5,
            y + 0.5
        );
        let out = tempfile::tempdir().expect("folder");
        let outcome = audit(&plan(
            out.path(),
            "transpose",
            &(text(folder.path(), &keys) + &region),
            &[],
        ));
        let images = parquet(&outcome.folder.join("images/part-00000.parquet"));
        let regions = parquet(&outcome.folder.join("regions/part-00000.parquet"));
        let row = texts(&regions, "region")
            .iter()
            .position(|r| r == "there")
            .expect("row");
        let (object, there) = (
            numbers(&images, "object_share")[0],
            numbers(&regions, "share")[row],
        );
        assert!(
            (object.expect("share") - there.expect("share")).abs() < 1e-9,
            "orientation {orientation}: {object:?} {there:?}"
        );
    }
}

#[test]
fn boxes_beside_are_upright_and_do_not_name_the_image() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::copy(
        fixtures().join("odd/exif6.jpg"),
        folder.path().join("a.jpg"),
    )
    .expect("copy");
    let annotation = r#"{"imageWidth": 40, "imageHeight": 30, "shapes": [{"label": "car", "shape_type": "rectangle", "points": [[0, 0], [4, 4]]}]}"#;
    std::fs::write(folder.path().join("a.json"), annotation).expect("annotation");
    let boxes = folder.path().join("boxes.csv");
    std::fs::write(
        &boxes,
        "path,category,xmin,ymin,xmax,ymax\na.jpg,tag,0,0,15,20\n",
    )
    .expect("boxes");
    let keys = format!("annotations = {:?}\nboxes = {boxes:?}", folder.path());
    // The upright photo is 30 x 40: the tag's box is its top left quarter, and stays there.
    let regions = "[[region]]\nname = \"tag\"\nannotation = \"tag\"\n[[region]]\nname = \"quarter\"\nrect = { left = 0, top = 0, right = 0.5, bottom = 0.5 }\n";
    let out = tempfile::tempdir().expect("folder");
    let outcome = audit(&plan(
        out.path(),
        "beside",
        &(text(folder.path(), &keys) + regions),
        &[],
    ));
    let images = parquet(&outcome.folder.join("images/part-00000.parquet"));
    assert_eq!(
        texts(&images, "label")[0],
        "car",
        "the larger box beside is no label"
    );
    let rows = parquet(&outcome.folder.join("regions/part-00000.parquet"));
    let share = |name: &str| {
        numbers(&rows, "share")[texts(&rows, "region")
            .iter()
            .position(|r| r == name)
            .expect("row")]
    };
    assert!((share("tag").expect("share") - share("quarter").expect("share")).abs() < 1e-9);
}

#[cfg(unix)]
#[test]
fn links_that_leave_the_root_are_not_followed_by_any_format() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().expect("folder");
    photos(folder.path(), &["a.jpg", "b.jpg"]);
    symlink(
        fixtures().join("formats/images/p2.jpg"),
        folder.path().join("out.jpg"),
    )
    .expect("link");
    std::fs::write(
        folder.path().join("m.csv"),
        "path,label\na.jpg,boat\nout.jpg,car\n",
    )
    .expect("manifest");
    let manifest = format!("manifest = {:?}", folder.path().join("m.csv"));
    assert_eq!(
        problems(folder.path(), &manifest, &["run.max_skipped=1.0"])
            .expect("run")
            .1,
        1
    );
    assert_eq!(
        problems(folder.path(), &manifest, &["dataset.links=anywhere"])
            .expect("run")
            .1,
        0
    );
    // An annotation file that is a link to a secret is not read, let alone quoted.
    let labels = tempfile::tempdir().expect("folder");
    std::fs::write(labels.path().join("a.txt"), "0 0.5 0.5 0.2 0.2\n").expect("label");
    symlink("/etc/passwd", labels.path().join("b.txt")).expect("link");
    let keys = format!(
        "format = \"yolo\"\nannotations = {:?}\nnames = \"FIXTURES/data.yaml\"",
        labels.path()
    );
    let (found, _) = problems(folder.path(), &keys, &["run.max_skipped=1.0"]).expect("run");
    assert!(found.contains(&"bad_file x 1".to_owned()), "{found:?}");
}

#[test]
fn more_boxes_than_an_image_can_have_are_cut() {
    let folder = tempfile::tempdir().expect("folder");
    photos(folder.path(), &["a.jpg"]);
    let line = |i: usize| {
        format!(
            "0 {:.4} {:.4} 0.3 0.3\n",
            0.2 + 0.6 * (i % 97) as f64 / 97.0,
            0.2 + 0.6 * (i % 89) as f64 / 89.0
        )
    };
    std::fs::write(
        folder.path().join("a.txt"),
        (0..5000).map(line).collect::<String>(),
    )
    .expect("labels");
    let keys = format!(
        "annotations = {:?}\nnames = \"FIXTURES/data.yaml\"",
        folder.path()
    );
    assert_eq!(
        problems(folder.path(), &keys, &[]),
        Ok((vec!["too_many_boxes x 1".to_owned()], 0))
    );
}

#[test]
fn a_side_table_labels_images_and_its_bad_rows_are_noted() {
    let folder = tempfile::tempdir().expect("folder");
    photos(folder.path(), &["a.jpg", "b.jpg"]);
    let table = folder.path().join("labels.csv");
    std::fs::write(&table, "path,label\na.jpg,horse\nb.jpg,\n../c.jpg,car\n").expect("table");
    std::fs::write(
        folder.path().join("m.csv"),
        "path,label\na.jpg,boat\nb.jpg,boat\n",
    )
    .expect("manifest");
    let keys = format!(
        "manifest = {:?}\nlabel = \"table\"\nlabel_table = {table:?}",
        folder.path().join("m.csv")
    );
    let (found, skipped) = problems(folder.path(), &keys, &["run.max_skipped=1.0"]).expect("run");
    assert_eq!(
        (found, skipped),
        (vec!["bad_row x 2".to_owned(), "no_label x 1".to_owned()], 1)
    );
}

/// Found by fuzzing: a page of more values than memory could hold, and a footer of more row groups.
/// The reader believes both, and the process would end.
#[test]
fn what_a_parquet_file_claims_is_not_believed() {
    let names = [
        "pages_claim_too_much",
        "footer_claims_too_much",
        "footer_lists_what_is_not_there",
        "rows_without_columns",
    ];
    for name in names {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("0.parquet");
        std::fs::copy(fixtures().join(format!("fuzz/{name}.parquet")), &file).expect("copy");
        for keys in [
            format!("format = \"parquet\"\nmanifest = {file:?}"),
            "format = \"parquet-images\"".to_owned(),
        ] {
            let plan = plan(folder.path(), name, &text(folder.path(), &keys), &[]);
            let Err(error) = Dataset::open(&plan.dataset, None, 0) else {
                panic!("{name}, {keys}: refused")
            };
            assert!(
                error.to_string().contains("0.parquet"),
                "{name}, {keys}: {error}"
            );
        }
    }
}

#[test]
fn parquet_without_images_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::copy(
        fixtures().join("formats/manifest.parquet"),
        folder.path().join("0.parquet"),
    )
    .expect("copy");
    let plan = plan(
        folder.path(),
        "none",
        &text(folder.path(), "format = \"parquet-images\""),
        &[],
    );
    let Err(error) = Dataset::open(&plan.dataset, None, 0) else {
        panic!("refused")
    };
    assert!(
        error
            .to_string()
            .contains("0.parquet: there is no column `image` (found: path, "),
        "{error}"
    );
}

/// Found by fuzzing: a file whose labels can be read and whose images cannot, and one that the
/// reader panics on.
#[test]
fn rows_of_broken_parquet_files_are_lost_and_counted() {
    for (name, rows) in [("bytes_unreadable", true), ("reader_panics", false)] {
        let folder = tempfile::tempdir().expect("folder");
        let set = folder.path().join("set");
        std::fs::create_dir(&set).expect("set");
        std::fs::copy(
            fixtures().join(format!("fuzz/{name}.parquet")),
            set.join("0.parquet"),
        )
        .expect("copy");
        let plan = plan(
            folder.path(),
            name,
            &text(&set, "format = \"parquet-images\""),
            &[],
        );
        match Dataset::open(&plan.dataset, None, 0) {
            Ok(dataset) => {
                let labels = LabelMap::without_model(dataset.stats.labels.keys());
                let samples = dataset.samples(&labels, ImageBytes::Read);
                let found = samples.expect("samples").count();
                assert!(rows && found > 0, "{name}");
                assert_eq!(found, dataset.stats.found, "{name}");
            }
            Err(error) => assert!(
                !rows && error.to_string().contains("(5 found)"),
                "{name}: {error}"
            ),
        }
    }
}
