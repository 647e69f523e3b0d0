//! What a search for repeated pictures leaves behind: the pictures, and what was looked at.

use super::naming::Named;
use super::search::{Sampled, Search};
use crate::evidence::discovery::ClassSample;
use crate::runs::patterns::Pattern;

/// What `patterns.json` keeps.
pub fn patterns(found: &[Named]) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for named in found {
        patterns.push(Pattern {
            name: named.name.clone(),
            threshold: named.threshold,
            width: named.template.width,
            gradient: named.template.values.clone(),
        });
    }
    patterns
}

/// What was searched, and what cannot be excluded.
pub fn scope(
    search: &Search<'_, '_>,
    sampled: &Sampled,
    classes: &[&ClassSample],
    found: &[Named],
) -> Vec<String> {
    let most = sampled.settings.images_per_class;
    let without: Vec<&&ClassSample> = classes
        .iter()
        .filter(|class| !found.iter().any(|f| f.classes.contains_key(&class.class)))
        .collect();
    let mut sentences = Vec::new();
    let cells = search.context.model.layout.cells();
    let images: usize = without.iter().map(|class| class.images.len()).sum();
    let names = search.context.labels.pooled_names();
    let name = |class: &ClassSample| names.get(&(class.class as usize)).cloned();
    match without.as_slice() {
        [] => {}
        [class] => sentences.push(format!(
            "No repeated patch in {images} sampled images of class {} ({cells} cells of each)",
            name(class).unwrap_or_default()
        )),
        classes => sentences.push(format!(
            "No repeated patch in {images} sampled images of {} classes ({cells} cells of each)",
            classes.len()
        )),
    }
    sentences.push(format!(
        "Not excluded: patches in fewer than about 8 of at most {most} sampled images of a class \
         (30 where only the cells with the most evidence are searched), and patches that change \
         from image to image"
    ));
    sentences
}
