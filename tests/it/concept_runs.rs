//! Concepts and heat clusters from outside, on drawn photos: tables, report, and a concept as a
//! region.

use crate::support::{audit, camaudit, fixtures, page, plan, report_document, stderr};
use camaudit::finding::FindingOrigin;
use camaudit::tables::{ConceptRow, HeatClusterRow, ImageRow, decode};
use image::{Rgb, RgbImage};
use std::collections::BTreeMap;
use std::path::Path;

/// Random numbers.
struct Levels(u32);

impl Levels {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 24) / 256.0
    }
}

const PHOTO: u32 = 64;

/// A photo of a class of `fixtures/make_places.py`: its colour, and for some the checkerboard that
/// the network looks for, at a place and of an extent that differ.
fn photo(class: u32, number: u32) -> RgbImage {
    let mut levels = Levels(1 + 1_000 * class + number);
    let bit = |shift: u32| if class >> shift & 1 == 1 { 178.0 } else { 76.0 };
    let base = [bit(2), bit(1), bit(0)];
    let left = 8 * (number / 3 % 4);
    let blocks = 2 + number / 3 % 3;
    RgbImage::from_fn(PHOTO, PHOTO, |x, y| {
        let is_inside = (left..left + 8 * blocks).contains(&x) && (40..56).contains(&y);
        if is_marked(class, number) && is_inside {
            let is_light = (x % 8 / 4 + y % 8 / 4) % 2 == 0;
            return Rgb([if is_light { 230 } else { 25 }; 3]);
        }
        let noise = 60.0 * (levels.next() - 0.5);
        Rgb(base.map(|part| (part + noise).clamp(0.0, 255.0) as u8))
    })
}

/// Every third photo of class 2.
fn is_marked(class: u32, number: u32) -> bool {
    class == 2 && number.is_multiple_of(3)
}

const COUNTS: [(u32, u32); 3] = [(2, 63), (4, 20), (5, 12)];

fn draw(folder: &Path) {
    let mut boxes = "path,category,xmin,ymin,xmax,ymax\n".to_owned();
    for (class, count) in COUNTS {
        let of_class = folder.join(format!("photos/c{class}"));
        std::fs::create_dir_all(&of_class).expect("folder");
        for number in 0..count {
            let name = format!("{number:03}.png");
            photo(class, number)
                .save(of_class.join(&name))
                .expect("write");
            boxes += &format!("c{class}/{name},c{class},0,0,64,40\n");
        }
    }
    std::fs::write(folder.join("boxes.csv"), boxes).expect("write");
}

fn pipeline(folder: &Path) -> String {
    let classes: Vec<String> = (0..9).map(|class| format!("c{class}")).collect();
    std::fs::write(folder.join("classes.txt"), classes.join("\n")).expect("write");
    format!(
        "[dataset]\nroot = {:?}\nboxes = \"boxes.csv\"\nnear_duplicates = false\n[model]\n\
         path = {:?}\nclasses = \"classes.txt\"\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [verdict]\nmax_candidates = 0\n\
         [discovery]\nproperties = false\npatches = false\nfixed = false\n",
        folder.join("photos"),
        fixtures().join("models/places.onnx"),
    )
}

fn rows(run: &Path) -> Vec<ConceptRow> {
    decode(&run.join("concepts.parquet")).expect("rows")
}

/// The paths of the images of a run by their ids.
fn paths(run: &Path) -> BTreeMap<String, String> {
    let parts = std::fs::read_dir(run.join("images")).expect("parts");
    let mut paths = BTreeMap::new();
    for part in parts {
        let images: Vec<ImageRow> = decode(&part.expect("a part").path()).expect("images");
        paths.extend(images.into_iter().map(|image| (image.image_id, image.path)));
    }
    paths
}

#[test]
fn a_mark_outside_the_objects_is_the_first_concept_whatever_the_order() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path());
    let text = pipeline(dir.path());
    let one = audit(&plan(dir.path(), "one", &text, &["run.jobs=1"]));

    let concepts = rows(&one.folder);
    assert_eq!(concepts.len(), 8, "only class 2 has 60 images");
    let first = &concepts[0];
    assert_eq!((first.label.as_str(), first.concept), ("c2", 1));
    assert_eq!((first.images, first.others), (63, 32));
    assert_eq!(first.ordered_by, "outside_objects");
    assert!(first.outside.expect("objects") > 0.8, "{first:?}");
    assert!(first.high_elsewhere.expect("others") < 0.1, "{first:?}");
    let paths = paths(&one.folder);
    let strongest: Vec<&str> = first.strongest.split(' ').collect();
    assert_eq!(strongest.len(), 10);
    assert_eq!(first.strongest_cells.len(), 640);
    for id in strongest {
        let path = &paths[id];
        let number: u32 = path[3..6].parse().expect("a number");
        assert!(path.starts_with("c2/") && is_marked(2, number), "{path}");
    }
    let clusters: Vec<HeatClusterRow> =
        decode(&one.folder.join("heat_clusters.parquet")).expect("clusters");
    assert_eq!(clusters.len(), 63);
    let scope = one.summary.scope.join("\n");
    assert!(scope.contains("8 concepts of 1 class are"), "{scope}");
    assert!(scope.contains("2 classes have no concepts"), "{scope}");
    let mut findings = one.summary.findings.iter();
    assert!(
        findings.all(|finding| finding.origin == FindingOrigin::Declared),
        "concepts are no findings"
    );

    // Two threads, photos in another order and shards of another size: the same tables. The first
    // of them finds the results of the other in the cache.
    let mut lines: Vec<String> = Vec::new();
    for (class, count) in COUNTS {
        lines.extend((0..count).map(|n| format!("c{class}/{n:03}.png,c{class}")));
    }
    lines.sort_by_key(|line| blake3::hash(line.as_bytes()).to_hex().to_string());
    let manifest = format!("path,label\n{}\n", lines.join("\n"));
    std::fs::write(dir.path().join("manifest.csv"), manifest).expect("write");
    let shuffled = text.replace(
        "[model]",
        "format = \"csv\"\nmanifest = \"manifest.csv\"\n[model]",
    );
    for (name, text) in [("one", &text), ("two", &text), ("three", &shuffled)] {
        let again = plan(dir.path(), name, text, &["run.jobs=2", "run.shard_size=50"]);
        let again = audit(&again).folder;
        assert_eq!(rows(&again), concepts, "{name}");
        let found: Vec<HeatClusterRow> =
            decode(&again.join("heat_clusters.parquet")).expect("clusters");
        assert_eq!(found, clusters, "{name}");
    }
}

#[test]
fn the_report_shows_concepts_folded_and_counts_their_pictures() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path());
    let run = audit(&plan(dir.path(), "shown", &pipeline(dir.path()), &[])).folder;

    let document = report_document(&page(&run, 10_000_000));
    let class = &document["classes"][0];
    assert_eq!(class["label"], "c2");
    let groups = class["concepts"]["groups"].as_array().expect("concepts");
    assert_eq!(groups.len(), 3, "the first three where they have an order");
    let facts = groups[0]["facts"].as_str().expect("facts");
    assert!(
        facts.contains(" outside the objects; in 32 images of other"),
        "{facts}"
    );
    let notes = class["concepts"]["notes"].to_string();
    assert!(notes.contains("The residual is"), "{notes}");
    let strip = &groups[0]["strip"];
    assert_eq!(strip["title"], "Concept 1");
    let figures = strip["figures"].as_array().expect("figures");
    assert_eq!(figures.len(), 10);
    assert!(
        figures
            .iter()
            .all(|figure| figure["panels"][0]["picture"].is_u64())
    );
    let clusters = class["concepts"]["clusters"].as_array().expect("clusters");
    assert!(clusters.len() >= 2, "{clusters:?}");
    for label in ["c4", "c5"] {
        let classes = document["classes"].as_array().expect("classes");
        let small = classes.iter().find(|class| class["label"] == label);
        assert!(small.expect("pictures")["concepts"].is_null());
    }

    // Without room the pictures are left out, and counted.
    let bounded = page(&run, 2_000);
    assert!(bounded.contains("pictures are beyond the budget"));
}

#[test]
fn a_concept_becomes_a_region_by_the_printed_lines() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path());
    let text = pipeline(dir.path());
    let run = audit(&plan(dir.path(), "region", &text, &[])).folder;

    let concept = |more: &[&str]| {
        let run = run.display().to_string();
        let mut arguments = vec!["concept", &run, "--class", "c2"];
        arguments.extend(more);
        camaudit(&arguments)
    };
    let table = concept(&[]);
    assert!(table.status.success(), "{:?}", stderr(&table));
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("Order: outside objects"), "{table}");
    for (more, expected) in [
        (["--concept", "9"], "no concept 9"),
        (["--class", "c4"], "no concepts of class \"c4\""),
    ] {
        let run = run.display().to_string();
        let class = ["--class", "c2"];
        let class = if more[0] == "--class" {
            &[][..]
        } else {
            &class[..]
        };
        let output = camaudit(&[&["concept", run.as_str()], class, &more].concat());
        let errors = stderr(&output).join("\n");
        assert!(errors.contains(expected), "{errors}");
    }

    let out = dir.path().join("as region").display().to_string();
    let output = concept(&["--concept", "1", "--as-region", "--out", &out]);
    assert!(output.status.success(), "{:?}", stderr(&output));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(lines.contains("holds the 95 boxes"), "{lines}");
    let (head, region) = lines.split_once("\n\n").expect("two parts");
    let boxes = head.lines().last().expect("the boxes");
    assert!(boxes.starts_with("boxes = \""), "{boxes}");
    let declared = text.replace("boxes = \"boxes.csv\"", boxes);
    let declared = format!("{declared}{region}");
    let declared = declared.replace("max_candidates = 0", "max_candidates = 1");
    let outcome = audit(&plan(dir.path(), "declared", &declared, &[]));

    let findings = &outcome.summary.findings;
    let finding = findings.iter().find(|f| f.region == "concept-c2-1");
    let finding = finding.unwrap_or_else(|| panic!("{findings:#?}"));
    assert_eq!(finding.label, "c2");
    let evidence = finding.confounder().expect("a confounder");
    let present = evidence.counts.present.expect("a count");
    assert!((18..=22).contains(&present), "{:?}", evidence.counts);
    assert_eq!(evidence.counts.others_present, 0, "{:?}", evidence.counts);
    assert!(finding.verdict.is_reported(), "{finding:#?}");
    assert!(evidence.intervention.is_some() || finding.not_tested.is_some());
}

#[test]
fn filling_in_tells_a_concept_that_the_model_uses() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path());
    let text = pipeline(dir.path());
    let run = audit(&plan(dir.path(), "used", &text, &[])).folder;

    let used = |concept: u32| {
        let number = concept.to_string();
        let run = run.display().to_string();
        let output = camaudit(&[
            "concept",
            &run,
            "--class",
            "c2",
            "--concept",
            &number,
            "--used",
        ]);
        assert!(output.status.success(), "{:?}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // The network looks for the mark; the colour of the photos is filled in by itself.
    let mark = used(1);
    assert!(mark.contains("in the 20 images that show it"), "{mark}");
    assert!(
        mark.contains("The model uses what these cells show"),
        "{mark}"
    );
    let others: Vec<String> = (2..=5).map(used).collect();
    let unshown = others.iter().filter(|text| text.contains("not excluded"));
    assert!(unshown.count() >= 2, "{others:#?}");
    assert_eq!(used(1), mark, "another answer to the same question");
}
