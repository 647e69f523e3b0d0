//! How often a run reads its dataset, as strace counts it.
#![cfg(target_os = "linux")]

use crate::support::{demo_text, fixtures, numbers, parquet, plan, texts};
use camaudit::audit::{self, Observer};
use camaudit::tables::SkipRow;
use polars::prelude::{
    DataFrame, IntoColumn, IntoSeries, NamedFrom, ParquetCompression, ParquetReader, ParquetWriter,
    SerReader, Series, StructChunked,
};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The lines that strace writes of these system calls of a command in `folder`, with the paths of
/// descriptors. `None` where strace cannot trace; then a line on stderr, past the captured output.
fn traced(folder: &Path, calls: &str, arguments: &[&str]) -> Option<Vec<String>> {
    let log = folder.join("strace.log");
    let trace = format!("trace={calls}");
    let strace = |program: &str, arguments: &[&str]| {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-y", "-qq", "-e", &trace, "-o"])
            .arg(&log);
        command
            .arg(program)
            .args(arguments)
            .current_dir(folder)
            .output()
    };
    if strace("true", &[]).is_ok_and(|output| output.status.success()) {
        let output = strace(env!("CARGO_BIN_EXE_camaudit"), arguments).expect("strace");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        let log = std::fs::read(&log).expect("the log");
        let log = String::from_utf8_lossy(&log);
        return Some(log.lines().map(str::to_owned).collect());
    }
    let message = "SKIPPED a count of reads: strace is missing or may not trace\n";
    std::io::stderr()
        .write_all(message.as_bytes())
        .expect("stderr");
    None
}

/// How often a file was opened.
fn opened(log: &[String], file: &Path) -> usize {
    let name = format!("\"{}\"", file.display());
    let opens = log
        .iter()
        .filter(|line| line.contains("openat(") && line.contains(&name));
    opens.filter(|line| !line.contains(" = -1 ")).count()
}

/// Paths of the demo's photos relative to their folder, in order.
fn photos() -> Vec<String> {
    let root = fixtures().join("horses");
    let mut paths = Vec::new();
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name() {
        let path = entry.expect("entry").into_path();
        if path.extension().is_some_and(|extension| extension == "jpg") {
            let relative = path.strip_prefix(&root).expect("below");
            paths.push(relative.display().to_string());
        }
    }
    paths
}

/// The demo on a manifest, with an annotated region, a template and an overlay.
struct ManifestDemo {
    folder: tempfile::TempDir,
    manifest: PathBuf,
    pipeline: String,
}

impl ManifestDemo {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let manifest = folder
            .path()
            .canonicalize()
            .expect("folder")
            .join("labels.csv");
        let mut rows = String::from("path,label\n");
        for path in photos() {
            let label = path.split('/').next().expect("a class");
            let _ = writeln!(rows, "{path},{label}");
        }
        std::fs::write(&manifest, rows).expect("manifest");

        let root = format!("root = {:?}", fixtures().join("horses"));
        let with_manifest = format!("{root}\nformat = \"csv\"\nmanifest = {manifest:?}");
        let template = format!(
            "template = {{ picture = {:?} }}",
            fixtures().join("tag.png")
        );
        let corner = "corner = { at = \"bottom-left\", width = 0.4, height = 0.3 }";
        let overlay = format!(
            "overlay = {{ picture = {:?} }}",
            fixtures().join("watermark.png")
        );
        let text = demo_text("shortcut.onnx").replace(&root, &with_manifest)
            + &format!("[[region]]\nname = \"template\"\n{corner}\n{template}\n")
            + &format!("[[region]]\nname = \"overlay\"\n{overlay}\n");
        let pipeline = folder.path().join("demo.toml");
        std::fs::write(&pipeline, text).expect("pipeline");
        Self {
            pipeline: pipeline.display().to_string(),
            folder,
            manifest,
        }
    }
}

#[test]
fn a_run_reads_its_manifest_four_times_at_most() {
    let demo = ManifestDemo::new();
    let folder = demo.folder.path();
    let out = folder.join("reports").display().to_string();
    let run = ["run", &demo.pipeline, "--out", &out, "--quiet"];
    let Some(log) = traced(folder, "openat", &run) else {
        return;
    };
    let count = opened(&log, &demo.manifest);
    assert!(
        (1..=4).contains(&count),
        "the manifest was opened {count} times"
    );

    // Experiments were run: without them a pass is missing.
    let findings = parquet(&Path::new(&out).join("demo/latest/findings.parquet"));
    let kinds = texts(&findings, "kind");
    for kind in ["confounder", "overlay"] {
        let mut tested = numbers(&findings, "hosts").into_iter().zip(&kinds);
        let is_tested = tested.any(|(hosts, of)| of == kind && hosts.is_some());
        assert!(is_tested, "no {kind} was tested");
    }
}

/// The bytes that are parsed must be the bytes that are hashed.
#[test]
fn a_model_and_its_external_weights_are_read_once() {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path().canonicalize().expect("folder");
    let names = ["external_weights.onnx", "external_weights.data"];
    let files = names.map(|name| {
        let copy = home.join(name);
        std::fs::copy(fixtures().join("models/zoo").join(name), &copy).expect("copy");
        copy
    });
    let model = files[0].display().to_string();
    let Some(log) = traced(&home, "openat", &["inspect", &model]) else {
        return;
    };
    for file in files {
        assert_eq!(opened(&log, &file), 1, "{}", file.display());
    }
}

#[test]
fn explain_reads_the_manifest_twice_at_most() {
    let demo = ManifestDemo::new();
    let folder = demo.folder.path();
    let horses = fixtures().join("horses/horse");
    let images = ["horse000.jpg", "horse005.jpg", "horse160.jpg"]
        .map(|name| horses.join(name).display().to_string());
    let mut arguments = vec!["explain", demo.pipeline.as_str()];
    arguments.extend(images.iter().map(String::as_str));
    let Some(log) = traced(folder, "openat", &arguments) else {
        return;
    };
    let count = opened(&log, &demo.manifest);
    assert!(
        (1..=2).contains(&count),
        "the manifest was opened {count} times"
    );
}

/// The demo's photos as one Parquet file with 40 row groups, `set/photos.parquet`, and the boxes of
/// the demo under the names of its rows. `change` changes the bytes of the photos.
fn parquet_demo(folder: &Path, change: fn(&mut [Vec<u8>])) -> (PathBuf, String) {
    let root = fixtures().join("horses");
    let paths = photos();
    let mut bytes: Vec<Vec<u8>> = Vec::new();
    let mut labels: Vec<&str> = Vec::new();
    let mut boxes = std::fs::read_to_string(fixtures().join("horses.boxes.csv")).expect("boxes");
    for (row, path) in paths.iter().enumerate() {
        bytes.push(std::fs::read(root.join(path)).expect("photo"));
        labels.push(path.split('/').next().expect("a class"));
        boxes = boxes.replace(&format!("\n{path},"), &format!("\nphotos.parquet/{row},"));
    }
    std::fs::write(folder.join("boxes.csv"), boxes).expect("boxes");
    change(&mut bytes);

    std::fs::create_dir(folder.join("set")).expect("folder");
    let home = folder.canonicalize().expect("folder");
    let file = home.join("set/photos.parquet");
    write_photos(&file, &mut photo_table(&bytes, &paths, &labels));

    let set = format!("{:?}", folder.join("set"));
    let set = format!("root = {set}\nformat = \"parquet-images\"");
    let old_root = format!("root = {root:?}");
    let old_boxes = format!("{:?}", fixtures().join("horses.boxes.csv"));
    let text = demo_text("shortcut.onnx")
        .replace(&old_root, &set)
        .replace(&old_boxes, "\"boxes.csv\"");
    (file, text)
}

fn photo_table(bytes: &[Vec<u8>], paths: &[String], labels: &[&str]) -> DataFrame {
    let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    let fields = [
        Series::new("bytes".into(), bytes),
        Series::new("path".into(), paths),
    ];
    let image = StructChunked::from_series("image".into(), paths.len(), fields.iter());
    let image = image.expect("a struct").into_series().into_column();
    let label = Series::new("label".into(), labels).into_column();
    DataFrame::new(paths.len(), vec![image, label]).expect("a table")
}

fn write_photos(file: &Path, table: &mut DataFrame) {
    let rows = table.height() / 40;
    ParquetWriter::new(std::fs::File::create(file).expect("file"))
        .with_compression(ParquetCompression::Uncompressed)
        .with_row_group_size(Some(rows))
        .finish(table)
        .expect("written");
}

/// Where the image columns of a Parquet file begin, a group of rows after the other.
fn image_columns(file: &Path) -> Vec<u64> {
    let mut reader = ParquetReader::new(std::fs::File::open(file).expect("file"));
    let metadata = reader.get_metadata().expect("metadata");
    let mut starts = Vec::new();
    for group in &metadata.row_groups {
        let mut chunks = group.parquet_columns().iter();
        let image = chunks.find(|chunk| chunk.descriptor().path_in_schema[0] == "image");
        starts.push(image.expect("an image column").byte_range().start);
    }
    starts
}

/// The most and the least reads of the images of a row group. The columns themselves are mapped
/// into memory, which strace does not see. But before a column is read, its page headers are
/// checked, from its begin.
fn reads_of_groups(log: &[String], file: &Path) -> (usize, usize) {
    let groups = image_columns(file);
    assert_eq!(groups.len(), 40);
    let mut counts = Vec::new();
    for start in groups {
        let seek = format!("<{}>, {start}, SEEK_SET", file.display());
        counts.push(log.iter().filter(|line| line.contains(&seek)).count());
    }
    let least = counts.iter().min().copied();
    (counts.into_iter().max().unwrap_or(0), least.unwrap_or(0))
}

/// The tables of a run that are measured.
fn tables(run: &Path) -> Vec<DataFrame> {
    let names = [
        "images/part-00000.parquet",
        "regions/part-00000.parquet",
        "skipped.parquet",
        "problems.parquet",
    ];
    names.map(|name| parquet(&run.join(name))).to_vec()
}

/// Some photos are no photos, the first is cut off, and one stands under both labels.
fn odd_photos(bytes: &mut [Vec<u8>]) {
    bytes[0].truncate(1000);
    bytes[17] = b"no photo".to_vec();
    bytes[18].clear();
    bytes[200] = bytes[390].clone();
    bytes[201] = bytes[20].clone();
    bytes[202] = bytes[20].clone();
}

/// Once to measure, which gives the sizes of the photos whose boxes are the places of a region, and
/// once for the experiments.
#[test]
fn the_images_of_a_parquet_file_are_read_at_most_twice() {
    let folder = tempfile::tempdir().expect("folder");
    let (file, text) = parquet_demo(folder.path(), odd_photos);
    let pipeline = folder.path().join("demo.toml");
    std::fs::write(&pipeline, text).expect("pipeline");
    let pipeline = pipeline.display().to_string();

    let start = |command: &str, more: &[&str]| {
        let out = folder.path().join(command).display().to_string();
        let arguments = [&[command, &pipeline, "--out", &out, "--quiet"], more].concat();
        let log = traced(folder.path(), "lseek", &arguments)?;
        Some((log, newest_run(&Path::new(&out).join("demo"))))
    };
    let Some((log, run)) = start("run", &[]) else {
        return;
    };
    let findings = parquet(&run.join("findings.parquet"));
    let verdict = &texts(&findings, "verdict")[0];
    assert_eq!(verdict, "confirmed", "experiments were run");
    let (most, least) = reads_of_groups(&log, &file);
    assert!((1..=2).contains(&least) && most == 2, "{least} to {most}");

    // First without a cache, then into a new one, and from it.
    let without = start("measure", &["--no-cache"]).expect("traced");
    let into = start("measure", &[]).expect("traced");
    let from = start("measure", &[]).expect("traced");
    let rows = tables(&run);
    assert!(rows[2].height() >= 3, "photos were skipped");
    for (name, (_, other)) in [("without", &without), ("into", &into), ("from", &from)] {
        for (one, other) in rows.iter().zip(tables(other)) {
            assert!(one.equals_missing(&other), "{name}: {one} {other}");
        }
    }
    assert_eq!(reads_of_groups(&into.0, &file), (1, 1));
    assert_eq!(reads_of_groups(&from.0, &file), (1, 1));
}

/// The run folder with the last name.
fn newest_run(home: &Path) -> PathBuf {
    let mut runs = Vec::new();
    for entry in std::fs::read_dir(home).expect("runs") {
        let path = entry.expect("entry").path();
        if path.join("measured.json").is_file() && !path.is_symlink() {
            runs.push(path);
        }
    }
    runs.into_iter().max().expect("a run")
}

/// Replaces a file between the pass that infers and the pass that makes rows.
struct Replacer {
    file: PathBuf,
    by: PathBuf,
}

impl Observer for Replacer {
    fn stage(&self, name: &str, _: Option<usize>) {
        if name == "measure" {
            std::fs::rename(&self.by, &self.file).expect("replaced");
        }
    }

    fn image(&self, _: Option<&SkipRow>) {}

    fn warning(&self, _: &str) {}
}

/// The labels of the new file are never taken for the photos of the old one.
#[test]
fn a_parquet_file_that_is_replaced_during_a_run_keeps_its_labels() {
    let folder = tempfile::tempdir().expect("folder");
    let (file, text) = parquet_demo(folder.path(), |_| ());
    let sound = parquet(&file);
    let by = folder.path().join("turned.parquet");
    write_photos(&by, &mut sound.reverse());

    let replacer = Replacer { file, by };
    let plan = plan(folder.path(), "demo", &text, &[]);
    audit::run(&plan, &replacer).expect("a run");
    let rows = parquet(
        &folder
            .path()
            .join("reports/demo/latest/images/part-00000.parquet"),
    );
    let mut labels = std::collections::HashMap::new();
    for path in photos() {
        let bytes = std::fs::read(fixtures().join("horses").join(&path)).expect("photo");
        let label = path.split('/').next().expect("a class").to_owned();
        labels.insert(blake3::hash(&bytes).to_hex().to_string(), label);
    }
    let hashes = texts(&rows, "content_hash");
    assert!(hashes.len() >= 400, "{} rows", hashes.len());
    for (hash, label) in hashes.iter().zip(texts(&rows, "label")) {
        assert_eq!(labels.get(hash), Some(&label), "{hash}");
    }
}

/// Counts the images that a run is through with.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Observer for Counter {
    fn stage(&self, _: &str, _: Option<usize>) {}

    fn image(&self, _: Option<&SkipRow>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn warning(&self, _: &str) {}
}

/// The sizes of the photos that are looked at are taken before anything is inferred.
#[test]
fn wrong_boxes_of_a_parquet_file_are_refused_before_an_image_is_inferred() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, text) = parquet_demo(folder.path(), |_| ());
    let boxes = folder.path().join("boxes.csv");
    let mut wrong = String::from("path,category,xmin,ymin,xmax,ymax\n");
    for row in 0..40 {
        let _ = writeln!(wrong, "photos.parquet/{row},boat,1500,1500,1520,1520");
    }
    std::fs::write(boxes, wrong).expect("boxes");

    let plan = plan(folder.path(), "demo", &text, &[]);
    let counter = Counter::default();
    let error = audit::run(&plan, &counter).err().expect("refused");
    let text = error.to_string();
    assert!(text.contains("implausible_boxes"), "{text}");
    assert_eq!(counter.0.into_inner(), 0);
}
