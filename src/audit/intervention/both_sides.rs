//! Insertion and removal of one region for one class: which photos take part, and what follows.

use super::super::pool::WorkerPool;
use super::confounder::ConfounderTest;
use super::consensus::DonorAgreement;
use super::insertion::{Inserted, consensus_outcomes, insertion_outcomes};
use super::readable::readable;
use super::removal::{Removed, removal_outcomes};
use crate::dataset::Sample;
use crate::error::Result;
use crate::evidence::{Outcome, Target, insertion_effect, min_causal_effect, removal_effect};
use crate::finding::{Consensus, Intervention};
use crate::runs::documents::Figure;

/// Passes for one host: clean, the confounder, its scramble and three controls; with the consensus
/// that and its median control instead of the third control.
const PASSES_HOST: u32 = 6;
const PASSES_HOST_CONSENSUS: u32 = 7;
/// Passes for one filled image: two ways to fill at two places.
const PASSES_FILLED: u32 = 4;

/// Hosts with their donors, and images to be filled, that the limit of passes allows.
struct Selection<'s> {
    /// Donors are dealt evenly: each has as many hosts as any other, or one more.
    hosts: Vec<(usize, &'s Sample)>,
    tagged: Vec<&'s Sample>,
    /// Empty where there are too few for a control.
    untagged: Vec<(usize, &'s Sample)>,
    cut_short: bool,
}

impl<'t, 'a> ConfounderTest<'t, 'a> {
    /// Both sides, and a few pictures of them. `None` where too few photos have the region.
    ///
    /// # Errors
    /// When the run is asked to stop, or the engine cannot make a session.
    pub fn run(
        &self,
        pool: &WorkerPool<'a>,
        hosts: &[&'t Sample],
        tagged: &[&'t Sample],
    ) -> Result<(Option<Intervention>, Vec<Figure>)> {
        let policy = &self.context.plan.verdict;
        if self.donors.len() < policy.donors_min as usize {
            return Ok((None, Vec::new()));
        }
        let selection = self.select(hosts, tagged);
        let agreement = if self.has_place_control() {
            None
        } else {
            self.agreement(pool)?
        };
        let patches = agreement.as_ref().and_then(|a| a.patches.as_ref());

        let inserted = pool.map(selection.hosts, |worker, (donor, host)| {
            Ok(self.insert(worker, host, donor, patches))
        })?;
        let (inserted, hosts_lost) = readable(inserted, pool.observer);
        let removed = pool.map(selection.tagged, |worker, image| {
            Ok(self.remove(worker, image))
        })?;
        let (removed, tagged_lost) = readable(removed, pool.observer);
        let baseline = pool.map(selection.untagged, |worker, (donor, image)| {
            Ok(self.remove_from_untagged(worker, image, donor))
        })?;
        let (baseline, untagged_lost) = readable(baseline, pool.observer);

        let hits = self.template_hits(pool, hosts)?;
        let lost = self.photos_lost + hosts_lost + tagged_lost + untagged_lost;
        let intervention = Intervention {
            photos_lost: lost,
            template_hits: hits,
            cut_short: selection.cut_short,
            ..self.intervention(&inserted, &removed, &baseline, agreement.as_ref())
        };
        let figures = self.pictures(pool, &inserted, &removed, agreement.as_ref())?;
        Ok((Some(intervention), figures))
    }

    /// Four fifths of the passes for the hosts, and the rest for the images that are filled.
    fn select(&self, hosts: &[&'t Sample], tagged: &[&'t Sample]) -> Selection<'t> {
        let policy = &self.context.plan.verdict;
        let hosts_max = policy.hosts_max as usize;
        let passes = if self.has_place_control() {
            PASSES_HOST
        } else {
            PASSES_HOST_CONSENSUS
        };

        let for_hosts = policy.max_forwards * 4 / 5 / passes;
        let host_count = hosts.len().min(hosts_max).min(for_hosts as usize);

        let left = policy.max_forwards - host_count as u32 * passes;
        let fillable = (left / PASSES_FILLED) as usize;

        let untagged = if self.has_place_control() {
            self.untagged.as_slice()
        } else {
            &[]
        };

        let untagged_count = untagged.len().min(hosts_max).min(fillable / 2);
        let tagged_count = tagged.len().min(hosts_max).min(fillable - untagged_count);

        let cut_hosts = host_count < hosts.len().min(hosts_max);
        Selection {
            hosts: self.dealt(&hosts[..host_count]),
            tagged: tagged[..tagged_count].to_vec(),
            untagged: self.dealt(&untagged[..untagged_count]),
            cut_short: cut_hosts || tagged_count < tagged.len().min(hosts_max),
        }
    }

    /// Each image with the place of a donor in the list, in turn.
    fn dealt(&self, images: &[&'t Sample]) -> Vec<(usize, &'t Sample)> {
        let donors = (0..self.donors.len()).cycle();
        donors.zip(images.iter().copied()).collect()
    }

    fn intervention(
        &self,
        inserted: &[Inserted<'_>],
        removed: &[Removed<'_>],
        baseline: &[Removed<'_>],
        agreement: Option<&DonorAgreement>,
    ) -> Intervention {
        let policy = &self.context.plan.verdict;
        let clean: Vec<Outcome> = inserted.iter().map(|i| i.clean.clone()).collect();
        let min_effect = min_causal_effect(policy.causal_fraction, &clean);
        let target = Target {
            class: self.class,
            sharing: self.sharing,
        };
        let consensus = agreement.map(|agreement| Consensus {
            effect: insertion_effect(&consensus_outcomes(inserted), target, min_effect),
            ..agreement.consensus
        });

        // Too few filled images are no control.
        let is_enough = filled_both_ways(baseline) >= policy.baseline_min;
        let of_hosts = inserted.iter().map(|host| host.passes);
        let of_filled = removed.iter().chain(baseline).map(|image| image.passes);
        let forwards = of_hosts.chain(of_filled).sum();
        let baseline = if is_enough { baseline } else { &[] };

        let scrambled = inserted.iter().filter(|host| host.scrambled.predicts_class);
        Intervention {
            insertion: insertion_effect(&insertion_outcomes(inserted), target, min_effect),
            removal: removal_effect(&removal_outcomes(removed, baseline), target, min_effect),
            has_place_control: self.has_place_control(),
            consensus,
            untagged_filled: filled_both_ways(baseline),
            hosts_trained_on: self.hosts_trained_on,
            min_effect,
            scrambled_flips: scrambled.count() as u32,
            donors: self.donors.len() as u32,
            forwards,
            template_hits: None,
            cut_short: false,
            photos_lost: 0,
        }
    }
}

fn filled_both_ways(images: &[Removed<'_>]) -> u32 {
    let filled = images
        .iter()
        .filter(|image| image.fills.iter().all(Option::is_some));
    filled.count() as u32
}
