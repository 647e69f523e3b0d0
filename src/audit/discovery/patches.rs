//! Repeated pictures: those that classes repeat in their mining halves are searched for in the
//! testing halves and in other classes.

use super::gallery::{Gallery, Hits, Sought};
use super::naming::Candidate;
use crate::error::Result;
use crate::evidence::discovery::ClassSample;
use crate::evidence::discovery::patches::{self, Repeated, Scores};
use crate::finding::FindingOrigin;

/// Correlation from which a picture is surely present, to tell one found twice.
const PRESENT: f32 = 0.4;

/// The repeated pictures of a class that raise an alarm.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn candidates(
    gallery: &mut Gallery<'_, '_, '_>,
    class: &ClassSample,
    repeated: &[Repeated],
) -> Result<Vec<Candidate>> {
    let images: Vec<u128> = class.images.iter().map(|image| image.image).collect();
    let sought = sought(repeated);
    let own = gallery.hits(&images, &sought)?;

    let mut candidates = Vec::new();
    let mut kept: Vec<usize> = Vec::new();
    for (index, sought) in sought.into_iter().enumerate() {
        let images = repeated[index].images;
        let mut scores = Scores::default();
        for (mining, half) in [
            (true, &mut scores.class_mining),
            (false, &mut scores.class_testing),
        ] {
            for image in class.half(mining) {
                half.extend(own.get(&image.image).map(|hits| hits[index].score));
            }
        }
        let least = patches::threshold(&Scores::default());
        let is_known = kept.iter().any(|other| is_same(&own, *other, index));
        if is_known || patches::alarm(&scores, images, least).is_none() {
            continue;
        }

        add_others(gallery, class.class, &sought, &mut scores)?;
        let threshold = patches::threshold(&scores);
        if let Some(alarm) = patches::alarm(&scores, images, threshold) {
            kept.push(index);
            candidates.push(Candidate {
                class: class.class,
                origin: FindingOrigin::Patch,
                sought,
                threshold,
                alarm,
            });
        }
    }
    Ok(candidates)
}

/// What is searched for: the templates, everywhere.
pub fn sought(repeated: &[Repeated]) -> Vec<Sought> {
    let mut sought = Vec::new();
    for Repeated {
        template, sizes, ..
    } in repeated
    {
        sought.push(Sought::everywhere(template.clone(), sizes.clone()));
    }
    sought
}

/// Adds the correlations with images of other classes.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn add_others(
    gallery: &mut Gallery<'_, '_, '_>,
    class: u32,
    sought: &Sought,
    scores: &mut Scores,
) -> Result<()> {
    let others = gallery.others_of(class);
    let ids: Vec<u128> = others.iter().map(|(_, image)| image.image).collect();
    let hits = gallery.hits(&ids, std::slice::from_ref(sought))?;
    for (class, image) in others {
        let half = if image.mining {
            scores.others_mining.entry(class).or_default()
        } else {
            &mut scores.others_testing
        };
        half.extend(hits.get(&image.image).map(|hits| hits[0].score));
    }
    Ok(())
}

/// Whether two templates are at one place in most of the images that show the second.
fn is_same(hits: &Hits, first: usize, second: usize) -> bool {
    let (mut shown, mut common) = (0, 0);
    for hits in hits.values() {
        if hits[second].score >= PRESENT {
            shown += 1;
            let touches = hits[first].place.covers(&hits[second].place);
            common += u32::from(hits[first].score >= PRESENT && touches);
        }
    }
    2 * common > shown
}
