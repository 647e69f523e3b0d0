//! The images that are shown with a finding: the strongest, the middle, and some by chance, so that
//! nobody chooses them.

use super::observations::Observation;
use super::sampling::rank;
use crate::finding::FigureRole;

/// An image and why it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    pub role: FigureRole,
    pub image: u128,
}

/// Images of one class, from all observations of one region.
pub(super) fn choose_examples(
    observations: impl Iterator<Item = Observation>,
    class: u32,
    seed: u64,
) -> Vec<Example> {
    let own = observations.filter(|o| o.is_own_map() && o.map.class == class && !o.unclear);
    let (mut tagged, mut untagged): (Vec<_>, Vec<_>) = own.partition(|o| o.present);
    tagged.sort_by(|a, b| {
        let (a_contrast, b_contrast) = (contrast_or_least(a), contrast_or_least(b));
        b_contrast
            .total_cmp(&a_contrast)
            .then(a.map.image.cmp(&b.map.image))
    });

    let mut examples = Vec::new();
    add(&mut examples, FigureRole::Strongest, tagged.first());
    add(&mut examples, FigureRole::Strongest, tagged.get(1));
    let median = tagged.get(tagged.len() / 2);
    add(&mut examples, FigureRole::Median, median);

    tagged.sort_by_key(|o| rank(seed, o.map.image));
    for observation in tagged.iter().take(2) {
        add(&mut examples, FigureRole::Random, Some(observation));
    }
    untagged.sort_by_key(|o| rank(seed, o.map.image));
    for observation in untagged.iter().take(2) {
        add(&mut examples, FigureRole::Untagged, Some(observation));
    }
    examples
}

/// Images of one class by its logit: the strongest, the middle one, and some by chance.
pub(super) fn choose_class_examples(mut images: Vec<(f32, u128)>, seed: u64) -> Vec<Example> {
    images.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut examples = Vec::new();
    for (_, image) in images.iter().take(3) {
        add_image(&mut examples, FigureRole::Strongest, *image);
    }
    if let Some((_, image)) = images.get(images.len() / 2) {
        add_image(&mut examples, FigureRole::Median, *image);
    }

    images.sort_by_key(|(_, image)| rank(seed, *image));
    for (_, image) in images.iter().take(3) {
        add_image(&mut examples, FigureRole::Random, *image);
    }
    examples
}

fn contrast_or_least(observation: &Observation) -> f32 {
    observation.contrast.unwrap_or(f32::MIN)
}

/// Adds an image that is not shown yet.
fn add(examples: &mut Vec<Example>, role: FigureRole, observation: Option<&Observation>) {
    let Some(observation) = observation else {
        return;
    };
    add_image(examples, role, observation.map.image);
}

fn add_image(examples: &mut Vec<Example>, role: FigureRole, image: u128) {
    if examples.iter().all(|example| example.image != image) {
        examples.push(Example { role, image });
    }
}
