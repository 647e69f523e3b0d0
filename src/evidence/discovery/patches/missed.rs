//! Images in which a picture may have been missed: a match that is too weak to count still adds to
//! the correlation.

use std::collections::BTreeMap;

/// Images of other classes, from which on their median is known well enough.
const OTHERS_MIN: usize = 30;
/// Standard deviations of the number of images above the median that chance explains.
const DEVIATIONS: f64 = 2.0;

/// That a picture was missed in images of a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Missed {
    /// Images of the class with a correlation above this one may show the picture.
    pub above: f32,
    /// About how many of them do.
    pub images: u32,
}

/// Whether a picture was missed in images of a class. `without` are the correlations of those that
/// do not show it, `others` those of images of other classes, by class.
///
/// Of images without the picture, half are taken to lie above the median of other classes, or as
/// many as of the other class with the most there. `None` where chance explains how many of
/// `without` do, or there are too few others.
pub fn missed(without: &[f32], others: &BTreeMap<u32, Vec<f32>>) -> Option<Missed> {
    let mut all: Vec<f32> = others.values().flatten().copied().collect();
    if all.len() < OTHERS_MIN {
        return None;
    }
    all.sort_by(f32::total_cmp);
    let median = all[all.len() / 2];

    let count = |scores: &[f32]| scores.iter().filter(|score| **score > median).count() as f64;
    let mut part: f64 = 0.5;
    for scores in others.values().filter(|scores| scores.len() >= OTHERS_MIN) {
        part = part.max(count(scores) / scores.len() as f64);
    }

    let images = without.len() as f64;
    let above = count(without);
    // Of the count, and of the median.
    let variance = images * part * (1.0 - part) * (1.0 + images / all.len() as f64);
    if part >= 1.0 || above - images * part <= DEVIATIONS * variance.sqrt() {
        return None;
    }
    let expected = (images - above) * part / (1.0 - part);
    Some(Missed {
        above: median,
        images: (above - expected).round() as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `above` images at .2, and `below` at .1; the median of others from 0 to .3 lies between.
    fn scores(above: usize, below: usize) -> Vec<f32> {
        [vec![0.2; above], vec![0.1; below]].concat()
    }

    #[test]
    fn more_images_above_the_median_than_chance_explains_are_missed() {
        let spread = |images: usize| -> Vec<f32> {
            let step = 0.3 / (images - 1) as f32;
            (0..images).map(|i| step * i as f32).collect()
        };
        let one_class = |images| BTreeMap::from([(0, spread(images))]);
        // A class of which two thirds lie above the median of both.
        let busy = BTreeMap::from([(0, scores(40, 20)), (1, scores(19, 41))]);
        for (name, without, others, expected) in [
            ("no image", scores(0, 0), one_class(1001), None),
            ("half", scores(50, 50), one_class(1001), None),
            // One standard deviation is 5.2.
            ("10 more than half", scores(60, 40), one_class(1001), None),
            ("11 more", scores(61, 39), one_class(1001), Some(22)),
            (
                "11 more, a median of 101",
                scores(61, 39),
                one_class(101),
                None,
            ),
            ("all", scores(20, 0), one_class(101), Some(20)),
            ("fewer than half", scores(10, 90), one_class(1001), None),
            (
                "two thirds as in another class",
                scores(66, 34),
                busy.clone(),
                None,
            ),
            ("more than there", scores(98, 2), busy, Some(94)),
            ("few others", scores(20, 0), one_class(29), None),
        ] {
            let found = missed(&without, &others).map(|missed| missed.images);
            assert_eq!(found, expected, "{name}");
        }
    }
}
