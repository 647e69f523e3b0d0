//! Removal: the region filled in tagged images, at its place and at a mirrored one, and the same in
//! untagged images of the class.

use super::confounder::{ConfounderTest, PhotoPlaces};
use crate::audit::worker::Worker;
use crate::dataset::Sample;
use crate::error::Skip;
use crate::evidence::{Outcome, OutcomePair, RemovalOutcomes};
use crate::finding::RemovalFill;
use crate::geometry::Shape;
use crate::input::Photo;
use crate::perturb::{Patch, SeededRng, impute, thumbnail};
use crate::region;

/// A photo, and the same filled.
pub struct RemovalVariants {
    pub photo: Photo,
    /// In the order of [`RemovalFill::ALL`]: filled at a mirrored place, and at the region's.
    pub fills: [Option<[Photo; 2]>; 2],
}

/// An image filled at a mirrored place, and at the region's.
pub struct Removed<'t> {
    pub image: &'t Sample,
    /// In the order of [`RemovalFill::ALL`].
    pub fills: [Option<(Outcome, Outcome)>; 2],
    pub passes: u32,
}

impl<'t> ConfounderTest<'t, '_> {
    /// A tagged image filled both ways, at a mirrored place and at the region's. `None` where the
    /// region is outside of the photo or has no free mirror image.
    ///
    /// # Errors
    /// A skip where a photo cannot be read.
    pub fn prepare_removal(
        &self,
        worker: &mut Worker<'_>,
        image: &Sample,
    ) -> Result<Option<RemovalVariants>, Skip> {
        let photo = worker.decode_sample(image)?;
        let places = self.places(image, &photo);
        self.fill(worker, image, photo, &places)
    }

    /// An untagged image filled where a donor has the region.
    fn prepare_baseline(
        &self,
        worker: &mut Worker<'_>,
        image: &Sample,
        donor: usize,
    ) -> Result<Option<RemovalVariants>, Skip> {
        let photo = worker.decode_sample(image)?;
        let mut places = self.places(image, &photo);
        let objects = places.objects.as_ref();
        places.region = self.donors[donor].region_in(photo.size, objects);
        self.fill(worker, image, photo, &places)
    }

    fn fill(
        &self,
        worker: &mut Worker<'_>,
        image: &Sample,
        photo: Photo,
        places: &PhotoPlaces,
    ) -> Result<Option<RemovalVariants>, Skip> {
        let Some(shape) = &places.region else {
            return Ok(None);
        };

        let mirrors = region::mirrors(shape, places.objects.as_ref(), photo.size);
        let Some(mirrored) = mirrors.into_iter().next() else {
            return Ok(None);
        };

        let seed = self.context.plan.run.seed;
        let mut rng = SeededRng::new(seed, &[&image.id.to_string(), self.region, "remove"]);
        let nearest = self.nearest_copy_source(worker, image, &photo)?;

        let imputed_mirror = impute(&photo, &mirrored, &mut rng);
        let imputed = impute(&photo, shape, &mut rng);
        let copied_mirror = copy_over(&photo, nearest.as_ref(), &mirrored);
        let copied = copy_over(&photo, nearest.as_ref(), shape);
        let fills = [both(imputed_mirror, imputed), both(copied_mirror, copied)];
        Ok(Some(RemovalVariants { photo, fills }))
    }

    /// The other photo without the region that looks most like this one.
    fn nearest_copy_source(
        &self,
        worker: &mut Worker<'_>,
        image: &Sample,
        photo: &Photo,
    ) -> Result<Option<Photo>, Skip> {
        let small = thumbnail(photo);
        let others = self.copy_sources.iter().filter(|(s, _)| s.id != image.id);
        let nearest = others.min_by_key(|(_, other)| squared_distance(&small, other));
        match nearest {
            Some((sample, _)) => Ok(Some(worker.decode_sample(sample)?)),
            None => Ok(None),
        }
    }

    pub(super) fn remove(
        &self,
        worker: &mut Worker<'_>,
        image: &'t Sample,
    ) -> Result<Option<Removed<'t>>, Skip> {
        let variants = self.prepare_removal(worker, image)?;
        self.predict_filled(worker, image, variants)
    }

    pub(super) fn remove_from_untagged(
        &self,
        worker: &mut Worker<'_>,
        image: &'t Sample,
        donor: usize,
    ) -> Result<Option<Removed<'t>>, Skip> {
        let variants = self.prepare_baseline(worker, image, donor)?;
        self.predict_filled(worker, image, variants)
    }

    fn predict_filled(
        &self,
        worker: &mut Worker<'_>,
        image: &'t Sample,
        variants: Option<RemovalVariants>,
    ) -> Result<Option<Removed<'t>>, Skip> {
        let Some(variants) = variants else {
            return Ok(None);
        };

        let mut passes = 0;
        let mut fills = [None, None];
        for (outcomes, fill) in fills.iter_mut().zip(&variants.fills) {
            if let Some([mirrored, filled]) = fill {
                let mirrored = self.outcome(&worker.predict(mirrored)?.logits);
                let filled = self.outcome(&worker.predict(filled)?.logits);
                *outcomes = Some((mirrored, filled));
                passes += 2;
            }
        }
        Ok(Some(Removed {
            image,
            fills,
            passes,
        }))
    }
}

/// Both fills, in tagged and in untagged images.
pub fn removal_outcomes(
    tagged: &[Removed<'_>],
    untagged: &[Removed<'_>],
) -> Vec<RemovalOutcomes<RemovalFill>> {
    let mut outcomes = Vec::new();
    for (k, fill) in RemovalFill::ALL.iter().enumerate() {
        outcomes.push(RemovalOutcomes {
            fill: *fill,
            tagged: pairs(tagged, k),
            untagged: pairs(untagged, k),
        });
    }
    outcomes
}

fn pairs(removed: &[Removed<'_>], fill: usize) -> Vec<OutcomePair> {
    let mut pairs = Vec::new();
    for image in removed {
        if let Some((mirrored, filled)) = &image.fills[fill] {
            pairs.push(OutcomePair {
                first: mirrored.clone(),
                second: filled.clone(),
                donor: 0,
            });
        }
    }
    pairs
}

/// The pixels of another photo at one place.
fn copy_over(photo: &Photo, other: Option<&Photo>, place: &Shape) -> Option<Photo> {
    let hole = Patch::cut(photo, place)?;
    let copied = hole.with_pixels_of(other?, hole.frame)?;
    Some(copied.paste(photo))
}

fn both(mirrored: Option<Photo>, filled: Option<Photo>) -> Option<[Photo; 2]> {
    Some([mirrored?, filled?])
}

fn squared_distance(a: &[u8], b: &[u8]) -> u64 {
    let differences = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)));
    differences.map(|d| d.pow(2)).sum()
}
