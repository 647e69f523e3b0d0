//! Insertion: the region pasted on images of other classes, and controls at the same place.

use super::confounder::ConfounderTest;
use super::consensus::ConsensusPatches;
use super::donors::Donor;
use crate::audit::worker::Worker;
use crate::dataset::Sample;
use crate::error::Skip;
use crate::evidence::{InsertionOutcomes, Outcome, OutcomePair};
use crate::finding::{ConsensusControl, InsertionControl};
use crate::geometry::Shape;
use crate::input::Photo;
use crate::perturb::{Patch, SeededRng};

/// A host, and the patches to paste on it.
pub struct InsertionVariants {
    pub photo: Photo,
    pub tag: Patch,
    pub scrambled: Patch,
    /// In the order of [`InsertionControl::ALL`]; `None` where the control cannot be had.
    pub controls: [Option<Patch>; 3],
    /// The consensus of the donors, and the median of other places of theirs.
    pub consensus: Option<[Patch; 2]>,
}

/// A host under every patch.
pub struct Inserted<'t> {
    pub host: &'t Sample,
    /// Place of the donor in the list.
    pub donor: usize,
    pub clean: Outcome,
    pub tag: Outcome,
    pub scrambled: Outcome,
    pub controls: [Option<Outcome>; 3],
    pub consensus: Option<[Outcome; 2]>,
    pub passes: u32,
}

impl<'t> ConfounderTest<'t, '_> {
    /// A host with a donor's confounder and its controls, chosen by hash. `None` where the donor's
    /// region is outside of its photo.
    ///
    /// # Errors
    /// A skip where a photo cannot be read.
    pub fn prepare_insertion(
        &self,
        worker: &mut Worker<'_>,
        host: &Sample,
        donor: &Donor<'_>,
        consensus: Option<&ConsensusPatches>,
    ) -> Result<Option<InsertionVariants>, Skip> {
        let seed = self.context.plan.run.seed;
        let mut rng = SeededRng::new(seed, &[&host.id.to_string(), self.region, "insert"]);
        let photo = worker.decode_sample(host)?;
        let source = worker.decode_sample(donor.sample)?;

        let Some(tag) = Patch::cut(&source, &donor.region) else {
            return Ok(None);
        };

        let same_place = if self.has_place_control() {
            let other = self.untagged[rng.below(self.untagged.len())];
            tag.with_pixels_of(&worker.decode_sample(other)?, tag.frame)
        } else {
            None
        };

        let objects = donor.objects.as_ref().map(Shape::bounds);
        let other_patch = tag.from_other_place(&source, &objects.unwrap_or_default(), &mut rng);

        let synthetic = tag.synthetic(&mut rng);
        let scrambled = tag.scrambled(&mut rng);
        Ok(Some(InsertionVariants {
            photo,
            scrambled,
            controls: [other_patch, Some(synthetic), same_place],
            consensus: consensus.and_then(|consensus| consensus.at(&tag)),
            tag,
        }))
    }

    /// The confounder and its controls on one host. `None` where the clean host is predicted as the
    /// class.
    pub(super) fn insert(
        &self,
        worker: &mut Worker<'_>,
        host: &'t Sample,
        donor: usize,
        consensus: Option<&ConsensusPatches>,
    ) -> Result<Option<Inserted<'t>>, Skip> {
        let variants = self.prepare_insertion(worker, host, &self.donors[donor], consensus)?;
        let Some(variants) = variants else {
            return Ok(None);
        };

        let photo = &variants.photo;
        let clean = self.outcome(&worker.predict(photo)?.logits);
        if clean.predicts_class {
            return Ok(None);
        }

        let tag = self.outcome_with(worker, photo, &variants.tag)?;
        let scrambled = self.outcome_with(worker, photo, &variants.scrambled)?;
        let mut passes = 3;
        let mut controls = [None, None, None];
        for (outcome, patch) in controls.iter_mut().zip(&variants.controls) {
            if let Some(patch) = patch {
                *outcome = Some(self.outcome_with(worker, photo, patch)?);
                passes += 1;
            }
        }

        let mut of_consensus = None;
        if let Some([consensus, other]) = &variants.consensus {
            let consensus = self.outcome_with(worker, photo, consensus)?;
            let other = self.outcome_with(worker, photo, other)?;
            of_consensus = Some([consensus, other]);
            passes += 2;
        }
        Ok(Some(Inserted {
            host,
            donor,
            clean,
            tag,
            scrambled,
            controls,
            consensus: of_consensus,
            passes,
        }))
    }

    fn outcome_with(
        &self,
        worker: &mut Worker<'_>,
        photo: &Photo,
        patch: &Patch,
    ) -> Result<Outcome, Skip> {
        Ok(self.outcome(&worker.predict(&patch.paste(photo))?.logits))
    }
}

impl Inserted<'_> {
    fn control(&self, control: InsertionControl) -> Option<&Outcome> {
        let [other_patch, synthetic, same_place] = &self.controls;
        match control {
            InsertionControl::OtherPatch => other_patch.as_ref(),
            InsertionControl::SyntheticPatch => synthetic.as_ref(),
            InsertionControl::SamePlace => same_place.as_ref(),
        }
    }

    /// The consensus and one of its controls.
    fn consensus_with(&self, control: ConsensusControl) -> Option<(&Outcome, &Outcome)> {
        let [consensus, other_median] = self.consensus.as_ref()?;
        let control = match control {
            ConsensusControl::OtherMedian => other_median,
            ConsensusControl::OtherPatch => self.control(InsertionControl::OtherPatch)?,
            ConsensusControl::SyntheticPatch => self.control(InsertionControl::SyntheticPatch)?,
        };
        Some((consensus, control))
    }

    fn pair(&self, first: &Outcome, second: &Outcome) -> OutcomePair {
        OutcomePair {
            first: first.clone(),
            second: second.clone(),
            donor: self.donor as u32,
        }
    }
}

/// The confounder against each control.
pub fn insertion_outcomes(inserted: &[Inserted<'_>]) -> Vec<InsertionOutcomes<InsertionControl>> {
    let mut outcomes = Vec::new();
    for control in InsertionControl::ALL {
        let mut pairs = Vec::new();
        for host in inserted {
            if let Some(outcome) = host.control(*control) {
                pairs.push(host.pair(&host.tag, outcome));
            }
        }
        outcomes.push(InsertionOutcomes {
            control: *control,
            pairs,
        });
    }
    outcomes
}

/// The consensus against each of its controls.
pub fn consensus_outcomes(inserted: &[Inserted<'_>]) -> Vec<InsertionOutcomes<ConsensusControl>> {
    let mut outcomes = Vec::new();
    for control in ConsensusControl::ALL {
        let mut pairs = Vec::new();
        for host in inserted {
            if let Some((consensus, outcome)) = host.consensus_with(*control) {
                pairs.push(host.pair(consensus, outcome));
            }
        }
        outcomes.push(InsertionOutcomes {
            control: *control,
            pairs,
        });
    }
    outcomes
}
