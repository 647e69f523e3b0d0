//! Whether the model's features show which images of a class are inside a rule: a ridge regression
//! on its pooled features, scored on images that it was not fitted on.

use crate::evidence::sampling::rank;

/// Fewest images inside a rule, and outside.
pub const FEW_IMAGES: usize = 8;
const FOLDS: usize = 5;
const REPEATS: u64 = 2;
const RIDGE: f64 = 1.0;
/// Of the mean deviation of the features, added to each one's: features that hardly vary are noise.
const DEVIATION_PART: f64 = 0.1;

/// An image of the class.
#[derive(Debug, Clone)]
pub struct FeatureImage {
    pub id: u128,
    pub is_inside: bool,
    /// The pooled features.
    pub features: Vec<f32>,
}

/// The area under the ROC curve, the mean over the repeats; `None` with fewer than 8 images inside
/// or outside, or where the features do not vary.
pub fn visible(images: &[FeatureImage], seed: u64) -> Option<f64> {
    let inside = images.iter().filter(|image| image.is_inside).count();
    if inside < FEW_IMAGES || images.len() - inside < FEW_IMAGES {
        return None;
    }
    let kernel = kernel(images)?;
    let mut total = 0.0;
    for repeat in 0..REPEATS {
        let folds = folds(images, seed.wrapping_add(repeat));
        let mut scores = vec![0.0; images.len()];
        for fold in 0..FOLDS {
            score_fold(images, &kernel, &folds, fold, &mut scores)?;
        }
        total += area_under_curve(images, &scores);
    }
    Some(total / REPEATS as f64)
}

/// Inner products of the standardised features, divided by their number.
fn kernel(images: &[FeatureImage]) -> Option<Vec<Vec<f64>>> {
    let rows = standardised(images)?;
    let features = rows.first()?.len() as f64;
    let mut kernel = vec![vec![0.0; rows.len()]; rows.len()];
    for i in 0..rows.len() {
        for j in 0..=i {
            let product: f64 = rows[i].iter().zip(&rows[j]).map(|(a, b)| a * b).sum();
            kernel[i][j] = product / features;
            kernel[j][i] = kernel[i][j];
        }
    }
    Some(kernel)
}

fn standardised(images: &[FeatureImage]) -> Option<Vec<Vec<f64>>> {
    let n = images.len() as f64;
    let count = images.first()?.features.len();
    let mut means = vec![0.0; count];
    let mut deviations = vec![0.0; count];
    for image in images {
        for (mean, x) in means.iter_mut().zip(&image.features) {
            *mean += f64::from(*x) / n;
        }
    }
    for image in images {
        for (k, x) in image.features.iter().enumerate() {
            deviations[k] += (f64::from(*x) - means[k]).powi(2) / n;
        }
    }
    for deviation in &mut deviations {
        *deviation = deviation.sqrt();
    }
    let least = DEVIATION_PART * deviations.iter().sum::<f64>() / count.max(1) as f64;
    if least <= 0.0 {
        return None;
    }

    let mut rows = Vec::with_capacity(images.len());
    for image in images {
        let values = image.features.iter().enumerate();
        let row = values.map(|(k, x)| (f64::from(*x) - means[k]) / (deviations[k] + least));
        rows.push(row.collect());
    }
    Some(rows)
}

/// The fold of each image, by hash.
fn folds(images: &[FeatureImage], seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.sort_by_key(|i| rank(seed, images[*i].id));
    let mut folds = vec![0; images.len()];
    for (place, image) in order.into_iter().enumerate() {
        folds[image] = place % FOLDS;
    }
    folds
}

/// Scores the images of one fold by a fit on the others.
fn score_fold(
    images: &[FeatureImage],
    kernel: &[Vec<f64>],
    folds: &[usize],
    fold: usize,
    scores: &mut [f64],
) -> Option<()> {
    let (tested, fitted): (Vec<usize>, Vec<usize>) =
        (0..images.len()).partition(|i| folds[*i] == fold);
    let inside = fitted.iter().filter(|i| images[**i].is_inside).count();
    let part = inside as f64 / fitted.len() as f64;
    if part <= 0.0 || part >= 1.0 {
        return None;
    }

    // Both sides weigh the same.
    let target = |i: &usize| match images[*i].is_inside {
        true => 1.0 / part,
        false => -1.0 / (1.0 - part),
    };
    let targets = fitted.iter().map(target).collect();
    let mut matrix = Vec::with_capacity(fitted.len());
    for &i in &fitted {
        let mut row: Vec<f64> = fitted.iter().map(|j| kernel[i][*j]).collect();
        row[matrix.len()] += RIDGE;
        matrix.push(row);
    }
    let weights = solve(matrix, targets)?;
    for i in tested {
        let pairs = fitted.iter().zip(&weights);
        scores[i] = pairs.map(|(j, weight)| kernel[i][*j] * weight).sum();
    }
    Some(())
}

/// Solves a symmetric positive definite system by Cholesky's method.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for j in 0..n {
        for i in j..n {
            let mut sum = matrix[i][j];
            let pairs = matrix[i].iter().zip(&matrix[j]).take(j);
            sum -= pairs.map(|(a, b)| a * b).sum::<f64>();
            if i == j {
                if sum <= 0.0 {
                    return None;
                }
                matrix[j][j] = sum.sqrt();
            } else {
                matrix[i][j] = sum / matrix[j][j];
            }
        }
    }
    for i in 0..n {
        let known: f64 = (0..i).map(|k| matrix[i][k] * right[k]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| matrix[k][i] * right[k]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    Some(right)
}

/// The part of pairs of an image inside and one outside in which the first scores higher; equal
/// scores count half.
fn area_under_curve(images: &[FeatureImage], scores: &[f64]) -> f64 {
    let (mut pairs, mut higher) = (0.0, 0.0);
    for (inside, score) in images.iter().zip(scores).filter(|(i, _)| i.is_inside) {
        debug_assert!(inside.is_inside);
        for (_, other) in images.iter().zip(scores).filter(|(i, _)| !i.is_inside) {
            pairs += 1.0;
            higher += match score.total_cmp(other) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    higher / f64::max(pairs, 1.0)
}
