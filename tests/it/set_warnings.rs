//! Warnings about a set that can be read, and is probably not what was meant.

use crate::odd_set::{BOXES, OddSet};
use crate::support::{demo_text, plan};
use camaudit::dataset::{Dataset, unmatched_names};

const MANIFEST: &str = "manifest = \"SET/../m.csv\"";

fn manifest(path: impl Fn(&str) -> String) -> String {
    let rows = BOXES.map(|(file, label, _)| format!("{},{label}\n", path(file)));
    format!("path,label\n{}", rows.concat())
}

#[test]
fn files_that_do_not_exist_are_counted_with_the_folder_that_they_are_in() {
    let everywhere = |prefix: &str| move_into(prefix, None);
    let cases: [(&str, Vec<String>, String, &str); 7] = [
        ("all there", everywhere(""), manifest(str::to_owned), ""),
        (
            "below a folder",
            everywhere("deep/"),
            manifest(|file| format!("deep/{file}")),
            "",
        ),
        (
            "one missing",
            everywhere(""),
            manifest(|file| file.replace("p3", "q3")),
            "1 of the 9 files is not below dataset.root: \"q3.jpg\"",
        ),
        (
            "two missing, one of which is in a folder",
            move_into("", Some("old/q3.jpg")),
            manifest(|file| file.replace("p3", "q3").replace("p5", "q5")),
            "2 of the 9 files are not below dataset.root, the first is \"q3.jpg\"",
        ),
        (
            "paths with a folder that is not there",
            everywhere(""),
            manifest(|file| format!("train/{file}")),
            "9 of the 9 files are not below dataset.root, the first is \"train/p0.jpg\"; there is \
             \"p0.jpg\": leave \"train\" out of the paths",
        ),
        (
            "the root is a folder too low",
            everywhere(""),
            manifest(|file| format!("set/{file}")),
            "9 of the 9 files are not below dataset.root, the first is \"set/p0.jpg\"; there is \
             \"p0.jpg\": leave \"set\" out of the paths, or set dataset.root to ABOVE",
        ),
        (
            "the root is a folder too high",
            everywhere("train/"),
            manifest(str::to_owned),
            "9 of the 9 files are not below dataset.root, the first is \"p0.jpg\"; it is in \
             ABOVE/set/train: set dataset.root to this folder",
        ),
    ];
    for (name, photos, text, expected) in cases {
        let set = OddSet::empty();
        for photo in photos {
            set.photo(&format!("set/{photo}"), BOXES[0].0);
        }
        set.write("m.csv", text);
        let dataset = set.open(MANIFEST).unwrap_or_else(|e| panic!("{name}: {e}"));
        let found = dataset.missing_files().expect("the manifest");
        let above = set.path("set");
        let above = above.parent().expect("a folder").display().to_string();
        let expected = expected.replace("ABOVE", &above);
        assert_eq!(found.unwrap_or_default(), expected, "{name}");
    }
}

/// The photos below a folder of the root, and one more.
fn move_into(prefix: &str, more: Option<&str>) -> Vec<String> {
    let photos = BOXES.map(|(file, _, _)| format!("{prefix}{file}"));
    photos.into_iter().chain(more.map(str::to_owned)).collect()
}

/// The objects of a label as a confounder: every object would be evidence of a shortcut.
#[test]
fn annotations_of_a_label_as_a_confounder_are_a_warning() {
    let folder = tempfile::tempdir().expect("folder");
    let warnings = |set: &[&str]| {
        let plan = plan(folder.path(), "demo", &demo_text("shortcut.onnx"), set);
        let dataset = Dataset::open(&plan.dataset, None, 0).expect("the set");
        unmatched_names(&plan, &dataset.stats)
    };
    let region = |more: &str| format!("region=[{{name=\"animal\",annotation=\"horse\"{more}}}]");
    let declared = warnings(&[&region("")]);
    assert_eq!(declared.len(), 1, "{declared:?}");
    assert!(
        declared[0].starts_with("region \"animal\": the annotations \"horse\" are also a label"),
        "{declared:?}"
    );
    assert_eq!(warnings(&[&region(",kind=\"object\"")]), [""; 0]);
    assert_eq!(warnings(&[]), [""; 0]);
}

#[test]
fn a_table_of_other_separators_is_refused_with_the_separator() {
    for (mark, named) in [(";", "\";\""), ("\t", "\"\\t\""), ("|", "\"|\"")] {
        let set = OddSet::new();
        set.write(
            "b.csv",
            "path,category,xmin,ymin,xmax,ymax\n".replace(',', mark),
        );
        set.write("m.csv", manifest(str::to_owned));
        let opened = set.open(&format!("{MANIFEST}\nboxes = \"SET/../b.csv\""));
        let error = opened.map(|_| ()).expect_err("one column");
        let remedy = format!("; separate the columns by `,` instead of {named}");
        assert!(error.ends_with(&remedy), "{error}");
    }
}
