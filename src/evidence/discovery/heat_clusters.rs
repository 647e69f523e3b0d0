//! Clusters of the maps of a class, by spectral relevance analysis (SpRAy, Lapuschkin et al. 2019):
//! images whose heat lies alike.

use crate::perturb::SeededRng;
use nalgebra::{DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Neighbours of a map.
const NEIGHBOURS: usize = 10;
/// Eigenvectors that are looked at, which is also the largest number of clusters.
const EIGENVECTORS: usize = 8;
/// Images that are shown of a cluster.
const EXAMPLES: usize = 6;
/// Fewest maps that differ.
const MAPS_MIN: usize = 20;
const RESTARTS: usize = 10;
const ITERATIONS: usize = 100;

/// The map of one image.
#[derive(Debug, Clone)]
pub struct ImageHeat {
    pub image: u128,
    /// In logits, row by row.
    pub map: Vec<f64>,
    /// The model predicts the label.
    pub correct: bool,
}

/// Images whose heat lies alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeatCluster {
    /// In the order in which they were given.
    pub members: Vec<u128>,
    /// Members that the model does not predict as their label.
    pub wrong: Vec<u128>,
    /// The mean of the maps, each of which sums up to 1.
    pub mean: Vec<f32>,
    /// Members nearest to the mean, with their maps.
    pub examples: Vec<(u128, Vec<f32>)>,
}

/// Clusters, the largest first; none with fewer than 20 maps that differ. Of equal maps only the
/// first takes part: they would be each other's neighbours. Maps without positive heat do not.
pub fn heat_clusters(images: &[ImageHeat], seed: u64) -> Vec<HeatCluster> {
    let distinct = distinct(images);
    if distinct.len() < MAPS_MIN {
        return Vec::new();
    }
    let maps: Vec<&[f64]> = distinct.iter().map(|(_, map)| map.as_slice()).collect();
    let spectrum = spectrum(&maps);
    let count = clusters_by_gap(&spectrum.values);
    let labels = k_means(&spectrum.rows(count), count, seed);

    let mut clusters = Vec::new();
    for cluster in 0..count {
        let members: Vec<&(usize, Vec<f64>)> = distinct
            .iter()
            .zip(&labels)
            .filter(|(_, label)| **label == cluster)
            .map(|(member, _)| member)
            .collect();
        if !members.is_empty() {
            clusters.push(described(images, &members));
        }
    }
    clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.members.len()));
    clusters
}

/// The places of the images whose maps differ, and the maps: positive heat, divided by its sum.
fn distinct(images: &[ImageHeat]) -> Vec<(usize, Vec<f64>)> {
    let mut seen: BTreeSet<Vec<u64>> = BTreeSet::new();
    let mut distinct = Vec::new();
    for (place, image) in images.iter().enumerate() {
        let sum: f64 = image.map.iter().map(|heat| heat.max(0.0)).sum();
        if sum <= 0.0 {
            continue;
        }
        let map: Vec<f64> = image.map.iter().map(|heat| heat.max(0.0) / sum).collect();
        if seen.insert(map.iter().map(|part| part.to_bits()).collect()) {
            distinct.push((place, map));
        }
    }
    distinct
}

fn described(images: &[ImageHeat], members: &[&(usize, Vec<f64>)]) -> HeatCluster {
    let cells = members.first().map_or(0, |(_, map)| map.len());
    let mut mean = vec![0.0; cells];
    for (_, map) in members {
        for (sum, part) in mean.iter_mut().zip(map) {
            *sum += part / members.len() as f64;
        }
    }
    let mut nearest = members.to_vec();
    nearest.sort_by(|a, b| squares(&a.1, &mean).total_cmp(&squares(&b.1, &mean)));
    nearest.truncate(EXAMPLES);

    let single = |values: &[f64]| -> Vec<f32> { values.iter().map(|v| *v as f32).collect() };
    let wrong = members.iter().filter(|(place, _)| !images[*place].correct);
    HeatCluster {
        wrong: wrong.map(|(p, _)| images[*p].image).collect(),
        members: members.iter().map(|(p, _)| images[*p].image).collect(),
        examples: nearest
            .iter()
            .map(|(place, map)| (images[*place].image, single(map)))
            .collect(),
        mean: single(&mean),
    }
}

/// Eigenvalues of the Laplacian of the neighbours, the smallest first, and their vectors.
pub struct Spectrum {
    pub values: Vec<f64>,
    vectors: DMatrix<f64>,
}

impl Spectrum {
    /// The first coordinates of each map.
    fn rows(&self, count: usize) -> Vec<Vec<f64>> {
        let rows = self.vectors.row_iter();
        rows.map(|row| row.iter().copied().take(count).collect())
            .collect()
    }
}

/// The spectrum of the symmetric normalised Laplacian `I - D^-1/2 W D^-1/2`, where W joins each map
/// with its 10 nearest ones, in either direction.
pub fn spectrum(maps: &[&[f64]]) -> Spectrum {
    let joined = neighbours(maps);
    let degrees: Vec<f64> = joined.row_iter().map(|row| row.sum()).collect();
    let laplacian = DMatrix::from_fn(maps.len(), maps.len(), |row, column| {
        let own = if row == column { 1.0 } else { 0.0 };
        let scale = (degrees[row] * degrees[column]).sqrt();
        own - joined[(row, column)] / scale.max(f64::MIN_POSITIVE)
    });

    let eigen = SymmetricEigen::new(laplacian);
    let mut order: Vec<usize> = (0..maps.len()).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*a].total_cmp(&eigen.eigenvalues[*b]));
    order.truncate(EIGENVECTORS + 1);
    Spectrum {
        values: order.iter().map(|at| eigen.eigenvalues[*at]).collect(),
        vectors: eigen.eigenvectors.select_columns(&order),
    }
}

fn neighbours(maps: &[&[f64]]) -> DMatrix<f64> {
    let mut joined = DMatrix::zeros(maps.len(), maps.len());
    for (place, map) in maps.iter().enumerate() {
        let mut others: Vec<(f64, usize)> = Vec::new();
        for (other, of_other) in maps.iter().enumerate() {
            if other != place {
                others.push((squares(map, of_other), other));
            }
        }
        others.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, other) in others.into_iter().take(NEIGHBOURS) {
            joined[(place, other)] = 1.0;
            joined[(other, place)] = 1.0;
        }
    }
    joined
}

/// The number of clusters, from 2 to 8, behind which the eigenvalues rise most.
pub fn clusters_by_gap(values: &[f64]) -> usize {
    let mut best = (2, f64::NEG_INFINITY);
    for count in 2..values.len().min(EIGENVECTORS + 1) {
        let gap = values[count] - values[count - 1];
        if gap > best.1 {
            best = (count, gap);
        }
    }
    best.0
}

/// The cluster of each point: the best of several starts (k-means++).
fn k_means(points: &[Vec<f64>], count: usize, seed: u64) -> Vec<usize> {
    let mut rng = SeededRng::new(seed, &["heat clusters"]);
    let mut best = (f64::INFINITY, vec![0; points.len()]);
    for _ in 0..RESTARTS {
        let mut centres = first_centres(points, count, &mut rng);
        let mut labels = Vec::new();
        for _ in 0..ITERATIONS {
            let nearest: Vec<usize> = points.iter().map(|p| nearest(p, &centres)).collect();
            if nearest == labels {
                break;
            }
            labels = nearest;
            move_centres(points, &labels, &mut centres);
        }
        let distances = points.iter().zip(&labels);
        let sum: f64 = distances.map(|(p, l)| squares(p, &centres[*l])).sum();
        if sum < best.0 {
            best = (sum, labels);
        }
    }
    best.1
}

/// Points, each chosen with a chance in proportion to its squared distance to the chosen ones.
fn first_centres(points: &[Vec<f64>], count: usize, rng: &mut SeededRng) -> Vec<Vec<f64>> {
    let mut centres = vec![points[rng.below(points.len())].clone()];
    while centres.len() < count {
        let distance = |point: &Vec<f64>| squares(point, &centres[nearest(point, &centres)]);
        let distances: Vec<f64> = points.iter().map(distance).collect();
        let part = rng.unit() * distances.iter().sum::<f64>();
        let mut sum = 0.0;
        let mut chosen = 0;
        for (place, distance) in distances.iter().enumerate() {
            chosen = place;
            sum += distance;
            if sum > part {
                break;
            }
        }
        centres.push(points[chosen].clone());
    }
    centres
}

fn nearest(point: &[f64], centres: &[Vec<f64>]) -> usize {
    let mut best = (0, f64::INFINITY);
    for (place, centre) in centres.iter().enumerate() {
        let distance = squares(point, centre);
        if distance < best.1 {
            best = (place, distance);
        }
    }
    best.0
}

/// A centre without points stays where it is.
fn move_centres(points: &[Vec<f64>], labels: &[usize], centres: &mut [Vec<f64>]) {
    for (cluster, centre) in centres.iter_mut().enumerate() {
        let members = points.iter().zip(labels).filter(|(_, l)| **l == cluster);
        let members: Vec<&Vec<f64>> = members.map(|(point, _)| point).collect();
        if members.is_empty() {
            continue;
        }
        for (axis, value) in centre.iter_mut().enumerate() {
            let sum: f64 = members.iter().map(|point| point[axis]).sum();
            *value = sum / members.len() as f64;
        }
    }
}

/// The squared distance.
fn squares(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}
