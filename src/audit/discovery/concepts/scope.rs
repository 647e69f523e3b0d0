//! What the concepts are of, in sentences.

use super::super::search::{Sampled, Search};
use super::analysed::Compared;
use crate::evidence::discovery::concepts::{CONCEPTS, IMAGES_MIN, NEGATIVE_MAX};
use crate::finding::ConceptOrder;

/// Sentences without a full stop.
pub fn sentences(search: &Search<'_, '_>, sampled: &Sampled, classes: &[Compared]) -> Vec<String> {
    let concepts = classes.iter().filter_map(|c| c.analysed.concepts.as_ref());
    let concepts: Vec<_> = concepts.collect();
    let mut sentences = Vec::new();
    if !concepts.is_empty() {
        let unordered = concepts
            .iter()
            .filter(|class| class.order == ConceptOrder::Unordered)
            .count();
        let images: u32 = concepts.iter().map(|class| class.images).sum();
        let of = match concepts.len() {
            1 => "1 class".to_owned(),
            classes => format!("each of {classes} classes"),
        };
        sentences.push(format!(
            "{CONCEPTS} concepts of {of} are shown to look at, without findings ({images} images)"
        ));
        if unordered > 0 {
            sentences.push(format!(
                "The concepts of {unordered} classes are in no order: no objects are annotated, \
                 and too few held-out images are wrong"
            ));
        }
    }
    if concepts.len() < classes.len() {
        sentences.push(format!(
            "{} classes have no concepts: over {:.0} % of their squared features are negative, or \
             the head weighs single cells",
            classes.len() - concepts.len(),
            100.0 * NEGATIVE_MAX
        ));
    }
    let searched = sampled.classes.iter();
    let searched = searched.filter(|class| search.is_searched(class.class));
    let small = searched.count() - classes.len();
    if small > 0 {
        sentences.push(format!(
            "{small} classes have no concepts and no heat clusters: these need {IMAGES_MIN} \
             images, of which near-duplicates count once, and maps that fit the memory"
        ));
    }
    sentences
}
