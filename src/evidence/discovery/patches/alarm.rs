//! Whether a repeated picture tells a class: counted on the half of the groups in which it was not
//! searched for.

use crate::evidence::statistics::fisher_greater;
use crate::finding::GroupCount;
use std::collections::BTreeMap;

/// Smallest correlation that counts as present.
const SCORE_MIN: f32 = 0.40;
/// Distance from what images of other classes reach by chance.
const SCORE_MARGIN: f32 = 0.05;
/// Other classes, and images of each, from which on a majority of them says what is chance.
const CLASSES_MIN: usize = 3;
const OF_CLASS_MIN: usize = 10;
/// Images of the testing half that show it, and images that repeated it: enough for an alarm.
pub const SUPPORT_MIN: usize = 5;
const IMAGES_MIN: usize = 4;
/// The same where only three images repeated it.
const SUPPORT_OF_THREE: usize = 8;

/// The correlations of a picture with images.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// Images of other classes, of the mining half, by class.
    pub others_mining: BTreeMap<u32, Vec<f32>>,
    pub others_testing: Vec<f32>,
    /// Images of the class, of the testing half.
    pub class_testing: Vec<f32>,
}

/// The counts of the testing half.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alarm {
    pub in_class: GroupCount,
    pub in_others: GroupCount,
    /// One-sided, Fisher.
    pub p: f64,
}

/// The correlation from which an image shows the picture: over what images of other classes reach
/// by chance.
///
/// Other classes may show the picture as well, or one of a like outline. So that these do not hide
/// it, chance is the median over the other classes of the highest correlation of each; with fewer
/// than three of them, the second highest of all their images.
pub fn threshold(others_mining: &BTreeMap<u32, Vec<f32>>) -> f32 {
    let highest_first = |scores: Vec<f32>| {
        let mut scores = scores;
        scores.sort_by(|a, b| b.total_cmp(a));
        scores
    };
    let classes: Vec<&Vec<f32>> = others_mining
        .values()
        .filter(|scores| scores.len() >= OF_CLASS_MIN)
        .collect();
    let chance = if classes.len() < CLASSES_MIN {
        let all = highest_first(others_mining.values().flatten().copied().collect());
        all.get(1).copied()
    } else {
        let highest = classes
            .iter()
            .map(|scores| scores.iter().copied().fold(0.0, f32::max));
        let highest = highest_first(highest.collect());
        // The higher of the two in the middle.
        highest.get((highest.len() - 1) / 2).copied()
    };
    SCORE_MIN.max(chance.unwrap_or(0.0) + SCORE_MARGIN)
}

/// The counts of the testing half; `None` where too few images show the picture. `images` of the
/// mining half repeated it.
pub fn alarm(scores: &Scores, images: usize, threshold: f32) -> Option<Alarm> {
    let in_class = count(&scores.class_testing, threshold);
    let support = in_class.present as usize;
    let is_enough = (support >= SUPPORT_MIN && images >= IMAGES_MIN)
        || (support >= SUPPORT_OF_THREE && images + 1 == IMAGES_MIN);
    if !is_enough {
        return None;
    }
    let in_others = count(&scores.others_testing, threshold);
    Some(Alarm {
        in_class,
        in_others,
        p: fisher_greater(in_class, in_others),
    })
}

fn count(scores: &[f32], threshold: f32) -> GroupCount {
    let present = scores.iter().filter(|score| **score >= threshold).count();
    GroupCount {
        present: present as u32,
        groups: scores.len() as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten images of a class.
    fn of_class(highest: &[f32]) -> Vec<f32> {
        let mut scores = vec![0.1; 10];
        scores[..highest.len()].copy_from_slice(highest);
        scores
    }

    #[test]
    fn other_classes_that_show_it_too_do_not_set_the_threshold() {
        let cases: [(&str, &[Vec<f32>], f32); 8] = [
            ("no other class", &[], 0.40),
            (
                "one image of the only other class",
                &[of_class(&[0.9])],
                0.40,
            ),
            ("two images of it", &[of_class(&[0.9, 0.5])], 0.55),
            (
                "two other classes",
                &[of_class(&[0.9]), of_class(&[0.5])],
                0.55,
            ),
            (
                "half of a class of four shows it",
                &[of_class(&[0.9; 5]), of_class(&[0.5]), of_class(&[0.48])],
                0.55,
            ),
            (
                "two of four others show it",
                &[
                    of_class(&[0.9; 5]),
                    of_class(&[0.88; 5]),
                    of_class(&[0.5]),
                    of_class(&[0.45]),
                ],
                0.93,
            ),
            (
                "all show it",
                &[of_class(&[0.9]), of_class(&[0.9]), of_class(&[0.9])],
                0.95,
            ),
            (
                "classes of few images do not count",
                &[vec![0.1; 9], vec![0.1; 9], of_class(&[0.9, 0.8])],
                0.85,
            ),
        ];
        for (name, others, expected) in cases {
            let others = (0..).zip(others.iter().cloned()).collect();
            let found = threshold(&others);
            assert!((found - expected).abs() < 1e-6, "{name}: {found}");
        }
    }

    #[test]
    fn three_images_need_more_support() {
        let scores = |shown: usize| Scores {
            class_testing: [vec![0.8; shown], vec![0.1; 20]].concat(),
            others_testing: vec![0.1; 40],
            ..Scores::default()
        };
        assert_eq!(alarm(&scores(5), 3, 0.4), None);
        assert!(alarm(&scores(8), 3, 0.4).is_some());
        let found = alarm(&scores(5), 4, 0.4).expect("an alarm");
        assert_eq!((found.in_class.present, found.in_class.groups), (5, 25));
        // C(25, 5) / C(65, 5), from 65 images of which 5 show it, all of the class's 25.
        let expected = 53_130.0 / 8_259_888.0;
        assert!((found.p / expected - 1.0).abs() < 1e-9, "{}", found.p);
    }
}
