//! Sets that other tools leave behind: every image is counted, every label is what it says.

use crate::odd_set::{BOXES, OddSet, photo_bytes};
use crate::support::camaudit;
use camaudit::audit::{AuditContext, Worker, load_model};
use camaudit::dataset::{Dataset, ImageBytes, LabelMap, MeasuredContent, Sample, Skipped, Source};
use camaudit::error::{Result, Skip};
use polars::prelude::{Column, DataFrame, DataType, NamedFrom, ParquetWriter, Series};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A tar shard of these members.
fn tar_of(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // `set_path` refuses names that other tools write.
        let field = &mut header.as_ustar_mut().expect("ustar").name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder
            .append(&header, content.as_slice())
            .expect("a member");
    }
    builder.into_inner().expect("a shard")
}

fn member(name: &str, photo: &str) -> (String, Vec<u8>) {
    (name.to_owned(), photo_bytes(photo))
}

/// A shard of photos with the label 1.
fn shard(names: &[&str]) -> Vec<u8> {
    let mut members = Vec::new();
    for name in names {
        members.push(member(name, "p1.jpg"));
        let key = name.split_once('.').map_or(*name, |(key, _)| key);
        members.push((format!("{key}.cls"), b"1".to_vec()));
    }
    let members: Vec<(&str, Vec<u8>)> = members
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.clone()))
        .collect();
    tar_of(&members)
}

/// A Parquet file of images with these labels.
fn parquet(labels: Series, image: Column) -> Vec<u8> {
    let height = labels.len();
    let columns = vec![image, labels.into()];
    let mut frame = DataFrame::new(height, columns).expect("a frame");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut frame)
        .expect("a file");
    bytes
}

fn plain_images(count: usize) -> Column {
    let photo = photo_bytes("p1.jpg");
    let cells: Vec<&[u8]> = vec![photo.as_slice(); count];
    Series::new("image".into(), cells).into()
}

fn parquet_shard(count: usize) -> Vec<u8> {
    let labels = Series::new("label".into(), vec!["car"; count]);
    parquet(labels, plain_images(count))
}

#[test]
fn members_of_shards_are_counted_whatever_their_names() {
    let photo = || photo_bytes("p1.jpg");
    let label = || b"1".to_vec();
    let cases = [
        (
            "absolute",
            shard(&["/data/a.jpg", "/data/b.jpg"]),
            "",
            "2 found; 1 2",
        ),
        (
            "upwards",
            shard(&["../a.jpg", "b.jpg"]),
            "",
            "2 found; read/path_outside 1; 1 1",
        ),
        (
            "dots in the name",
            shard(&["cam.01.jpg", "cam.02.jpg", "b.jpg"]),
            "",
            "3 found; annotation/duplicate 2; 1 1",
        ),
        (
            "one dotted picture",
            shard(&["a.view.jpg", "b.view.jpg"]),
            "",
            "2 found; 1 2",
        ),
        (
            "a photo and its mask",
            tar_of(&[("a.jpg", photo()), ("a.png", photo()), ("a.cls", label())]),
            "",
            "2 found; annotation/duplicate 2",
        ),
        (
            "a photo and its mask, named",
            tar_of(&[("a.jpg", photo()), ("a.png", photo()), ("a.cls", label())]),
            "columns = { image = \"jpg\" }\n",
            "1 found; 1 1",
        ),
        (
            "members of other names",
            tar_of(&[
                ("a.rgb.jpg", photo()),
                ("a.seg.png", photo()),
                ("a.id.txt", label()),
            ]),
            "columns = { image = \"rgb.jpg\", label = \"id.txt\" }\n",
            "1 found; 1 1",
        ),
        (
            "a number in JSON",
            tar_of(&[
                ("a.jpg", photo()),
                ("a.json", br#"{"label": 1.0, "x": NaN}"#.to_vec()),
            ]),
            "",
            "1 found; 1 1",
        ),
        (
            "no label",
            tar_of(&[
                ("a.jpg", photo()),
                ("a.cls", b"-1".to_vec()),
                ("b.jpg", photo()),
                ("b.cls", label()),
            ]),
            "",
            "2 found; annotation/no_label 1; 1 1",
        ),
    ];
    for (name, shard, keys, expected) in cases {
        let set = OddSet::empty();
        set.write("set/0.tar", shard);
        match set.open(keys) {
            Ok(_) => assert_eq!(set.counts(keys), expected, "{name}"),
            Err(message) => {
                let lost = expected.split_once(' ').map_or("", |(count, _)| count);
                let counted = format!("({lost} found)");
                assert!(message.contains(&counted), "{name}: {message}");
                assert!(!expected.contains("; 1 "), "{name}: {message}");
            }
        }
    }
}

#[test]
fn a_shard_that_cannot_be_read_costs_its_own_images_and_is_named() {
    let whole = parquet_shard(3);
    let other_column = parquet(
        Series::new("label".into(), vec!["car"; 2]),
        Series::new("photo".into(), vec![b"x".as_slice(); 2]).into(),
    );
    let cases = [
        (
            "cut off",
            whole[..whole.len() / 2].to_vec(),
            "is it cut off?",
        ),
        ("empty", Vec::new(), "it is empty"),
        ("text", b"path,label\n".to_vec(), "it is no Parquet file"),
        (
            "a pointer",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n".to_vec(),
            "git lfs pull",
        ),
        (
            "without images",
            other_column,
            "there is no column `image` (found: photo, label)",
        ),
    ];
    for (name, bytes, reason) in cases {
        let set = OddSet::empty();
        set.write("set/a.parquet", &whole);
        set.write("set/b.parquet", bytes);
        assert_eq!(set.counts(""), "4 found; read/bad_shard 1; car 3", "{name}");

        let dataset = set.open("").expect("opened");
        let (count, example) = dataset.stats.uncounted().expect("uncounted images");
        assert_eq!(count, 1, "{name}");
        assert!(example.starts_with("b.parquet: "), "{name}: {example}");
        assert!(example.contains(reason), "{name}: {example}");
    }

    let set = OddSet::empty();
    set.write("set/a.tar", shard(&["a.jpg"]));
    set.write("set/b.tar", [0x1f, 0x8b, 8, 0, 0]);
    set.write("set/c.tar.gz", [0x1f, 0x8b, 8, 0, 0]);
    assert_eq!(set.counts(""), "3 found; read/bad_shard 2; 1 1");
    let dataset = set.open("").expect("opened");
    let (_, example) = dataset.stats.uncounted().expect("uncounted images");
    assert!(example.contains("gunzip"), "{example}");
}

#[test]
fn a_column_of_another_name_is_named_or_asked_for() {
    let set = OddSet::empty();
    let labels = Series::new(
        "fine_label".into(),
        vec![Some(1_i64), Some(-1), None, Some(0)],
    );
    set.write("set/a.parquet", parquet(labels, plain_images(4)));
    let refused = set.open("").err().expect("refused");
    let found = "there is no column `label` (found: image, fine_label)";
    assert!(refused.contains(found), "{refused}");

    let keys = "columns = { label = \"fine_label\" }\n";
    assert_eq!(set.counts(keys), "4 found; annotation/no_label 2; 0 1; 1 1");

    let manifest = OddSet::new();
    manifest.write(
        "m.csv",
        "filename,class,fold\np0.jpg,boat,a\np1.jpg,car,b\n",
    );
    let keys = "manifest = \"SET/../m.csv\"\nsplits = [\"b\"]\n\
                columns = { path = \"filename\", label = \"class\", split = \"fold\" }\n";
    assert_eq!(manifest.counts(keys), "1 found; car 1");
}

/// Cells that hold an image, and cells that only name one.
#[test]
fn image_cells_without_bytes_say_why() {
    let labels = || Series::new("label".into(), vec!["car"]);
    let named = Series::new("image".into(), vec!["photos/p1.jpg"]);
    let null = Series::new_null("image".into(), 1)
        .cast(&DataType::Binary)
        .expect("a column");
    let cases = [
        ("bytes", parquet(labels(), plain_images(1)), None),
        (
            "a text",
            parquet(labels(), named.into()),
            Some("where images are bytes"),
        ),
        (
            "null",
            parquet(labels(), null.into()),
            Some("the cell is null"),
        ),
    ];
    for (name, file, expected) in cases {
        let set = OddSet::empty();
        set.write("set/a.parquet", file);
        let samples = samples(&set.open("").expect("opened"));
        let source = &samples[0].source;
        match (source, expected) {
            (Source::Bytes(bytes), None) => assert_eq!(bytes[..], photo_bytes("p1.jpg"), "{name}"),
            (Source::Missing(reason), Some(part)) => {
                assert!(reason.contains(part), "{name}: {reason}");
            }
            _ => panic!("{name}: {source:?}"),
        }
    }
}

fn samples(dataset: &Dataset) -> Vec<Sample> {
    let labels = LabelMap::without_model(dataset.stats.labels.keys());
    let samples = dataset.samples(&labels, ImageBytes::Read).expect("samples");
    samples.filter_map(Result::ok).collect()
}

/// Files that systems and editors leave beside the data are no data, in any format.
#[test]
fn hidden_files_are_no_shards() {
    let set = OddSet::empty();
    let whole = parquet_shard(3);
    set.write("set/a.parquet", &whole);
    set.write("set/._a.parquet", b"Mac OS X");
    set.write("set/.ipynb_checkpoints/a-checkpoint.parquet", &whole);
    assert_eq!(set.counts(""), "3 found; car 3");

    let set = OddSet::empty();
    set.write("set/0.tar", shard(&["a.jpg", "._a.jpg"]));
    set.write("set/.0.tar.partial.tar", shard(&["a.jpg"]));
    set.write("set/.Trash-1000/0.tar", shard(&["a.jpg"]));
    assert_eq!(set.counts(""), "1 found; 1 1");
}

#[cfg(unix)]
#[test]
fn linked_shards_are_followed_as_links_of_images_are() {
    use std::os::unix::fs::symlink;

    let inside = |links: &str| {
        let set = OddSet::empty();
        set.write("set/store/b.bin", parquet_shard(2));
        set.write("set/a.parquet", parquet_shard(1));
        symlink("store/b.bin", set.path("set/b.parquet")).expect("a link");
        set.counts(links)
    };
    assert_eq!(inside(""), "3 found; car 3");
    assert_eq!(inside("links = \"never\"\n"), "2 found; walk/link 1; car 1");

    let outside = |links: &str| {
        let set = OddSet::empty();
        set.write("blobs/b", parquet_shard(2));
        symlink("../blobs/b", set.path("set/b.parquet")).expect("a link");
        set.open(links).map(|dataset| dataset.stats.found)
    };
    let refused = outside("").expect_err("refused");
    assert!(refused.contains("1 x walk/link_outside"), "{refused}");
    assert!(
        refused.contains("dataset.links = \"anywhere\""),
        "{refused}"
    );
    assert_eq!(outside("links = \"anywhere\"\n"), Ok(2));
}

/// A path that is too long for the system hides what lies in it.
#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_listed_is_told_of() {
    let set = OddSet::empty();
    set.photo("set/car/p1.jpg", "p1.jpg");
    // Each half is short enough for the system, both together are not.
    let half: std::path::PathBuf = (0..15).map(|_| "d".repeat(200)).collect();
    let upper = set.path("set/car").join(&half);
    std::fs::create_dir_all(&upper).expect("the upper half");
    std::fs::create_dir_all(set.path("lower").join(&half)).expect("the lower half");
    std::fs::rename(set.path("lower"), upper.join("lower")).expect("a long path");

    assert_eq!(set.counts(""), "2 found; walk/unlisted_folder 1; car 1");
    let dataset = set.open("").expect("opened");
    let (_, example) = dataset.stats.uncounted().expect("uncounted images");
    assert!(
        example.contains("the images in it are not counted"),
        "{example}"
    );
}

/// Each line that a stray quotation mark swallows is a skipped image.
#[test]
fn rows_that_a_quotation_mark_swallows_are_counted() {
    let cases = [
        (
            "never closed",
            "path,label\np0.jpg,boat\n\"p1.jpg,car\np2.jpg,horse\np3.jpg,boat\n",
            "",
            "4 found; annotation/bad_row 3; boat 1",
            "bad_row: m.csv:3",
        ),
        (
            "closed in a later row",
            "path,label,note\np0.jpg,boat,ok\np1.jpg,car,\"12 in\np2.jpg,horse,ok\np3.jpg,boat,8\" x\n",
            "",
            "4 found; annotation/newline_in_field 3; boat 1",
            "newline_in_field: m.csv:3",
        ),
        (
            "in a path",
            "path,label\np0.jpg,boat\n\"p1.jpg\np2.jpg\",car\n",
            "",
            "3 found; annotation/newline_in_field 2; boat 1",
            "newline_in_field: m.csv:3",
        ),
        (
            "a note of two lines, accepted",
            "path,label,note\np0.jpg,boat,\"a\nb\"\np1.jpg,car,ok\n",
            "problems = { newline_in_field = \"ignore\" }\n",
            "2 found; boat 1; car 1",
            "newline_in_field: m.csv:2",
        ),
    ];
    for (name, manifest, keys, expected, problem) in cases {
        let set = OddSet::new();
        set.write("m.csv", manifest);
        let keys = format!("manifest = \"SET/../m.csv\"\n{keys}");
        assert_eq!(set.counts(&keys), expected, "{name}");

        let dataset = set.open(&keys).expect("opened");
        let problems = dataset.stats.problems.iter().map(|problem| {
            let place = Path::new(&problem.place);
            let place = place
                .file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            format!("{}: {place}", problem.code)
        });
        assert_eq!(problems.collect::<Vec<_>>(), [problem], "{name}");
    }
}

/// The set with these cells in the presence column `tag`.
fn with_flags(set: &OddSet, flags: [&str; 9]) -> Result<Dataset> {
    let mut manifest = "path,label,tag\n".to_owned();
    for ((path, label, _), flag) in BOXES.iter().zip(flags) {
        manifest += &format!("{path},{label},{flag}\n");
    }
    set.write("m.csv", &manifest);
    let mut plan = set.plan("manifest = \"SET/../m.csv\"\n");
    plan.dataset.presence_columns = vec!["tag".to_owned()];
    Dataset::open(&plan.dataset, None, 0)
}

#[test]
fn flags_of_presence_columns_are_flags_or_problems() {
    let set = OddSet::new();
    let flags = ["t", "N", "on", "1.0", "FALSE", "", "WAHR", "2", "yes"];
    let dataset = with_flags(&set, flags).expect("opened");
    assert_eq!(dataset.stats.skipped["annotation/bad_flag"], 2);
    let samples = samples(&dataset);
    let tagged = samples.iter().filter(|sample| !sample.flags.is_empty());
    let tagged: Vec<&str> = tagged.map(|sample| sample.path.as_str()).collect();
    assert_eq!(tagged, ["p0.jpg", "p2.jpg", "p3.jpg", "p8.jpg"]);
}

/// The images that show the region would be left out, and the rest would have no finding.
#[test]
fn presence_columns_without_a_readable_true_cell_are_refused() {
    let cases = [
        (
            "x for true",
            ["x", "", "x", "", "", "", "", "", ""],
            Some(2),
        ),
        (
            "2 for true, 0 for false",
            ["2", "0", "2", "0", "2", "0", "0", "0", "0"],
            Some(3),
        ),
        (
            "no unreadable cell",
            ["", "0", "", "0", "", "0", "0", "0", "0"],
            None,
        ),
        (
            "a readable true cell",
            ["x", "1", "", "", "", "", "", "", ""],
            None,
        ),
    ];
    for (name, flags, bad) in cases {
        let set = OddSet::new();
        let opened = with_flags(&set, flags).map(|_| ());
        let expected = bad.map(|bad| {
            format!(
                "presence column \"tag\" has no true cell, and {bad} that are neither true nor false: \
                 write 1, true or yes where an image shows the region"
            )
        });
        match (opened, expected) {
            (Err(error), Some(expected)) => {
                let error = error.to_string();
                assert!(error.starts_with(&expected), "{name}: {error}");
                assert!(
                    error.contains("m.csv:2: bad_flag: column \"tag\": "),
                    "{name}: {error}"
                );
            }
            (opened, expected) => assert_eq!(opened.is_ok(), expected.is_none(), "{name}"),
        }
    }
}

/// A blank line, or a name of nothing, moves or loses the names behind it.
#[test]
fn lists_of_names_without_a_name_are_refused() {
    let cases = [
        ("names.txt", "boat\n\ncar\nhorse\n", "line 2 is blank"),
        ("names.txt", "\nboat\ncar\nhorse\n", "line 1 is blank"),
        ("names.yaml", "names: [boat, , horse]\n", "names"),
        (
            "names.yaml",
            "names: {0: boat, 1: null}\n",
            "class 1 has no name",
        ),
        (
            "names.yaml",
            "names: {boat: 0}\n",
            "\"boat\" is no class number",
        ),
        ("names.txt", "boat\ncar\nhorse\n\n\n", ""),
        (
            "names.yaml",
            "names: {'0': boat, '1': car, '2.0': horse}\n",
            "",
        ),
    ];
    for (file, content, expected) in cases {
        let set = OddSet::empty();
        set.write(file, content);
        set.write("set/0.tar", shard(&["a.jpg"]));
        match set.open(&format!("names = \"SET/../{file}\"\n")) {
            Ok(dataset) => {
                assert!(expected.is_empty(), "{content:?} is accepted");
                assert_eq!(
                    dataset.stats.labels,
                    BTreeMap::from([("car".to_owned(), 1)])
                );
            }
            Err(message) => {
                let is_expected = !expected.is_empty() && message.contains(expected);
                assert!(is_expected, "{content:?}: {message}");
            }
        }
    }
}

#[test]
fn folders_of_splits_are_no_classes() {
    let splits = OddSet::empty();
    for path in [
        "train/car/a.jpg",
        "train/boat/b.jpg",
        "Validation/car/c.jpg",
    ] {
        splits.photo(&format!("set/{path}"), "p1.jpg");
    }
    splits.write("set/README.md", "about");
    assert_eq!(splits.counts(""), "3 found; boat 1; car 2");
    assert_eq!(splits.counts("splits = [\"val\"]\n"), "1 found; car 1");
    let of_splits = samples(&splits.open("").expect("opened"));
    let of_splits = of_splits
        .iter()
        .map(|s| s.split.as_deref().unwrap_or_default());
    assert_eq!(of_splits.collect::<Vec<_>>(), ["val", "train", "train"]);

    // A class of this name, and one folder of images of its own.
    let classes = OddSet::empty();
    for path in ["train/a.jpg", "car/b.jpg", "test/old/c.jpg"] {
        classes.photo(&format!("set/{path}"), "p1.jpg");
    }
    assert_eq!(classes.counts(""), "3 found; car 1; test 1; train 1");
}

/// The classes of labels: by name, by index, or unknown.
#[test]
fn labels_are_classes_by_name_or_by_index() {
    let names = "boat\ncar\ncar\n";
    let cases = [
        ("indices", "0 1 2", "", "", Ok("0 1 2")),
        ("indices as decimals", "2.0 1.00 0", "", "", Ok("2 1 0")),
        ("sorted names", "x b m", "", "", Ok("2 0 1")),
        (
            "indices from 1",
            "1 2 3",
            "",
            "",
            Err("\"3\": the model has classes 0 to 2"),
        ),
        (
            "numbers and names",
            "0 1 2",
            names,
            "",
            Err("remove model.classes"),
        ),
        (
            "an unknown label",
            "boat boat plane",
            names,
            "",
            Err("\"plane\" is no class"),
        ),
        (
            "unknown labels",
            "boat boat plane",
            names,
            "skip",
            Ok("0 0 -"),
        ),
        (
            "a name of two classes",
            "boat car boat",
            names,
            "",
            Err("the classes 1 and 2"),
        ),
        (
            "that is not needed",
            "boat boat boat",
            names,
            "",
            Ok("0 0 0"),
        ),
    ];
    for (name, labels, classes, unknown, expected) in cases {
        let set = OddSet::new();
        let labels: Vec<&str> = labels.split(' ').collect();
        let mut manifest = "path,label\n".to_owned();
        for ((path, _, _), label) in BOXES.iter().zip(&labels) {
            manifest += &format!("{path},{label}\n");
        }
        set.write("m.csv", &manifest);
        set.write("classes.txt", classes);
        let mut keys = "manifest = \"SET/../m.csv\"\n".to_owned();
        if !unknown.is_empty() {
            keys += &format!("unknown_labels = {unknown:?}\n");
        }
        let model = match classes {
            "" => String::new(),
            _ => format!("classes = {:?}\n", set.path("classes.txt")),
        };

        let plan = set.plan_of_model(&keys, &model);
        let dataset = Dataset::open(&plan.dataset, None, 0).expect("opened");
        let map = LabelMap::new(&plan, dataset.stats.labels.keys(), 3);
        match (map, expected) {
            (Ok(map), Ok(expected)) => {
                let found = labels.iter().map(|label| match map.class_of(label) {
                    Some(class) => class.to_string(),
                    None => "-".to_owned(),
                });
                let found = found.collect::<Vec<_>>().join(" ");
                assert_eq!(found, expected, "{name}");

                let skipped = skips(&dataset, &map);
                let unknown = labels.iter().filter(|label| map.class_of(label).is_none());
                assert_eq!(skipped.len(), unknown.count(), "{name}: {skipped:?}");
            }
            (Err(error), Err(expected)) => {
                let message = error.to_string();
                assert!(message.contains(expected), "{name}: {message}");
            }
            (Ok(_), Err(expected)) => panic!("{name}: accepted, expected {expected}"),
            (Err(error), Ok(_)) => panic!("{name}: {error}"),
        }
    }
}

fn skips(dataset: &Dataset, labels: &LabelMap) -> Vec<Skip> {
    let samples = dataset.samples(labels, ImageBytes::Leave).expect("samples");
    let skipped = samples.filter_map(Result::err);
    skipped.map(|Skipped { skip, .. }| skip).collect()
}

/// Names as macOS and Windows write them, and paths that tools make absolute.
#[test]
fn paths_of_other_systems_are_found() {
    let set = OddSet::empty();
    let composed = "caf\u{e9}.jpg";
    let decomposed = "cafe\u{301}.jpg";
    set.photo(&format!("set/{composed}"), "p1.jpg");
    set.photo("set/sub/p2.jpg", "p2.jpg");
    set.photo("set/p3.jpg", "p3.jpg");
    let absolute = set.path("set/p3.jpg");
    set.write(
        "m.csv",
        format!(
            "path,label\n{decomposed},car\nsub\\p2.jpg,horse\n{},boat\n..\\p9.jpg,boat\n",
            absolute.display()
        ),
    );
    set.write(
        "b.csv",
        format!("path,category,xmin,ymin,xmax,ymax\n{composed},tag,1,2,3,4\n"),
    );
    let keys = "manifest = \"SET/../m.csv\"\nboxes = \"SET/../b.csv\"\n";
    let dataset = set.open(keys).expect("opened");
    let samples = samples(&dataset);
    let mut found = Vec::new();
    for sample in &samples {
        let Source::File(file) = &sample.source else {
            panic!("{:?}", sample.source);
        };
        assert!(file.is_file(), "{}", file.display());
        found.push(sample.annotations.len());
    }
    assert_eq!(found, [1, 0, 0]);

    let labels = LabelMap::without_model(dataset.stats.labels.keys());
    let skipped = skips(&dataset, &labels);
    assert_eq!(skipped.len(), 1);
    assert!(
        skipped[0].message.contains("separated by `/`"),
        "{}",
        skipped[0].message
    );
}

/// A photo that gives other bytes when it is read again takes no part, and is remembered.
#[test]
fn other_bytes_than_those_measured_are_refused() {
    let set = OddSet::new();
    set.write(
        "m.csv",
        "path,label\np0.jpg,boat\np1.jpg,car\np2.jpg,horse\n",
    );
    let plan = set.plan("manifest = \"SET/../m.csv\"\n");
    let dataset = Dataset::open(&plan.dataset, None, 0).expect("opened");
    let model = load_model(&plan).expect("a model");
    let labels = LabelMap::new(&plan, dataset.stats.labels.keys(), 3).expect("labels");
    let context = AuditContext {
        plan: &plan,
        model: &model,
        labels: &labels,
        cache: None,
    };
    let mut worker = Worker::new(&context, || false).expect("a worker");

    let mut sample = samples(&dataset).swap_remove(0);
    let hash = blake3::hash(&photo_bytes("p0.jpg")).to_hex().to_string();
    let measured = Arc::new(MeasuredContent::new(hash));
    sample.measured = Some(measured.clone());
    assert!(worker.decode_sample(&sample).is_ok());
    assert!(!measured.is_changed());

    set.photo("set/p0.jpg", "p5.jpg");
    let skip = worker.decode_sample(&sample).err().expect("refused");
    assert_eq!(skip.reason.name(), "changed");
    let skip = worker.infer_sample(&sample).err().expect("refused");
    assert_eq!(skip.reason.name(), "changed");
    assert!(measured.is_changed());

    // It stays changed, although the next reading gives the measured bytes again.
    set.photo("set/p0.jpg", "p0.jpg");
    assert!(worker.decode_sample(&sample).is_ok());
    assert!(measured.is_changed());
}

/// Cells that a spreadsheet would run are texts in what is listed.
#[test]
fn formulas_in_names_are_guarded() {
    let set = OddSet::empty();
    set.photo("set/=1+1/@a.jpg", "p1.jpg");
    set.photo("set/plain/b.jpg", "p2.jpg");
    let pipeline = set.plan("").file.display().to_string();
    let listed = |more: &[&str]| {
        let mut arguments = vec!["list", pipeline.as_str()];
        arguments.extend(more);
        let output = camaudit(&arguments);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };

    let guarded = listed(&[]);
    assert!(guarded.contains("\n'=1+1/@a.jpg,'=1+1,"), "{guarded}");
    assert!(guarded.contains("\nplain/b.jpg,plain,"), "{guarded}");
    let raw = listed(&["--raw"]);
    assert!(raw.contains("\n=1+1/@a.jpg,=1+1,"), "{raw}");
}
