//! What the annotations say before the first image is scored: where templates are, where a region
//! lies when it is present, and which classes nearly always show it. One pass over the dataset.

use super::context::AuditContext;
use super::photo_frames::{self, PhotoFrame};
use super::pool::WorkerPool;
use super::presence::{self, TemplatePlace};
use crate::dataset::{Annotation, Dataset, HandledProblem, ImageBytes, ImageId, Sample, Source};
use crate::error::{Result, Skip};
use crate::evidence;
use crate::geometry::Rect;
use crate::plan::{Place, Region, RegionKind, Verdicts};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Places kept per class and region.
const PLACES_MAX: usize = 16;
/// Images, about, that are a comparison for a class whose own images nearly all show a region.
const BASELINE_IMAGES: f64 = 2000.0;

/// Facts by the label's class and the region's index in the plan.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Prescan {
    /// Boxes of present regions, as fractions of their photos, chosen by hash.
    places: BTreeMap<(usize, usize), Vec<Rect>>,
    /// Classes and regions with too few images of the class that lack the region.
    saturated: Vec<(usize, usize)>,
    /// Part of all images that is a comparison for such a class, chosen by hash with the seed.
    sampling_rate: f64,
    seed: u64,
    /// These are part of the samples when they travel.
    #[serde(skip)]
    templates: BTreeMap<ImageId, Vec<TemplatePlace>>,
    /// Images whose search took too long: presence is unknown.
    #[serde(skip)]
    timeouts: BTreeMap<ImageId, Skip>,
    /// By the same keys, until the places are known.
    #[serde(skip)]
    counts: BTreeMap<(usize, usize), Counts>,
    /// Problems of all boxes that show only with the sizes of photos.
    #[serde(skip)]
    pub problems: Vec<HandledProblem>,
}

/// A region that is annotated, or gets an annotation by its presence.
struct AnnotatedRegion<'p> {
    index: usize,
    category: &'p str,
}

/// Counts of one class and one region.
#[derive(Debug, Default)]
struct Counts {
    present: u32,
    /// Groups of the screening half that lack it; counting stops at the number needed.
    absent: BTreeSet<u64>,
    /// The images of these boxes, in order of hash; regions of one image share it.
    donors: BTreeMap<[u8; 32], Arc<Sample>>,
}

impl Prescan {
    /// For single images: no reference boxes and no comparisons.
    pub fn without_comparisons() -> Self {
        Self::default()
    }

    /// For images whose regions are known without the annotations of the set; places and classes
    /// are added.
    pub fn of_images(images: usize, seed: u64) -> Self {
        Self {
            sampling_rate: BASELINE_IMAGES / images.max(1) as f64,
            seed,
            ..Self::default()
        }
    }

    /// Adds a box of a region, in fractions of its photo; the first ones are kept.
    pub fn add_place(&mut self, class: usize, region: usize, place: Rect) {
        let places = self.places.entry((class, region)).or_default();
        if places.len() < PLACES_MAX {
            places.push(place);
        }
    }

    /// Adds a class whose images nearly all show a region.
    pub fn add_saturated(&mut self, class: usize, region: usize) {
        self.saturated.push((class, region));
    }

    /// Searches for templates and streams the annotations. The places are not known yet: see
    /// [`Prescan::photos`].
    ///
    /// # Errors
    /// When the dataset can no longer be read, or the run is asked to stop.
    pub fn new<'a>(
        context: &AuditContext<'a>,
        pool: &WorkerPool<'a>,
        dataset: &Dataset,
    ) -> Result<Self> {
        let plan = context.plan;
        let mut prescan = Self {
            sampling_rate: BASELINE_IMAGES / dataset.stats.found.max(1) as f64,
            seed: plan.run.seed,
            ..Self::default()
        };
        let regions = annotated_regions(&plan.regions);
        let mut counts = BTreeMap::new();
        if !regions.is_empty() || presence::needs_search(&plan.regions) {
            prescan.read_annotations(context, pool, dataset, &regions, &mut counts)?;
        }
        for (key, count) in &counts {
            if is_saturated(count, &plan.verdict) {
                prescan.saturated.push(*key);
            }
        }
        prescan.counts = counts;
        Ok(prescan)
    }

    /// The few photos whose boxes are kept or checked: their sizes are needed before any image is
    /// scored.
    pub fn photos(&self, dataset: &Dataset) -> BTreeMap<ImageId, Source> {
        let mut sources = dataset.photos_of_boxes();
        sources.extend(donors(&self.counts));
        sources
    }

    /// Checks the boxes, and keeps the places of regions.
    ///
    /// # Errors
    /// When the boxes are implausible.
    pub fn place(
        &mut self,
        regions: &[Region],
        dataset: &Dataset,
        frames: &BTreeMap<ImageId, PhotoFrame>,
    ) -> Result<()> {
        self.problems = dataset.check_boxes(&photo_frames::sizes(frames))?;
        let counts = std::mem::take(&mut self.counts);
        self.places = places(&annotated_regions(regions), counts, frames);
        Ok(())
    }

    /// Streams the annotations, after a search for templates where there are some.
    fn read_annotations<'a>(
        &mut self,
        context: &AuditContext<'a>,
        pool: &WorkerPool<'a>,
        dataset: &Dataset,
        regions: &[AnnotatedRegion<'_>],
        counts: &mut BTreeMap<(usize, usize), Counts>,
    ) -> Result<()> {
        let plan = context.plan;
        let search = presence::needs_search(&plan.regions);
        let bytes = if search {
            ImageBytes::Read
        } else {
            ImageBytes::Leave
        };
        let mut samples = dataset
            .samples(context.labels, bytes)?
            .filter_map(Result::ok);
        loop {
            let shard: Vec<Sample> = samples.by_ref().take(plan.run.shard_size).collect();
            if shard.is_empty() {
                return Ok(());
            }
            if search {
                self.search(context, pool, &shard)?;
            }
            for mut sample in shard {
                self.annotate(&plan.regions, &mut sample);
                let sample = Arc::new(sample);
                count(counts, regions, &sample, plan.run.seed, &plan.verdict);
            }
        }
    }

    /// Searches the photos of a shard for the templates of all regions.
    fn search<'a>(
        &mut self,
        context: &AuditContext<'a>,
        pool: &WorkerPool<'a>,
        shard: &[Sample],
    ) -> Result<()> {
        let regions = &context.plan.regions;
        let found = pool.map(shard.iter().collect(), |worker, sample: &Sample| {
            let places =
                presence::search(regions, |template| worker.locate_template(sample, template));
            Ok((sample.id, places))
        })?;
        pool.write_cache();

        for (id, places) in found {
            match places {
                Ok(places) if places.is_empty() => {}
                Ok(places) => {
                    self.templates.insert(id, places);
                }
                Err(skip) if skip.is_timeout() => {
                    self.timeouts.insert(id, skip);
                }
                // A photo that cannot be read is skipped when it is measured.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Adds the annotations that presence amounts to.
    pub fn annotate(&self, regions: &[Region], sample: &mut Sample) {
        let places = self.templates.get(&sample.id);
        presence::annotate(regions, sample, places.map_or(&[][..], Vec::as_slice));
    }

    /// Why the presence of regions in an image is unknown: the search for a template took too long.
    pub fn timeout(&self, id: ImageId) -> Option<&Skip> {
        self.timeouts.get(&id)
    }

    /// Where a region that an image lacks would lie: the place of a present one of the class, else
    /// of any, by hash.
    pub fn reference_box(&self, class: usize, region: usize, id: ImageId) -> Option<Rect> {
        let in_class = self.places.get(&(class, region)).filter(|p| !p.is_empty());
        let places = match in_class {
            Some(places) => places,
            None => {
                let mut of_region = self.places.iter().filter(|((_, r), _)| *r == region);
                of_region.find(|(_, places)| !places.is_empty())?.1
            }
        };
        let hash = blake3::hash(id.to_string().as_bytes());
        let chosen = usize::from(hash.as_bytes()[0]) % places.len();
        places.get(chosen).copied()
    }

    /// Classes whose maps are taken of an image of another class, as a comparison: it lacks a
    /// region that nearly all of theirs show. In large datasets a sample is drawn by hash, so that
    /// many such classes do not cost a map each.
    pub fn baseline_classes(&self, regions: &[Region], sample: &Sample) -> BTreeSet<usize> {
        let mut classes = BTreeSet::new();
        for &(class, region) in &self.saturated {
            if class != sample.class
                && lacks(regions.get(region), sample)
                && self.is_sampled(sample.id, class)
            {
                classes.insert(class);
            }
        }
        classes
    }

    fn is_sampled(&self, id: ImageId, class: usize) -> bool {
        let rank = rank(self.seed, &format!("{id} under {class}"));
        let number = u32::from_le_bytes([rank[0], rank[1], rank[2], rank[3]]);
        f64::from(number) < self.sampling_rate * 2_f64.powi(32)
    }
}

fn annotated_regions(regions: &[Region]) -> Vec<AnnotatedRegion<'_>> {
    let mut annotated = Vec::new();
    for (index, region) in regions.iter().enumerate() {
        if let Place::Annotation { category } = &region.place
            && region.kind == RegionKind::Confounder
        {
            annotated.push(AnnotatedRegion { index, category });
        }
    }
    annotated
}

/// Counts one image; it is kept as a donor of its box where its hash is among the smallest.
fn count(
    counts: &mut BTreeMap<(usize, usize), Counts>,
    regions: &[AnnotatedRegion<'_>],
    sample: &Arc<Sample>,
    seed: u64,
    policy: &Verdicts,
) {
    let hex = sample.id.to_string();
    for region in regions {
        let count = counts.entry((sample.class, region.index)).or_default();
        if shows(sample, region.category) {
            count.present += 1;
            count.donors.insert(rank(seed, &hex), Arc::clone(sample));
            if count.donors.len() > PLACES_MAX {
                count.donors.pop_last();
            }
        } else if count.absent.len() < groups_needed(policy) {
            let group = sample.group.as_deref().unwrap_or(&hex);
            count.absent.extend(evidence::screening_group(group));
        }
    }
}

/// Twice as many groups as are needed, because some may turn out to be near-duplicates.
fn groups_needed(policy: &Verdicts) -> usize {
    2 * policy.baseline_min as usize
}

/// Whether too few images of a class lack the region for a comparison within the class.
fn is_saturated(count: &Counts, policy: &Verdicts) -> bool {
    count.present >= policy.tagged_min && count.absent.len() < groups_needed(policy)
}

/// The photos whose boxes are kept.
fn donors(counts: &BTreeMap<(usize, usize), Counts>) -> BTreeMap<ImageId, Source> {
    let mut donors = BTreeMap::new();
    for sample in counts.values().flat_map(|count| count.donors.values()) {
        donors.insert(sample.id, sample.source.clone());
    }
    donors
}

/// The boxes of the donors, as fractions of their photos.
fn places(
    regions: &[AnnotatedRegion<'_>],
    counts: BTreeMap<(usize, usize), Counts>,
    frames: &BTreeMap<ImageId, PhotoFrame>,
) -> BTreeMap<(usize, usize), Vec<Rect>> {
    let mut places: BTreeMap<(usize, usize), Vec<Rect>> = BTreeMap::new();
    for (key, count) in counts {
        let placed = places.entry(key).or_default();
        let Some(region) = regions.iter().find(|region| region.index == key.1) else {
            continue;
        };
        for sample in count.donors.values() {
            if let Some(frame) = frames.get(&sample.id) {
                placed.extend(relative_bounds(sample, frame, region.category));
            }
        }
    }
    places
}

fn lacks(region: Option<&Region>, sample: &Sample) -> bool {
    match region.map(|region| &region.place) {
        Some(Place::Annotation { category }) => !shows(sample, category),
        _ => false,
    }
}

fn shows(sample: &Sample, category: &str) -> bool {
    sample.annotations.iter().any(|a| is_of(a, category))
}

fn is_of(annotation: &Annotation, category: &str) -> bool {
    annotation.category == category && !annotation.ignore
}

/// The place of a name in an order by hash of the seed and the name.
fn rank(seed: u64, name: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(name.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The bounding box of a category as fractions of its photo.
fn relative_bounds(sample: &Sample, frame: &PhotoFrame, category: &str) -> Option<Rect> {
    let size = frame.size;
    let mut fitted = sample.clone();
    fitted.annotations.retain(|a| is_of(a, category));
    fitted.fit(size, frame.transpose);

    let mut corners = Vec::new();
    for annotation in &fitted.annotations {
        let bounds = annotation.bounds(size);
        corners.push([bounds.x0, bounds.y0]);
        corners.push([bounds.x1, bounds.y1]);
    }
    let bounds = Rect::around(&corners).intersect(size.rect())?;
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    Some(Rect::new(
        bounds.x0 / w,
        bounds.y0 / h,
        bounds.x1 / w,
        bounds.y1 / h,
    ))
}
