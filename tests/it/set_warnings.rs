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
    let root = |set: &OddSet| set.path("set").display().to_string();
    let in_folder = |file: &str| format!("deep/{file}");
    let cases: [(&str, String, Option<String>); 5] = [
        ("all there", manifest(str::to_owned), None),
        (
            "two missing",
            manifest(|file| file.replace("p3", "q3").replace("p5", "q5")),
            Some(
                "2 of the 9 files do not exist below dataset.root, the first is \"q3.jpg\"".into(),
            ),
        ),
        (
            "the root is a folder too low",
            manifest(|file| format!("data/set/{file}")),
            Some(
                "9 of the 9 files do not exist below dataset.root, the first is \
                 \"data/set/p0.jpg\"; there is \"p0.jpg\": leave \"data/set\" out of the paths, or \
                 set dataset.root to the folder that contains it"
                    .into(),
            ),
        ),
        (
            "the root is a folder too high",
            manifest(str::to_owned),
            Some(
                "9 of the 9 files do not exist below dataset.root, the first is \"p0.jpg\"; it is \
                 in ROOT/train: set dataset.root to this folder"
                    .into(),
            ),
        ),
        ("below a folder", manifest(in_folder), None),
    ];
    for (name, text, expected) in cases {
        let set = match name {
            "the root is a folder too high" | "below a folder" => OddSet::empty(),
            _ => OddSet::new(),
        };
        for (file, _, _) in BOXES {
            match name {
                "the root is a folder too high" => set.photo(&format!("set/train/{file}"), file),
                "below a folder" => set.photo(&format!("set/deep/{file}"), file),
                _ => {}
            }
        }
        set.write("m.csv", text);
        let dataset = set.open(MANIFEST).unwrap_or_else(|e| panic!("{name}: {e}"));
        let found = dataset.missing_files().expect("the manifest");
        let expected = expected.map(|text| text.replace("ROOT", &root(&set)));
        assert_eq!(found, expected, "{name}");
    }
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
