//! C for the surroundings: with the objects filled in, is the class still predicted? Then it
//! depends on what is around them, as rails around trains. The rate on filled images of other
//! classes is the control.

use super::sampling::Sampled;
use super::statistics::{difference, proportion};
use crate::finding::SurroundingsEvidence;
use std::collections::BTreeSet;

/// Images whose objects can be filled: predicted correctly, with annotated objects.
#[derive(Debug, Default)]
pub struct ObjectImages {
    /// Those that show no declared confounder.
    plain: Sampled,
    tagged: Sampled,
}

impl ObjectImages {
    /// The images with or without a declared confounder.
    pub(super) fn of_kind(&mut self, shows_confounder: bool) -> &mut Sampled {
        if shows_confounder {
            &mut self.tagged
        } else {
            &mut self.plain
        }
    }

    /// Images of one class, each with whether it shows a declared confounder. Those that show none,
    /// in order of hash; with fewer than `groups_min` groups of these, the others follow.
    pub fn of_class(&self, class: u32, groups_min: u32) -> Vec<(u128, bool)> {
        let plain = self.plain.of_class(class);
        let is_enough = plain.len() >= groups_min as usize;
        let mut images: Vec<(u128, bool)> = plain.into_iter().map(|id| (id, false)).collect();
        if !is_enough {
            let tagged = self.tagged.of_class_without(class, &self.plain);
            images.extend(tagged.into_iter().map(|id| (id, true)));
        }
        images
    }
}

/// One image with its objects filled in.
#[derive(Debug, Clone)]
pub struct FilledImage {
    /// Class of its label.
    pub class: usize,
    /// Classes predicted: the one with the largest logit; for sigmoid heads all with a positive
    /// logit.
    pub predicted: Vec<usize>,
    /// It shows a declared confounder.
    pub shows_confounder: bool,
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
    let with_confounder = own.iter().filter(|image| image.shows_confounder).count();
    let rate = proportion(kept, total)?;
    let other_rate = proportion(predicted_as(&others, class), others.len() as u32);

    Some(SurroundingsEvidence {
        images: total,
        with_confounder: with_confounder as u32,
        kept,
        rate: Some(rate),
        object_share: None,
        measured: 0,
        net: other_rate.map(|other| difference(rate, other)),
    })
}

fn predicted_as(images: &[&FilledImage], class: usize) -> u32 {
    let hits = images.iter().filter(|i| i.predicted.contains(&class));
    hits.count() as u32
}
