//! The photos of the experiments, fetched in one pass over the dataset.

use super::super::channel::Search;
use super::hosts::Hosts;
use super::sample::MeasuredSample;
use crate::dataset::{ImageId, MeasuredContent, Sample};
use crate::error::Result;
use crate::evidence::discovery::properties::PropertyFound;
use crate::runs::content_hashes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Images of a class whose features are asked for a rule, half of them inside where there are so
/// many.
const FEATURES_MAX: usize = 200;

/// The photos by id. Each is held against its bytes whenever it is decoded.
pub struct FetchedFiles {
    samples: BTreeMap<ImageId, Sample>,
    /// Photos that are no longer there.
    pub lost: usize,
}

impl FetchedFiles {
    /// # Errors
    /// When the dataset or the rows of the run can no longer be read.
    pub fn fetch(
        search: &Search<'_, '_>,
        found: &[PropertyFound],
        hosts: &[Hosts],
        measured: &MeasuredSample,
    ) -> Result<Self> {
        let mut ids: BTreeSet<ImageId> = BTreeSet::new();
        for hosts in hosts {
            ids.extend(hosts.ids.iter().copied().map(ImageId));
        }
        for found in found {
            let places = featured(found, measured);
            ids.extend(places.iter().map(|i| ImageId(measured.images[*i].table.id)));
        }

        let hashes = content_hashes(search.folder.path(), &ids)?;
        let mut samples = search.dataset.samples_by_id(search.context.labels, &ids)?;
        for (id, sample) in &mut samples {
            let hash = hashes.get(id).cloned();
            sample.measured = hash.map(|hash| Arc::new(MeasuredContent::new(hash)));
        }
        samples.retain(|_, sample| sample.measured.is_some());
        Ok(Self {
            lost: ids.len() - samples.len(),
            samples,
        })
    }

    /// The photos with these ids that are still there, in this order.
    pub fn of(&self, ids: &[u128]) -> Vec<&Sample> {
        let samples = ids.iter().filter_map(|id| self.samples.get(&ImageId(*id)));
        samples.collect()
    }
}

/// Images of the class of a finding by their places in the sample: of those inside the rule and of
/// those outside the first ones, in order of hash.
pub fn featured(found: &PropertyFound, measured: &MeasuredSample) -> Vec<usize> {
    let inside = &found.rates.members;
    let of_class = (0..measured.images.len())
        .filter(|i| measured.images[*i].table.class == found.class)
        .filter(|i| inside.binary_search(i).is_err());
    let outside: Vec<usize> = of_class.collect();

    let half = FEATURES_MAX / 2;
    let insides = inside.len().min(FEATURES_MAX - half.min(outside.len()));
    let outsides = outside.len().min(FEATURES_MAX - insides);
    let chosen = inside
        .iter()
        .take(insides)
        .chain(outside.iter().take(outsides));
    chosen.copied().collect()
}
