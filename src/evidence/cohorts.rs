//! The images that take part in C: chosen by hash, so that an unchanged set gives the same ones,
//! and none that B looks at.

use super::halves::is_screening;
use super::observations::{MapInfo, Observation};
use super::sampling::{rank, round_robin};
use std::collections::{BTreeMap, BTreeSet};

/// Image ids, in the order in which they are to be used.
#[derive(Debug, Clone, Default)]
pub struct Cohorts {
    /// Tagged images of the class.
    pub tagged: Vec<u128>,
    /// Untagged images of the class.
    pub untagged: Vec<u128>,
    /// Untagged images of other classes that the model predicts correctly, spread evenly over the
    /// classes.
    pub hosts: Vec<u128>,
    /// Whether hosts are of splits that the model was trained on: too few others are there.
    pub hosts_trained_on: bool,
}

/// Hosts that the model was not trained on, from which on only these take part.
const UNTRAINED_MIN: usize = 30;

impl Cohorts {
    /// From all observations of one region. `hosts_screened` says that B compared with images of
    /// other classes, so that hosts are of the other half as well.
    pub(super) fn new(
        observations: impl Iterator<Item = Observation>,
        class: u32,
        seed: u64,
        hosts_screened: bool,
    ) -> Self {
        let (mut tagged, mut untagged, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
        for observation in observations.filter(|o| o.is_own_map() && !o.unclear) {
            let map = observation.map;
            let is_own_class = map.class == class;
            if is_screening(map.group) && (is_own_class || hosts_screened) {
                continue;
            }

            match (is_own_class, observation.present) {
                (true, true) => tagged.push(map),
                (true, false) => untagged.push(map),
                (false, false) if map.correct => hosts.push(map),
                (false, _) => {}
            }
        }
        let untrained = hosts.iter().filter(|host| !host.trained_on).count();
        if untrained >= UNTRAINED_MIN {
            hosts.retain(|host| !host.trained_on);
        }
        let hosts_trained_on = hosts.iter().any(|host| host.trained_on);

        Self {
            tagged: one_per_group(&tagged, seed),
            untagged: one_per_group(&untagged, seed),
            hosts: in_turn(&hosts, seed),
            hosts_trained_on,
        }
    }
}

/// Hosts of all classes in turn: those of the half that B does not use first, so that the other
/// half only fills up.
fn in_turn(hosts: &[MapInfo], seed: u64) -> Vec<u128> {
    let mut out = Vec::new();
    for is_screened in [false, true] {
        let mut by_class: BTreeMap<u32, Vec<MapInfo>> = BTreeMap::new();
        for host in hosts {
            if is_screening(host.group) == is_screened {
                by_class.entry(host.class).or_default().push(*host);
            }
        }

        let images = by_class.into_values();
        let images = images.map(|images| one_per_group(&images, seed));
        out.extend(round_robin(images.collect(), seed));
    }
    out
}

/// One image per group, in order of hash.
fn one_per_group(images: &[MapInfo], seed: u64) -> Vec<u128> {
    let mut ranked: Vec<([u8; 16], u64, u128)> = images
        .iter()
        .map(|map| (rank(seed, map.image), map.group, map.image))
        .collect();
    ranked.sort_unstable();

    let mut groups = BTreeSet::new();
    ranked.retain(|(_, group, _)| groups.insert(*group));
    ranked.into_iter().map(|(_, _, image)| image).collect()
}
