//! A: is the confounder tied to the label in the data? Groups count, not images; the model has no part in it.

use super::Sighting;
use super::statistics::{Estimate, difference, fisher_greater, proportion};
use std::collections::BTreeMap;

/// `p1 = P(present | label)` against `p0 = P(present | other labels)`.
#[derive(Debug, Clone, Copy)]
pub struct Association {
    /// Groups of the label: with the region, and all.
    pub own: [u32; 2],
    /// Groups of the other labels: with the region, and all.
    pub others: [u32; 2],
    /// `p1 - p0`, with Newcombe's interval.
    pub difference: Estimate,
    /// The largest `P(present | label)` of any single other label.
    pub worst_other: f64,
    /// One-sided Fisher.
    pub p: f64,
}

/// Groups with the region and all groups, per class. A group shows it where any of its images does.
pub(super) fn groups<'a>(sightings: impl Iterator<Item = &'a Sighting>) -> BTreeMap<u32, [u32; 2]> {
    let mut seen: BTreeMap<(u32, u64), bool> = BTreeMap::new();
    for s in sightings {
        *seen.entry((s.shown.class, s.shown.group)).or_default() |= s.present;
    }
    let mut counts: BTreeMap<u32, [u32; 2]> = BTreeMap::new();
    for ((class, _), present) in seen {
        let [with, all] = counts.entry(class).or_default();
        *with += u32::from(present);
        *all += 1;
    }
    counts
}

impl Association {
    /// `None` where the label, or every other one, has no group.
    pub(super) fn new(by_class: &BTreeMap<u32, [u32; 2]>, class: u32) -> Option<Self> {
        let own = *by_class.get(&class)?;
        let others = || {
            by_class
                .iter()
                .filter(|(c, _)| **c != class)
                .map(|(_, n)| *n)
        };
        let sum = others().fold([0, 0], |[a, b], [k, n]| [a + k, b + n]);
        let worst = others()
            .map(|[k, n]| f64::from(k) / f64::from(n))
            .fold(0.0, f64::max);
        let difference = difference(proportion(own[0], own[1])?, proportion(sum[0], sum[1])?);
        Some(Self {
            own,
            others: sum,
            difference,
            worst_other: worst,
            p: fisher_greater(own, sum),
        })
    }
}
