//! The features of images, read again from the dataset. In memory: 4 bytes a number (250 kB of an
//! image for 49 cells of 1,280 channels).

use super::super::search::Search;
use super::super::views;
use crate::audit::worker::{Inferred, Worker};
use crate::cam::Cam;
use crate::dataset::{ImageId, Sample};
use crate::error::{Result, Skip};
use crate::evidence::discovery::concepts::{ConceptImage, IMAGES_MIN, OtherImage};
use crate::evidence::discovery::{ClassSample, SampledImage, round_robin};
use crate::grid::Grid;
use crate::model::MapLayout;
use crate::region;

/// Bytes of the features of one class, of the classes that are in memory at once, and of images of
/// other classes.
const CLASS_BYTES: usize = 256 << 20;
const BATCH_BYTES: usize = 512 << 20;
const OTHERS_BYTES: usize = 128 << 20;
/// Images of other classes.
const OTHERS_MAX: usize = 300;

/// The features of one class.
pub struct ClassFeatures {
    pub class: u32,
    pub images: Vec<ConceptImage>,
    /// The part of the squared features whose features are negative.
    pub negative: f64,
    /// All images could be read again.
    pub is_complete: bool,
}

/// The images of a class whose features are taken, the first in order of hash; `None` where they
/// are too few, or the maps of enough images are too large.
pub fn chosen(class: &ClassSample, layout: &MapLayout) -> Option<ClassSample> {
    let most = CLASS_BYTES / bytes(layout);
    let images: Vec<SampledImage> = class.images.iter().copied().take(most).collect();
    (images.len() >= IMAGES_MIN).then_some(ClassSample {
        class: class.class,
        images,
    })
}

/// Images of all classes with which those of a class are compared.
pub fn others(classes: &[ClassSample], layout: &MapLayout, seed: u64) -> Vec<(u32, SampledImage)> {
    let most = OTHERS_MAX.min(OTHERS_BYTES / bytes(layout));
    round_robin(classes, seed, most)
}

/// Classes that are in memory at once.
pub fn batches<'c>(classes: &[&'c ClassSample], layout: &MapLayout) -> Vec<Vec<&'c ClassSample>> {
    let mut batches: Vec<Vec<&ClassSample>> = Vec::new();
    let mut left = 0;
    for class in classes {
        let size = class.images.len() * bytes(layout);
        match batches.last_mut() {
            Some(batch) if size <= left => batch.push(class),
            _ => {
                batches.push(vec![class]);
                left = BATCH_BYTES;
            }
        }
        left = left.saturating_sub(size);
    }
    batches
}

fn bytes(layout: &MapLayout) -> usize {
    (4 * layout.channels * layout.cells()).max(1)
}

/// The features of classes, in their order; images that can no longer be read are left out.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn of_classes(search: &Search<'_, '_>, batch: &[&ClassSample]) -> Result<Vec<ClassFeatures>> {
    let all = batch.iter().flat_map(|class| &class.images);
    let ids = all.map(|image| ImageId(image.image)).collect();
    let samples = views::samples(search, &ids)?;
    let mut classes = Vec::new();
    for class in batch {
        let known = class.images.iter();
        let known = known.filter_map(|image| Some((image, samples.get(&image.image)?)));
        let read = search
            .pool
            .map(known.collect(), |worker, (image, sample)| {
                Ok(read_one(search, worker, sample, class.class, image).ok())
            })?;
        let (mut images, mut all, mut negative) = (Vec::new(), 0.0, 0.0);
        for (image, squares) in read.into_iter().flatten() {
            images.push(image);
            all += squares.all;
            negative += squares.negative;
        }
        classes.push(ClassFeatures {
            class: class.class,
            negative: negative / f64::max(all, f64::MIN_POSITIVE),
            is_complete: images.len() == class.images.len(),
            images,
        });
    }
    Ok(classes)
}

/// The features of images of other classes.
///
/// # Errors
/// As of [`of_classes`].
pub fn of_others(
    search: &Search<'_, '_>,
    others: &[(u32, SampledImage)],
) -> Result<Vec<OtherImage>> {
    let ids = others.iter().map(|(_, image)| ImageId(image.image));
    let samples = views::samples(search, &ids.collect())?;
    let known = others.iter();
    let known = known.filter_map(|(class, image)| Some((*class, samples.get(&image.image)?)));
    let read = search
        .pool
        .map(known.collect(), |worker, (class, sample)| {
            let layout = &search.context.model.layout;
            let inferred = worker.infer_sample(sample).ok();
            Ok(inferred.map(|inferred| OtherImage {
                class,
                cells: cells(layout, &inferred.inference.features).0,
            }))
        })?;
    Ok(read.into_iter().flatten().collect())
}

fn read_one(
    search: &Search<'_, '_>,
    worker: &mut Worker<'_>,
    sample: &Sample,
    class: u32,
    image: &SampledImage,
) -> Result<(ConceptImage, Squares), Skip> {
    let inferred = worker.infer_sample(sample)?;
    let model = search.context.model;
    let inference = &inferred.inference;
    let weights = model.centred_weights(inference, class as usize);
    let map = Cam::new(&model.layout, &inference.features, &weights);
    let (cells, squares) = cells(&model.layout, &inference.features);
    let concept = ConceptImage {
        image: image.image,
        cells,
        map: map.values,
        bias: weights.bias,
        weights: weights.weights,
        on_objects: on_objects(search, sample, &inferred),
        held_out: !image.trained_on,
        correct: image.correct,
    };
    Ok((concept, squares))
}

/// The part of each cell on the objects of an image; `None` where it has none.
fn on_objects(search: &Search<'_, '_>, sample: &Sample, inferred: &Inferred) -> Option<Vec<f64>> {
    let mut fitted = sample.clone();
    fitted.fit(inferred.size, inferred.transpose);
    let regions = &search.context.plan.regions;
    let view = &inferred.view;
    let objects = region::objects(regions, &fitted.label, &fitted.annotations, view)?;
    let layout = search.context.model.layout;
    let grid = Grid {
        height: layout.height,
        width: layout.width,
        view: view.size,
    };
    let weights = grid.weights(&objects.objects).into_iter();
    Some(weights.map(|weight| weight.clamp(0.0, 1.0)).collect())
}

/// Sums of squared features.
pub struct Squares {
    all: f64,
    negative: f64,
}

/// Features cell by cell, negative ones as 0.
pub fn cells(layout: &MapLayout, features: &[f32]) -> (Vec<f32>, Squares) {
    let mut squares = Squares {
        all: 0.0,
        negative: 0.0,
    };
    let mut cells = Vec::with_capacity(features.len());
    for cell in 0..layout.cells() {
        for channel in 0..layout.channels {
            let value = features[layout.index(channel, cell)];
            let square = f64::from(value) * f64::from(value);
            squares.all += square;
            if value < 0.0 {
                squares.negative += square;
            }
            cells.push(value.max(0.0));
        }
    }
    (cells, squares)
}
