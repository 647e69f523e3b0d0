//! Concepts and heat clusters: against NumPy and SciPy, and from outside on drawn photos.

use crate::support::{audit, camaudit, close, fixtures, json, page, plan, stderr};
use camaudit::evidence::discovery::concepts::{
    ConceptImage, OtherImage, class_concepts, contributions, elsewhere, factorise, project,
};
use camaudit::evidence::discovery::heat_clusters::{
    ImageHeat, clusters_by_gap, heat_clusters, spectrum,
};
use camaudit::finding::{ConceptOrder, FindingOrigin};
use camaudit::tables::{ConceptRow, HeatClusterRow, ImageRow, decode};
use image::{Rgb, RgbImage};
use nalgebra::DMatrix;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Random numbers as in `fixtures/make_concepts.py`.
struct Levels(u32);

impl Levels {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 24) / 256.0
    }

    fn rows(&mut self, rows: usize, columns: usize) -> Vec<Vec<f64>> {
        (0..rows)
            .map(|_| (0..columns).map(|_| self.next()).collect())
            .collect()
    }
}

const IMAGES: usize = 12;
const CELLS: usize = 9;
const CHANNELS: usize = 20;
const RANK: usize = 4;

fn power(rows: Vec<Vec<f64>>, exponent: i32) -> Vec<Vec<f64>> {
    let row = |row: Vec<f64>| row.into_iter().map(|x| x.powi(exponent)).collect();
    rows.into_iter().map(row).collect()
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    let list = value.as_array().expect("a list").iter();
    list.map(|x| x.as_f64().expect("a number")).collect()
}

/// One cell a column.
fn matrix(rows: &[Vec<f64>]) -> DMatrix<f32> {
    let columns = rows.first().map_or(0, Vec::len);
    DMatrix::from_fn(columns, rows.len(), |channel, cell| {
        rows[cell][channel] as f32
    })
}

#[test]
fn concepts_are_those_of_numpy_and_their_sum_is_the_logit() {
    let golden = json(&fixtures().join("golden/concepts.json"));
    let mut levels = Levels(1);
    let parts = power(levels.rows(5, CHANNELS), 4);
    let amounts = power(levels.rows(IMAGES * CELLS, 5), 3);
    let noise = levels.rows(IMAGES * CELLS, CHANNELS);
    let mut features = Vec::new();
    for (amounts, noise) in amounts.iter().zip(noise) {
        let sum = |k: usize| -> f64 { amounts.iter().zip(&parts).map(|(a, p)| a * p[k]).sum() };
        let cell = noise.iter().enumerate().map(|(k, n)| sum(k) + 0.05 * n);
        features.push(cell.collect::<Vec<f64>>());
    }
    let start = levels.rows(RANK, CHANNELS);
    let start = DMatrix::from_fn(RANK, CHANNELS, |k, c| start[k][c] as f32 + 0.01);
    let weights: Vec<f64> = levels.rows(1, CHANNELS)[0]
        .iter()
        .map(|w| w - 0.4)
        .collect();

    let factors = factorise(&matrix(&features), start, 30);
    for k in 0..RANK {
        let expected = numbers(&golden["directions"][k]);
        for (channel, expected) in expected.into_iter().enumerate() {
            let found = f64::from(factors.directions[(k, channel)]);
            close(found, expected, 2e-3, &format!("direction {k} {channel}"));
        }
    }

    let dot = |cell: &Vec<f64>| cell.iter().zip(&weights).map(|(a, w)| a * w).sum::<f64>();
    let image = |place: usize| ConceptImage {
        image: place as u128,
        cells: Vec::new(),
        weights: weights.clone(),
        map: features[place * CELLS..][..CELLS].iter().map(dot).collect(),
        bias: 0.25,
        on_objects: None,
        held_out: true,
        correct: true,
    };
    let images: Vec<ConceptImage> = (0..IMAGES).map(image).collect();
    let mut compared = 0;
    for (i, found) in contributions(&factors, &images).into_iter().enumerate() {
        let presence = numbers(&golden["presence"][i]);
        let expected = numbers(&golden["contributions"][i]);
        let mut sum = found.residual + found.bias;
        for k in 0..RANK {
            let what = format!("image {i}, concept {k}");
            close(found.presence[k], presence[k], 2e-3, &what);
            close(found.of_concepts[k], expected[k], 2e-3, &what);
            sum += found.of_concepts[k];
            compared += 1;
        }
        let residual = golden["residual"][i].as_f64().expect("a residual");
        close(found.residual, residual, 2e-3, "residual");
        let logit = golden["logits"][i].as_f64().expect("a logit");
        close(sum, logit, 1e-9, "logit");
    }
    assert_eq!(compared, IMAGES * RANK);

    let others = power(levels.rows(2 * CELLS, CHANNELS), 2);
    let projected = project(&matrix(&others), &factors.directions);
    for cell in 0..2 * CELLS {
        for (k, expected) in numbers(&golden["projected"][cell]).into_iter().enumerate() {
            let found = f64::from(projected[(k, cell)]);
            close(found, expected, 1e-2, &format!("cell {cell}, concept {k}"));
        }
    }
}

fn heat() -> Vec<ImageHeat> {
    let mut levels = Levels(7);
    let mut images = Vec::new();
    for image in 0..45 {
        let mut map: Vec<f64> = levels.rows(5, 5).concat();
        map.iter_mut().for_each(|heat| *heat = 0.2 * *heat - 0.05);
        let (row, column) = [(0, 0), (0, 3), (3, 1)][image % 3];
        let more = 1.0 + levels.next();
        for cell in [0, 1, 5, 6] {
            map[5 * row + column + cell] += more;
        }
        images.push(ImageHeat {
            image: image as u128,
            map,
            correct: image % 9 != 0,
        });
    }
    images
}

#[test]
fn eigenvalues_and_clusters_are_those_of_scipy() {
    let golden = json(&fixtures().join("golden/concepts.json"));
    let mut images = heat();
    let mut maps = Vec::new();
    for image in &images {
        let positive: Vec<f64> = image.map.iter().map(|heat| heat.max(0.0)).collect();
        let sum: f64 = positive.iter().sum();
        maps.push(positive.iter().map(|heat| heat / sum).collect::<Vec<f64>>());
    }
    let maps: Vec<&[f64]> = maps.iter().map(Vec::as_slice).collect();
    let values = spectrum(&maps).values;
    let expected = numbers(&golden["eigenvalues"]);
    assert_eq!(values.len(), expected.len());
    for (found, expected) in values.iter().zip(expected) {
        close(*found, expected, 1e-9, "eigenvalue");
    }
    let count = golden["clusters"].as_u64().expect("a count") as usize;
    assert_eq!(clusters_by_gap(&values), count);

    // A map that stands there twice counts once, and one without heat does not.
    images.push(ImageHeat {
        image: 100,
        ..images[3].clone()
    });
    images.push(ImageHeat {
        image: 101,
        map: vec![-1.0; 25],
        correct: true,
    });
    let clusters = heat_clusters(&images, 1);
    assert_eq!(clusters.len(), count);
    let mut wanted: BTreeMap<u64, BTreeSet<u128>> = BTreeMap::new();
    let labels = golden["labels"].as_array().expect("labels");
    for (image, label) in labels.iter().enumerate() {
        let label = label.as_u64().expect("a label");
        wanted.entry(label).or_default().insert(image as u128);
    }
    let wanted: BTreeSet<BTreeSet<u128>> = wanted.into_values().collect();
    let sets = clusters.iter().map(|c| c.members.iter().copied().collect());
    assert_eq!(sets.collect::<BTreeSet<BTreeSet<u128>>>(), wanted);
    for cluster in &clusters {
        close(
            f64::from(cluster.mean.iter().sum::<f32>()),
            1.0,
            1e-5,
            "mean",
        );
        let wrong = cluster.members.iter().filter(|image| **image % 9 == 0);
        assert_eq!(cluster.wrong.len(), wrong.count());
        assert_eq!(cluster.examples.len(), 6);
    }
    assert!(heat_clusters(&images[..12], 1).is_empty());
}

/// Images of two parts: all have the first on the left, which is the object; some have the second
/// on the right, and those are right.
fn two_parts() -> Vec<ConceptImage> {
    let mut levels = Levels(3);
    let mut images = Vec::new();
    for place in 0..60_u32 {
        let has_second = place % 3 == 0;
        let mut cells = Vec::new();
        for cell in 0..4 {
            for channel in 0..6 {
                let second = has_second && cell == 3 && channel >= 3;
                let strength = match channel {
                    0..3 if cell < 2 => 1.0 + levels.next(),
                    _ if second => 2.0 + levels.next(),
                    _ => 0.02 * levels.next(),
                };
                cells.push(strength as f32);
            }
        }
        let weights = vec![0.2, 0.2, 0.2, 0.5, 0.5, 0.5];
        let of_cell = |cell: &[f32]| -> f64 {
            let pairs = cell.iter().zip(&weights);
            pairs.map(|(a, w)| f64::from(*a) * w).sum()
        };
        images.push(ConceptImage {
            image: u128::from(place),
            map: cells.chunks(6).map(of_cell).collect(),
            cells,
            weights,
            bias: 0.0,
            on_objects: Some(vec![1.0, 1.0, 0.0, 0.0]),
            held_out: true,
            correct: has_second,
        });
    }
    images
}

#[test]
fn concepts_are_ordered_by_what_is_known_of_the_class() {
    let mut with_objects = two_parts();
    let mut with_errors = two_parts();
    let mut trained_on = two_parts();
    for image in with_errors.iter_mut().chain(&mut trained_on) {
        image.on_objects = None;
    }
    for image in &mut trained_on {
        image.held_out = false;
    }
    for (images, order) in [
        (&mut with_objects, ConceptOrder::OutsideObjects),
        (&mut with_errors, ConceptOrder::RightLessWrong),
        (&mut trained_on, ConceptOrder::Unordered),
    ] {
        let found = class_concepts(images, 5);
        assert_eq!(found.order, order);
        assert!(found.explained > 0.95, "{}", found.explained);
        let first = &found.concepts[0];
        assert_eq!(
            first.outside.is_some(),
            order == ConceptOrder::OutsideObjects
        );
        assert_eq!(
            first.right_less_wrong.is_some(),
            order != ConceptOrder::Unordered
        );
        if order != ConceptOrder::Unordered {
            assert!(
                first.strongest.iter().all(|s| s.image % 3 == 0),
                "{first:?}"
            );
        }
        let shares: f64 = found.concepts.iter().map(|c| c.share.max(0.0)).sum();
        close(shares, 1.0, 1e-9, "shares");

        // Another class shows the second part alone, in every cell.
        let other = |class: u32| OtherImage {
            class,
            cells: [0.0, 0.0, 0.0, 3.0, 3.0, 3.0].repeat(4),
        };
        let elsewhere = elsewhere(1, &found.concepts, &[other(0), other(1)]);
        assert_eq!(elsewhere.images, 1, "its own class is no other");
        for (concept, presence) in found.concepts.iter().zip(&elsewhere.presence) {
            let second: f32 = concept.direction[3..].iter().sum();
            assert_eq!(*presence > 0.5, second > 1.0, "{concept:?} {presence}");
        }
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
    assert!(scope.contains("8 concepts of 1 classes"), "{scope}");
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

    let document = document(&page(&run, 10_000_000));
    let class = &document["classes"][0];
    assert_eq!(class["label"], "c2");
    let groups = class["concepts"]["groups"].as_array().expect("concepts");
    assert_eq!(groups.len(), 3, "the first three where they have an order");
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

/// What the report gives its scripts.
fn document(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"document\">").expect("a document");
    let (text, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(text).expect("JSON")
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
