//! Rows that `camaudit conclude` refuses, and why.

use crate::support::{files, fixtures, stderr};
use crate::workplace::{Workplace, conclude, concluded, copied, copy, refused};
use camaudit::tables::{ImageRow, RegionRow, decode, read_footer};

#[test]
fn rows_that_are_not_complete_are_refused() {
    let workplace = Workplace::new();
    let run = workplace.start("measure", "out", &[]);
    let without = |file: &str| {
        let damaged = copied(&run, &workplace.path(&format!("without {file}")));
        std::fs::remove_file(damaged.join(file)).expect("removed");
        damaged
    };

    let part = "part-00001.parquet";
    refused(
        &without("images/part-00001.parquet"),
        &[],
        &[
            "rows of 300 images, but 400 were measured",
            "part files are missing",
        ],
    );
    refused(
        &without("regions/part-00001.parquet"),
        &[],
        &["regions", part],
    );
    refused(&without("measured.json"), &[], &["measured.json"]);
}

#[test]
fn rows_of_another_audit_are_refused() {
    let workplace = Workplace::new();
    let run = workplace.start("measure", "out", &[]);
    let other = workplace.start("measure", "other", &["--set", "run.seed=1"]);
    for table in ["images", "regions"] {
        let part = format!("{table}/part-00002.parquet");
        let mixed = copied(&run, &workplace.path(&format!("mixed {table}")));
        std::fs::copy(other.join(&part), mixed.join(&part)).expect("copied");
        refused(&mixed, &[], &[&part, "the rows are of another audit"]);
    }
}

#[test]
fn rows_of_another_schema_are_refused() {
    let workplace = Workplace::new();
    let run = workplace.start("measure", "out", &[]);

    let old_document = copied(&run, &workplace.path("document"));
    let file = old_document.join("measured.json");
    let text = std::fs::read_to_string(&file).expect("text");
    let old_text = text.replacen("\"schema_version\": 3", "\"schema_version\": 2", 1);
    assert_ne!(text, old_text);
    std::fs::write(&file, old_text).expect("written");
    refused(
        &old_document,
        &[],
        &["measured.json", "schema version 2", "reads 3"],
    );

    let old_footer = copied(&run, &workplace.path("footer"));
    let file = old_footer.join("regions/part-00000.parquet");
    let mut bytes = std::fs::read(&file).expect("bytes");
    let key = b"camaudit.schema_version";
    let at = bytes
        .windows(key.len())
        .position(|window| window == key)
        .expect("the key");
    // The value follows its field header and its length, which is 1.
    let value = at + key.len() + 2;
    assert_eq!(bytes[value], b'3');
    bytes[value] = b'2';
    std::fs::write(&file, bytes).expect("written");
    refused(
        &old_footer,
        &[],
        &["regions/part-00000.parquet", "schema_version is 2"],
    );
}

/// Bits flip on the disk: the rows are as they were, or an error; no library panics.
#[test]
fn rows_that_are_damaged_are_an_error_and_never_a_panic() {
    let workplace = Workplace::new();
    let run = workplace.start("measure", "out", &["--limit", "4"]);
    for table in ["images", "regions"] {
        let file = run.join(table).join("part-00000.parquet");
        let sound = std::fs::read(&file).expect("bytes");
        // The footer, and some of the columns before it.
        for from_end in (9..sound.len().min(6500)).step_by(3) {
            let mut bytes = sound.clone();
            let at = bytes.len() - from_end;
            bytes[at] ^= 1 << (from_end % 8);
            std::fs::write(&file, bytes).expect("written");

            let read = || {
                let _ = read_footer(&file, "camaudit.audit_id");
                match table {
                    "images" => decode::<ImageRow>(&file).map(|rows| rows.len()),
                    _ => decode::<RegionRow>(&file).map(|rows| rows.len()),
                }
            };
            let read = std::panic::catch_unwind(read);
            assert!(
                read.is_ok(),
                "{table}: a panic at {from_end} bytes from the end"
            );
        }
    }
}

#[test]
fn another_model_or_dataset_or_measurement_is_refused() {
    let workplace = Workplace::new();
    let set = workplace.path("set");
    copy(&fixtures().join("horses"), &set);
    let root = format!("dataset.root={:?}", set.display().to_string());
    let run = workplace.start("measure", "out", &["--set", &root]);
    let before = files(&run);

    for set in [
        "scores.object_visible_min=0.5",
        "verdict.tagged_min=7",
        "run.seed=1",
    ] {
        refused(
            &run,
            &["--set", set],
            &["the rows were measured with another pipeline"],
        );
    }

    workplace.use_model("clean.onnx");
    refused(
        &run,
        &[],
        &["the model is not the one that the rows were measured with"],
    );
    workplace.use_model("shortcut.onnx");

    let photo = set.join("car/car000.jpg");
    let renamed = set.join("car/renamed.jpg");
    std::fs::rename(&photo, &renamed).expect("renamed");
    refused(
        &run,
        &[],
        &["the dataset is not the one that the rows were measured with"],
    );
    std::fs::rename(&renamed, &photo).expect("renamed");

    assert!(files(&run) == before, "a refused run was changed");
    concluded(&run, &[]);
}

/// The names of the photos are as before, but not what they show.
#[test]
fn photos_with_other_contents_do_not_go_unnoticed() {
    let workplace = Workplace::new();
    let set = workplace.path("set");
    copy(&fixtures().join("horses"), &set);
    let root = format!("dataset.root={:?}", set.display().to_string());
    let run = workplace.start("measure", "out", &["--set", &root]);
    for photo in std::fs::read_dir(set.join("horse")).expect("horses") {
        let photo = photo.expect("entry").path();
        std::fs::copy(set.join("car/car001.jpg"), photo).expect("another photo");
    }

    let output = conclude(&run, &[]);
    let lines = stderr(&output);
    let is_refused = output.status.code() == Some(2);
    let is_warned = lines.iter().any(|line| line.starts_with("warning: "));
    assert!(
        is_refused || is_warned,
        "{:?}: {lines:?}",
        output.status.code()
    );
}
