//! Repeated pictures: those that classes repeat in their mining halves are searched for in the
//! testing halves and in other classes.

use super::gallery::{Gallery, Hits, Sought};
use super::naming::Candidate;
use crate::dataset::ImageId;
use crate::error::Result;
use crate::evidence::discovery::patches::{self, Repeated, Scores};
use crate::evidence::discovery::{ClassSample, SampledImage};
use crate::finding::FindingOrigin;
use std::collections::BTreeMap;

/// Correlation from which a picture is surely present, to tell one found twice.
const PRESENT: f32 = 0.4;
/// Images of other classes that are searched before it is asked whether an alarm is still possible.
const STEP: usize = 256;

/// The repeated pictures of a class that raise an alarm.
///
/// Most repeated pictures of classes without a confounder raise no alarm, and each search of an
/// image takes time. So the testing half is searched first, then the images of other classes that
/// set the threshold, as long as an alarm is possible.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn candidates(
    gallery: &mut Gallery<'_, '_, '_>,
    class: &ClassSample,
    repeated: &[Repeated],
) -> Result<Vec<Candidate>> {
    let mut repeated: Vec<&Repeated> = repeated.iter().collect();
    let own = own_hits(gallery, class, &mut repeated)?;

    let mut candidates = Vec::new();
    let mut kept: Vec<usize> = Vec::new();
    for (index, repeated) in repeated.into_iter().enumerate() {
        if kept.iter().any(|other| is_same(&own, *other, index)) {
            continue;
        }
        let scores_of = |mining| scores_of(class, mining, &own, index);
        let mut scores = Scores {
            class_mining: scores_of(true),
            class_testing: scores_of(false),
            ..Scores::default()
        };
        let sought = sought(repeated);
        if !add_others_while_possible(gallery, class.class, &sought, &mut scores, repeated.images)?
        {
            continue;
        }
        let threshold = patches::threshold(&scores);
        if let Some(alarm) = patches::alarm(&scores, repeated.images, threshold) {
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

/// Keeps what enough images of the testing half show, and finds it in the whole class.
fn own_hits(
    gallery: &mut Gallery<'_, '_, '_>,
    class: &ClassSample,
    repeated: &mut Vec<&Repeated>,
) -> Result<Hits> {
    let ids = |mining: bool| -> Vec<u128> { class.half(mining).map(|i| i.image).collect() };
    let all: Vec<Sought> = repeated.iter().map(|repeated| sought(repeated)).collect();
    let testing = gallery.hits(&ids(false), &all)?;

    let mut shown = Vec::new();
    for (index, repeated) in repeated.iter().enumerate() {
        let scores = Scores {
            class_testing: scores_of(class, false, &testing, index),
            ..Scores::default()
        };
        shown.push(patches::may_alarm(&scores, repeated.images));
    }
    let mut is_shown = shown.iter();
    repeated.retain(|_| is_shown.next() == Some(&true));

    let all: Vec<Sought> = repeated.iter().map(|repeated| sought(repeated)).collect();
    let mut own = gallery.hits(&ids(true), &all)?;
    for (image, hits) in testing {
        let mut of_shown = hits;
        let mut is_shown = shown.iter();
        of_shown.retain(|_| is_shown.next() == Some(&true));
        own.insert(image, of_shown);
    }
    Ok(own)
}

/// The correlations of one half of a class.
fn scores_of(class: &ClassSample, mining: bool, hits: &Hits, index: usize) -> Vec<f32> {
    let hits = class
        .half(mining)
        .filter_map(|image| hits.get(&image.image));
    hits.map(|hits| hits[index].score).collect()
}

/// Adds the correlations with images of other classes, first with those that set the threshold;
/// `false`, with some of them, where an alarm is excluded.
fn add_others_while_possible(
    gallery: &mut Gallery<'_, '_, '_>,
    class: u32,
    sought: &Sought,
    scores: &mut Scores,
    images: usize,
) -> Result<bool> {
    let others = gallery.others_of(class);
    let (mining, testing): (Vec<_>, Vec<_>) = others.iter().partition(|(_, image)| image.mining);
    let mut hits = Hits::new();
    let mut searched = 0;
    for step in mining.chunks(STEP) {
        hits.extend(others_hits(gallery, step, &others, sought)?);
        searched += step.len();
        let (known, open) = mining.split_at(searched);
        scores.others_mining.clear();
        add(scores, known, &hits);
        for (class, _) in open {
            scores.others_mining.entry(*class).or_default().push(0.0);
        }
        if !patches::may_alarm(scores, images) {
            return Ok(false);
        }
    }
    let hits = others_hits(gallery, &testing, &others, sought)?;
    add(scores, &testing, &hits);
    Ok(true)
}

/// Where some images of other classes show what is sought. The views of all are read together: some
/// formats are read as a whole.
fn others_hits(
    gallery: &mut Gallery<'_, '_, '_>,
    some: &[(u32, SampledImage)],
    all: &[(u32, SampledImage)],
    sought: &Sought,
) -> Result<Hits> {
    let sought = std::slice::from_ref(sought);
    let open = gallery.open(some.iter().map(|(_, image)| image), sought);
    if !open.is_empty() {
        let all = all.iter().map(|(_, image)| ImageId(image.image)).collect();
        gallery.add(&all, &BTreeMap::new())?;
    }
    let some: Vec<u128> = some.iter().map(|(_, image)| image.image).collect();
    gallery.hits(&some, sought)
}

/// Adds the correlations with images of other classes.
fn add(scores: &mut Scores, others: &[(u32, SampledImage)], hits: &Hits) {
    for (class, image) in others {
        let half = if image.mining {
            scores.others_mining.entry(*class).or_default()
        } else {
            &mut scores.others_testing
        };
        half.extend(hits.get(&image.image).map(|hits| hits[0].score));
    }
}

/// What is searched for: the template, everywhere.
pub fn sought(repeated: &Repeated) -> Sought {
    Sought::everywhere(repeated.template.clone(), repeated.sizes.clone())
}

/// Adds the correlations with all images of other classes.
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
    let hits = others_hits(gallery, &others, &others, sought)?;
    add(scores, &others, &hits);
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
