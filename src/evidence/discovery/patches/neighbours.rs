//! Which cells of two images may show the same picture: each cell's nearest ones in other images.

use nalgebra::DMatrix;
use std::collections::BTreeSet;

/// Cells that are compared with all others at once.
const BLOCK: usize = 256;

/// Pairs of rows of different images, the smaller one first: every row with its `nearest` most
/// similar ones. `images` names the image of each row.
pub fn proposals(
    descriptors: &DMatrix<f32>,
    images: &[usize],
    nearest: usize,
) -> BTreeSet<(usize, usize)> {
    let mut pairs = BTreeSet::new();
    if descriptors.ncols() == 0 {
        return pairs;
    }

    let columns = descriptors.transpose();
    let cells = descriptors.nrows();
    for start in (0..cells).step_by(BLOCK) {
        let rows = BLOCK.min(cells - start);
        // One column for each cell of the block.
        let similarities = descriptors * columns.columns(start, rows);
        for (row, column) in similarities.column_iter().enumerate() {
            let cell = start + row;
            let others = column.iter().copied().enumerate();
            let others = others.filter(|(other, _)| images[*other] != images[cell]);
            for other in largest(others, nearest) {
                pairs.insert((cell.min(other), cell.max(other)));
            }
        }
    }
    pairs
}

/// Indices of the largest values, the first of equal ones.
fn largest(values: impl Iterator<Item = (usize, f32)>, count: usize) -> Vec<usize> {
    let mut kept: Vec<(usize, f32)> = Vec::with_capacity(count + 1);
    for (index, value) in values {
        let is_full = kept.len() == count;
        if is_full && kept.last().is_some_and(|(_, least)| value <= *least) {
            continue;
        }
        let place = kept.partition_point(|(_, other)| *other >= value);
        kept.insert(place, (index, value));
        kept.truncate(count);
    }
    kept.into_iter().map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_of_other_images() {
        // Rows 0 and 1 are alike, but of one image.
        let rows = [[1.0, 0.0], [1.0, 0.01], [0.9, 0.4], [0.0, 1.0]];
        let descriptors = DMatrix::from_fn(4, 2, |row, column| rows[row][column]);
        let pairs = proposals(&descriptors, &[0, 0, 1, 2], 1);
        assert_eq!(pairs, BTreeSet::from([(0, 2), (1, 2), (2, 3)]));
    }
}
