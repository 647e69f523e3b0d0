//! The surroundings of objects: which images are filled, and the classes that are listed for their
//! heat alone.

use crate::support::{audit, demo_text, fixtures, numbers, parquet, plan, root, texts};
use camaudit::dataset::ImageId;
use camaudit::evidence::Evidence;
use camaudit::finding::{Estimate, FindingEvidence, MapTarget, SurroundingsEvidence, Verdict};
use camaudit::geometry::Size;
use camaudit::plan::Verdicts as Policy;
use camaudit::region::Kind;
use camaudit::score::{
    ImageFacts, MapMeasurement, Measurement, ObjectMeasurement, RegionMeasurement, RegionScores,
};
use camaudit::tables::ClassRow;
use camaudit::verdict::{least_on_objects, surroundings_findings};
use polars::prelude::DataFrame;
use std::path::Path;

/// The documented defaults of `[verdict]`.
fn defaults() -> Policy {
    let folder = tempfile::tempdir().expect("folder");
    plan(folder.path(), "defaults", &demo_text("shortcut.onnx"), &[]).verdict
}

/// A photo of class 0 that is predicted correctly, with annotated objects.
fn photo(id: u128, group: &str, is_tagged: bool) -> Measurement {
    let object = ObjectMeasurement {
        visible: 1.0,
        share: None,
        area: None,
        localisation: None,
    };
    let region = RegionMeasurement {
        region: "tag".into(),
        kind: Kind::Confounder,
        present: Some(is_tagged),
        place: None,
        scores: RegionScores::default(),
        contrast: Some(0.0),
    };
    let map = MapMeasurement {
        target: MapTarget::Label,
        class: 0,
        logit: 0.0,
        centred_logit: 0.0,
        margin: 0.0,
        bias: 0.0,
        positive_mass: 1.0,
        negative_mass: 0.0,
        low_mass: false,
        object: Some(object),
        border_share: None,
        entropy: None,
        cells: [1, 1],
        cam: vec![0.0],
        regions: vec![region],
    };
    Measurement {
        image: ImageFacts {
            id: ImageId(id),
            path: format!("{id}.jpg"),
            label: "train".into(),
            class: 0,
            split: None,
            group: Some(group.into()),
            size: Size::new(8, 8),
            predicted: 0,
            predicted_name: "train".into(),
            content_hash: String::new(),
            fingerprint: None,
        },
        maps: vec![map],
    }
}

/// Images to fill of photos `(id, group, is_tagged)`, with at least so many groups without a tag.
fn chosen(photos: &[(u128, &str, bool)], groups_min: u32) -> Vec<(u128, bool)> {
    let mut evidence = Evidence::new(7);
    for (id, group, is_tagged) in photos {
        evidence.add(&photo(*id, group, *is_tagged), true);
    }
    evidence.object_images.of_class(0, groups_min)
}

#[test]
fn images_without_a_confounder_are_preferred() {
    let photos = [
        (1, "a", false),
        (2, "b", true),
        (3, "c", false),
        (4, "d", true),
        // The same group as 1: one image of a group.
        (5, "a", true),
    ];
    let enough = chosen(&photos, 2);
    let mut ids: Vec<u128> = enough.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 3]);
    assert!(enough.iter().all(|(_, is_tagged)| !is_tagged));

    let all = chosen(&photos, 3);
    assert_eq!(
        all[..2],
        enough[..],
        "those without a confounder come first"
    );
    let mut others = all[2..].to_vec();
    others.sort_unstable();
    assert_eq!(others, [(2, true), (4, true)]);

    let tagged = [(2, "b", true), (4, "d", true)];
    assert_eq!(chosen(&tagged, 1).len(), 2, "all show it");
    assert!(chosen(&[], 1).is_empty());
}

fn class_row(label: &str, class: u32, share: Option<f64>, measured: u32) -> ClassRow {
    ClassRow {
        label: label.into(),
        label_index: class,
        region: "object".into(),
        kind: "object".into(),
        images: measured,
        correct: measured,
        low_mass: 0,
        present: None,
        measured,
        share_mean: share,
        share_counts: vec![0; 10],
        area_mean: None,
        lift: None,
        excess_mean: None,
        relative_contribution_mean: None,
        visible_mean: None,
        unseen: 0,
    }
}

fn tested(images: u32, kept_low: f64) -> SurroundingsEvidence {
    let rate = Estimate {
        value: 0.8,
        low: kept_low,
        high: 0.9,
    };
    SurroundingsEvidence {
        images,
        kept: images,
        rate: Some(rate),
        net: Some(rate),
        ..SurroundingsEvidence::default()
    }
}

/// Label, verdict and share of every listed class.
fn listed(
    filled: &[(usize, SurroundingsEvidence)],
    rows: &[ClassRow],
) -> Vec<(String, Verdict, Option<f64>)> {
    let findings = surroundings_findings(filled, rows, &defaults());
    let rows = findings.iter().map(|finding| {
        let FindingEvidence::Surroundings(evidence) = finding.evidence else {
            panic!("{:?}", finding.evidence);
        };
        let effect = evidence.rate.map(|rate| rate.value);
        assert_eq!(finding.effect, effect, "{}", finding.label);
        (
            finding.label.clone(),
            finding.verdict,
            evidence.object_share,
        )
    });
    rows.collect()
}

/// Half of the heat, ten measured images, and what a test of the surroundings changes.
#[test]
fn heat_off_the_objects_is_listed_unless_the_class_is_a_candidate() {
    let rows = [
        class_row("half", 0, Some(0.5), 40),
        class_row("under half", 1, Some(0.496_093_75), 10),
        class_row("too few", 2, Some(0.1), 9),
        class_row("no heat", 3, None, 0),
        class_row("candidate", 4, Some(0.1), 40),
        class_row("not kept", 5, Some(0.1), 40),
        class_row("few filled", 6, Some(0.1), 40),
        class_row("few filled, on objects", 7, Some(0.9), 40),
        class_row("not kept, on objects", 8, Some(0.9), 40),
    ];
    let filled = [
        (4, tested(10, 0.6)),
        (5, tested(10, 0.3)),
        (6, tested(9, 0.6)),
        (7, tested(9, 0.6)),
        (8, tested(10, 0.3)),
    ];
    let expected = [
        ("under half", Verdict::SalientOnly, Some(0.496_093_75)),
        ("candidate", Verdict::Candidate, Some(0.1)),
        ("not kept", Verdict::SalientOnly, Some(0.1)),
        ("few filled", Verdict::SalientOnly, Some(0.1)),
        ("few filled, on objects", Verdict::Insufficient, Some(0.9)),
        ("not kept, on objects", Verdict::None, Some(0.9)),
    ];
    let expected = expected.map(|(label, verdict, share)| (label.to_owned(), verdict, share));
    assert_eq!(listed(&filled, &rows), expected);
}

/// Two labels of one class are one class: 6 images with .3 and 18 with .5 have .45 on average.
#[test]
fn labels_of_one_class_are_pooled() {
    let rows = [
        class_row("pony", 3, Some(0.3), 6),
        class_row("horse", 3, Some(0.5), 18),
        class_row("car", 1, Some(0.46), 20),
    ];
    let found = listed(&[], &rows);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        (found[1].0.as_str(), found[1].1),
        ("pony", Verdict::SalientOnly)
    );
    let share = found[1].2.expect("a share");
    assert!((share - 0.45).abs() < 1e-12, "{share}");
    assert_eq!(least_on_objects(&rows, &defaults()), [3, 1], "each once");
}

/// The trains, with further regions.
fn trains(folder: &Path, name: &str, regions: &str) -> DataFrame {
    let text = std::fs::read_to_string(root().join("pipelines/trains.toml")).expect("pipeline");
    let text = text.replace("\"../fixtures", &format!("\"{}", fixtures().display()));
    let plan = plan(folder, name, &(text + regions), &[]);
    parquet(&audit(&plan).folder.join("findings.parquet"))
}

/// Label, verdict, filled images and those with a confounder of the surroundings' findings.
fn of_surroundings(found: &DataFrame) -> Vec<(String, String, f64, f64)> {
    let mut rows = Vec::new();
    for (row, kind) in texts(found, "kind").iter().enumerate() {
        if kind == "context" {
            rows.push((
                texts(found, "label")[row].clone(),
                texts(found, "verdict")[row].clone(),
                numbers(found, "filled")[row].unwrap_or(-1.0),
                numbers(found, "filled_with_confounder")[row].unwrap_or(-1.0),
            ));
        }
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

/// A region that every image shows takes nothing from the test of the surroundings: the same
/// classes, the same images, the same verdicts.
#[test]
fn a_region_that_all_images_show_does_not_switch_the_test_off() {
    let folder = tempfile::tempdir().expect("folder");
    let plain = of_surroundings(&trains(folder.path(), "plain", ""));
    let train = plain.iter().find(|row| row.0 == "train").expect("trains");
    assert_eq!((train.1.as_str(), train.3), ("candidate", 0.0));

    let corner = "[[region]]\nname = \"logo\"\nalways = true\n\
                  corner = { at = \"top-left\", width = 0.2, height = 0.1 }\n";
    let found = trains(folder.path(), "always", corner);
    let always = of_surroundings(&found);
    let with_all: Vec<_> = plain
        .iter()
        .map(|(label, verdict, filled, _)| (label.clone(), verdict.clone(), *filled, *filled))
        .collect();
    assert_eq!(always, with_all);
    let sentences = texts(&found, "sentence");
    let of_trains = sentences
        .iter()
        .find(|s| s.contains("train images are still"));
    let of_trains = of_trains.expect("a sentence");
    assert!(
        of_trains.contains(" of them show a declared confounder; "),
        "{of_trains}"
    );
    assert!(of_trains.contains("lies on its objects ("), "{of_trains}");
}
