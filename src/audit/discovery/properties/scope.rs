//! What the search for properties looked at, in sentences.

use crate::evidence::discovery::properties::{PropertySearch, PropertyTable};
use crate::plan::Discovery;

/// Sentences without a full stop.
pub fn sentences(
    table: &PropertyTable,
    result: &PropertySearch,
    settings: &Discovery,
    lost: usize,
) -> Vec<String> {
    let images = table.images.len();
    let classes = table.classes().len();
    let most = settings.images_per_class;
    let backgrounds = match settings.concepts {
        true => "backgrounds (see concepts)",
        false => "backgrounds",
    };
    let searched = format!(
        "{} properties of {images} images in {classes} classes (at most {most} of each) were \
         searched ({} tests)",
        table.columns.len(),
        result.tests
    );
    let mut sentences = vec![match result.found.len() {
        0 => format!(
            "No property separates a class beyond chance: {searched}. Not excluded: faint casts \
             and brightness shifts under half a class, {backgrounds}, whatever is not in the list"
        ),
        1 => format!("{searched}; 1 finding"),
        count => format!("{searched}; {count} findings"),
    }];
    if lost > 0 {
        sentences.push(format!(
            "{lost} images of the sample could not be read again, or have changed since"
        ));
    }
    for property in &table.class_names {
        sentences.push(format!(
            "Property left out, since its values are the classes: {}",
            property.words()
        ));
    }
    for column in &table.too_many_levels {
        sentences.push(format!(
            "Column \"{column}\" of the manifest has over 200 levels, and was left out"
        ));
    }
    sentences
}
