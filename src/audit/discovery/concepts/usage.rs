//! The experiment on one concept: its cells are filled in, in the images that show it most.

use super::super::search::{Sampled, Search};
use super::super::views;
use super::places::{Sought, cells_in_photo, cells_of_photo};
use crate::audit::worker::Worker;
use crate::dataset::{ImageId, Sample};
use crate::error::{Error, Result, Skip};
use crate::evidence::discovery::concepts::{
    ConceptUse, Filled, FilledImage, concept_use, strong_and_weak,
};
use crate::geometry::{Shape, View};
use crate::input::Photo;
use crate::perturb::{SeededRng, impute};

/// Images that are filled in, and the fewest that say something.
const IMAGES: usize = 20;
const IMAGES_MIN: usize = 8;

/// An image of the class with the activation of each cell.
struct SeenImage<'s> {
    sample: &'s Sample,
    activations: Vec<f32>,
    view: View,
    margin: f64,
}

impl SeenImage<'_> {
    fn presence(&self) -> f32 {
        self.activations.iter().sum()
    }
}

/// Fills in the cells of a concept, counted from 1, of the one class that is searched.
///
/// # Errors
/// When the class has no such concept, too few images can be filled in, the dataset can no longer
/// be read, or the run is asked to stop.
pub fn usage(search: &Search<'_, '_>, sampled: &Sampled, concept: usize) -> Result<ConceptUse> {
    let sought = Sought::find(search, sampled, concept)?;
    let mut classes = sampled.classes.iter();
    let class = classes.find(|class| search.is_searched(class.class));
    let class = class.ok_or_else(|| Error::new("the class has no images"))?;
    let ids = class.images.iter().map(|image| ImageId(image.image));
    let samples = views::samples(search, &ids.collect())?;

    let pool = search.pool;
    pool.observer.stage("fill in the concept", None);
    let of_class = class.class as usize;
    let seen = pool.map(samples.values().collect(), |worker, sample| {
        Ok(see(search, &sought, worker, sample, of_class).ok())
    })?;
    let mut seen: Vec<SeenImage<'_>> = seen.into_iter().flatten().collect();
    let margins: Vec<f64> = seen.iter().map(|image| image.margin).collect();
    // A stable sort: equal images stay in the order of their ids.
    seen.sort_by(|a, b| b.presence().total_cmp(&a.presence()));
    seen.truncate(IMAGES);

    let filled = pool.map(seen, |worker, image| {
        Ok(fill(search, worker, &image, of_class).ok().flatten())
    })?;
    let filled: Vec<FilledImage> = filled.into_iter().flatten().collect();
    let fraction = search.context.plan.verdict.causal_fraction;
    let used = concept_use(&filled, &margins, fraction);
    used.filter(|_| filled.len() >= IMAGES_MIN).ok_or_else(|| {
        Error::new(format!(
            "only {} images of the class could be filled in, and {IMAGES_MIN} are needed: are the \
             photos still those of the run?",
            filled.len()
        ))
    })
}

fn see<'s>(
    search: &Search<'_, '_>,
    sought: &Sought,
    worker: &mut Worker<'_>,
    sample: &'s Sample,
    class: usize,
) -> Result<SeenImage<'s>, Skip> {
    let model = search.context.model;
    let inferred = worker.infer_sample(sample)?;
    let inference = &inferred.inference;
    Ok(SeenImage {
        sample,
        activations: sought.activations(&model.layout, &inference.features),
        view: inferred.view,
        margin: model.head().margin(&inference.logits, class),
    })
}

/// `None` where the cells lie outside of the photo.
fn fill(
    search: &Search<'_, '_>,
    worker: &mut Worker<'_>,
    image: &SeenImage<'_>,
    class: usize,
) -> Result<Option<FilledImage>, Skip> {
    let photo = worker.decode_sample(image.sample)?;
    // A cell on padding is no control: filling it in changes nothing.
    let cells = cells_of_photo(&search.context.model.layout, &image.view);
    let [strong, weak] = strong_and_weak(&image.activations, &cells);
    let Some(strong) = without(search, &photo, image, &strong) else {
        return Ok(None);
    };
    let Some(weak) = without(search, &photo, image, &weak) else {
        return Ok(None);
    };

    let head = search.context.model.head();
    let mut outcome = |photo: &Photo| -> Result<Filled, Skip> {
        let logits = worker.predict(photo)?.logits;
        Ok(Filled {
            margin: head.margin(&logits, class),
            predicts_class: head.predicts(&logits, class),
        })
    };
    Ok(Some(FilledImage {
        strong: outcome(&strong)?,
        weak: outcome(&weak)?,
    }))
}

/// The photo with some cells filled in.
fn without(
    search: &Search<'_, '_>,
    photo: &Photo,
    image: &SeenImage<'_>,
    cells: &[usize],
) -> Option<Photo> {
    let places = 0..image.activations.len();
    let shows: Vec<bool> = places.map(|cell| cells.contains(&cell)).collect();
    let layout = &search.context.model.layout;
    let rects = cells_in_photo(&shows, layout, &image.view);
    let seed = search.context.plan.run.seed;
    let mut rng = SeededRng::new(seed, &[&image.sample.id.to_string(), "concept"]);
    impute(photo, &Shape::Rects(rects), &mut rng)
}
