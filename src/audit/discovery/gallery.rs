//! The images of a search in memory: those of some classes at a time, and those that every class is
//! compared with.

use super::kept::Kept;
use super::search::{Sampled, Search};
use super::views::{self, CellChoice, SearchView};
use crate::dataset::{ImageId, Sample};
use crate::error::Result;
use crate::evidence::discovery::fixed_places::correlation;
use crate::evidence::discovery::patches::{Hit, Template, TemplateSearch};
use crate::evidence::discovery::{ClassSample, Gradient, PixelBox, SampledImage, round_robin};
use crate::geometry::Rect;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Images of other classes in which is searched.
const OTHERS_MAX: usize = 2_000;
/// Images of the classes that are in memory at once.
const BATCH_IMAGES: usize = 2_000;
/// Images that one worker searches with the same spectra.
const CHUNK: usize = 64;
/// Correlation from which two templates are one picture.
const SAME_MIN: f32 = 0.7;

/// Views by image, and the images of other classes.
pub struct Gallery<'s, 'x, 'a> {
    pub search: &'s Search<'x, 'a>,
    pub kept: Kept<'a>,
    pub views: BTreeMap<u128, SearchView>,
    samples: BTreeMap<u128, Sample>,
    /// With their classes.
    pub others: Vec<(u32, SampledImage)>,
}

/// What is searched for in images: a template, everywhere or at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Sought {
    pub template: Template,
    /// In which it is searched for everywhere, as multiples of the template's.
    pub sizes: Vec<f32>,
    pub at: Option<PixelBox>,
    /// Names it in the cache.
    key: String,
}

/// Where an image shows what is sought, if anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlacedHit {
    /// Correlation, at most 1.
    pub score: f32,
    pub place: PixelBox,
    /// The place in fractions of the photo; `None` where the photo does not show it.
    pub in_photo: Option<Rect>,
}

/// Hits by image, in the order of what is sought; images that can no longer be read are left out.
pub type Hits = BTreeMap<u128, Vec<PlacedHit>>;

/// By image, the further places of what was found.
pub type Parts = BTreeMap<u128, Vec<PlacedHit>>;

/// Classes that are in memory at once.
pub fn batches<'c>(classes: &[&'c ClassSample]) -> Vec<Vec<&'c ClassSample>> {
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

impl<'s, 'x, 'a> Gallery<'s, 'x, 'a> {
    /// # Errors
    /// When the rows of the run can no longer be read.
    pub fn new(search: &'s Search<'x, 'a>, sampled: &Sampled) -> Result<Self> {
        let seed = search.context.plan.run.seed;
        Ok(Self {
            search,
            kept: Kept::new(search, &sampled.classes)?,
            samples: BTreeMap::new(),
            views: BTreeMap::new(),
            others: round_robin(&sampled.classes, seed, OTHERS_MAX),
        })
    }

    /// Reads the views of images that are not there yet, and of those that are mined.
    ///
    /// # Errors
    /// When the dataset can no longer be read, or the run is asked to stop.
    pub fn add(
        &mut self,
        ids: &BTreeSet<ImageId>,
        mined: &BTreeMap<u128, CellChoice>,
    ) -> Result<()> {
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

    /// Forgets the views of classes that are no comparison.
    pub fn release(&mut self, batch: &[&ClassSample]) {
        let others: BTreeSet<u128> = self.others.iter().map(|(_, image)| image.image).collect();
        for image in batch.iter().flat_map(|class| &class.images) {
            if !others.contains(&image.image) {
                self.views.remove(&image.image);
                self.samples.remove(&image.image);
            }
        }
    }

    /// Images of other classes.
    pub fn others_of(&self, class: u32) -> Vec<(u32, SampledImage)> {
        let others = self.others.iter().filter(|(of, _)| *of != class);
        others.copied().collect()
    }

    /// The samples of images.
    ///
    /// # Errors
    /// When the dataset can no longer be read.
    pub fn samples(&mut self, images: &BTreeSet<u128>) -> Result<&BTreeMap<u128, Sample>> {
        let missing = images.iter().filter(|id| !self.samples.contains_key(id));
        let missing: BTreeSet<ImageId> = missing.map(|id| ImageId(*id)).collect();
        if !missing.is_empty() {
            let read = views::samples(self.search, &missing)?;
            self.samples.extend(read);
        }
        Ok(&self.samples)
    }

    /// Where images show what is sought: from the cache, else from their views.
    ///
    /// # Errors
    /// As of [`Gallery::add`].
    pub fn hits(&mut self, images: &[u128], sought: &[Sought]) -> Result<Hits> {
        let mut hits = Hits::new();
        let mut used = Vec::new();
        let mut open = Vec::new();
        for image in images {
            match self.kept_hits(*image, sought) {
                Some((keys, of_image)) => {
                    used.extend(keys);
                    hits.insert(*image, of_image);
                }
                None => open.push(*image),
            }
        }

        let fresh = self.fresh_hits(&open, sought)?;
        let mut kept = Vec::new();
        for (image, of_image) in &fresh {
            for (sought, hit) in sought.iter().zip(of_image) {
                let key = self.kept.image_key(&sought.key, *image);
                kept.extend(key.map(|key| (key, *hit)));
            }
        }
        self.kept.keep(&kept, &used);
        hits.extend(fresh);
        Ok(hits)
    }

    /// The images of which a hit has to be found in their views.
    pub fn open<'i>(
        &self,
        images: impl Iterator<Item = &'i SampledImage>,
        sought: &[Sought],
    ) -> BTreeSet<ImageId> {
        let open = images.filter(|image| self.kept_hits(image.image, sought).is_none());
        open.map(|image| ImageId(image.image)).collect()
    }

    /// All hits of an image with their keys, if the cache has them all.
    fn kept_hits(&self, image: u128, sought: &[Sought]) -> Option<(Vec<String>, Vec<PlacedHit>)> {
        let mut keys = Vec::new();
        let mut hits = Vec::new();
        for sought in sought {
            let key = self.kept.image_key(&sought.key, image)?;
            hits.push(self.kept.get(Some(&key))?);
            keys.push(key);
        }
        Some((keys, hits))
    }

    fn fresh_hits(&mut self, images: &[u128], sought: &[Sought]) -> Result<Hits> {
        if sought.is_empty() {
            return Ok(Hits::new());
        }
        let ids = images.iter().map(|id| ImageId(*id)).collect();
        self.add(&ids, &BTreeMap::new())?;

        let mut templates = Vec::new();
        for sought in sought.iter().filter(|sought| sought.at.is_none()) {
            templates.extend(
                sought
                    .sizes
                    .iter()
                    .map(|size| sought.template.resized(*size)),
            );
        }
        let views = &self.views;
        let chunks: Vec<&[u128]> = images.chunks(CHUNK).collect();
        let found = self.search.pool.map(chunks, |_, chunk| {
            let mut search = SizedSearch::new(&templates);
            let mut found = Vec::new();
            for id in chunk {
                if let Some(view) = views.get(id) {
                    found.push((*id, placed(view, sought, &mut search)));
                }
            }
            Ok(found)
        })?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl Sought {
    /// Everywhere, at any of some sizes.
    pub fn everywhere(template: Template, sizes: Vec<f32>) -> Self {
        Self::new(template, sizes, None)
    }

    /// At one place.
    pub fn at(template: Template, place: PixelBox) -> Self {
        Self::new(template, vec![1.0], Some(place))
    }

    fn new(template: Template, sizes: Vec<f32>, at: Option<PixelBox>) -> Self {
        let mut hasher = blake3::Hasher::new();
        let numbers = template.values.iter().flatten().chain(&sizes);
        for number in numbers {
            hasher.update(&number.to_le_bytes());
        }
        let hash = hasher.finalize().to_hex();
        Self {
            key: format!("hit {} {at:?} {hash}", template.width),
            template,
            sizes,
            at,
        }
    }

    /// Whether both are one picture; at fixed places, whether these cover each other as well.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_at_one_place = match (&self.at, &other.at) {
            (None, None) => true,
            (Some(first), Some(second)) => first.covers(second),
            _ => false,
        };
        is_at_one_place && self.similarity(other).max(other.similarity(self)) >= SAME_MIN
    }

    /// The correlation with the other template, at the best of the sizes in which that one is
    /// searched for.
    fn similarity(&self, other: &Self) -> f32 {
        let mut best = self.template.similarity(&other.template);
        for size in other.sizes.iter().filter(|size| **size != 1.0) {
            best = best.max(self.template.similarity(&other.template.resized(*size)));
        }
        best
    }
}

/// The search for templates, prepared for the size of the last picture.
struct SizedSearch<'t> {
    templates: &'t [Template],
    prepared: Option<([usize; 2], TemplateSearch)>,
}

impl<'t> SizedSearch<'t> {
    fn new(templates: &'t [Template]) -> Self {
        Self {
            templates,
            prepared: None,
        }
    }

    fn search(&mut self, gradient: &Gradient) -> Vec<Hit> {
        if self.templates.is_empty() {
            return Vec::new();
        }
        let size = [gradient.width, gradient.height];
        let known = self.prepared.take().filter(|(known, _)| *known == size);
        let (_, mut search) = known.unwrap_or_else(|| {
            let search = TemplateSearch::new(size[0], size[1], self.templates);
            (size, search)
        });
        let hits = search.search(gradient);
        self.prepared = Some((size, search));
        hits
    }
}

fn placed(view: &SearchView, sought: &[Sought], search: &mut SizedSearch<'_>) -> Vec<PlacedHit> {
    let gradient = Gradient::new(&view.picture);
    let mut everywhere = search.search(&gradient).into_iter();
    let mut hits = Vec::new();
    for sought in sought {
        let hit = match sought.at {
            Some(place) => Some(Hit {
                score: correlation(&sought.template, &gradient, place),
                place,
            }),
            None => strongest(everywhere.by_ref().take(sought.sizes.len())),
        };
        hits.extend(hit.map(|hit| PlacedHit {
            score: hit.score,
            place: hit.place,
            in_photo: view.in_photo(hit.place),
        }));
    }
    hits
}

fn strongest(hits: impl Iterator<Item = Hit>) -> Option<Hit> {
    let mut strongest: Option<Hit> = None;
    for hit in hits {
        if strongest.is_none_or(|strongest| hit.score > strongest.score) {
            strongest = Some(hit);
        }
    }
    strongest
}
