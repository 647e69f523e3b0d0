//! Who takes part in a proof: chosen by hash, so that nothing is redone when nothing changed, and from the half of the
//! groups that A and B did not look at.

use super::drawn::{in_turn, lot};
use super::{Shown, Sighting, screens};
use std::collections::{BTreeMap, BTreeSet};

/// Image ids, in the order in which they are to be used.
#[derive(Debug, Clone, Default)]
pub struct Cast {
    /// Tagged images of the label.
    pub tagged: Vec<u128>,
    /// Untagged images of the label.
    pub untagged: Vec<u128>,
    /// Untagged images of other labels that the model gets right, spread evenly over the labels.
    pub hosts: Vec<u128>,
}

impl Cast {
    /// From all sightings of one region. Images that the model was not trained on where there are any among the hosts.
    pub(super) fn new(all: impl Iterator<Item = Sighting>, class: u32, seed: u64) -> Self {
        let (mut tagged, mut untagged, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
        for s in all.filter(|s| s.shown.class == s.shown.target && !screens(s.shown.group)) {
            match (s.shown.class == class, s.present) {
                (true, true) => tagged.push(s.shown),
                (true, false) => untagged.push(s.shown),
                (false, false) if s.shown.correct => hosts.push(s.shown),
                _ => {}
            }
        }
        if hosts.iter().any(|h| !h.trained_on) {
            hosts.retain(|h| !h.trained_on);
        }
        let mut by_class: BTreeMap<u32, Vec<Shown>> = BTreeMap::new();
        hosts
            .into_iter()
            .for_each(|h| by_class.entry(h.class).or_default().push(h));
        let hosts = by_class.into_values().map(|of| drawn(of, seed)).collect();
        Self {
            tagged: drawn(tagged, seed),
            untagged: drawn(untagged, seed),
            hosts: in_turn(hosts, seed).collect(),
        }
    }
}

/// One image per group, in order of hash.
fn drawn(images: Vec<Shown>, seed: u64) -> Vec<u128> {
    let mut lots: Vec<([u8; 16], u64, u128)> = images
        .into_iter()
        .map(|s| (lot(seed, s.image), s.group, s.image))
        .collect();
    lots.sort_unstable();
    let mut groups = BTreeSet::new();
    lots.into_iter()
        .filter(|(_, group, _)| groups.insert(*group))
        .map(|(_, _, image)| image)
        .collect()
}
