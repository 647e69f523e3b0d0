//! Concepts and heat clusters as numbers: against NumPy and SciPy, and on drawn features.

use crate::support::{close, fixtures, json};
use camaudit::evidence::discovery::concepts::{
    ConceptImage, OtherImage, class_concepts, contributions, elsewhere, factorise, project,
};
use camaudit::evidence::discovery::heat_clusters::{
    ImageHeat, clusters_by_gap, heat_clusters, spectrum,
};
use camaudit::finding::ConceptOrder;
use nalgebra::DMatrix;
use std::collections::{BTreeMap, BTreeSet};

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
