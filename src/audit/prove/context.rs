//! The surroundings alone: the objects are filled in.

use super::super::see::Looked;
use super::{Auditor, Prover, Worker};
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::evidence::{Context, context};
use crate::geometry::View;
use crate::model::predicted;
use crate::region;
use crate::retouch::{Dice, imputed};
use image::RgbImage;

/// Images per label whose objects are filled.
const IMAGES_MAX: usize = 60;

impl Prover<'_, '_> {
    /// Fills the objects in images of these classes that the model gets right.
    ///
    /// # Errors
    /// When the dataset can no longer be read or the engine cannot make a session.
    pub fn contexts(&self, classes: &[u32]) -> Result<Vec<(usize, Context)>> {
        let of = |class: &u32| self.evidence.framed.of(*class).into_iter().take(IMAGES_MAX);
        let ids: Vec<u128> = classes.iter().flat_map(of).collect();
        let samples = self.fetch(ids.iter().copied())?;
        let images: Vec<&Sample> = ids.iter().filter_map(|id| samples.get(id)).collect();
        let auditor = self.auditor;
        let fill = |worker: &mut Worker<'_>, image: &Sample| {
            let emptied =
                without_objects(auditor, worker, image).map(|e| e.map(|e| (image.class, e.said)));
            Ok(self.crew.proved(emptied))
        };
        let said = self.crew.each(auditor, images, fill)?;
        Ok(context::contexts(
            &said.into_iter().flatten().collect::<Vec<_>>(),
        ))
    }
}

/// An image with its objects filled in.
pub struct Emptied {
    /// As the model saw it.
    pub view: RgbImage,
    pub predicted: usize,
    /// Classes said: the predicted one, for sigmoid heads all of positive logit.
    pub said: Vec<usize>,
}

/// Fills the objects of an image. `None` where they are out of view.
pub fn without_objects(
    auditor: &Auditor<'_>,
    worker: &mut Worker<'_>,
    image: &Sample,
) -> std::result::Result<Option<Emptied>, Skip> {
    let photo = worker.photo(&image.source)?;
    let mut fitted = image.clone();
    fitted.fit(photo.size, photo.turned);
    let view = View::identity(photo.size);
    let objects = region::objects(
        &auditor.plan.regions,
        &image.label,
        &fitted.annotations,
        &view,
    );
    let mut dice = Dice::new(auditor.plan.run.seed, &[&image.id, "surroundings"]);
    let Some(filled) = objects.and_then(|o| imputed(&photo, &o.objects, &mut dice)) else {
        return Ok(None);
    };
    let Looked { logits, tensor, .. } = worker.look(&filled)?;
    let said = match auditor.softmax_classes() {
        Some(_) => vec![predicted(&logits)],
        None => (0..logits.len())
            .filter(|&class| logits[class] > 0.0)
            .collect(),
    };
    let view = tensor.picture(&auditor.plan.preprocess);
    Ok(Some(Emptied {
        view,
        predicted: predicted(&logits),
        said,
    }))
}
