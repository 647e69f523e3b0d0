//! A few pictures of an intervention: before and after, each with the model's prediction.

use super::super::pool::WorkerPool;
use super::super::worker::Worker;
use super::confounder::ConfounderTest;
use super::consensus::DonorAgreement;
use super::insertion::Inserted;
use super::removal::Removed;
use crate::dataset::Sample;
use crate::error::Result;
use crate::finding::FigureRole;
use crate::input::Photo;
use crate::model::predicted;
use crate::plan::Pictures;
use crate::report::panel;
use crate::runs::documents::{Figure, Panel};
use image::imageops::{FilterType, resize};

/// Hosts and tagged images shown: some that the change moves, and one that it does not.
const MOVED: usize = 2;
const UNMOVED: usize = 1;
/// Longest side of the picture of the consensus, in pixels.
const CONSENSUS_SIDE: u32 = 224;

impl<'a> ConfounderTest<'_, 'a> {
    /// The first hosts and tagged images, in order of hash, of either kind.
    pub(super) fn pictures(
        &self,
        pool: &WorkerPool<'a>,
        inserted: &[Inserted<'_>],
        removed: &[Removed<'_>],
        agreement: Option<&DonorAgreement>,
    ) -> Result<Vec<Figure>> {
        if self.context.plan.report.pictures == Pictures::None {
            return Ok(Vec::new());
        }
        let hosts = some_of_both(inserted, |host| host.tag.predicts_class);
        let images = some_of_both(removed, loses_class);

        let pasted = pool.map(hosts, |worker, host| self.pasted(worker, host, agreement))?;
        let filled = pool.map(images, |worker, removed| self.filled(worker, removed.image))?;
        let mut figures: Vec<Figure> = pasted.into_iter().chain(filled).flatten().collect();
        figures.extend(agreement.and_then(|agreement| self.consensus_figure(agreement)));
        Ok(figures)
    }

    /// What the donors have in common, enlarged. `None` where nothing could be compared.
    fn consensus_figure(&self, agreement: &DonorAgreement) -> Option<Figure> {
        let picture = agreement.patches.as_ref()?.picture();
        let (width, height) = picture.dimensions();
        let times = (CONSENSUS_SIDE / width.max(height)).max(1);
        let enlarged = resize(picture, times * width, times * height, FilterType::Nearest);

        let percent = 100.0 * agreement.consensus.coverage;
        let donors = self.donors.len();
        let caption = format!("median of {donors} photos, which agree about {percent:.0} % of it");
        Some(Figure {
            label: self.label.to_owned(),
            region: self.region.to_owned(),
            role: FigureRole::Consensus,
            path: String::new(),
            panels: vec![panel(caption, &enlarged).ok()?],
        })
    }

    fn pasted(
        &self,
        worker: &mut Worker<'_>,
        inserted: &Inserted<'_>,
        agreement: Option<&DonorAgreement>,
    ) -> Result<Option<Figure>> {
        let donor = &self.donors[inserted.donor];
        let host = inserted.host;
        let patches = agreement.and_then(|agreement| agreement.patches.as_ref());
        let Ok(Some(variants)) = self.prepare_insertion(worker, host, donor, patches) else {
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
        if let Some([consensus, _]) = &variants.consensus {
            photos.push(("the median of the photos", consensus.paste(photo)));
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
        let mut before = None;
        for (name, photo) in photos {
            let Ok(prediction) = worker.predict(&photo) else {
                return Ok(None);
            };
            let margin = self.outcome(&prediction.logits).margin;
            let predicted = predicted(&prediction.logits);
            let class = &self.context.labels.classes[predicted];
            let label = self.label;
            let caption = format!("{name}: predicted {class}, margin of {label} {margin:+.1}");
            panels.push(Panel {
                flipped: *before.get_or_insert(predicted) != predicted,
                ..panel(caption, &prediction.tensor.picture(&plan.preprocess))?
            });
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

/// The first results that the change moves, then the first that it does not.
fn some_of_both<T>(results: &[T], moves: impl Fn(&T) -> bool) -> Vec<&T> {
    let moved = results.iter().filter(|result| moves(result)).take(MOVED);
    let unmoved = results.iter().filter(|result| !moves(result)).take(UNMOVED);
    moved.chain(unmoved).collect()
}
