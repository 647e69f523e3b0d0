//! A: is the confounder associated with the class in the data? Groups count, not images; the model
//! has no part in it.

use super::observations::Observation;
use super::statistics::{difference, fisher_greater, proportion};
use crate::finding::{Association, Estimate, GroupCount};
use std::collections::BTreeMap;

/// Groups with the region and all groups, by class. A group shows it where any of its images does.
pub fn count_groups<'a>(
    observations: impl Iterator<Item = &'a Observation>,
) -> BTreeMap<u32, GroupCount> {
    let mut groups: BTreeMap<(u32, u64), bool> = BTreeMap::new();
    for observation in observations {
        let key = (observation.map.class, observation.map.group);
        *groups.entry(key).or_default() |= observation.present;
    }

    let mut counts: BTreeMap<u32, GroupCount> = BTreeMap::new();
    for ((class, _), present) in groups {
        let count = counts.entry(class).or_default();
        count.present += u32::from(present);
        count.groups += 1;
    }
    counts
}

/// `None` where the class, or every other one, has no group.
pub fn association(by_class: &BTreeMap<u32, GroupCount>, class: u32) -> Option<Association> {
    let in_class = *by_class.get(&class)?;
    let mut in_others = GroupCount::default();
    let mut worst_other = 0.0_f64;
    for (_, count) in by_class.iter().filter(|(other, _)| **other != class) {
        in_others.present += count.present;
        in_others.groups += count.groups;
        worst_other = worst_other.max(f64::from(count.present) / f64::from(count.groups));
    }

    Some(Association {
        in_class,
        in_others,
        difference: difference(rate(in_class)?, rate(in_others)?),
        worst_other,
        p: fisher_greater(in_class, in_others),
    })
}

fn rate(count: GroupCount) -> Option<Estimate> {
    proportion(count.present, count.groups)
}
