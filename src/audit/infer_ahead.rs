//! Sets whose photos stand beside their labels: a row group is read whole, so a photo's size costs
//! as much as all photos of its group. Where sizes are needed before the first image is scored, the
//! one pass that measures comes first: it infers every image into the cache, and keeps the sizes
//! and the hash of each image's bytes. The rows are then made from the cache, without the photos.

use super::context::AuditContext;
use super::measure_image::{Failure, ImageInference, has_all_maps, infer_image};
use super::photo_frames::{self, PhotoFrame};
use super::pool::WorkerPool;
use super::prescan::Prescan;
use super::totals::Totals;
use super::worker::{Timings, Worker};
use crate::cache::{Cache, CachedInference};
use crate::dataset::{Dataset, ImageBytes, ImageId, Sample, Skipped, Source};
use crate::error::{Error, Result, Skip};
use std::collections::{BTreeMap, BTreeSet};

/// What is kept of an image that was inferred: 56 bytes.
struct Kept {
    id: [u8; 16],
    /// BLAKE3 of its bytes.
    content: [u8; 32],
    /// Hash of its label and annotations.
    description: [u8; 8],
}

/// What the pass found.
pub struct InferredAhead<'a> {
    cache: &'a Cache,
    /// In order of the ids.
    images: Vec<Kept>,
    /// Images that were skipped, with the hash of their labels and annotations.
    skips: BTreeMap<ImageId, ([u8; 8], Skip)>,
    /// Sizes of the photos whose boxes are kept or checked.
    pub frames: BTreeMap<ImageId, PhotoFrame>,
    /// Photos whose boxes are checked, and that were not reached yet.
    unchecked: BTreeSet<ImageId>,
}

/// An image to score, with its inference where there is one.
pub type Prepared = (Sample, Option<Result<ImageInference, Skip>>);

/// One image of the pass.
struct Passed {
    id: ImageId,
    path: String,
    description: [u8; 8],
    inferred: Result<ImageInference, Skip>,
}

/// The cache, where this pass saves one: some photos are needed whose bytes stand beside their
/// labels, and the cache gives back what is written to it.
pub fn cache_of<'a>(
    context: &AuditContext<'a>,
    photos: &BTreeMap<ImageId, Source>,
) -> Option<&'a Cache> {
    let is_needed = photos.values().any(photo_frames::is_unread);
    let cache = context.cache.filter(|cache| cache.failure().is_none());
    cache.filter(|_| is_needed && !context.plan.run.verify_cache)
}

impl<'a> InferredAhead<'a> {
    /// Infers all images into the cache.
    ///
    /// # Errors
    /// When the dataset can no longer be read, its boxes are implausible, or the run is asked to
    /// stop.
    pub fn new(
        context: &AuditContext<'a>,
        cache: &'a Cache,
        prescan: &Prescan,
        pool: &WorkerPool<'a>,
        dataset: &Dataset,
        totals: &mut Totals,
    ) -> Result<Self> {
        let mut ahead = Self {
            cache,
            images: Vec::new(),
            skips: BTreeMap::new(),
            frames: BTreeMap::new(),
            unchecked: dataset.photos_of_boxes().into_keys().collect(),
        };
        let photos = prescan.photos(dataset);
        let samples = dataset.samples(context.labels, ImageBytes::Read)?;
        let mut samples = samples.filter_map(Result::ok);
        loop {
            let shard: Vec<Sample> = samples.by_ref().take(context.plan.run.shard_size).collect();
            if shard.is_empty() {
                break;
            }
            ahead.add_sizes(pool, dataset, &photos, &shard)?;
            let passed = pool.map(shard, |worker, mut sample: Sample| {
                prescan.annotate(&context.plan.regions, &mut sample);
                let passed = pass(context, prescan, worker, sample);
                pool.observer.image(None);
                passed
            })?;
            ahead.add(passed, totals);
        }
        ahead.images.sort_unstable_by_key(|image| image.id);
        Ok(ahead)
    }

    /// Takes the sizes that are needed of a shard's photos. The boxes are checked as soon as their
    /// sizes are known, so that a set of wrong boxes is not inferred first.
    fn add_sizes(
        &mut self,
        pool: &WorkerPool<'a>,
        dataset: &Dataset,
        photos: &BTreeMap<ImageId, Source>,
        shard: &[Sample],
    ) -> Result<()> {
        let mut needed = BTreeMap::new();
        for sample in shard {
            self.unchecked.remove(&sample.id);
            if photos.contains_key(&sample.id) {
                needed.insert(sample.id, sample.source.clone());
            }
        }
        if needed.is_empty() {
            return Ok(());
        }
        self.frames.extend(photo_frames::read(pool, needed)?);
        if self.unchecked.is_empty() {
            dataset.check_boxes(&photo_frames::sizes(&self.frames))?;
        }
        Ok(())
    }

    /// Keeps what was inferred of a shard. Two images of the same bytes share an entry.
    fn add(&mut self, shard: Vec<Passed>, totals: &mut Totals) {
        let mut fresh: BTreeMap<String, CachedInference> = BTreeMap::new();
        let mut used = Vec::new();
        for passed in shard {
            let inferred = match passed.inferred {
                Ok(inferred) => inferred,
                Err(skip) => {
                    self.skips.insert(passed.id, (passed.description, skip));
                    continue;
                }
            };
            totals.add_time(&inferred.timings, &passed.path);
            if let Ok(hash) = blake3::Hash::from_hex(&inferred.content) {
                self.images.push(Kept {
                    id: passed.id.bytes(),
                    content: *hash.as_bytes(),
                    description: passed.description,
                });
            }
            match (inferred.is_fresh, fresh.get_mut(&inferred.content)) {
                (false, _) => used.push(inferred.content),
                (true, Some(same)) => add_maps(same, inferred.inference),
                (true, None) => {
                    fresh.insert(inferred.content, inferred.inference);
                }
            }
        }
        self.cache.keep(&Vec::from_iter(fresh), &used);
    }

    /// The images of a shard with their inferences. Those that the cache has lost, or that are
    /// other images by now, are read again, with their bytes.
    ///
    /// # Errors
    /// When the dataset can no longer be read.
    pub fn prepare(
        &self,
        context: &AuditContext<'_>,
        prescan: &Prescan,
        dataset: &Dataset,
        shard: Vec<Result<Sample, Skipped>>,
    ) -> Result<Vec<Result<Prepared, Skipped>>> {
        let mut prepared = Vec::new();
        let mut lost = BTreeSet::new();
        for sample in shard {
            prepared.push(sample.map(|mut sample| {
                prescan.annotate(&context.plan.regions, &mut sample);
                let inferred = self.inferred(context, prescan, &sample);
                if inferred.is_none() && prescan.timeout(sample.id).is_none() {
                    lost.insert(sample.id);
                }
                (sample, inferred)
            }));
        }

        let mut read = dataset.samples_by_id(context.labels, &lost)?;
        for (sample, _) in prepared.iter_mut().flatten() {
            if let Some(again) = read.remove(&sample.id) {
                sample.source = again.source;
            }
        }
        Ok(prepared)
    }

    /// What the pass found of an image; `None` where it, or the cache, knows nothing.
    fn inferred(
        &self,
        context: &AuditContext<'_>,
        prescan: &Prescan,
        sample: &Sample,
    ) -> Option<Result<ImageInference, Skip>> {
        // Other labels than those of the bytes that were read: the file was replaced.
        let description = describe(sample);
        if let Some((of, skip)) = self.skips.get(&sample.id) {
            return (*of == description).then(|| Err(skip.clone()));
        }
        let id = sample.id.bytes();
        let index = self.images.binary_search_by_key(&id, |image| image.id);
        let image = self.images.get(index.ok()?)?;
        if image.description != description {
            return None;
        }
        let content = blake3::Hash::from_bytes(image.content).to_hex().to_string();
        let inference = self.cache.get(&content)?;
        if !has_all_maps(context, prescan, sample, &inference) {
            return None;
        }
        Some(Ok(ImageInference {
            content,
            inference,
            is_fresh: false,
            timings: Timings::default(),
        }))
    }
}

/// Infers one image.
fn pass(
    context: &AuditContext<'_>,
    prescan: &Prescan,
    worker: &mut Worker<'_>,
    sample: Sample,
) -> Result<Passed> {
    let inferred = match prescan.timeout(sample.id) {
        Some(skip) => Err(skip.clone()),
        None => match infer_image(context, prescan, worker, &sample) {
            Ok(inferred) => Ok(inferred),
            Err(Failure::Skip(skip)) => Err(skip),
            Err(Failure::Stop(error)) => return Err(error),
            Err(Failure::Annotations(_)) => {
                return Err(Error::new(
                    "annotations are checked when an image is scored",
                ));
            }
        },
    };
    Ok(Passed {
        id: sample.id,
        description: describe(&sample),
        path: sample.path,
        inferred,
    })
}

/// A hash of what the dataset says of an image.
fn describe(sample: &Sample) -> [u8; 8] {
    let (label, split, group) = (&sample.label, &sample.split, &sample.group);
    let text = format!("{label:?} {split:?} {group:?} {:?}", sample.annotations);
    let mut description = [0; 8];
    description.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    description
}

/// Adds the maps of other classes.
fn add_maps(inference: &mut CachedInference, other: CachedInference) {
    for maps in other.maps {
        if inference.maps_of(maps.class).is_none() {
            inference.maps.push(maps);
        }
    }
}
