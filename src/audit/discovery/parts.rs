//! Fixed places that the same images of a class show are parts of one thing, as the sides of a
//! frame: they are one finding, tested together.

use super::gallery::{Hits, Parts};
use super::naming::Named;
use super::regions::Known;
use crate::evidence::discovery::properties::overlap;
use crate::finding::FindingOrigin;
use std::collections::BTreeMap;

/// Least overlap (intersection / union) of the images that show two places of one thing.
const OVERLAP_MIN: f64 = 0.6;

/// By fixed place, the earlier one that it is a part of.
pub fn of_one_thing(found: &[Named], hits: &Hits, known: &Known) -> BTreeMap<usize, usize> {
    let mut wholes: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut parts = BTreeMap::new();
    for (index, named) in found.iter().enumerate() {
        if named.origin != FindingOrigin::Fixed {
            continue;
        }
        let shown = shown(index, named, hits, known);
        let whole = wholes.iter().find(|(whole, of_whole)| {
            let is_of_classes = found[*whole].classes.keys().eq(named.classes.keys());
            is_of_classes && overlap(of_whole, &shown) >= OVERLAP_MIN
        });
        match whole {
            Some((whole, _)) => {
                parts.insert(index, *whole);
            }
            None => wholes.push((index, shown)),
        }
    }
    parts
}

/// The images of the classes of a find that show it, by their places in the order of all.
fn shown(index: usize, named: &Named, hits: &Hits, known: &Known) -> Vec<usize> {
    let mut shown = Vec::new();
    for (place, (image, hits)) in hits.iter().enumerate() {
        let class = known.get(image).map(|(class, _)| class);
        let is_of_class = class.is_some_and(|class| named.classes.contains_key(class));
        if is_of_class && hits[index].score >= named.threshold {
            shown.push(place);
        }
    }
    shown
}

/// Where images show the parts of a place.
pub fn places(whole: usize, parts: &BTreeMap<usize, usize>, found: &[Named], hits: &Hits) -> Parts {
    let mut places = Parts::new();
    for (part, _) in parts.iter().filter(|(_, of)| **of == whole) {
        for (image, hits) in hits {
            if hits[*part].score >= found[*part].threshold {
                places.entry(*image).or_default().push(hits[*part]);
            }
        }
    }
    places
}
