//! B: does the model's evidence for the class, at the region, rise where the confounder is present?
//! The image's own mirrored places are its control, so that effects that do not depend on the place
//! cancel.

use super::observations::Observation;
use super::statistics::{welch, winsorised};
use crate::finding::{Contrast, ContrastBaseline, ContrastMissing};
use std::collections::BTreeMap;

/// B from the maps of one class, over the groups of the screening half.
///
/// # Errors
/// Why it cannot be had: fewer than `groups_min` groups on a side, no place to compare with, or a
/// region that is too small for a place.
pub fn contrast(
    maps: &[&Observation],
    class: u32,
    min_effect: f64,
    groups_min: u32,
) -> Result<Contrast, ContrastMissing> {
    let with_region = group_means(maps, |o| o.map.class == class && o.present);
    if let Some(missing) = with_region.missing(groups_min) {
        return Err(missing);
    }

    let mut absent = group_means(maps, |o| o.map.class == class && o.is_absent()).means;
    let mut baseline = ContrastBaseline::Label;
    if absent.len() < groups_min as usize {
        let others = group_means(maps, |o| o.map.class != class && o.is_absent()).means;
        if others.len() > absent.len() {
            absent = others;
            baseline = ContrastBaseline::OtherClasses;
        }
    }

    let (groups_present, groups_absent) = (with_region.means.len() as u32, absent.len() as u32);

    let few = ContrastMissing::FewWithoutRegion {
        groups: groups_absent,
        needed: groups_min,
    };
    if groups_absent < groups_min {
        return Err(few);
    }

    let present = winsorised(with_region.means);
    let (difference, p) = welch(&present, &winsorised(absent), min_effect).ok_or(few)?;
    Ok(Contrast {
        present: groups_present,
        absent: groups_absent,
        difference,
        min_effect,
        baseline,
        p,
    })
}

/// The mean contrast of each group that has one: images of a group are one piece of evidence.
struct GroupMeans {
    means: Vec<f64>,
    /// All groups, those without a contrast included.
    groups: u32,
    /// Groups in which the region is smaller than a quarter of a cell in every image.
    sub_cell: u32,
}

impl GroupMeans {
    /// Why these groups cannot be compared.
    fn missing(&self, groups_min: u32) -> Option<ContrastMissing> {
        if self.groups < groups_min {
            return Some(ContrastMissing::FewWithRegion {
                groups: self.groups,
                needed: groups_min,
            });
        }
        if 2 * self.sub_cell > self.groups {
            return Some(ContrastMissing::SubCell);
        }
        let few = (self.means.len() as u32) < groups_min;
        few.then_some(ContrastMissing::NoMirrorImage)
    }
}

/// What the images of one group add up to.
#[derive(Default)]
struct GroupSum {
    contrast: f64,
    images: u32,
    has_place: bool,
}

fn group_means(maps: &[&Observation], belongs: impl Fn(&Observation) -> bool) -> GroupMeans {
    let mut groups: BTreeMap<u64, GroupSum> = BTreeMap::new();
    for observation in maps.iter().filter(|observation| belongs(observation)) {
        let group = groups.entry(observation.map.group).or_default();
        group.has_place |= !observation.sub_cell;
        if let Some(contrast) = observation.contrast {
            group.contrast += f64::from(contrast);
            group.images += 1;
        }
    }

    let mut means = Vec::new();
    for group in groups.values().filter(|group| group.images > 0) {
        means.push(group.contrast / f64::from(group.images));
    }

    let without_place = groups.values().filter(|group| !group.has_place);
    GroupMeans {
        sub_cell: without_place.count() as u32,
        groups: groups.len() as u32,
        means,
    }
}
