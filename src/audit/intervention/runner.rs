//! What every intervention needs, and the loop over the tested pairs.

use super::super::context::AuditContext;
use super::super::experiments::{
    DONORS_MAX, Experiments, FetchedSamples, TestedPair, UNTAGGED_MAX,
};
use super::super::pool::WorkerPool;
use super::confounder::ConfounderTest;
use super::readable::readable;
use crate::error::Result;
use crate::evidence::Pair;
use crate::perturb::thumbnail;
use crate::plan::{Place, RegionKind};
use crate::runs::documents::Figure;

/// Runs the experiments on the fetched photos.
pub struct InterventionRunner<'r, 'a> {
    pub context: &'r AuditContext<'a>,
    pub pool: &'r WorkerPool<'a>,
    pub experiments: &'r Experiments,
    pub samples: &'r FetchedSamples,
}

impl<'a> InterventionRunner<'_, 'a> {
    /// Runs insertion and removal for the chosen pairs, one after the other; returns pictures of
    /// them.
    ///
    /// # Errors
    /// When the run is asked to stop, or the engine cannot make a session.
    pub fn test_pairs(&self, pairs: &mut [Pair]) -> Result<Vec<Figure>> {
        let mut figures = Vec::new();
        for tested in &self.experiments.pairs {
            let pair = &mut pairs[tested.index];
            pair.tested = true;
            figures.extend(self.test_pair(pair, tested)?);
            self.pool.observer.part_done();
        }
        Ok(figures)
    }

    fn test_pair(&self, pair: &mut Pair, tested: &TestedPair) -> Result<Vec<Figure>> {
        let Some(category) = self.category(&pair.region) else {
            return Ok(Vec::new());
        };
        let cohorts = &tested.cohorts;
        let hosts_max = self.context.plan.verdict.hosts_max as usize;
        let hosts = self.samples.first(&cohorts.hosts, hosts_max);
        let tagged = self.samples.first(&cohorts.tagged, hosts_max);
        let untagged = self.samples.first(&cohorts.untagged, UNTAGGED_MAX);

        // Two are needed, so that an untagged image is not filled from itself.
        let without = if untagged.len() < 2 {
            self.samples.first(&cohorts.hosts, DONORS_MAX)
        } else {
            untagged.iter().copied().take(DONORS_MAX).collect()
        };
        let thumbnails = self.pool.map(without, |worker, sample| {
            let photo = worker.decode_sample(sample);
            Ok(photo.map(|photo| Some((sample, thumbnail(&photo)))))
        })?;
        let (copy_sources, _) = readable(thumbnails, self.pool.observer);

        let mut test = ConfounderTest {
            context: self.context,
            class: pair.class as usize,
            sharing: &tested.sharing,
            label: &pair.label,
            region: &pair.region,
            category,
            donors: Vec::new(),
            untagged,
            copy_sources,
            hosts_trained_on: cohorts.hosts_trained_on,
            photos_lost: 0,
        };
        let donors = self.samples.first(&cohorts.tagged, DONORS_MAX);
        let donors = self
            .pool
            .map(donors, |worker, sample| Ok(test.donor(worker, sample)))?;
        (test.donors, test.photos_lost) = readable(donors, self.pool.observer);

        let (intervention, figures) = test.run(self.pool, &hosts, &tagged)?;
        pair.intervention = intervention.map(Box::new);
        Ok(figures)
    }

    /// The category of the annotations of a declared confounder.
    fn category(&self, region: &str) -> Option<&'a str> {
        let regions = &self.context.plan.regions;
        let region = regions
            .iter()
            .find(|r| r.name == region && r.kind == RegionKind::Confounder)?;
        match &region.place {
            Place::Annotation { category } => Some(category),
            _ => None,
        }
    }
}
