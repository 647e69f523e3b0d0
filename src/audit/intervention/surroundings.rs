//! The surroundings alone: the objects are filled in.

use super::super::context::AuditContext;
use super::super::worker::Worker;
use super::readable::readable;
use super::runner::InterventionRunner;
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::evidence::{FilledImage, surroundings_evidence};
use crate::finding::SurroundingsEvidence;
use crate::geometry::View;
use crate::model::predicted;
use crate::perturb::{SeededRng, impute};
use crate::region;
use image::RgbImage;

impl<'a> InterventionRunner<'_, 'a> {
    /// Fills the objects in images of the chosen classes.
    ///
    /// # Errors
    /// When the run is asked to stop, or the engine cannot make a session.
    pub fn surroundings(&self) -> Result<Vec<(usize, SurroundingsEvidence)>> {
        let mut images = Vec::new();
        for (_, ids) in &self.experiments.surroundings {
            images.extend(self.samples.first(ids, ids.len()));
        }

        let with_confounder = &self.experiments.filled_with_confounder;
        let filled = self.pool.map(images, |worker, image: &Sample| {
            let removed = remove_objects(self.context, worker, image);
            Ok(removed.map(|removed| {
                removed.map(|removed| FilledImage {
                    class: image.class,
                    predicted: removed.predicted_classes,
                    shows_confounder: with_confounder.contains(&image.id.0),
                })
            }))
        })?;
        let (filled, _) = readable(filled, self.pool.observer);
        self.pool.observer.part_done();
        Ok(surroundings_evidence(&filled))
    }
}

/// An image with its objects filled in.
pub struct ObjectsRemoved {
    /// As the model sees it.
    pub picture: RgbImage,
    /// The class with the largest logit.
    pub predicted: usize,
    /// Classes predicted: that one, for sigmoid heads all with a positive logit.
    pub predicted_classes: Vec<usize>,
}

/// Fills the objects of an image. `None` where they are out of view.
///
/// # Errors
/// A skip where the photo cannot be read.
pub fn remove_objects(
    context: &AuditContext<'_>,
    worker: &mut Worker<'_>,
    image: &Sample,
) -> Result<Option<ObjectsRemoved>, Skip> {
    let plan = context.plan;
    let photo = worker.decode_sample(image)?;
    let mut fitted = image.clone();
    fitted.fit(photo.size, photo.transpose);

    let view = View::identity(photo.size);
    let objects = region::objects(&plan.regions, &image.label, &fitted.annotations, &view);
    let mut rng = SeededRng::new(plan.run.seed, &[&image.id.to_string(), "surroundings"]);
    let Some(filled) = objects.and_then(|objects| impute(&photo, &objects.objects, &mut rng))
    else {
        return Ok(None);
    };

    let prediction = worker.predict(&filled)?;
    let head = context.model.head();
    let logits = &prediction.logits;
    Ok(Some(ObjectsRemoved {
        picture: prediction.tensor.picture(&plan.preprocess),
        predicted: predicted(logits),
        predicted_classes: (0..logits.len())
            .filter(|&class| head.predicts(logits, class))
            .collect(),
    }))
}
