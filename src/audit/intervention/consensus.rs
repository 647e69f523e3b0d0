//! The consensus of the donors: where no untagged image of the class shows what lies at the place
//! without the region, the patches may show the class itself. Their median shows what they share.

use super::confounder::ConfounderTest;
use super::donors::Donor;
use super::readable::readable;
use crate::audit::pool::WorkerPool;
use crate::audit::worker::Worker;
use crate::error::{Result, Skip};
use crate::finding::Consensus;
use crate::geometry::Shape;
use crate::perturb::{Patch, PatchStack, SeededRng};
use image::RgbImage;

/// The medians that are pasted.
pub struct ConsensusPatches {
    region: Patch,
    other_place: Patch,
}

/// How far the donors agree, and the medians; none without other places.
pub struct DonorAgreement {
    pub consensus: Consensus,
    pub patches: Option<ConsensusPatches>,
}

/// What is compared of one donor.
struct DonorPatches {
    region: Patch,
    other_place: Option<Patch>,
    /// Left, right, above, below.
    neighbours: [Option<Patch>; 4],
}

impl ConsensusPatches {
    /// Both medians at the place of a donor's patch.
    pub fn at(&self, patch: &Patch) -> Option<[Patch; 2]> {
        let place = |median: &Patch| Patch {
            frame: patch.frame,
            ..median.clone()
        };
        Some([place(&self.region), place(&self.other_place)])
    }

    /// The consensus as a picture.
    pub fn picture(&self) -> &RgbImage {
        &self.region.rgb
    }
}

impl<'a> ConfounderTest<'_, 'a> {
    /// Compares the donors with each other. `None` where none of them can be read.
    pub(super) fn agreement(&self, pool: &WorkerPool<'a>) -> Result<Option<DonorAgreement>> {
        let cut = pool.map(self.donors.iter().collect(), |worker, donor| {
            Ok(self.donor_patches(worker, donor))
        })?;
        let (cut, _) = readable(cut, pool.observer);

        let Some(first) = cut.first() else {
            return Ok(None);
        };

        let sizes: Vec<(u32, u32)> = cut.iter().map(|d| d.region.rgb.dimensions()).collect();
        let size = PatchStack::size(&sizes);

        let donors_min = self.context.plan.verdict.donors_min as usize;
        let regions: Vec<Patch> = cut.iter().map(|d| d.region.clone()).collect();
        let regions = PatchStack::new(&regions, size);

        let mut neighbours: Option<f64> = None;
        for side in 0..4 {
            let beside: Vec<Patch> = cut
                .iter()
                .filter_map(|d| d.neighbours[side].clone())
                .collect();
            if beside.len() >= donors_min {
                let agreed = PatchStack::new(&beside, size).agreement().unwrap_or(1.0);
                neighbours = Some(neighbours.unwrap_or(0.0).max(agreed));
            }
        }

        let others: Vec<Patch> = cut.iter().filter_map(|d| d.other_place.clone()).collect();
        let enough = others.len() >= donors_min;
        let other_place = enough.then(|| PatchStack::new(&others, size).median_at(&first.region));

        let patches = regions.median_at(&first.region).zip(other_place.flatten());
        Ok(Some(DonorAgreement {
            consensus: Consensus {
                coverage: regions.agreement().unwrap_or(0.0),
                neighbours,
                effect: None,
            },
            patches: patches.map(|(region, other_place)| ConsensusPatches {
                region,
                other_place,
            }),
        }))
    }

    fn donor_patches(
        &self,
        worker: &mut Worker<'_>,
        donor: &Donor<'_>,
    ) -> Result<Option<DonorPatches>, Skip> {
        let seed = self.context.plan.run.seed;
        let id = donor.sample.id.to_string();
        let mut rng = SeededRng::new(seed, &[&id, self.region, "consensus"]);
        let photo = worker.decode_sample(donor.sample)?;
        let Some(region) = Patch::cut(&photo, &donor.region) else {
            return Ok(None);
        };

        let objects = donor.objects.as_ref().map(Shape::bounds);
        let objects = objects.unwrap_or_default();
        Ok(Some(DonorPatches {
            other_place: region.from_other_place(&photo, &objects, &mut rng),
            neighbours: region.neighbours(&photo),
            region,
        }))
    }
}
