//! Orientation, and pictures that need much memory, in whole runs.

use crate::support::{
    audit, camaudit, demo_text, fixtures, json, numbers, parquet, plan, stderr, texts,
};
use camaudit::input::{decode, decode_for};
use std::path::Path;
use std::process::Command;

/// The demo on the photos of a folder of its own.
fn text_of(set: &Path) -> String {
    demo_text("shortcut.onnx").replace(
        &format!("{:?}", fixtures().join("horses")),
        &format!("{set:?}"),
    )
}

fn ignoring(text: &str) -> String {
    text.replace("size = 64", "size = 64\nexif = \"ignore\"")
}

#[test]
fn an_ignored_orientation_leaves_the_stored_pixels() {
    let folder = tempfile::tempdir().expect("folder");
    let text = ignoring(&demo_text("shortcut.onnx"));
    let ignore = plan(folder.path(), "ignore", &text, &[]).preprocess;
    let turned_back = [
        ("odd/exif6.jpg", true),
        ("pictures/exif6_plain.webp", true),
        ("pictures/xmp6.png", true),
        // Pillow turns a TIFF as it opens it.
        ("pictures/turned6.tif", false),
    ];
    for (name, is_left) in turned_back {
        let bytes = std::fs::read(fixtures().join(name)).expect("read");
        let upright = decode(&bytes).expect("decoded");
        let stored = decode_for(&bytes, &ignore).expect("decoded");
        let expected = if is_left {
            image::imageops::rotate270(&upright.rgb)
        } else {
            upright.rgb.clone()
        };
        assert!(stored.rgb == expected, "{name}");
        assert!(stored.is_turned && upright.is_turned, "{name}");
        assert_eq!(
            (stored.original.width, stored.original.height),
            stored.rgb.dimensions(),
            "{name}"
        );
    }
}

/// Boxes that were drawn on the stored pixels stay; boxes on the upright photo are turned back.
#[test]
fn boxes_follow_the_pixels_where_the_orientation_is_ignored() {
    // Where the top left quarter of the upright photo lies in the stored one.
    let turned_back = [
        (5, (0.0, 0.0)),
        (6, (0.0, 0.5)),
        (7, (0.5, 0.5)),
        (8, (0.5, 0.0)),
    ];
    for (orientation, place) in turned_back {
        for (width, height, (left, top)) in [(40, 30, (0.0, 0.0)), (30, 40, place)] {
            let set = tempfile::tempdir().expect("folder");
            let photo = fixtures().join(format!("odd/exif{orientation}.jpg"));
            std::fs::copy(photo, set.path().join("a.jpg")).expect("copy");
            let annotation = format!(
                r#"{{"imageWidth": {width}, "imageHeight": {height}, "shapes": [{{"label": "car",
                "shape_type": "rectangle", "points": [[0, 0], [{}, {}]]}}]}}"#,
                width / 2,
                height / 2
            );
            std::fs::write(set.path().join("a.json"), annotation).expect("annotation");

            let f = fixtures();
            let text = format!(
                "[dataset]\nroot = {root:?}\nannotations = {root:?}\n[model]\npath = {:?}\n\
                 classes = {:?}\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
                 exif = \"ignore\"\n[[region]]\nname = \"there\"\n\
                 rect = {{ left = {left:?}, top = {top:?}, right = {:?}, bottom = {:?} }}\n",
                f.join("models/shortcut.onnx"),
                f.join("models/classes.txt"),
                left + 0.5,
                top + 0.5,
                root = set.path(),
            );
            let out = tempfile::tempdir().expect("folder");
            let outcome = audit(&plan(out.path(), "ignored", &text, &[]));
            let images = parquet(&outcome.folder.join("images/part-00000.parquet"));
            let regions = parquet(&outcome.folder.join("regions/part-00000.parquet"));
            let row = texts(&regions, "region")
                .iter()
                .position(|region| region == "there")
                .expect("row");
            let object = numbers(&images, "object_share")[0].expect("share");
            let there = numbers(&regions, "share")[row].expect("share");
            assert!(
                (object - there).abs() < 1e-9,
                "orientation {orientation}, stated {width} x {height}: {object} {there}"
            );
        }
    }
}

#[test]
fn turned_photos_are_counted_where_there_are_any() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set/horse");
    std::fs::create_dir_all(&set).expect("set");
    std::fs::copy(
        fixtures().join("horses/horse/horse000.jpg"),
        set.join("a.jpg"),
    )
    .expect("copy");
    let text = text_of(&folder.path().join("set"));
    let upright = audit(&plan(folder.path(), "upright", &text, &[]));
    let summary = std::fs::read_to_string(upright.folder.join("summary.json")).expect("read");
    assert!(!summary.contains("turned"), "{summary}");

    for name in ["odd/exif6.jpg", "odd/exif3.jpg", "pictures/xmp5.png"] {
        let copy = name.replace('/', "_");
        std::fs::copy(fixtures().join(name), set.join(copy)).expect("copy");
    }
    for (name, text, key, words) in [
        ("apply", text.clone(), "turned", "3 turned by EXIF"),
        (
            "ignore",
            ignoring(&text),
            "not_turned",
            "3 not turned by EXIF",
        ),
    ] {
        // The second run takes the counts from the cache.
        for _ in 0..2 {
            let outcome = audit(&plan(folder.path(), name, &text, &[]));
            let summary = json(&outcome.folder.join("summary.json"));
            assert_eq!(summary["counts"][key], 3, "{name}");
            let markdown =
                std::fs::read_to_string(outcome.folder.join("summary.md")).expect("read");
            assert_eq!(markdown.matches(words).count(), 1, "{markdown}");
        }

        let file = folder.path().join(format!("{name}.toml"));
        let check = camaudit(&["check".as_ref(), file.as_os_str()]);
        let stdout = String::from_utf8_lossy(&check.stdout);
        let lines = stdout
            .lines()
            .filter(|line| line.starts_with("orientation"));
        assert_eq!(lines.count(), 1, "{stdout}");
        assert!(stdout.contains("3 of 4 are"), "{stdout}");
    }
}

/// A PNG whose header claims 13,000 x 13,000 pixels of 16 bits.
fn large_png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 13_000, 13_000);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Sixteen);
    let mut writer = encoder.write_header().expect("header");
    writer
        .write_chunk(png::chunk::IDAT, b"no pixels")
        .expect("chunk");
    drop(writer);
    bytes
}

/// A GIF of one pixel on a screen of this size.
fn gif_screen(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(b"\xf0\0\0\x20\x30\x40\xff\xff\xff");
    bytes.extend(b",\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0;");
    bytes
}

/// A JPEG whose header claims more than it holds: progressive, so that all coefficients are kept.
fn large_jpeg() -> Vec<u8> {
    let mut bytes = std::fs::read(fixtures().join("odd/progressive.jpg")).expect("read");
    let frame = bytes
        .windows(2)
        .position(|marker| marker == [0xFF, 0xC2])
        .expect("a progressive frame");
    bytes[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    bytes
}

/// Under a limit a picture that needs more than its part is skipped by its header, whatever the
/// number of workers; one that fits is scored, also beside others. The address space is limited as
/// well, so that a picture that is decoded all the same would end the run.
#[cfg(target_os = "linux")]
#[test]
fn no_picture_ends_a_run_of_limited_memory() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set/horse");
    std::fs::create_dir_all(&set).expect("set");
    for number in 0..4 {
        let name = format!("horse00{number}.jpg");
        std::fs::copy(fixtures().join("horses/horse").join(&name), set.join(&name)).expect("copy");
    }
    let fits = [
        ("fits_a.gif", 4600),
        ("fits_b.gif", 4700),
        ("fits_c.gif", 4800),
    ];
    for (name, side) in fits {
        std::fs::write(set.join(name), gif_screen(side, side)).expect("write");
    }
    std::fs::write(set.join("large.png"), large_png()).expect("write");
    std::fs::write(set.join("large.gif"), gif_screen(12_000, 12_000)).expect("write");
    std::fs::write(set.join("huge.gif"), gif_screen(65_535, 65_535)).expect("write");
    std::fs::write(set.join("large.jpg"), large_jpeg()).expect("write");
    let file = folder.path().join("limited.toml");
    let text = text_of(&folder.path().join("set")) + "[run]\nmax_skipped = 1.0\n";
    std::fs::write(&file, text).expect("write");

    let mut skipped = Vec::new();
    for jobs in ["1", "3"] {
        let out = folder.path().join(format!("out{jobs}"));
        let run = Command::new("sh")
            .args(["-c", "ulimit -v 1500000; exec \"$@\"", "sh"])
            .arg(env!("CARGO_BIN_EXE_camaudit"))
            .args(["run".as_ref(), file.as_os_str(), "--out".as_ref()])
            .args([out.as_os_str(), "--memory".as_ref(), "600MiB".as_ref()])
            .args(["--jobs", jobs, "--quiet"])
            .env("MALLOC_ARENA_MAX", "1")
            .output()
            .expect("sh starts");
        assert_eq!(run.status.code(), Some(0), "{:?}", stderr(&run));

        let latest = out.join("limited/latest");
        let counts = &json(&latest.join("run.json"))["counts"];
        assert_eq!(
            (&counts["found"], &counts["scored"]),
            (&11.into(), &7.into())
        );
        let rows = parquet(&latest.join("skipped.parquet"));
        let columns = ["path", "reason", "message"].map(|column| texts(&rows, column));
        skipped.push(columns);
    }
    assert_eq!(
        skipped[0], skipped[1],
        "the number of workers decides nothing"
    );

    let [paths, reasons, messages] = &skipped[0];
    let reason = |name: &str| {
        let row = paths
            .iter()
            .position(|path| path.ends_with(name))
            .expect(name);
        (reasons[row].as_str(), messages[row].as_str())
    };
    assert_eq!(reason("huge.gif").0, "too_many_pixels");
    for name in ["large.png", "large.gif", "large.jpg"] {
        let (reason, message) = reason(name);
        assert_eq!(reason, "memory", "{name}: {message}");
        assert!(
            message.contains("--memory (run.memory_gb)") && message.contains("600 MiB"),
            "{message}"
        );
    }
}

/// What the cache holds does not decide what is skipped.
#[cfg(target_os = "linux")]
#[test]
fn a_picture_that_an_earlier_run_scored_is_skipped_under_a_smaller_limit() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set/horse");
    std::fs::create_dir_all(&set).expect("set");
    std::fs::copy(
        fixtures().join("horses/horse/horse000.jpg"),
        set.join("a.jpg"),
    )
    .expect("copy");
    std::fs::write(set.join("large.gif"), gif_screen(8000, 8000)).expect("write");
    let text = text_of(&folder.path().join("set")) + "[run]\nmax_skipped = 1.0\n";

    // In processes of their own: what other tests hold in memory would count.
    let plan = plan(folder.path(), "smaller", &text, &[]);
    let pipeline = plan.file.display().to_string();
    let out = plan.run.out.display().to_string();
    for (memory, scored) in [("4GiB", "2 of 2"), ("400MiB", "1 of 2")] {
        let arguments = [
            "run", &pipeline, "--out", &out, "--memory", memory, "--quiet",
        ];
        let messages = stderr(&camaudit(&arguments));
        let last = messages.last().expect("a last line");
        let expected = format!("{scored} images scored");
        assert!(last.contains(&expected), "{memory}: {messages:?}");
    }
}
