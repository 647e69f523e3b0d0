//! The images of which it is not known whether they show a found picture.

use super::gallery::Hits;
use super::naming::Named;
use super::regions::{Known, Unclear};
use crate::evidence::discovery::patches::missed;
use crate::finding::FindingOrigin;
use crate::geometry::Rect;
use std::collections::BTreeMap;

/// By class of a found patch. `places` are where images show it.
///
/// The template of a fixed place is the mean of all images of the mining half, so that each of
/// these correlates with it a little: it says nothing of what was missed.
pub fn unclear(
    index: usize,
    named: &Named,
    places: &BTreeMap<u128, Vec<Rect>>,
    hits: &Hits,
    known: &Known,
) -> BTreeMap<u32, Unclear> {
    let mut unclear = BTreeMap::new();
    if named.origin != FindingOrigin::Patch {
        return unclear;
    }
    let mut others: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
    let mut without: BTreeMap<u32, Vec<(u128, f32)>> = BTreeMap::new();
    for (image, hits) in hits {
        let score = hits[index].score;
        let Some((class, _)) = known.get(image) else {
            continue;
        };
        if !named.classes.contains_key(class) {
            others.entry(*class).or_default().push(score);
        } else if !places.contains_key(image) {
            without.entry(*class).or_default().push((*image, score));
        }
    }

    for (class, images) in without {
        let scores: Vec<f32> = images.iter().map(|(_, score)| *score).collect();
        let Some(missed) = missed(&scores, &others) else {
            continue;
        };
        let above = images.iter().filter(|(_, score)| *score > missed.above);
        let of_class = Unclear {
            images: above.map(|(image, _)| *image).collect(),
            missed: missed.images,
        };
        unclear.insert(class, of_class);
    }
    unclear
}
