//! Files that are small on the disk and would take gigabytes or minutes: what `bounds` runs.

use crate::support::fixtures;
use polars::prelude::{
    Column, DataFrame, IntoColumn, NamedFrom, ParquetWriter, Series, StructChunked,
};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// A set in a folder, and what is to come of it.
pub struct Bomb {
    pub name: &'static str,
    /// Makes the files; returns the keys of `[dataset]`, in which HERE is the folder.
    pub make: fn(&Path) -> String,
    pub code: i32,
    /// What `check` says, and a refusal.
    pub says: &'static [&'static str],
}

const fn bomb(
    name: &'static str,
    make: fn(&Path) -> String,
    code: i32,
    says: &'static [&'static str],
) -> Bomb {
    Bomb {
        name,
        make,
        code,
        says,
    }
}

const GIB: u64 = 1 << 30;

pub fn photo(folder: &Path, name: &str) {
    let photo = fixtures().join("horses/horse/horse000.jpg");
    std::fs::copy(photo, folder.join(name)).expect("photo");
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("folder");
    std::fs::write(file, text).expect("written");
}

/// A file that begins with `head` and goes on with zeros, which take no space on the disk.
pub fn sparse(folder: &Path, name: &str, head: &[u8], length: u64) {
    write(folder, name, head);
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(folder.join(name));
    file.and_then(|file| file.set_len(length)).expect("sparse");
}

pub fn link(folder: &Path, name: &str, target: &str) {
    std::fs::create_dir_all(folder.join(name).parent().expect("a folder")).expect("folder");
    std::os::unix::fs::symlink(target, folder.join(name)).expect("link");
}

fn pipe(folder: &Path, name: &str) {
    write(folder, name, "");
    std::fs::remove_file(folder.join(name)).expect("removed");
    let made = std::process::Command::new("mkfifo")
        .arg(folder.join(name))
        .status();
    assert!(made.expect("mkfifo").success());
}

// Shards.

/// A header of a tar entry.
fn header(name: &str, kind: u8, size: u64) -> [u8; 512] {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).expect("name");
    header.set_size(size);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_cksum();
    *header.as_bytes()
}

/// A shard of a labeled photo, then a header of this kind that claims `size` bytes of zeros.
fn shard(folder: &Path, kind: u8, size: u64, length: u64) -> String {
    let photo = std::fs::read(fixtures().join("horses/horse/horse000.jpg")).expect("photo");
    let mut shard = tar::Builder::new(Vec::new());
    for (name, bytes) in [("a.jpg", &photo[..]), ("a.cls", b"1")] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        shard.append_data(&mut header, name, bytes).expect("entry");
    }
    let mut bytes = shard.into_inner().expect("shard");
    bytes.truncate(bytes.len() - 1024);
    bytes.extend(header("b.jpg", kind, size));
    sparse(folder, "images/0.tar", &bytes, bytes.len() as u64 + length);
    "format = \"webdataset\"".into()
}

const UNREADABLE: &[&str] = &["1 x bad_file", "0.tar: the shard cannot be read further"];

pub const SHARDS: [Bomb; 6] = [
    bomb(
        "extended header",
        |at| shard(at, b'x', 8 * GIB, 9 * GIB),
        0,
        UNREADABLE,
    ),
    bomb(
        "long name",
        |at| shard(at, b'L', 4 * GIB, 5 * GIB),
        0,
        UNREADABLE,
    ),
    bomb(
        "long link",
        |at| shard(at, b'K', 4 * GIB, 5 * GIB),
        0,
        UNREADABLE,
    ),
    bomb(
        "global header",
        |at| shard(at, b'g', 8 * GIB, 9 * GIB),
        0,
        &["1 images"],
    ),
    bomb(
        "huge entry",
        |at| shard(at, b'0', u64::MAX >> 1, GIB),
        0,
        UNREADABLE,
    ),
    bomb(
        "overflow",
        |at| shard(at, b'0', u64::MAX - 100, GIB),
        0,
        UNREADABLE,
    ),
];

// Parquet.

fn parquet(folder: &Path, name: &str, columns: Vec<Column>) {
    let height = columns[0].len();
    let mut frame = DataFrame::new(height, columns).expect("frame");
    let file = std::fs::File::create(folder.join(name)).expect("file");
    let writer = ParquetWriter::new(file).with_row_group_size(Some(height));
    writer.finish(&mut frame).expect("written");
}

fn text(name: &str, texts: Vec<String>) -> Column {
    Series::new(name.into(), texts).into_column()
}

fn manifest(folder: &Path, path: Vec<String>, label: Vec<String>) -> String {
    photo(folder, "images/a.jpg");
    let columns = vec![text("path", path), text("label", label)];
    parquet(folder, "m.parquet", columns);
    "format = \"parquet\"\nmanifest = \"HERE/m.parquet\"".into()
}

/// Distinct texts that a compressor makes small.
fn long_texts(count: usize, length: usize) -> Vec<String> {
    let text = |i| format!("{i:06}{}", "x".repeat(length));
    (0..count).map(text).collect()
}

/// Labels that differ, so that the file is not refused for what its pages claim.
fn many_labels(count: usize) -> Vec<String> {
    let label = |i| format!("label {}", i * i % 9973);
    (0..count).map(label).collect()
}

/// Images that are one byte each, the same in every row.
fn images(folder: &Path, rows: usize) -> String {
    let bytes = Series::new("bytes".into(), vec![&b"x"[..]; rows]);
    let fields = [bytes];
    let image = StructChunked::from_series("image".into(), rows, fields.iter()).expect("struct");
    let label = text("label", vec!["x".into(); rows]);
    parquet(folder, "images/0.parquet", vec![image.into_column(), label]);
    "format = \"parquet-images\"".into()
}

fn footer_of_4_gib(folder: &Path) -> String {
    sparse(folder, "m.parquet", b"PAR1", 4 * GIB);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(folder.join("m.parquet"));
    let file = file.as_mut().expect("file");
    file.seek(SeekFrom::End(-8)).expect("end");
    file.write_all(&(u32::MAX - 200).to_le_bytes())
        .expect("length");
    file.write_all(b"PAR1").expect("magic");
    "format = \"parquet\"\nmanifest = \"HERE/m.parquet\"".into()
}

pub const PARQUET: [Bomb; 6] = [
    bomb(
        "rows that repeat a path",
        |at| manifest(at, vec!["a.jpg".into(); 600_000], many_labels(600_000)),
        2,
        &[
            "m.parquet: 250000 of its first 250001 rows repeat",
            "one row an image",
        ],
    ),
    bomb(
        "rows without a path",
        |at| manifest(at, vec![String::new(); 600_000], many_labels(600_000)),
        2,
        &[
            "m.parquet: 250000 of its first 250000 rows",
            "no usable one",
        ],
    ),
    bomb(
        "long labels",
        |at| manifest(at, long_texts(1500, 0), long_texts(1500, 200_000)),
        2,
        &["m.parquet: ", "claim to unpack to", "smaller pages"],
    ),
    bomb(
        "one image in every row",
        |at| images(at, 1_000_000),
        2,
        &["0.parquet: it claims 1000000"],
    ),
    bomb(
        "one image in most rows",
        |at| images(at, 300_000),
        2,
        &["0.parquet: it claims 300000"],
    ),
    bomb(
        "footer",
        footer_of_4_gib,
        2,
        &["m.parquet: its footer is malformed: it claims 4095 MiB"],
    ),
];

// Tables.

fn table(folder: &Path, format: &str, head: &str) -> String {
    photo(folder, "images/0.jpg");
    sparse(folder, "m.csv", head.as_bytes(), 2 * GIB);
    let key = if format == "csv" {
        "manifest"
    } else {
        "annotations"
    };
    format!("format = {format:?}\n{key} = \"HERE/m.csv\"")
}

fn rows(folder: &Path, format: &str, head: &str, row: &str, count: usize) -> String {
    let keys = table(folder, format, "");
    write(
        folder,
        "m.csv",
        format!("{head}\n{}", format!("{row}\n").repeat(count)),
    );
    keys
}

const OPEN_IMAGES: &str = "ImageID,LabelName,XMin,XMax,YMin,YMax\n0,x,.1,.2,.1,.2";
const TOO_LONG: &[&str] = &["m.csv", "a row takes more than the limit of 16 MiB"];

pub const TABLES: [Bomb; 9] = [
    bomb(
        "endless row",
        |at| table(at, "csv", "path,label\n0.jpg,x\n"),
        2,
        TOO_LONG,
    ),
    bomb(
        "endless header",
        |at| table(at, "csv", "path,label,"),
        2,
        TOO_LONG,
    ),
    bomb(
        "endless text",
        |at| table(at, "csv", "path,label\n0.jpg,\"x"),
        2,
        TOO_LONG,
    ),
    bomb(
        "endless box",
        |at| table(at, "open-images", &format!("{OPEN_IMAGES}\n")),
        2,
        TOO_LONG,
    ),
    bomb(
        "endless solution",
        |at| table(at, "imagenet-loc", "ImageId,PredictionString\n"),
        2,
        TOO_LONG,
    ),
    bomb(
        "a million columns",
        |at| rows(at, "csv", &"c,".repeat(1_000_000), "", 0),
        2,
        &[
            "m.csv:1: there is no column `path` (found: c,",
            "and 999971 more",
        ],
    ),
    bomb(
        "bad rows of a manifest",
        |at| rows(at, "csv", "path,label\n0.jpg,x", "x", 1_000_000),
        2,
        &["m.csv: 250000 of its first 250001 rows"],
    ),
    bomb(
        "bad rows of boxes",
        |at| rows(at, "open-images", OPEN_IMAGES, "0", 1_000_000),
        0,
        &["1000000 x bad_row (ignore)"],
    ),
    bomb(
        "a million boxes of an image",
        |at| {
            rows(
                at,
                "imagenet-loc",
                "ImageId,PredictionString",
                &loc_line(),
                1,
            )
        },
        0,
        &["1 x too_many_boxes", "0.jpg: 1000000 annotations"],
    ),
];

fn loc_line() -> String {
    format!("0,{}", "x 1 1 9 9 ".repeat(1_000_000))
}

// JSON.

fn coco(folder: &Path, images: usize, annotation: &str, count: usize) -> String {
    let image = |i| format!("{{\"id\":{i},\"file_name\":\"{i}.jpg\"}}");
    let images: Vec<String> = (0..images).map(image).collect();
    let annotations = vec![format!("{{\"category_id\":1,\"bbox\":[0,0,9,9],{annotation}}}"); count];
    let text = format!(
        "{{\"images\":[{}],\"annotations\":[{}],\"categories\":[{{\"id\":1,\"name\":\"x\"}}]}}",
        images.join(","),
        annotations.join(",")
    );
    coco_text(folder, &text)
}

fn coco_text(folder: &Path, text: &str) -> String {
    write(folder, "c.json", text);
    "format = \"coco\"\nannotations = \"HERE/c.json\"\nsegmentations = true".into()
}

const RUNS: &str =
    "\"image_id\":0,\"segmentation\":{\"size\":[13000,13000],\"counts\":[0,169000000]}";
const EMPTY: &str = "{\"images\":[],\"annotations\":[],\"categories\":[],\"x\":";

pub const JSON: [Bomb; 8] = [
    bomb("long runs", |at| coco(at, 1, RUNS, 90), 0, &["x (90)"]),
    bomb(
        "many runs of one image",
        |at| {
            coco(
                at,
                1,
                &RUNS.replace("13000", "400").replace("169000000", "160000"),
                20_000,
            )
        },
        0,
        &["0.jpg: 20000 annotations"],
    ),
    bomb(
        "runs of a huge picture",
        |at| coco(at, 1, &RUNS.replace("13000", "4294967295"), 100),
        0,
        &["100 x bad_segmentation", "c.json: image 0: run lengths of"],
    ),
    bomb(
        "polygon of millions of points",
        |at| {
            let points = "1,2,".repeat(2_000_000);
            coco(
                at,
                1,
                &format!("\"image_id\":0,\"segmentation\":[[{points}3,4]]"),
                1,
            )
        },
        0,
        &[
            "1 x bad_segmentation",
            "c.json: image 0: a segmentation of 7812 KiB",
        ],
    ),
    bomb(
        "boxes of no image",
        |at| coco(at, 1, "\"image_id\":7", 1_000_000) + "\nlabel = \"folder\"",
        2,
        &["no image with a label"],
    ),
    bomb(
        "deep extra key",
        |at| coco_text(at, &format!("{EMPTY}{}", "[".repeat(1_000_000))),
        2,
        &["c.json: "],
    ),
    bomb(
        "deep box",
        |at| {
            let deep = "[".repeat(100_000);
            let box_of_0 = format!("\"annotations\":[{{\"image_id\":0,\"bbox\":{deep}");
            coco_text(at, &EMPTY.replace("\"annotations\":[", &box_of_0))
        },
        2,
        &["c.json: recursion limit exceeded"],
    ),
    bomb(
        "long file name",
        |at| {
            let name = "x".repeat(70 << 20);
            coco_text(
                at,
                &format!("{{\"images\":[{{\"id\":0,\"file_name\":\"{name}\"}}]}}"),
            )
        },
        2,
        &["c.json: ", "takes more than the limit of 64 MiB"],
    ),
];

// Annotation files of one image.

fn sidecar(folder: &Path, format: &str, extension: &str, text: &str) -> String {
    photo(folder, "images/0.jpg");
    write(folder, &format!("a/0.{extension}"), text);
    format!("format = {format:?}\nannotations = \"HERE/a\"")
}

fn voc(folder: &Path, text: &str) -> String {
    sidecar(folder, "voc", "xml", text)
}

fn labelme(folder: &Path, text: &str) -> String {
    sidecar(folder, "labelme", "json", text)
}

fn yolo(folder: &Path, text: &str) -> String {
    write(folder, "data.yaml", "names: [x]");
    sidecar(folder, "yolo", "txt", text) + "\nnames = \"HERE/data.yaml\""
}

fn huge(folder: &Path, keys: String, extension: &str) -> String {
    sparse(folder, &format!("a/0.{extension}"), b" ", GIB);
    keys
}

/// A mask of 255 values that each reach from corner to corner.
fn mask(folder: &Path) -> String {
    photo(folder, "images/0.jpg");
    let row = |x: u32, y: u32| image::Luma([((x + 7 * y) % 256) as u8]);
    let picture = image::GrayImage::from_fn(5000, 5000, row);
    write(folder, "a/x", "");
    picture.save(folder.join("a/0.png")).expect("mask");
    let names: String = (0..256).map(|i| format!("  {i}: n{i}\n")).collect();
    write(folder, "data.yaml", format!("names:\n{names}"));
    "format = \"masks\"\nannotations = \"HERE/a\"\nnames = \"HERE/data.yaml\"".into()
}

/// The header of a picture of this size, and no pixel.
fn claimed_mask(folder: &Path, side: u32) -> String {
    let keys = sidecar(folder, "masks", "png", "");
    let file = std::fs::File::create(folder.join("a/0.png")).expect("mask");
    let mut encoder = png::Encoder::new(file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    drop(encoder.write_header().expect("header"));
    keys
}

/// Entities that each hold ten of the one before.
fn entities(folder: &Path) -> String {
    let mut text = "<!DOCTYPE a [<!ENTITY e0 \"aaaaaaaaaa\">".to_owned();
    for i in 0..10 {
        text += &format!("<!ENTITY e{} \"{}\">", i + 1, format!("&e{i};").repeat(10));
    }
    voc(folder, &(text + "]><annotation>&e10;</annotation>"))
}

fn attributes(folder: &Path, name: fn(usize) -> String, count: usize) -> String {
    let attributes: Vec<String> = (0..count).map(name).collect();
    voc(folder, &format!("<annotation {}/>", attributes.join(" ")))
}

/// Each element below the one before declares a namespace, which all below it inherit.
fn namespaces(folder: &Path) -> String {
    let open: String = (0..6000).map(|i| format!("<a xmlns:b{i}=\"u\">")).collect();
    let inside = "<a/>".repeat(100_000);
    let close = "</a>".repeat(6000);
    voc(
        folder,
        &format!("<annotation>{open}{inside}{close}</annotation>"),
    )
}

/// A file that is no annotation leaves the only image without a label.
const NO_LABEL: &[&str] = &["no image with a label", "a/0."];

pub const SIDECARS: [Bomb; 18] = [
    bomb("entities", entities, 2, NO_LABEL),
    bomb(
        "attributes",
        |at| attributes(at, |i| format!("a{i}=\"\""), 100_000),
        2,
        NO_LABEL,
    ),
    bomb(
        "spaces",
        |at| attributes(at, |i| format!("xmlns:a{i}=\"u\""), 50_000),
        2,
        NO_LABEL,
    ),
    bomb("inherited namespaces", namespaces, 2, NO_LABEL),
    bomb(
        "deep elements",
        |at| voc(at, &"<a>".repeat(400_000)),
        2,
        NO_LABEL,
    ),
    bomb(
        "objects without boxes",
        |at| {
            voc(
                at,
                &format!("<annotation>{}</annotation>", "<object/>".repeat(400_000)),
            )
        },
        2,
        &["no image with a label"],
    ),
    bomb("huge XML", |at| huge(at, voc(at, ""), "xml"), 2, NO_LABEL),
    bomb(
        "deep JSON",
        |at| labelme(at, &"{\"shapes\":[".repeat(100_000)),
        2,
        NO_LABEL,
    ),
    bomb(
        "deep extra JSON",
        |at| labelme(at, &format!("{{\"x\":{}", "[".repeat(1_000_000))),
        2,
        NO_LABEL,
    ),
    bomb(
        "points",
        |at| {
            let points = "[0,0],".repeat(6_000_000);
            labelme(
                at,
                &format!("{{\"shapes\":[{{\"label\":\"x\",\"points\":[{points}[0,0]]}}]}}"),
            )
        },
        2,
        &["a/0.json: ", "its shapes take more than 32 MiB"],
    ),
    bomb(
        "huge JSON",
        |at| huge(at, labelme(at, ""), "json"),
        2,
        NO_LABEL,
    ),
    bomb(
        "two million lines",
        |at| yolo(at, &"0 .5 .5 .2 .2\n".repeat(2_000_000)),
        0,
        &["1 x too_many_boxes", "0.jpg: 2000000 annotations"],
    ),
    bomb(
        "two million bad lines",
        |at| yolo(at, &format!("0 .5 .5 .2 .2\n{}", "x\n".repeat(2_000_000))),
        0,
        &[
            "2000000 x unknown_category",
            "a/0.txt:2: class x has no name",
        ],
    ),
    bomb("huge text", |at| huge(at, yolo(at, ""), "txt"), 2, NO_LABEL),
    bomb(
        "far polygon",
        |at| yolo(at, "0 -1e308 -1e308 1e308 1e308 1e308 0\n"),
        2,
        &[
            "bad_annotation",
            "6 numbers are neither a box nor the corners of a polygon",
        ],
    ),
    bomb(
        "mask of 255 values",
        mask,
        0,
        &["1 images, 1 classes", "n115 (1)"],
    ),
    bomb(
        "mask of 65,535 pixels a side",
        |at| claimed_mask(at, 65_535),
        2,
        NO_LABEL,
    ),
    bomb(
        "mask of 2^31 - 1 pixels a side",
        |at| claimed_mask(at, i32::MAX as u32),
        2,
        NO_LABEL,
    ),
];

// Names.

fn names(folder: &Path, file: &str, text: &str) -> String {
    let keys = yolo(folder, "0 .5 .5 .2 .2\n");
    write(folder, file, text);
    keys.replace("data.yaml", file)
}

/// Lists that each hold nine of the one before.
fn aliases(folder: &Path) -> String {
    let mut text = "a0: &a0 [x]\n".to_owned();
    for i in 1..12 {
        let list = vec![format!("*a{}", i - 1); 9].join(",");
        text += &format!("a{i}: &a{i} [{list}]\n");
    }
    names(folder, "data.yaml", &(text + "names: *a11\n"))
}

fn huge_names(folder: &Path, file: &str) -> String {
    let keys = names(folder, file, "");
    sparse(folder, file, b"x\n", GIB);
    keys
}

const DEEP: &[&str] = &["data.yaml: line 1 is nested too deep for a file of names"];
const DEEP_BELOW: &[&str] = &["data.yaml: line 2 is nested too deep for a file of names"];

pub const NAMES: [Bomb; 8] = [
    bomb(
        "lists",
        |at| names(at, "data.yaml", &"[".repeat(200_000)),
        2,
        DEEP,
    ),
    bomb(
        "closed lists",
        |at| {
            let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
            names(at, "data.yaml", &format!("names: {open}{close}"))
        },
        2,
        DEEP,
    ),
    bomb(
        "maps",
        |at| names(at, "data.yaml", &"{a: ".repeat(60_000)),
        2,
        DEEP,
    ),
    bomb(
        "items",
        |at| {
            names(
                at,
                "data.yaml",
                &format!("names:\n{}x", "- ".repeat(99_999)),
            )
        },
        2,
        DEEP_BELOW,
    ),
    bomb(
        "keys",
        |at| {
            names(
                at,
                "data.yaml",
                &format!("names:\n{}x", "? ".repeat(99_999)),
            )
        },
        2,
        DEEP_BELOW,
    ),
    bomb(
        "aliases",
        aliases,
        2,
        &["data.yaml: repetition limit exceeded"],
    ),
    bomb(
        "huge YAML",
        |at| huge_names(at, "data.yaml"),
        2,
        &["data.yaml: over the limit of 16 MiB"],
    ),
    bomb(
        "huge list",
        |at| huge_names(at, "names.txt"),
        2,
        &["names.txt: over the limit of 16 MiB"],
    ),
];

// Files without an end.

fn piped(folder: &Path, format: &str, key: &str) -> String {
    photo(folder, "images/0.jpg");
    pipe(folder, "m");
    format!("format = {format:?}\n{key} = \"HERE/m\"")
}

fn zeros(folder: &Path, format: &str, key: &str) -> String {
    photo(folder, "images/0.jpg");
    link(folder, "m", "/dev/zero");
    format!("format = {format:?}\n{key} = \"HERE/m\"")
}

fn boxes(folder: &Path) -> String {
    std::fs::create_dir(folder.join("images/x")).expect("folder");
    photo(folder, "images/x/0.jpg");
    link(folder, "m", "/dev/zero");
    "boxes = \"HERE/m\"".into()
}

const NOT_REGULAR: &[&str] = &["/m: not a regular file", "copy it to a file"];
/// Of a key that must name a file.
const NOT_A_FILE: &[&str] = &["dataset.", "/m is not a file"];

pub const ENDLESS: [Bomb; 11] = [
    bomb(
        "COCO from a pipe",
        |at| piped(at, "coco", "annotations"),
        2,
        NOT_REGULAR,
    ),
    bomb(
        "COCO of zeros",
        |at| zeros(at, "coco", "annotations"),
        2,
        NOT_REGULAR,
    ),
    bomb(
        "CSV from a pipe",
        |at| piped(at, "csv", "manifest"),
        2,
        NOT_A_FILE,
    ),
    bomb(
        "CSV of zeros",
        |at| zeros(at, "csv", "manifest"),
        2,
        NOT_A_FILE,
    ),
    bomb(
        "Parquet from a pipe",
        |at| piped(at, "parquet", "manifest"),
        2,
        NOT_A_FILE,
    ),
    bomb(
        "boxes from a pipe",
        |at| piped(at, "open-images", "annotations"),
        2,
        NOT_REGULAR,
    ),
    bomb(
        "boxes of zeros",
        |at| zeros(at, "open-images", "annotations"),
        2,
        NOT_REGULAR,
    ),
    bomb(
        "solution of zeros",
        |at| zeros(at, "imagenet-loc", "annotations"),
        2,
        NOT_REGULAR,
    ),
    bomb("boxes beside the set", boxes, 2, NOT_A_FILE),
    bomb(
        "names of zeros",
        |at| {
            let keys = yolo(at, "");
            std::fs::remove_file(at.join("data.yaml")).expect("removed");
            link(at, "m", "/dev/zero");
            keys.replace("data.yaml", "m")
        },
        2,
        NOT_A_FILE,
    ),
    bomb(
        "mask from a pipe",
        |at| {
            let keys = sidecar(at, "masks", "png", "");
            std::fs::remove_file(at.join("a/0.png")).expect("removed");
            pipe(at, "a/0.png");
            keys
        },
        2,
        &["a/0.png: ", "not a regular file"],
    ),
];
