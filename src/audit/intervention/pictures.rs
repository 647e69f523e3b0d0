//! A few pictures of an intervention: before and after, each with the model's prediction.

use super::super::pool::WorkerPool;
use super::super::worker::Worker;
use super::confounder::{ConfounderTest, Inserted, Removed};
use crate::dataset::Sample;
use crate::error::Result;
use crate::finding::FigureRole;
use crate::input::Photo;
use crate::model::predicted;
use crate::plan::Pictures;
use crate::report::panel;
use crate::runs::documents::Figure;

/// Hosts and tagged images shown: some that the change moves, and one that it does not.
const MOVED: usize = 2;
const UNMOVED: usize = 1;

impl<'a> ConfounderTest<'_, 'a> {
    /// The first hosts and tagged images, in order of hash, of either kind.
    pub(super) fn pictures(
        &self,
        pool: &WorkerPool<'a>,
        inserted: &[Inserted<'_>],
        removed: &[Removed<'_>],
    ) -> Result<Vec<Figure>> {
        if self.context.plan.report.pictures == Pictures::None {
            return Ok(Vec::new());
        }
        let hosts: Vec<(bool, &Sample)> = inserted
            .iter()
            .map(|host| (host.tag.predicts_class, host.host))
            .collect();
        let images: Vec<(bool, &Sample)> = removed
            .iter()
            .map(|image| (loses_class(image), image.image))
            .collect();

        let pasted = pool.map(some_of_both(&hosts), |worker, host| {
            self.pasted(worker, host)
        })?;
        let filled = pool.map(some_of_both(&images), |worker, image| {
            self.filled(worker, image)
        })?;
        Ok(pasted.into_iter().chain(filled).flatten().collect())
    }

    fn pasted(&self, worker: &mut Worker<'_>, host: &Sample) -> Result<Option<Figure>> {
        let Ok(Some(variants)) = self.prepare_insertion(worker, host) else {
            return Ok(None);
        };
        let photo = &variants.photo;
        let mut photos = vec![
            ("original", photo.clone()),
            ("with the region", variants.tag.paste(photo)),
        ];
        let names = ["another patch", "a synthetic patch", "the place without it"];
        for (name, control) in names.into_iter().zip(&variants.controls) {
            if let Some(patch) = control {
                photos.push((name, patch.paste(photo)));
            }
        }
        photos.push(("in shuffled blocks", variants.scrambled.paste(photo)));
        self.figure(worker, FigureRole::Pasted, host, photos)
    }

    fn filled(&self, worker: &mut Worker<'_>, image: &Sample) -> Result<Option<Figure>> {
        let Ok(Some(variants)) = self.prepare_removal(worker, image) else {
            return Ok(None);
        };
        let mut photos = vec![("original", variants.photo)];
        let names = [
            ["mirrored place imputed", "region imputed"],
            ["mirrored place copied over", "region copied over"],
        ];
        for (names, fill) in names.into_iter().zip(variants.fills) {
            if let Some(fill) = fill {
                photos.extend(names.into_iter().zip(fill));
            }
        }
        self.figure(worker, FigureRole::Filled, image, photos)
    }

    fn figure(
        &self,
        worker: &mut Worker<'_>,
        role: FigureRole,
        sample: &Sample,
        photos: Vec<(&str, Photo)>,
    ) -> Result<Option<Figure>> {
        let plan = self.context.plan;
        let mut panels = Vec::new();
        for (name, photo) in photos {
            let Ok(prediction) = worker.predict(&photo) else {
                return Ok(None);
            };
            let margin = self.outcome(&prediction.logits).margin;
            let class = &self.context.labels.classes[predicted(&prediction.logits)];
            let caption = format!("{name}: {class}, margin {margin:+.1}");
            panels.push(panel(
                caption,
                &prediction.tensor.picture(&plan.preprocess),
            )?);
        }
        Ok(Some(Figure {
            label: self.label.to_owned(),
            region: self.region.to_owned(),
            role,
            path: sample.path.clone(),
            panels,
        }))
    }
}

/// Whether the class is lost by imputing the region, and not by imputing the mirrored place.
fn loses_class(image: &Removed<'_>) -> bool {
    let imputed = image.fills[0].as_ref();
    imputed.is_some_and(|(mirrored, filled)| mirrored.predicts_class && !filled.predicts_class)
}

/// The first images that the change moves, then the first that it does not.
fn some_of_both<'s>(images: &[(bool, &'s Sample)]) -> Vec<&'s Sample> {
    let moved = images.iter().filter(|(moved, _)| *moved).take(MOVED);
    let unmoved = images.iter().filter(|(moved, _)| !*moved).take(UNMOVED);
    moved.chain(unmoved).map(|(_, sample)| *sample).collect()
}
