//! Labels that are one class of the model are one piece of evidence: one finding, with the counts
//! of each label.

use crate::decision::defaults;
use crate::evidence::{evidence_of, photo, tagged};
use crate::support::{demo_text, plan};
use camaudit::aggregate::Classes;
use camaudit::dataset::LabelMap;
use camaudit::finding::{Finding, LabelCount, Verdict};
use camaudit::plan::Scores;
use camaudit::score::Measurement;
use camaudit::tables::ClassRow;
use camaudit::verdict::findings;

/// The classes of the demo's networks, in their order, and a label of each.
const BOAT: usize = 0;
const CAR: usize = 1;
const HORSE: usize = 2;

const SCORES: Scores = Scores {
    object_visible_min: 0.25,
    confounder_visible_min: 0.5,
    pointing_tolerance_px: 15.0,
};

/// The labels of a set under the table `dataset.labels`.
fn label_map(table: &str, labels: &[&str]) -> LabelMap {
    let folder = tempfile::tempdir().expect("folder");
    let text = format!("{}[dataset.labels]\n{table}\n", demo_text("shortcut.onnx"));
    let plan = plan(folder.path(), "labels", &text, &[]);
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    LabelMap::new(&plan, labels.iter(), 3).unwrap_or_else(|e| panic!("{e}"))
}

/// Photos of a label, of which the first few show the tag.
fn photos(
    first_id: u128,
    label: &str,
    class: usize,
    [present, images]: [u128; 2],
) -> Vec<Measurement> {
    let mut photos = Vec::new();
    for i in 0..images {
        let mut photo = photo(first_id + i, class);
        label.clone_into(&mut photo.image.label);
        photos.push(if i < present { tagged(photo) } else { photo });
    }
    photos
}

/// Ponies and stallions are horses; only ponies carry the tag.
fn ponies_and_stallions() -> Vec<Measurement> {
    [
        photos(0, "pony", HORSE, [40, 60]),
        photos(100, "stallion", HORSE, [0, 80]),
        photos(200, "car", CAR, [1, 100]),
        photos(300, "boat", BOAT, [0, 50]),
    ]
    .concat()
}

/// The rows by class and by label, and the findings.
fn audited(photos: &[Measurement], labels: &LabelMap) -> ([Vec<ClassRow>; 2], Vec<Finding>) {
    let mut classes = Classes::default();
    for photo in photos {
        classes.add(photo, &SCORES);
    }
    let (pooled, by_label) = (classes.pooled_rows(labels), classes.rows(labels));
    let pairs = evidence_of(photos).pairs(&labels.pooled_names(), &defaults());
    let findings = findings(&pooled, &by_label, &pairs, &defaults());
    ([pooled, by_label], findings)
}

fn count(label: &str, present: u32, images: u32) -> LabelCount {
    LabelCount {
        label: label.into(),
        present: Some(present),
        images,
    }
}

#[test]
fn labels_of_one_class_make_one_finding() {
    let table = "pony = \"horse\"\nstallion = \"horse\"";
    let labels = label_map(table, &["boat", "car", "pony", "stallion"]);
    let ([pooled, by_label], findings) = audited(&ponies_and_stallions(), &labels);

    let names: Vec<&str> = findings.iter().map(|f| f.label.as_str()).collect();
    assert_eq!(
        names,
        ["boat", "car", "horse"],
        "nothing about a pony or a stallion alone"
    );
    let horse = &findings[2];
    assert_eq!((horse.class, horse.region.as_str()), (HORSE as u32, "tag"));
    assert_ne!(horse.verdict, Verdict::None);

    let evidence = horse.confounder().expect("a confounder");
    assert_eq!(
        evidence.labels,
        [count("pony", 40, 60), count("stallion", 0, 80)]
    );
    assert_eq!(
        (evidence.counts.present, evidence.counts.images),
        (Some(40), 140)
    );
    let others = (
        evidence.counts.others_present,
        evidence.counts.others_images,
    );
    assert_eq!(others, (1, 150));
    let association = evidence.association.expect("A");
    let groups = |count: camaudit::finding::GroupCount| (count.present, count.groups);
    assert_eq!(groups(association.in_class), (40, 140));
    assert_eq!(
        groups(association.in_others),
        (1, 150),
        "stallions are no other class"
    );
    for other in &findings[..2] {
        assert!(
            other.confounder().expect("a confounder").labels.is_empty(),
            "{}",
            other.label
        );
    }

    // The table by label stays as it is; the sums of a class are those of its labels.
    let tag = |rows: &[ClassRow]| -> Vec<(String, u32, Option<u32>)> {
        let rows = rows.iter().filter(|row| row.region == "tag");
        rows.map(|row| (row.label.clone(), row.images, row.present))
            .collect()
    };
    let row = |label: &str, images, present| (label.to_owned(), images, Some(present));
    let (boat, car) = (row("boat", 50, 0), row("car", 100, 1));
    let expected = [boat.clone(), car.clone(), row("horse", 140, 40)];
    assert_eq!(tag(&pooled), expected);
    let expected = [boat, car, row("pony", 60, 40), row("stallion", 80, 0)];
    assert_eq!(tag(&by_label), expected);
}

/// The same photos under one label have the same evidence.
#[test]
fn pooled_labels_have_the_evidence_of_one_label() {
    let table = "pony = \"horse\"\nstallion = \"horse\"";
    let labels = label_map(table, &["boat", "car", "pony", "stallion"]);
    let (_, of_two) = audited(&ponies_and_stallions(), &labels);

    let mut photos = ponies_and_stallions();
    for photo in photos.iter_mut().filter(|photo| photo.image.class == HORSE) {
        "horse".clone_into(&mut photo.image.label);
    }
    let labels = LabelMap::without_model(["boat", "car", "horse"].map(str::to_owned).iter());
    let (_, of_one) = audited(&photos, &labels);

    let mut of_two = of_two;
    let camaudit::finding::FindingEvidence::Confounder(evidence) = &mut of_two[2].evidence else {
        panic!("no confounder");
    };
    evidence.labels.clear();
    assert_eq!(of_two, of_one);
}

#[test]
fn pooled_names_are_labels_or_classes_and_all_different() {
    for (table, labels, expected) in [
        (
            "pony = \"horse\"",
            &["boat", "car", "pony"][..],
            ["boat", "car", "pony"],
        ),
        (
            "pony = \"horse\"\nfoal = \"horse\"",
            &["boat", "car", "pony", "foal"],
            ["boat", "car", "horse"],
        ),
        // The label that is called as the class is one of its labels.
        (
            "pony = \"horse\"",
            &["boat", "car", "horse", "pony"],
            ["boat", "car", "horse"],
        ),
        // Another class has a label of that name.
        (
            "pony = \"horse\"\nfoal = \"horse\"\nhorse = \"car\"",
            &["boat", "horse", "pony", "foal"],
            ["boat", "horse", "horse (class 2)"],
        ),
    ] {
        let names = label_map(table, labels).pooled_names();
        let names: Vec<(usize, &str)> = names.iter().map(|(c, name)| (*c, name.as_str())).collect();
        let expected: Vec<(usize, &str)> = expected.into_iter().enumerate().collect();
        assert_eq!(names, expected, "{table}");
    }
}

/// The maps of a class are those of all of its labels.
#[test]
fn mean_maps_are_pooled_too() {
    let mut classes = Classes::default();
    for (mut photo, value) in ponies_and_stallions().into_iter().zip(1_u16..) {
        photo.maps[0].cam = vec![f32::from(value)];
        classes.add(&photo, &SCORES);
    }
    let maps = classes.maps(HORSE as u32, "tag").expect("both kinds");
    let means = maps.each_ref().map(|map| (map.images, map.mean()));
    // 41 to 140 without the tag, 1 to 40 with it.
    assert_eq!(means, [(100, vec![90.5]), (40, vec![20.5])]);
    assert!(
        classes.maps(BOAT as u32, "tag").is_none(),
        "no image with the region"
    );
}
