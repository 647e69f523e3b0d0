//! Who takes part in a proof: chosen by hash, so that nothing is redone when nothing changed, and from the half of the
//! groups that A and B did not look at.

use super::drawn::{in_turn, lot};
use super::{Sighting, screens};
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
    pub(super) fn new(all: &[Sighting], class: u32, seed: u64) -> Self {
        let proves: Vec<&Sighting> = all.iter().filter(|s| s.class == s.target && !screens(s.group)).collect();
        let own = |present: bool| {
            let wanted = |s: &&&Sighting| s.class == class && s.present == present;
            drawn(proves.iter().filter(wanted).copied(), seed)
        };
        let host = |s: &&&Sighting| s.class != class && !s.present && s.correct;
        let unseen = proves.iter().any(|s| host(&s) && !s.trained_on);
        let hosts = proves.iter().filter(host).filter(|s| !(unseen && s.trained_on));
        let mut by_class: BTreeMap<u32, Vec<&Sighting>> = BTreeMap::new();
        hosts.for_each(|s| by_class.entry(s.class).or_default().push(s));
        let drawn: Vec<Vec<u128>> = by_class.into_values().map(|of| drawn(of.into_iter(), seed)).collect();
        Self { tagged: own(true), untagged: own(false), hosts: in_turn(drawn, seed).collect() }
    }
}

/// One image per group, in order of hash.
fn drawn<'a>(sightings: impl Iterator<Item = &'a Sighting>, seed: u64) -> Vec<u128> {
    let mut lots: Vec<([u8; 16], u64, u128)> = sightings.map(|s| (lot(seed, s.image), s.group, s.image)).collect();
    lots.sort_unstable();
    let mut groups = BTreeSet::new();
    lots.into_iter().filter(|(_, group, _)| groups.insert(*group)).map(|(_, _, image)| image).collect()
}
