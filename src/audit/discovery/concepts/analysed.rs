//! The concepts and heat clusters of classes: from the cache, else from the features of their
//! images.

use super::super::kept::Kept;
use super::super::search::{Sampled, Search};
use super::features::{self, ClassFeatures};
use crate::dataset::{ImageBytes, ImageId};
use crate::error::{Error, Result};
use crate::evidence::discovery::concepts::{
    self, ClassConcepts, Elsewhere, NEGATIVE_MAX, OtherImage,
};
use crate::evidence::discovery::heat_clusters::{HeatCluster, ImageHeat, heat_clusters};
use crate::evidence::discovery::{ClassSample, SampledImage};
use crate::plan::Place;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is shown of a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysed {
    /// `None` where the features are no sums of parts: too many are negative, or weights stand for
    /// single cells.
    pub concepts: Option<ClassConcepts>,
    pub clusters: Vec<HeatCluster>,
}

/// The same with the images of other classes.
pub struct Compared {
    pub class: u32,
    pub analysed: Analysed,
    pub elsewhere: Option<Elsewhere>,
}

/// One class on its way.
struct Open {
    sample: ClassSample,
    key: Option<String>,
    analysed: Option<Analysed>,
}

/// Analyses the classes with enough images, in their order, and compares them with others.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn analyse(search: &Search<'_, '_>, sampled: &Sampled) -> Result<Vec<Compared>> {
    let kept = Kept::new(search, &sampled.classes)?;
    let classes = analysed(search, sampled, &kept)?;
    compare(search, sampled, &kept, classes)
}

/// The concepts of the one class that is searched; `None` where it has none.
///
/// # Errors
/// As of [`analyse`].
pub fn concepts_of_one(
    search: &Search<'_, '_>,
    sampled: &Sampled,
) -> Result<Option<ClassConcepts>> {
    let kept = Kept::new(search, &sampled.classes)?;
    let mut classes = analysed(search, sampled, &kept)?;
    let class = classes.pop().and_then(|class| class.analysed);
    Ok(class.and_then(|class| class.concepts))
}

/// The classes with enough images; what the cache keeps of unchanged ones is taken from there.
fn analysed(search: &Search<'_, '_>, sampled: &Sampled, kept: &Kept<'_>) -> Result<Vec<Open>> {
    let mut classes = from_cache(search, sampled, kept)?;
    let layout = search.context.model.layout;
    let open = classes.iter().filter(|class| class.analysed.is_none());
    let open: Vec<&ClassSample> = open.map(|class| &class.sample).collect();
    let mut fresh: BTreeMap<u32, Analysed> = BTreeMap::new();
    let mut complete: BTreeSet<u32> = BTreeSet::new();
    for batch in features::batches(&open, &layout) {
        let read = features::of_classes(search, &batch)?;
        complete.extend(read.iter().filter(|c| c.is_complete).map(|c| c.class));
        let seed = search.context.plan.run.seed;
        let of_batch = search.pool.map(read, |_, class| {
            Ok((class.class, of_class(class, layout.flattened, seed)))
        })?;
        fresh.extend(of_batch);
    }

    let mut entries = Vec::new();
    for class in &mut classes {
        let Some(analysed) = fresh.remove(&class.sample.class) else {
            continue;
        };
        let key = class.key.clone();
        let key = key.filter(|_| complete.contains(&class.sample.class));
        entries.extend(key.map(|key| (key, analysed.clone())));
        class.analysed = Some(analysed);
    }
    kept.keep(&entries, &[]);
    Ok(classes)
}

/// The classes with enough images, with what the cache has of them.
fn from_cache(search: &Search<'_, '_>, sampled: &Sampled, kept: &Kept<'_>) -> Result<Vec<Open>> {
    let layout = search.context.model.layout;
    let searched = sampled.classes.iter();
    let searched = searched.filter(|class| search.is_searched(class.class));
    let samples: Vec<ClassSample> = searched
        .filter_map(|class| features::chosen(class, &layout))
        .collect();
    let annotated = annotations(search, &samples)?;

    let mut classes = Vec::new();
    let mut used = Vec::new();
    for sample in samples {
        let what = what(search, &sample, &annotated);
        let key = kept.images_key(&what, sample.images.iter());
        let analysed: Option<Analysed> = kept.get(key.as_ref());
        if analysed.is_some() {
            used.extend(key.clone());
        }
        classes.push(Open {
            sample,
            key,
            analysed,
        });
    }
    kept.keep::<Analysed>(&[], &used);
    Ok(classes)
}

/// What the result about a class depends on beside the contents of its images.
fn what(
    search: &Search<'_, '_>,
    class: &ClassSample,
    annotated: &BTreeMap<u128, blake3::Hash>,
) -> String {
    let mut hasher = blake3::Hasher::new();
    for region in &search.context.plan.regions {
        if let Place::Annotation { category } = &region.place {
            hasher.update(format!("{:?} {category:?}\n", region.kind).as_bytes());
        }
    }
    for image in &class.images {
        hasher.update(&[u8::from(image.trained_on), u8::from(image.correct)]);
        if let Some(annotations) = annotated.get(&image.image) {
            hasher.update(annotations.as_bytes());
        }
    }
    let seed = search.context.plan.run.seed;
    format!("concepts {} {seed} {}", class.class, hasher.finalize())
}

/// The label and the annotations of images, by their hashes.
fn annotations(
    search: &Search<'_, '_>,
    classes: &[ClassSample],
) -> Result<BTreeMap<u128, blake3::Hash>> {
    let images = classes.iter().flat_map(|class| &class.images);
    let ids: BTreeSet<ImageId> = images.map(|image| ImageId(image.image)).collect();
    let mut hashes = BTreeMap::new();
    if search.context.cache.is_none() || ids.is_empty() {
        return Ok(hashes);
    }
    let samples = search
        .dataset
        .samples(search.context.labels, ImageBytes::Leave)?;
    for sample in samples.flatten() {
        if ids.contains(&sample.id) && !sample.annotations.is_empty() {
            let annotated = (&sample.label, sample.declared_size, &sample.annotations);
            let bytes = postcard::to_stdvec(&annotated);
            let bytes = bytes.map_err(Error::cause("encode the annotations of an image"))?;
            hashes.insert(sample.id.0, blake3::hash(&bytes));
        }
    }
    Ok(hashes)
}

fn of_class(mut features: ClassFeatures, is_flattened: bool, seed: u64) -> Analysed {
    let images = features.images.iter();
    let heat: Vec<ImageHeat> = images
        .map(|image| ImageHeat {
            image: image.image,
            map: image.map.clone(),
            correct: image.correct,
        })
        .collect();
    let is_sum = features.negative <= NEGATIVE_MAX && !is_flattened;
    let is_sum = is_sum && !features.images.is_empty();
    Analysed {
        concepts: is_sum.then(|| concepts::class_concepts(&mut features.images, seed)),
        clusters: heat_clusters(&heat, seed),
    }
}

/// Compares each class with images of others.
fn compare(
    search: &Search<'_, '_>,
    sampled: &Sampled,
    kept: &Kept<'_>,
    classes: Vec<Open>,
) -> Result<Vec<Compared>> {
    let layout = search.context.model.layout;
    let seed = search.context.plan.run.seed;
    let others = features::others(&sampled.classes, &layout, seed);
    let images: Vec<SampledImage> = others.iter().map(|(_, image)| *image).collect();
    let mut read: Option<Vec<OtherImage>> = None;
    let (mut compared, mut entries, mut used) = (Vec::new(), Vec::new(), Vec::new());
    for class in classes {
        let Some(analysed) = class.analysed else {
            continue;
        };
        let mut elsewhere = None;
        if let Some(concepts) = &analysed.concepts {
            let what = class.key.as_ref().map(|key| format!("elsewhere of {key}"));
            let key = what.and_then(|what| kept.images_key(&what, images.iter()));
            elsewhere = kept.get(key.as_ref());
            if elsewhere.is_some() {
                used.extend(key);
            } else {
                if read.is_none() {
                    read = Some(features::of_others(search, &others)?);
                }
                let read = read.as_deref().unwrap_or_default();
                let of_class = class.sample.class;
                let fresh = concepts::elsewhere(of_class, &concepts.concepts, read);
                let key = key.filter(|_| read.len() == others.len());
                entries.extend(key.map(|key| (key, fresh.clone())));
                elsewhere = Some(fresh);
            }
        }
        compared.push(Compared {
            class: class.sample.class,
            analysed,
            elsewhere,
        });
    }
    kept.keep(&entries, &used);
    Ok(compared)
}
