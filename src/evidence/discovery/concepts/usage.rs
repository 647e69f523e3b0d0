//! Whether the model uses what a concept shows: the cells that show it most are filled in, and as
//! many that show it least.

use crate::evidence::statistics::{deviation, moments, paired, paired_difference};
use crate::finding::Estimate;

/// Student's t of the fall, at least.
const T_MIN: f64 = 3.0;
/// Cells that are filled in: those with at least this part of the image's largest activation,
/// within these limits.
const CELL_PART: f32 = 0.5;
const CELLS_MIN: usize = 2;
const CELLS_MAX: usize = 16;

/// The margin of the class, and whether it is predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Filled {
    pub margin: f64,
    pub predicts_class: bool,
}

/// One image with its strong cells filled in, and with its weak cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilledImage {
    pub strong: Filled,
    pub weak: Filled,
}

/// What filling in the cells of a concept does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConceptUse {
    pub images: u32,
    /// By how much the margin is lower with the strong cells filled in than with the weak ones, in
    /// logits.
    pub fall: Estimate,
    /// The smallest fall that counts.
    pub min_effect: f64,
    /// The mean fall over its standard error.
    pub t: f64,
    /// Images that are predicted as the class with the strong cells filled in, and with the weak
    /// ones.
    pub predicted: [u32; 2],
    /// The part of the images that only the weak cells leave in the class, net.
    pub rate: Estimate,
}

impl ConceptUse {
    /// Whether the fall is large enough, and no chance.
    pub fn is_used(&self) -> bool {
        self.fall.value >= self.min_effect && self.t >= T_MIN
    }
}

/// Of these cells of an image the ones with the largest activations, and as many with the smallest;
/// of equal ones the first.
pub fn strong_and_weak(activations: &[f32], cells: &[usize]) -> [Vec<usize>; 2] {
    let mut order = cells.to_vec();
    order.sort_by(|a, b| activations[*b].total_cmp(&activations[*a]));
    let largest = order.first().map_or(0.0, |cell| activations[*cell]);
    let shows = |cell: &&usize| activations[**cell] > CELL_PART * largest;
    let count = order.iter().filter(shows).count();
    let count = count.clamp(CELLS_MIN, CELLS_MAX).min(order.len() / 2);

    let mut strong = order[..count].to_vec();
    let mut weak = order[order.len() - count..].to_vec();
    strong.sort_unstable();
    weak.sort_unstable();
    [strong, weak]
}

/// The effect on the class; `None` under two images. `causal_fraction` of the standard deviation of
/// the `margins` of the class's images is the smallest effect that counts.
pub fn concept_use(
    images: &[FilledImage],
    margins: &[f64],
    causal_fraction: f64,
) -> Option<ConceptUse> {
    let strong: Vec<f64> = images.iter().map(|image| image.strong.margin).collect();
    let weak: Vec<f64> = images.iter().map(|image| image.weak.margin).collect();
    let falls: Vec<f64> = weak.iter().zip(&strong).map(|(w, s)| w - s).collect();
    let (fall, _) = paired(&falls, 0.0)?;
    let (mean, variance) = moments(&falls)?;

    let mut pairs = [0, 0, 0, 0];
    for image in images {
        let pair = match (image.weak.predicts_class, image.strong.predicts_class) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        pairs[pair] += 1;
    }
    let [both, weak_only, strong_only, neither] = pairs;
    Some(ConceptUse {
        images: images.len() as u32,
        fall,
        min_effect: causal_fraction * deviation(margins),
        t: mean / (variance / falls.len() as f64).sqrt(),
        predicted: [both + strong_only, both + weak_only],
        rate: paired_difference(both, weak_only, strong_only, neither)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_weak_cells_as_strong_ones_are_filled_in() {
        let table: [(&[f32], [&[usize]; 2]); 3] = [
            (&[0.0, 9.0, 1.0, 5.0, 0.5, 0.1], [&[1, 3], &[0, 5]]),
            // At least two, and at most half of the cells.
            (&[0.0, 9.0, 1.0, 0.0, 2.0], [&[1, 4], &[0, 3]]),
            (&[8.0, 9.0, 7.0, 9.0], [&[1, 3], &[0, 2]]),
        ];
        for (activations, expected) in table {
            let all: Vec<usize> = (0..activations.len()).collect();
            let cells = strong_and_weak(activations, &all);
            assert_eq!(cells.each_ref().map(Vec::as_slice), expected);
        }
        // Cells on padding take no part.
        let cells = strong_and_weak(&[0.0, 9.0, 1.0, 5.0, 0.5, 0.1], &[1, 2, 3, 4]);
        assert_eq!(cells, [vec![1, 3], vec![2, 4]]);
        let all: Vec<usize> = (0..49).collect();
        let [strong, weak] = strong_and_weak(&[1.0; 49], &all);
        assert_eq!((strong.len(), weak.len()), (16, 16));
    }

    #[test]
    fn a_fall_counts_where_it_is_large_and_no_chance() {
        let filled = |margin, predicts_class| Filled {
            margin,
            predicts_class,
        };
        let image = |fall: f64| FilledImage {
            strong: filled(2.0 - fall, fall < 1.5),
            weak: filled(2.0, true),
        };
        let margins = [0.0, 4.0, 8.0];
        let table = [
            // Mean 1.5, SD .5774: t = 1.5 / (.5774 / 2).
            (vec![1.0, 2.0, 1.0, 2.0], 5.196, true),
            // Under the floor of .4.
            (vec![0.2, 0.3, 0.2, 0.3], 8.660, false),
            // Chance: mean .5.
            (vec![2.0, -1.0, 2.0, -1.0], 0.577, false),
        ];
        for (falls, t, is_used) in table {
            let images: Vec<FilledImage> = falls.iter().map(|fall| image(*fall)).collect();
            let found = concept_use(&images, &margins, 0.1).expect("two images");
            assert!((found.t - t).abs() < 1e-3, "{found:?}");
            assert!((found.min_effect - 0.4).abs() < 1e-12, "{found:?}");
            assert_eq!(found.is_used(), is_used, "{found:?}");
        }
        assert_eq!(concept_use(&[image(1.0)], &margins, 0.1), None);
    }
}
