//! Non-negative factors of the features of cells: `A ~ U V` with `U, V >= 0`, by hierarchical
//! alternating least squares (Cichocki and Phan 2009).
//!
//! The features of one cell are a column, so that those of an image lie behind each other.

use crate::perturb::SeededRng;
use nalgebra::DMatrix;

/// Added to the start, so that no number is fixed at 0.
const START_FLOOR: f32 = 1e-4;
/// Cells among which the start is chosen.
const START_CELLS: usize = 1_500;
/// Passes over the activations in one iteration, and in all for directions that are given.
const SWEEPS: usize = 2;
const PROJECTION_SWEEPS: usize = 15;
const TINY: f32 = 1e-9;

/// Directions in the space of channels, and how much of each a cell has.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// One direction a row, of length 1.
    pub directions: DMatrix<f32>,
    /// One cell a column.
    pub activations: DMatrix<f32>,
}

/// Directions to start from: cells, each chosen with a chance in proportion to what the earlier
/// ones leave of it.
pub fn start(cells: &DMatrix<f32>, rank: usize, seed: u64) -> DMatrix<f32> {
    let mut rng = SeededRng::new(seed, &["concepts"]);
    let mut chosen = rng.shuffled(cells.ncols());
    chosen.truncate(START_CELLS);
    let squares: Vec<f64> = chosen
        .iter()
        .map(|cell| f64::from(cells.column(*cell).norm_squared()))
        .collect();

    let mut left = squares.clone();
    let mut directions = DMatrix::from_element(rank, cells.nrows(), START_FLOOR);
    for row in 0..rank {
        let Some(pick) = weighted(&left, rng.unit()) else {
            break;
        };
        let cell = cells.column(chosen[pick]);
        let direction = cell / (cell.norm() + TINY);
        for (place, &other) in chosen.iter().enumerate() {
            let along = f64::from(cells.column(other).dot(&direction));
            left[place] = left[place].min((squares[place] - along * along).max(0.0));
        }
        for (value, part) in directions.row_mut(row).iter_mut().zip(direction.iter()) {
            *value += part;
        }
    }
    directions
}

/// The place at which the running sum of the weights exceeds a part of their total; `None` where
/// all are 0.
fn weighted(weights: &[f64], part: f64) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let mut last = None;
    for (place, weight) in weights.iter().enumerate() {
        if *weight > 0.0 {
            sum += weight;
            last = Some(place);
            if sum > part * total {
                break;
            }
        }
    }
    last
}

/// Factors after some iterations from given directions. `cells` must not be negative.
pub fn factorise(cells: &DMatrix<f32>, start: DMatrix<f32>, iterations: usize) -> Factors {
    let mut directions = start;
    let mut activations = &directions * cells;
    activations.apply(|value| *value = value.max(0.0));
    for _ in 0..iterations {
        sweep(cells, &directions, &mut activations, SWEEPS);
        update_directions(cells, &mut directions, &activations);
        normalise(&mut directions, &mut activations);
    }
    Factors {
        directions,
        activations,
    }
}

/// The activations of other cells along given directions.
pub fn project(cells: &DMatrix<f32>, directions: &DMatrix<f32>) -> DMatrix<f32> {
    let mut activations = directions * cells;
    let rank = directions.nrows().max(1) as f32;
    activations.apply(|value| *value = value.max(0.0) / rank);
    sweep(cells, directions, &mut activations, PROJECTION_SWEEPS);
    activations
}

/// Each activation of a cell in turn is set to its best value, the others fixed.
fn sweep(
    cells: &DMatrix<f32>,
    directions: &DMatrix<f32>,
    activations: &mut DMatrix<f32>,
    sweeps: usize,
) {
    let along = directions * cells;
    let products = directions * directions.transpose();
    let rank = directions.nrows();
    let products = products.as_slice();
    if rank == 0 {
        return;
    }
    let targets = along.as_slice().chunks_exact(rank);
    let columns = activations.as_mut_slice().chunks_exact_mut(rank);
    for (cell, target) in columns.zip(targets) {
        for _ in 0..sweeps {
            for row in 0..rank {
                let of_row = &products[row * rank..][..rank];
                let mut sum = 0.0;
                for (value, product) in cell.iter().zip(of_row) {
                    sum += value * product;
                }
                let step = (target[row] - sum) / (of_row[row] + TINY);
                cell[row] = (cell[row] + step).max(0.0);
            }
        }
    }
}

/// Each direction in turn is set to its best value, the others fixed.
fn update_directions(
    cells: &DMatrix<f32>,
    directions: &mut DMatrix<f32>,
    activations: &DMatrix<f32>,
) {
    let turned = activations.transpose();
    // One direction a column.
    let targets = cells * &turned;
    let products = activations * &turned;
    for row in 0..directions.nrows() {
        let mut step = targets.column(row).transpose();
        for other in 0..directions.nrows() {
            step -= directions.row(other) * products[(row, other)];
        }
        step /= products[(row, row)] + TINY;
        let mut direction = directions.row_mut(row);
        direction += step;
        direction.apply(|value| *value = value.max(0.0));
    }
}

/// Gives directions the length 1, and their activations the rest.
fn normalise(directions: &mut DMatrix<f32>, activations: &mut DMatrix<f32>) {
    for row in 0..directions.nrows() {
        let length = directions.row(row).norm() + TINY;
        directions.row_mut(row).unscale_mut(length);
        activations.row_mut(row).scale_mut(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells of two kinds, in turn: the first channels, or the last.
    fn cells() -> DMatrix<f32> {
        DMatrix::from_fn(6, 40, |channel, cell| {
            let is_own = (channel < 3) == cell.is_multiple_of(2);
            let size = 1.0 + cell as f32 / 10.0;
            if is_own { size } else { 0.0 }
        })
    }

    #[test]
    fn the_start_takes_cells_that_differ() {
        let directions = start(&cells(), 2, 7);
        let similarity = directions.row(0).dot(&directions.row(1));
        assert!(similarity < 0.01, "{directions}");
        assert_eq!(directions, start(&cells(), 2, 7));
    }

    #[test]
    fn nothing_is_left_of_cells_of_two_kinds() {
        let cells = cells();
        let factors = factorise(&cells, start(&cells, 2, 7), 20);
        let left = &cells - factors.directions.transpose() * &factors.activations;
        assert!(left.norm() < 1e-3 * cells.norm(), "{}", left.norm());
        let projected = project(&cells, &factors.directions);
        let difference = (projected - &factors.activations).norm();
        assert!(difference < 1e-2, "{difference}");
    }

    #[test]
    fn cells_without_features_have_no_activation() {
        let cells = DMatrix::zeros(4, 10);
        let factors = factorise(&cells, start(&cells, 3, 0), 5);
        assert!(factors.activations.iter().all(|value| *value == 0.0));
    }
}
