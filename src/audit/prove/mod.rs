//! C: reads the few photos that it needs once more, changes them, and looks what the model says. On the candidates, each a
//! `trial`; on overlays (`overlay`), and on the surroundings of the objects (`context`). `show` keeps a few pictures.

mod context;
mod overlay;
mod show;
mod trial;

use super::crew::Crew;
use super::image::Auditor;
use super::see::Worker;
use crate::dataset::{Dataset, Sample};
use crate::error::Result;
use crate::evidence::{Cast, Evidence, Pair};
use crate::plan::{Place, RegionKind};
use crate::report::Exhibit;
use crate::retouch::thumb;
pub use context::{Emptied, without_objects};
use std::collections::{BTreeMap, BTreeSet};
use trial::Trial;

/// Most photos that tags are cut from, and most that are copied from.
const DONORS_MAX: usize = 32;

/// What a proof needs: who works, on which photos, and what the rows told of them.
pub struct Prover<'r, 'a> {
    pub auditor: &'r Auditor<'a>,
    pub crew: &'r Crew<'a>,
    pub dataset: &'r Dataset,
    pub evidence: &'r Evidence,
}

impl<'a> Prover<'_, 'a> {
    /// Puts the wanted pairs to the proof, one after the other, and returns pictures of it.
    ///
    /// # Errors
    /// When the dataset can no longer be read or the engine cannot make a session.
    pub fn prove(&self, pairs: &mut [Pair], wanted: &[(String, String)]) -> Result<Vec<Exhibit>> {
        let is_wanted = |p: &&mut Pair| {
            wanted
                .iter()
                .any(|(label, region)| *label == p.label && *region == p.region)
        };
        let mut trials: Vec<(&mut Pair, Cast)> = Vec::new();
        for pair in pairs.iter_mut().filter(is_wanted) {
            let cast = self.evidence.cast(pair);
            trials.push((pair, cast));
        }
        let most = self.auditor.plan.verdict.hosts_max as usize;
        let ids = trials.iter().flat_map(|(_, c)| {
            [
                (&c.hosts, most),
                (&c.tagged, most.max(DONORS_MAX)),
                (&c.untagged, DONORS_MAX),
            ]
        });
        let samples = self.fetch(ids.flat_map(|(ids, most)| ids.iter().take(most).copied()))?;
        let mut exhibits = Vec::new();
        for (pair, cast) in &mut trials {
            pair.put_to_proof = true;
            let regions = &self.auditor.plan.regions;
            let place = regions
                .iter()
                .find(|r| r.name == pair.region && r.kind == RegionKind::Confounder);
            let Some(Place::Annotation { category }) = place.map(|r| &r.place) else {
                continue;
            };
            let Some(class) = self.auditor.labels.class_of(&pair.label) else {
                continue;
            };
            let of = |ids: &[u128], most: usize| -> Vec<&Sample> {
                ids.iter()
                    .filter_map(|id| samples.get(id))
                    .take(most)
                    .collect()
            };
            let untagged = of(&cast.untagged, DONORS_MAX);
            let without = if untagged.is_empty() {
                of(&cast.hosts, DONORS_MAX)
            } else {
                untagged.clone()
            };
            let copies = self.crew.each(self.auditor, without, |worker, sample| {
                Ok(self.crew.proved(
                    worker
                        .photo(&sample.source)
                        .map(|photo| Some((sample, thumb(&photo)))),
                ))
            })?;
            let trial = Trial {
                auditor: self.auditor,
                class,
                label: &pair.label,
                region: &pair.region,
                category,
                donors: of(&cast.tagged, DONORS_MAX),
                untagged,
                copies: copies.into_iter().flatten().collect(),
            };
            let run = trial.run(self.crew, &of(&cast.hosts, most), &of(&cast.tagged, most))?;
            if let Some((intervention, shown)) = run {
                exhibits.extend(shown);
                pair.intervention = Some(intervention);
            }
        }
        Ok(exhibits)
    }

    /// The samples of these ids: the set is streamed once more.
    ///
    /// # Errors
    /// When the dataset can no longer be read.
    pub fn fetch(&self, ids: impl IntoIterator<Item = u128>) -> Result<BTreeMap<u128, Sample>> {
        let wanted: BTreeSet<u128> = ids.into_iter().collect();
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let samples = self
            .dataset
            .samples(self.auditor.labels)?
            .filter_map(std::result::Result::ok);
        let known = samples.filter_map(|s| Some((u128::from_str_radix(&s.id, 16).ok()?, s)));
        let known = known
            .filter(|(id, _)| wanted.contains(id))
            .map(|(id, mut sample)| {
                self.auditor
                    .survey
                    .annotate(&self.auditor.plan.regions, &mut sample);
                (id, sample)
            });
        Ok(known.collect())
    }
}
