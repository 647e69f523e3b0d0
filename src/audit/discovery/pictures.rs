//! Pictures that many images of a class repeat, anywhere or at one place: mined in one half of each
//! class, searched for in the other half and in other classes, then tested as regions.

use super::already_declared::{AlreadyDeclared, already_declared};
use super::fixed;
use super::gallery::{Gallery, Hits, Sought, batches};
use super::keep::keep;
use super::mining::{Mined, mine};
use super::naming::{Candidate, Named, named};
use super::parts;
use super::patches;
use super::regions::{self, FoundRegion, Known};
use super::scope;
use super::search::{Discovered, FoundLine, Sampled, Search};
use super::show;
use super::unclear::unclear;
use crate::dataset::ImageId;
use crate::error::Result;
use crate::evidence::benjamini_hochberg;
use crate::evidence::discovery::ClassSample;
use crate::finding::FindingOrigin;
use crate::geometry::Rect;
use crate::plan::Discovery;
use std::collections::{BTreeMap, BTreeSet};

/// Searches every class for repeated pictures.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn search(search: &Search<'_, '_>, sampled: &Sampled) -> Result<Discovered> {
    let settings = &sampled.settings;
    let classes = sampled.classes.iter();
    let classes: Vec<&ClassSample> = classes.filter(|class| class.images.len() >= 2).collect();
    let mut gallery = Gallery::new(search, sampled)?;
    let mut discovered = Discovered::default();

    let mut patches = Vec::new();
    let mut compared = Vec::new();
    let mut agreements = Vec::new();
    for (batch, settings) in batches_of(search, &classes, settings) {
        let mined = mine(&mut gallery, &batch, &settings)?;
        read_tested(&mut gallery, &batch, &mined)?;
        for (class, mined) in batch.iter().zip(mined) {
            patches.extend(patches::candidates(&mut gallery, class, &mined.repeated)?);
            compared.extend(mined.agreement.is_some().then_some(*class));
            agreements.extend(mined.agreement);
        }
        gallery.release(&batch);
    }
    let mut candidates = significant(search, patches, classes.len());
    let places = fixed::candidates(&mut gallery, &compared, &agreements)?;
    candidates.extend(significant(search, places, compared.len()));

    let found = named(search, candidates);
    let known = read_known(&gallery, &classes, &found);
    let hits = known_hits(&mut gallery, &known, &found)?;
    let twice = found_twice(&found, &hits, &known);
    let (found, hits) = without(found, hits, &twice);
    let parts = parts::of_one_thing(&found, &hits, &known);
    let (mut found, hits) = joined(found, hits, &parts);

    let known: Known = known
        .into_iter()
        .filter(|(id, _)| hits.contains_key(id))
        .collect();
    let finds_by_class = finds_by_class(&found);
    let shown: BTreeSet<u128> = hits.keys().copied().collect();
    let samples = gallery.samples(&shown)?;
    let mut regions = found_regions(&found, &hits, &known);
    let mut already = Vec::new();
    if let Some(declared) = search.declared {
        already = already_declared(search, declared, samples, &regions, &known)?;
    }
    let listed_once = listed_once(&mut found, &mut regions, &already);
    let (found, hits) = without(found, hits, &listed_once);

    discovered.lines = lines(search, &found);
    if search.declared.is_some() {
        discovered.add(regions::test(search, &regions, &known)?);
    }
    if !found.is_empty() {
        let shown = show::Shown {
            search,
            samples,
            hits: &hits,
        };
        discovered.figures.extend(shown.figures(&found, &known)?);
        keep(
            search,
            (&found, &regions),
            &hits,
            &known,
            samples,
            &mut discovered,
        )?;
    }
    if settings.patches {
        let sentences = scope::of_patches(search, sampled, &classes, &finds_by_class);
        discovered.scope.extend(sentences);
    }
    if settings.fixed {
        let sentences = scope::of_places(
            search,
            &compared,
            &finds_by_class,
            [twice.len(), parts.len()],
        );
        discovered.scope.extend(sentences);
    }
    let names = search.context.labels.pooled_names();
    for already in &already {
        discovered
            .scope
            .extend(scope::of_declared(already, &names, samples));
    }
    Ok(discovered)
}

/// The classes that are searched, and the others as far as fixed places are compared with them.
fn batches_of<'c>(
    search: &Search<'_, '_>,
    classes: &[&'c ClassSample],
    settings: &Discovery,
) -> Vec<(Vec<&'c ClassSample>, Discovery)> {
    let of = |is_searched: bool| -> Vec<&'c ClassSample> {
        let classes = classes.iter().copied();
        classes
            .filter(|class| search.is_searched(class.class) == is_searched)
            .collect()
    };
    let mut all = Vec::new();
    for batch in batches(&of(true)) {
        all.push((batch, *settings));
    }
    if settings.fixed {
        let compared = Discovery {
            patches: false,
            ..*settings
        };
        for batch in batches(&of(false)) {
            all.push((batch, compared));
        }
    }
    all
}

/// The origin and class of every find.
fn finds_by_class(found: &[Named]) -> Vec<(FindingOrigin, u32)> {
    let mut finds = Vec::new();
    for named in found {
        finds.extend(named.classes.keys().map(|class| (named.origin, *class)));
    }
    finds
}

/// Takes the classes from finds whose declared regions are listed for them; returns the finds that
/// are left without a class. Their regions are left out.
fn listed_once(
    found: &mut [Named],
    regions: &mut Vec<FoundRegion>,
    already: &[AlreadyDeclared],
) -> BTreeSet<usize> {
    for already in already.iter().filter(|already| already.is_listed_once) {
        let AlreadyDeclared { index, class, .. } = already;
        found[*index].classes.remove(class);
        found[*index].alarms.remove(class);
        regions[*index].listed_once.insert(*class);
    }
    regions.retain(|region| region.listed_once.len() < region.classes.len());
    let all = found.iter().enumerate();
    let empty = all.filter(|(_, named)| named.classes.is_empty());
    empty.map(|(index, _)| index).collect()
}

fn lines(search: &Search<'_, '_>, found: &[Named]) -> Vec<FoundLine> {
    let names = search.context.labels.pooled_names();
    let mut lines = Vec::new();
    for named in found {
        for (class, alarm) in &named.alarms {
            let name = names.get(&(*class as usize)).cloned();
            lines.push(FoundLine {
                class: name.unwrap_or_else(|| class.to_string()),
                origin: named.origin,
                what: named.name.clone(),
                in_class: alarm.in_class,
                in_others: alarm.in_others,
                q: named.classes.get(class).copied().unwrap_or(1.0),
            });
        }
    }
    lines
}

/// Reads the images of the testing halves of classes that repeat something, as far as the cache
/// does not know where they show it, in one pass over the dataset.
fn read_tested(
    gallery: &mut Gallery<'_, '_, '_>,
    batch: &[&ClassSample],
    mined: &[Mined],
) -> Result<()> {
    let mut ids: BTreeSet<ImageId> = BTreeSet::new();
    for (class, mined) in batch.iter().zip(mined) {
        let sought: Vec<Sought> = mined.repeated.iter().map(patches::sought).collect();
        ids.extend(gallery.open(class.half(false), &sought));
    }
    gallery.add(&ids, &BTreeMap::new())
}

/// The candidates that tell their class, with the adjusted p-values; a class without a candidate
/// counts as a test that failed.
fn significant(
    search: &Search<'_, '_>,
    candidates: Vec<Candidate>,
    classes: usize,
) -> Vec<(f64, Candidate)> {
    let mut p: Vec<f64> = candidates.iter().map(|c| c.alarm.p).collect();
    let with: BTreeSet<u32> = candidates.iter().map(|c| c.class).collect();
    p.resize(p.len() + classes.saturating_sub(with.len()), 1.0);
    let adjusted = benjamini_hochberg(&p);

    let max = search.context.plan.verdict.screening_q;
    let both = adjusted.into_iter().zip(candidates);
    both.filter(|(q, _)| *q <= max).collect()
}

/// The images in which found pictures are searched for: all of the classes that repeat one, and
/// those of other classes.
fn read_known(gallery: &Gallery<'_, '_, '_>, classes: &[&ClassSample], found: &[Named]) -> Known {
    let mut known = Known::new();
    if found.is_empty() {
        return known;
    }
    for class in classes {
        let mut of_class = found.iter().map(|named| &named.classes);
        if of_class.any(|classes| classes.contains_key(&class.class)) {
            let images = class.images.iter();
            known.extend(images.map(|image| (image.image, (class.class, *image))));
        }
    }
    for (class, image) in &gallery.others {
        known.insert(image.image, (*class, *image));
    }
    known
}

/// By image, one hit for each found picture.
fn known_hits(gallery: &mut Gallery<'_, '_, '_>, known: &Known, found: &[Named]) -> Result<Hits> {
    let images: Vec<u128> = known.keys().copied().collect();
    let sought: Vec<Sought> = found.iter().map(|named| named.sought.clone()).collect();
    gallery.hits(&images, &sought)
}

/// Fixed places that are found patches: most images of a class that show the place show the patch
/// there.
fn found_twice(found: &[Named], hits: &Hits, known: &Known) -> BTreeSet<usize> {
    let of_origin = |origin: FindingOrigin| {
        let all = found.iter().enumerate();
        all.filter(move |(_, named)| named.origin == origin)
    };
    let mut twice = BTreeSet::new();
    for (place, of_place) in of_origin(FindingOrigin::Fixed) {
        for (patch, of_patch) in of_origin(FindingOrigin::Patch) {
            let (mut shown, mut common) = (0, 0);
            for (image, hits) in hits {
                let class = known.get(image).map(|(class, _)| class);
                let is_of_both = class.is_some_and(|class| {
                    of_place.classes.contains_key(class) && of_patch.classes.contains_key(class)
                });
                if !is_of_both || hits[place].score < of_place.threshold {
                    continue;
                }
                shown += 1;
                let is_there = hits[patch].score >= of_patch.threshold
                    && hits[patch].place.covers(&hits[place].place);
                common += usize::from(is_there);
            }
            if 2 * common > shown {
                twice.insert(place);
            }
        }
    }
    twice
}

/// The finds and hits without some of them.
fn without(found: Vec<Named>, hits: Hits, left_out: &BTreeSet<usize>) -> (Vec<Named>, Hits) {
    let found = found.into_iter().enumerate();
    let found = found.filter(|(index, _)| !left_out.contains(index));
    let found = found.map(|(_, named)| named).collect();

    let mut kept = Hits::new();
    for (image, hits) in hits {
        let mut of_image = Vec::new();
        for (index, hit) in hits.into_iter().enumerate() {
            if !left_out.contains(&index) {
                of_image.push(hit);
            }
        }
        kept.insert(image, of_image);
    }
    (found, kept)
}

/// The finds and hits with the parts put into the finds that they are parts of.
fn joined(mut found: Vec<Named>, hits: Hits, parts: &BTreeMap<usize, usize>) -> (Vec<Named>, Hits) {
    for whole in parts.values().copied().collect::<BTreeSet<usize>>() {
        found[whole].parts = parts::places(whole, parts, &found, &hits);
    }
    without(found, hits, &parts.keys().copied().collect())
}

fn found_regions(found: &[Named], hits: &Hits, known: &Known) -> Vec<FoundRegion> {
    let mut regions = Vec::new();
    for (index, named) in found.iter().enumerate() {
        let mut places = BTreeMap::new();
        for (image, hits) in hits {
            if hits[index].score < named.threshold {
                continue;
            }
            let further = named.parts.get(image).into_iter().flatten();
            let all = std::iter::once(&hits[index]).chain(further);
            let in_photo: Vec<Rect> = all.filter_map(|hit| hit.in_photo).collect();
            if !in_photo.is_empty() {
                places.insert(*image, in_photo);
            }
        }
        regions.push(FoundRegion {
            name: named.name.clone(),
            origin: named.origin,
            classes: named.classes.clone(),
            listed_once: BTreeSet::new(),
            unclear: unclear(index, named, &places, hits, known),
            places,
        });
    }
    regions
}
