//! Whether a repeated picture tells a class: counted on the half of the groups in which it was not
//! searched for.

use crate::evidence::statistics::fisher_greater;
use crate::finding::GroupCount;

/// Smallest correlation that counts as present.
const SCORE_MIN: f32 = 0.40;
/// Distance from what images of other classes reach by chance.
const SCORE_MARGIN: f32 = 0.05;
/// Images of the testing half that show it, and images that repeated it: enough for an alarm.
pub const SUPPORT_MIN: usize = 5;
const IMAGES_MIN: usize = 4;
/// The same where only three images repeated it.
const SUPPORT_OF_THREE: usize = 8;

/// The correlations of a picture with images.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// Images of other classes, of the mining half.
    pub others_mining: Vec<f32>,
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

/// The correlation from which an image shows the picture: over all but the strongest image of other
/// classes, since that one may show it as well.
pub fn threshold(others_mining: &[f32]) -> f32 {
    let mut sorted = others_mining.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let second = sorted.get(1).copied().unwrap_or(0.0);
    SCORE_MIN.max(second + SCORE_MARGIN)
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

    #[test]
    fn one_image_of_another_class_may_show_it_too() {
        assert_eq!(threshold(&[0.1, 0.9, 0.2]), 0.40);
        assert_eq!(threshold(&[0.1, 0.9, 0.5]), 0.55);
        assert_eq!(threshold(&[]), 0.40);
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
