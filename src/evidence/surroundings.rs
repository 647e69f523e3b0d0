//! C for the surroundings: with the objects filled in, is the class still predicted? Then it
//! depends on what is around them, as rails around trains. The rate on filled images of other
//! classes is the control.

use super::statistics::{difference, proportion};
use crate::finding::SurroundingsEvidence;
use std::collections::BTreeSet;

/// One image with its objects filled in.
#[derive(Debug, Clone)]
pub struct FilledImage {
    /// Class of its label.
    pub class: usize,
    /// Classes predicted: the one with the largest logit; for sigmoid heads all with a positive
    /// logit.
    pub predicted: Vec<usize>,
}

/// The evidence about every class that has filled images, in order of class.
pub fn surroundings_evidence(images: &[FilledImage]) -> Vec<(usize, SurroundingsEvidence)> {
    let classes: BTreeSet<usize> = images.iter().map(|image| image.class).collect();
    let mut out = Vec::new();
    for class in classes {
        if let Some(evidence) = of_class(images, class) {
            out.push((class, evidence));
        }
    }
    out
}

fn of_class(images: &[FilledImage], class: usize) -> Option<SurroundingsEvidence> {
    let (own, others): (Vec<_>, Vec<_>) = images.iter().partition(|image| image.class == class);
    let (kept, total) = (predicted_as(&own, class), own.len() as u32);
    let rate = proportion(kept, total)?;
    let other_rate = proportion(predicted_as(&others, class), others.len() as u32);

    Some(SurroundingsEvidence {
        images: total,
        kept,
        rate,
        net: other_rate.map(|other| difference(rate, other)),
    })
}

fn predicted_as(images: &[&FilledImage], class: usize) -> u32 {
    let hits = images.iter().filter(|i| i.predicted.contains(&class));
    hits.count() as u32
}
