//! Fixed places: where the images of a class agree more than those of other classes, held against
//! the testing halves.

use super::gallery::{Gallery, Sought};
use super::naming::Candidate;
use super::patches::add_others;
use crate::dataset::ImageId;
use crate::error::Result;
use crate::evidence::discovery::fixed_places::{Agreement, FixedPlace, mean_template, outstanding};
use crate::evidence::discovery::patches::{self, Scores, Template};
use crate::evidence::discovery::{ClassSample, Gradient};
use crate::finding::FindingOrigin;
use std::collections::BTreeMap;

/// The places that raise an alarm. `classes` are those with an agreement.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn candidates(
    gallery: &mut Gallery<'_, '_, '_>,
    classes: &[&ClassSample],
    agreements: &[Agreement],
) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for (class, places) in classes.iter().zip(outstanding(agreements)) {
        if !gallery.search.is_searched(class.class) {
            continue;
        }
        for sought in sought(gallery, class, &places)? {
            candidates.extend(tested(gallery, class, sought)?);
        }
        gallery.release(&[*class]);
    }
    Ok(candidates)
}

/// The mean gradients of the mining half at the places.
fn sought(
    gallery: &mut Gallery<'_, '_, '_>,
    class: &ClassSample,
    places: &[FixedPlace],
) -> Result<Vec<Sought>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!("place {places:?}");
    let key = gallery.kept.class_key(&what, class);
    if let Some(templates) = gallery.kept.get::<Vec<Template>>(key.as_ref()) {
        gallery
            .kept
            .keep::<Vec<Template>>(&[], &Vec::from_iter(key));
        return Ok(at_places(templates, places));
    }

    let ids = class.images.iter().map(|image| ImageId(image.image));
    gallery.add(&ids.collect(), &BTreeMap::new())?;
    let mut gradients = Vec::new();
    for image in class.half(true) {
        let view = gallery.views.get(&image.image);
        gradients.extend(view.map(|view| Gradient::new(&view.picture)));
    }

    let means = places.iter();
    let means = means.map_while(|fixed| mean_template(gradients.iter(), fixed));
    let templates: Vec<Template> = means.collect();
    if let Some(key) = key.filter(|_| gradients.len() == class.half(true).count()) {
        gallery.kept.keep(&[(key, templates.clone())], &[]);
    }
    Ok(at_places(templates, places))
}

fn at_places(templates: Vec<Template>, places: &[FixedPlace]) -> Vec<Sought> {
    let both = templates.into_iter().zip(places);
    both.map(|(template, fixed)| Sought::at(template, fixed.place))
        .collect()
}

fn tested(
    gallery: &mut Gallery<'_, '_, '_>,
    class: &ClassSample,
    sought: Sought,
) -> Result<Option<Candidate>> {
    let images: Vec<u128> = class.images.iter().map(|image| image.image).collect();
    let own = gallery.hits(&images, std::slice::from_ref(&sought))?;
    let of_half = |mining: bool| -> Vec<f32> {
        let hits = class.half(mining).filter_map(|i| own.get(&i.image));
        hits.map(|hits| hits[0].score).collect()
    };
    let mut scores = Scores {
        class_mining: of_half(true),
        class_testing: of_half(false),
        ..Scores::default()
    };
    add_others(gallery, class.class, &sought, &mut scores)?;

    let threshold = patches::threshold(&scores);
    let mined = scores.class_mining.iter();
    let images = mined.filter(|score| **score >= threshold).count();
    let alarm = patches::alarm(&scores, images, threshold);
    Ok(alarm.map(|alarm| Candidate {
        class: class.class,
        origin: FindingOrigin::Fixed,
        sought,
        threshold,
        alarm,
    }))
}
