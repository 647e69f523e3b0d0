//! A region of the pipeline that the search finds as well is one finding.

use crate::discovery::{at_one_place, draw, of_origin, pipeline, rows};
use crate::support::{audit, plan};
use camaudit::finding::{FindingOrigin, Verdict};
use std::path::Path;

/// The pipeline of a manifest with the column `mark`; a region has its presence from there.
fn declared(folder: &Path, is_marked: impl Fn(u32) -> bool, rect: &str) -> String {
    let mut manifest = String::from("path,label,mark\n");
    for class in 0..9 {
        let photos = std::fs::read_dir(folder.join(format!("photos/c{class}"))).expect("a folder");
        for number in 0..photos.count() as u32 {
            let mark = u32::from(class == 2 && is_marked(number));
            manifest += &format!("c{class}/{number:03}.png,c{class},{mark}\n");
        }
    }
    std::fs::write(folder.join("manifest.csv"), manifest).expect("write");
    let text = pipeline(folder, "");
    let set = "[dataset]\nformat = \"csv\"\nmanifest = \"manifest.csv\"\n";
    text.replace("[dataset]\n", set)
        + &format!("[[region]]\nname = \"mark\"\npresence_column = \"mark\"\n{rect}\n")
}

/// The place of the marks, a little larger.
const AROUND: &str = "rect = { left = 0.2, top = 0.6, right = 0.7, bottom = 0.9 }";
const ELSEWHERE: &str = "rect = { left = 0.2, top = 0.1, right = 0.7, bottom = 0.4 }";

#[test]
fn a_declared_region_that_is_found_is_one_finding() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), at_one_place);
    let text = declared(dir.path(), |number| number.is_multiple_of(2), AROUND);
    let outcome = audit(&plan(dir.path(), "declared", &text, &[]));

    let findings = &outcome.summary.findings;
    let reported = findings.iter().filter(|f| f.verdict.is_reported());
    let reported: Vec<_> = reported.map(|f| (&*f.label, &*f.region)).collect();
    assert_eq!(reported, [("c2", "mark")]);
    let mark = of_origin(findings, FindingOrigin::Declared);
    let mark = mark.iter().find(|finding| finding.label == "c2");
    assert_eq!(mark.map(|mark| mark.verdict), Some(Verdict::Confirmed));
    assert!(rows(&outcome.folder).is_empty());

    let scope = outcome.summary.scope.join("\n");
    let sentence = "Declared region mark was found by the search as well, and is listed once";
    assert!(scope.contains(sentence), "{scope}");
    assert!(!scope.contains("lack the region"), "{scope}");
    // Class c2 is not said to have none.
    assert!(
        scope.contains("No repeated patch that tells a class in 128 sampled images of 8 classes"),
        "{scope}"
    );
}

#[test]
fn marked_images_that_the_manifest_omits_are_named() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), at_one_place);
    let is_listed = |number: u32| number.is_multiple_of(2) && !number.is_multiple_of(8);
    let text = declared(dir.path(), is_listed, AROUND);
    let outcome = audit(&plan(dir.path(), "declared", &text, &[]));

    let scope = outcome.summary.scope.join("\n");
    let sentence = "listed once; 8 sampled images show it too and lack the region by the \
                    pipeline, as c2/000.png: check how its presence is declared";
    assert!(scope.contains(sentence), "{scope}");
}

#[test]
fn a_mark_beside_a_declared_region_of_the_same_images_is_a_finding_of_its_own() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), at_one_place);
    let text = declared(dir.path(), |number| number.is_multiple_of(2), ELSEWHERE);
    let outcome = audit(&plan(dir.path(), "declared", &text, &[]));

    let [patch] = of_origin(&outcome.summary.findings, FindingOrigin::Patch)[..] else {
        panic!("{:#?}", outcome.summary.findings);
    };
    assert_eq!(patch.verdict, Verdict::Confirmed, "{patch:#?}");
    let scope = outcome.summary.scope.join("\n");
    assert!(!scope.contains("listed once"), "{scope}");
}
