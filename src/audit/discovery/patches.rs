//! Repeated pictures: mined in one half of each class, searched for in the other half and in other
//! classes, then tested as regions.

use super::naming::{Candidate, Named, named};
use super::regions::{self, FoundRegion, Known};
use super::scope::{patterns, scope};
use super::search::{Discovered, Sampled, Search};
use super::show;
use super::views::{self, CellChoice, SearchView};
use crate::dataset::{ImageId, Sample};
use crate::error::Result;
use crate::evidence::benjamini_hochberg;
use crate::evidence::discovery::patches::{
    self, Hit, MinedImage, Repeated, Scores, Template, TemplateSearch,
};
use crate::evidence::discovery::{ClassSample, Gradient, SampledImage, round_robin};
use crate::finding::FindingOrigin;
use crate::tables::DiscoveredRow;
use std::collections::{BTreeMap, BTreeSet};

/// Images of other classes in which is searched.
const OTHERS_MAX: usize = 2_000;
/// Images of the classes that are in memory at once.
const BATCH_IMAGES: usize = 2_000;
/// Images that one worker searches with the same spectra.
const CHUNK: usize = 64;
/// Correlation below which a found picture is called weak.
const WEAK: f32 = 0.65;
/// Correlation from which a picture is surely present, to tell one found twice.
const PRESENT: f32 = 0.4;

/// Views by image, and the images of other classes among them.
struct Gallery<'s, 'x, 'a> {
    search: &'s Search<'x, 'a>,
    samples: BTreeMap<u128, Sample>,
    views: BTreeMap<u128, SearchView>,
    others: Vec<(u32, SampledImage)>,
}

/// Searches every class for repeated pictures.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn search(search: &Search<'_, '_>, sampled: &Sampled) -> Result<Discovered> {
    let seed = search.context.plan.run.seed;
    let classes: Vec<&ClassSample> = sampled
        .classes
        .iter()
        .filter(|class| class.images.len() >= 2)
        .collect();
    let mut gallery = Gallery {
        search,
        samples: BTreeMap::new(),
        views: BTreeMap::new(),
        others: round_robin(&sampled.classes, seed, OTHERS_MAX),
    };
    gallery.read_others()?;

    let mut candidates = Vec::new();
    for batch in batches(&classes) {
        candidates.extend(gallery.candidates(&batch)?);
    }
    let (adjusted, candidates) = significant(search, candidates, classes.len());
    let mut discovered = Discovered::default();
    let found = named(search, &candidates, &adjusted);
    let known = gallery.read_known(&classes, &found)?;
    let hits = gallery.hits(&known, &found)?;

    let regions = gallery.regions(&found, &hits);
    discovered.add(regions::test(search, &regions, &known)?);
    if !found.is_empty() {
        let shown = show::Shown {
            search,
            samples: &gallery.samples,
            hits: &hits,
        };
        discovered.figures.extend(shown.figures(&found, &known)?);
    }
    discovered.rows = gallery.rows(&found, &hits, &known);
    discovered.patterns = patterns(&found);
    discovered
        .scope
        .extend(scope(search, sampled, &classes, &found));
    Ok(discovered)
}

/// Classes that are in memory at once.
fn batches<'c>(classes: &[&'c ClassSample]) -> Vec<Vec<&'c ClassSample>> {
    let mut batches: Vec<Vec<&ClassSample>> = vec![Vec::new()];
    let mut images = 0;
    for class in classes {
        if images + class.images.len() > BATCH_IMAGES && images > 0 {
            batches.push(Vec::new());
            images = 0;
        }
        images += class.images.len();
        if let Some(batch) = batches.last_mut() {
            batch.push(class);
        }
    }
    batches
}

/// The candidates that tell their class, with the adjusted p-values; a class without a candidate
/// counts as a test that failed.
fn significant(
    search: &Search<'_, '_>,
    candidates: Vec<Candidate>,
    classes: usize,
) -> (Vec<f64>, Vec<Candidate>) {
    let mut p: Vec<f64> = candidates.iter().map(|c| c.alarm.p).collect();
    let with: BTreeSet<u32> = candidates.iter().map(|c| c.class).collect();
    p.resize(p.len() + classes.saturating_sub(with.len()), 1.0);
    let adjusted = benjamini_hochberg(&p);

    let max = search.context.plan.verdict.screening_q;
    let both = adjusted.into_iter().zip(candidates);
    both.filter(|(q, _)| *q <= max).unzip()
}

impl Gallery<'_, '_, '_> {
    fn read_others(&mut self) -> Result<()> {
        let ids: BTreeSet<ImageId> = self.others.iter().map(|(_, i)| ImageId(i.image)).collect();
        self.add(&ids, &BTreeMap::new())
    }

    /// Reads the views of images that are not there yet, and of those that are mined.
    fn add(&mut self, ids: &BTreeSet<ImageId>, mined: &BTreeMap<u128, CellChoice>) -> Result<()> {
        let is_new = |id: &&ImageId| !self.views.contains_key(&id.0) || mined.contains_key(&id.0);
        let new: BTreeSet<ImageId> = ids.iter().filter(is_new).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        let samples = views::samples(self.search, &new)?;
        let read = views::read(self.search, &samples, mined)?;
        self.samples.extend(samples);
        self.views.extend(read);
        Ok(())
    }

    /// The pictures that classes repeat, as far as their own other halves show them too.
    fn candidates(&mut self, batch: &[&ClassSample]) -> Result<Vec<Candidate>> {
        let layout = self.search.context.model.layout;
        let mut mined = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for class in batch {
            let count = class.half(true).count();
            let choice = CellChoice {
                class: class.class as usize,
                cells: patches::cells_per_image(count, layout.cells()),
            };
            mined.extend(class.half(true).map(|image| (image.image, choice)));
            ids.extend(class.images.iter().map(|image| ImageId(image.image)));
        }
        self.add(&ids, &mined)?;

        let seed = self.search.context.plan.run.seed;
        let mut inputs = Vec::new();
        for class in batch {
            let mut images = Vec::new();
            let mut all_cells = true;
            for image in class.half(true) {
                let Some(view) = self.views.get_mut(&image.image) else {
                    continue;
                };
                let cells = std::mem::take(&mut view.cells);
                all_cells &= cells.len() == layout.cells();
                images.push(MinedImage {
                    picture: view.picture.clone(),
                    cells,
                });
            }
            inputs.push((*class, images, all_cells));
        }
        let repeated = self.search.pool.map(inputs, |_, (class, images, all)| {
            Ok((class, patches::mine(&images, all, seed)))
        })?;

        let mut candidates = Vec::new();
        for (class, repeated) in repeated {
            candidates.extend(self.tested(class, repeated)?);
        }
        self.release(batch);
        Ok(candidates)
    }

    /// Forgets the views of a batch that are no comparison.
    fn release(&mut self, batch: &[&ClassSample]) {
        let others: BTreeSet<u128> = self.others.iter().map(|(_, image)| image.image).collect();
        for image in batch.iter().flat_map(|class| &class.images) {
            if !others.contains(&image.image) {
                self.views.remove(&image.image);
                self.samples.remove(&image.image);
            }
        }
    }

    /// The repeated pictures of a class that raise an alarm.
    fn tested(&self, class: &ClassSample, repeated: Vec<Repeated>) -> Result<Vec<Candidate>> {
        let images: Vec<u128> = class.images.iter().map(|image| image.image).collect();
        let templates: Vec<Template> = repeated.iter().map(|r| r.template.clone()).collect();
        let own = self.search_all(&images, &templates)?;

        let mut candidates = Vec::new();
        let mut kept: Vec<usize> = Vec::new();
        for (index, repeated) in repeated.into_iter().enumerate() {
            let is_known = kept.iter().any(|other| is_same(&own, *other, index));
            let mut scores = Scores::default();
            for image in class.half(false) {
                let hits = own.get(&image.image);
                scores
                    .class_testing
                    .extend(hits.map(|hits| hits[index].score));
            }
            let possible = patches::alarm(&scores, repeated.images, patches::threshold(&[]));
            if is_known || possible.is_none() {
                continue;
            }

            self.score_others(class.class, &repeated.template, &mut scores)?;
            let threshold = patches::threshold(&scores.others_mining);
            if let Some(alarm) = patches::alarm(&scores, repeated.images, threshold) {
                kept.push(index);
                candidates.push(Candidate {
                    class: class.class,
                    repeated,
                    threshold,
                    alarm,
                });
            }
        }
        Ok(candidates)
    }

    fn score_others(&self, class: u32, template: &Template, scores: &mut Scores) -> Result<()> {
        let others = self.others.iter().filter(|(of, _)| *of != class);
        let others: Vec<&SampledImage> = others.map(|(_, image)| image).collect();
        let ids: Vec<u128> = others.iter().map(|image| image.image).collect();
        let hits = self.search_all(&ids, std::slice::from_ref(template))?;
        for image in others {
            let half = if image.mining {
                &mut scores.others_mining
            } else {
                &mut scores.others_testing
            };
            half.extend(hits.get(&image.image).map(|hits| hits[0].score));
        }
        Ok(())
    }

    /// The best place of every template in every image.
    fn search_all(
        &self,
        images: &[u128],
        templates: &[Template],
    ) -> Result<BTreeMap<u128, Vec<Hit>>> {
        if templates.is_empty() {
            return Ok(BTreeMap::new());
        }
        let chunks: Vec<&[u128]> = images.chunks(CHUNK).collect();
        let found = self.search.pool.map(chunks, |_, chunk| {
            let mut search: Option<(usize, usize, TemplateSearch)> = None;
            let mut found = Vec::new();
            for id in chunk {
                let Some(view) = self.views.get(id) else {
                    continue;
                };
                let gradient = Gradient::new(&view.picture);
                let size = (gradient.width, gradient.height);
                let known = search.take().filter(|(w, h, _)| (*w, *h) == size);
                let (_, _, mut prepared) = known.unwrap_or_else(|| {
                    (
                        size.0,
                        size.1,
                        TemplateSearch::new(size.0, size.1, templates),
                    )
                });
                found.push((*id, prepared.search(&gradient)));
                search = Some((size.0, size.1, prepared));
            }
            Ok(found)
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Reads the images in which found pictures are searched for: all of the classes that repeat
    /// one, and those of other classes.
    fn read_known(&mut self, classes: &[&ClassSample], found: &[Named]) -> Result<Known> {
        let mut known = Known::new();
        if found.is_empty() {
            return Ok(known);
        }
        for class in classes {
            if found
                .iter()
                .any(|named| named.classes.contains_key(&class.class))
            {
                let images = class.images.iter();
                known.extend(images.map(|image| (image.image, (class.class, *image))));
            }
        }
        for (class, image) in &self.others {
            known.insert(image.image, (*class, *image));
        }
        let ids: BTreeSet<ImageId> = known.keys().map(|id| ImageId(*id)).collect();
        self.add(&ids, &BTreeMap::new())?;
        known.retain(|id, _| self.views.contains_key(id));
        Ok(known)
    }

    /// By image, one hit for each found picture.
    fn hits(&self, known: &Known, found: &[Named]) -> Result<BTreeMap<u128, Vec<Hit>>> {
        let images: Vec<u128> = known.keys().copied().collect();
        let templates: Vec<Template> = found.iter().map(|named| named.template.clone()).collect();
        self.search_all(&images, &templates)
    }

    fn regions(&self, found: &[Named], hits: &BTreeMap<u128, Vec<Hit>>) -> Vec<FoundRegion> {
        let mut regions = Vec::new();
        for (index, named) in found.iter().enumerate() {
            let mut places = BTreeMap::new();
            for (image, hits) in hits {
                let view = self.views.get(image);
                if hits[index].score >= named.threshold
                    && let Some(place) = view.and_then(|view| view.in_photo(hits[index].place))
                {
                    places.insert(*image, place);
                }
            }
            regions.push(FoundRegion {
                name: named.name.clone(),
                origin: FindingOrigin::Patch,
                classes: named.classes.clone(),
                places,
            });
        }
        regions
    }

    fn rows(
        &self,
        found: &[Named],
        hits: &BTreeMap<u128, Vec<Hit>>,
        known: &Known,
    ) -> Vec<DiscoveredRow> {
        let mut rows = Vec::new();
        for (index, named) in found.iter().enumerate() {
            for (image, hits) in hits {
                let hit = hits[index];
                let (Some(sample), Some(view), Some((class, sampled))) = (
                    self.samples.get(image),
                    self.views.get(image),
                    known.get(image),
                ) else {
                    continue;
                };
                if hit.score < named.threshold {
                    continue;
                }
                let Some(place) = view.in_photo(hit.place) else {
                    continue;
                };
                rows.push(DiscoveredRow {
                    region: named.name.clone(),
                    origin: FindingOrigin::Patch.name().to_owned(),
                    image_id: sample.id.to_string(),
                    path: sample.path.clone(),
                    label: sample.label.clone(),
                    label_index: *class,
                    mining: sampled.mining,
                    left: place.x0,
                    top: place.y0,
                    right: place.x1,
                    bottom: place.y1,
                    score: f64::from(hit.score),
                    weak: hit.score < WEAK,
                });
            }
        }
        rows
    }
}

/// Whether two templates are at one place in most of the images that show the second.
fn is_same(hits: &BTreeMap<u128, Vec<Hit>>, first: usize, second: usize) -> bool {
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
