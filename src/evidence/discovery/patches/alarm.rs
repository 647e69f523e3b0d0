//! Whether a repeated picture tells a class: counted on the half of the groups in which it was not
//! searched for.

use crate::evidence::statistics::fisher_greater;
use crate::finding::GroupCount;
use std::collections::BTreeMap;

/// Smallest correlation that counts as present.
const SCORE_MIN: f32 = 0.40;
/// Distance from what images of other classes reach by chance.
const SCORE_MARGIN: f32 = 0.05;
/// Images of a part of the other classes, and parts from which on a majority says what is chance.
const PART_MIN: usize = 30;
const PARTS_MIN: usize = 3;
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
    /// Images of the class.
    pub class_mining: Vec<f32>,
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
/// by chance, in the mining half.
///
/// Chance is the second highest of all images, since one may show the picture. Where other classes
/// show the same picture that hides it, and chance is the median of the highest of each class; but
/// then those that show one of a like outline count as well. The one that tells the class better is
/// taken.
pub fn threshold(scores: &Scores) -> f32 {
    let (strict, Some(lenient)) = thresholds(scores) else {
        return thresholds(scores).0;
    };
    let others = scores.others_mining.values().flatten();
    let all: Vec<f32> = others.copied().collect();
    let p = |threshold: f32| {
        let in_class = count(&scores.class_mining, threshold);
        fisher_greater(in_class, count(&all, threshold))
    };
    if p(lenient) < p(strict) {
        lenient
    } else {
        strict
    }
}

/// By the second highest of all images, and by the median of the highest of each class where there
/// are enough. Neither falls when a correlation rises.
fn thresholds(scores: &Scores) -> (f32, Option<f32>) {
    let others = scores.others_mining.values().flatten();
    let second = highest_first(others).get(1).copied().unwrap_or(0.0);
    let over = |chance: f32| SCORE_MIN.max(chance + SCORE_MARGIN);
    let median = median_of_parts(&scores.others_mining);
    (over(second), median.map(over))
}

/// Whether there is an alarm if the images of other classes that were not searched yet, with a
/// correlation of 0, do not show the picture. Where there is none they need not be searched.
pub fn may_alarm(scores: &Scores, images: usize) -> bool {
    let (strict, lenient) = thresholds(scores);
    let least = lenient.map_or(strict, |lenient| lenient.min(strict));
    alarm(scores, images, least).is_some()
}

/// The median of the highest correlation of each class, of small classes together; `None` where
/// there are too few images.
fn median_of_parts(by_class: &BTreeMap<u32, Vec<f32>>) -> Option<f32> {
    let mut parts: Vec<Vec<f32>> = Vec::new();
    for scores in by_class.values() {
        match parts.last_mut() {
            Some(part) if part.len() < PART_MIN => part.extend(scores),
            _ => parts.push(scores.clone()),
        }
    }
    if parts.last().is_some_and(|part| part.len() < PART_MIN) {
        parts.pop();
    }
    if parts.len() < PARTS_MIN {
        return None;
    }

    let highest = parts
        .iter()
        .filter_map(|part| part.iter().max_by(|a, b| a.total_cmp(b)));
    let highest = highest_first(highest);
    // The higher of the two in the middle.
    highest.get((highest.len() - 1) / 2).copied()
}

fn highest_first<'s>(scores: impl Iterator<Item = &'s f32>) -> Vec<f32> {
    let mut scores: Vec<f32> = scores.copied().collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores
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

    /// Thirty images of a class.
    fn of_class(highest: &[f32]) -> Vec<f32> {
        let mut scores = vec![0.1; 30];
        scores[..highest.len()].copy_from_slice(highest);
        scores
    }

    #[test]
    fn other_classes_that_show_it_too_do_not_set_the_threshold() {
        let alike = |scores: &[f32], classes: usize| vec![of_class(scores); classes];
        // The picture is in nine images of the class.
        let cases: [(&str, Vec<Vec<f32>>, f32); 9] = [
            ("no other class", Vec::new(), 0.40),
            ("one image of the only other class", alike(&[0.9], 1), 0.40),
            ("two images of it", alike(&[0.9, 0.5], 1), 0.55),
            (
                "two other classes",
                [alike(&[0.9], 1), alike(&[0.5], 1)].concat(),
                0.55,
            ),
            (
                "one of three others shows it",
                [alike(&[0.9; 9], 1), alike(&[0.5], 1), alike(&[0.48], 1)].concat(),
                0.55,
            ),
            (
                "many images of another show one of a like outline",
                [alike(&[0.6; 25], 1), alike(&[0.5], 2)].concat(),
                0.65,
            ),
            ("all show it", alike(&[0.9; 9], 3), 0.95),
            (
                "small classes are counted together, and one shows it",
                [vec![vec![0.9, 0.9]], vec![vec![0.2, 0.5]; 60]].concat(),
                0.55,
            ),
            (
                "too few images",
                vec![vec![0.9], vec![0.8, 0.1], vec![0.1; 20]],
                0.85,
            ),
        ];
        for (name, others, expected) in cases {
            let found = threshold(&Scores {
                class_mining: of_class(&[0.88; 9]),
                others_mining: (0..).zip(others).collect(),
                ..Scores::default()
            });
            assert!((found - expected).abs() < 1e-6, "{name}: {found}");
        }
    }

    /// With any of the other classes not searched yet, an alarm that is excluded stays excluded.
    #[test]
    fn an_alarm_that_is_excluded_stays_excluded() {
        let shown = [0.5, 0.5, 0.5, 0.5, 0.5];
        let low: Vec<Vec<f32>> = vec![of_class(&[0.3]); 5];
        let high: Vec<Vec<f32>> = vec![of_class(&[0.48, 0.48]); 5];
        let two: Vec<Vec<f32>> = [vec![of_class(&[0.9, 0.9])], vec![of_class(&[0.3]); 4]].concat();
        // By the classes that were searched, of five.
        let cases = [
            ("none shows it", &low, [true; 6]),
            (
                "all show one like it",
                &high,
                [true, true, true, false, false, false],
            ),
            ("one shows it", &two, [true; 6]),
        ];
        for (name, others, expected) in cases {
            for (searched, expected) in expected.into_iter().enumerate() {
                let known = others.iter().take(searched).cloned();
                let open = std::iter::repeat_n(vec![0.0; 30], others.len() - searched);
                let scores = Scores {
                    class_mining: of_class(&shown),
                    class_testing: of_class(&shown),
                    others_mining: (0..).zip(known.chain(open)).collect(),
                    ..Scores::default()
                };
                assert_eq!(may_alarm(&scores, 5), expected, "{name}, {searched}");
                if !expected {
                    assert_eq!(alarm(&scores, 5, threshold(&scores)), None, "{name}");
                }
            }
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
