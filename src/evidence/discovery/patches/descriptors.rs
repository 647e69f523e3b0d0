//! What a cell of the feature maps shows, as a short vector: centred, reduced to the largest
//! principal components, whitened, of length 1.

use crate::perturb::SeededRng;
use nalgebra::{DMatrix, SymmetricEigen};

/// Principal components that are kept.
const COMPONENTS: usize = 64;
/// More than are kept, so that the kept ones converge.
const SUBSPACE: usize = 72;
const ITERATIONS: usize = 6;
/// Cells that the components are fitted to.
const FITTED_MAX: usize = 4_000;
/// Variance, as a part of the largest, from which a component is noise.
const VARIANCE_MIN: f32 = 1e-6;

/// Descriptors, one a row; empty where the cells do not differ. `cells` has the features of one
/// cell a row.
pub fn descriptors(mut cells: DMatrix<f32>, seed: u64) -> DMatrix<f32> {
    let mean = cells.row_mean();
    for mut row in cells.row_iter_mut() {
        row -= &mean;
    }
    let projection = whitening(&cells, seed);
    let mut descriptors = cells * projection;
    for mut row in descriptors.row_iter_mut() {
        let length = row.norm();
        if length > 0.0 {
            row /= length;
        }
    }
    descriptors
}

/// The principal axes, each divided by the standard deviation along it: by subspace iteration from
/// a seeded start, since a full decomposition of 2,048 channels takes seconds.
fn whitening(centred: &DMatrix<f32>, seed: u64) -> DMatrix<f32> {
    let channels = centred.ncols();
    let step = centred.nrows().div_ceil(FITTED_MAX).max(1);
    let fitted: Vec<usize> = (0..centred.nrows()).step_by(step).collect();
    let rows = centred.select_rows(&fitted);
    let columns = rows.transpose();

    let mut rng = SeededRng::new(seed, &["principal components"]);
    let width = SUBSPACE.min(channels);
    let mut basis = DMatrix::from_fn(channels, width, |_, _| (2.0 * rng.unit() - 1.0) as f32);
    for _ in 0..ITERATIONS {
        let image = &columns * (&rows * &basis);
        basis = image.qr().q();
    }

    let reduced = &rows * &basis;
    let covariance = reduced.transpose() * &reduced / rows.nrows().max(1) as f32;
    let eigen = SymmetricEigen::new(covariance);
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));

    let largest = order.first().map_or(0.0, |first| eigen.eigenvalues[*first]);
    order.retain(|at| eigen.eigenvalues[*at] > VARIANCE_MIN * largest.max(f32::MIN_POSITIVE));
    order.truncate(COMPONENTS);

    let mut axes = basis * eigen.eigenvectors.select_columns(&order);
    for (mut axis, at) in axes.column_iter_mut().zip(&order) {
        axis /= eigen.eigenvalues[*at].sqrt();
    }
    axes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels that differ much, one that differs little, one that never does.
    fn cells() -> DMatrix<f32> {
        let mut rng = SeededRng::new(7, &["cells"]);
        DMatrix::from_fn(300, 4, |_, channel| {
            let scale = [100.0, 10.0, 1.0, 0.0][channel];
            5.0 + scale * (rng.unit() as f32 - 0.5)
        })
    }

    #[test]
    fn channels_count_alike_whatever_their_scale() {
        let mut cells = cells();
        for mut row in cells.row_iter_mut() {
            row -= &DMatrix::from_element(1, 4, 5.0_f32).row(0);
        }
        let whitened = &cells * whitening(&cells, 0);
        assert_eq!(whitened.ncols(), 3, "the constant channel is dropped");
        let covariance = whitened.transpose() * &whitened / 300.0;
        for (row, column) in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)] {
            let expected = if row == column { 1.0 } else { 0.0 };
            let found = covariance[(row, column)];
            assert!((found - expected).abs() < 0.01, "{covariance}");
        }
    }

    #[test]
    fn cells_that_do_not_differ_have_no_descriptor() {
        let found = descriptors(DMatrix::from_element(20, 4, 3.0), 0);
        assert_eq!(found.ncols(), 0);
    }
}
