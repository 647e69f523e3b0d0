//! B: does the model's evidence for the class, at the region, rise where the confounder is present?
//! The image's own mirrored places are its control, so that effects that do not depend on the place
//! cancel.

use super::observations::Observation;
use super::statistics::{welch, winsorised};
use crate::finding::{Contrast, ContrastBaseline};
use std::collections::BTreeMap;

/// B from the maps of one class. `None` with fewer than two groups on a side.
pub fn contrast(
    maps: &[&Observation],
    class: u32,
    min_effect: f64,
    baseline_min: u32,
) -> Option<Contrast> {
    let present = group_means(maps, |o| o.map.class == class && o.present);
    let mut absent = group_means(maps, |o| o.map.class == class && !o.present);
    let mut baseline = ContrastBaseline::Label;

    if absent.len() < baseline_min as usize {
        let others = group_means(maps, |o| o.map.class != class && !o.present);
        if others.len() > absent.len() {
            absent = others;
            baseline = ContrastBaseline::OtherClasses;
        }
    }

    let (groups_present, groups_absent) = (present.len() as u32, absent.len() as u32);
    let (difference, p) = welch(&winsorised(present), &winsorised(absent), min_effect)?;
    Some(Contrast {
        present: groups_present,
        absent: groups_absent,
        difference,
        min_effect,
        baseline,
        p,
    })
}

/// The mean contrast of each group: images of a group are one piece of evidence.
fn group_means(maps: &[&Observation], belongs: impl Fn(&Observation) -> bool) -> Vec<f64> {
    let mut groups: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for observation in maps.iter().filter(|observation| belongs(observation)) {
        let Some(contrast) = observation.contrast else {
            continue;
        };
        let (sum, count) = groups.entry(observation.map.group).or_default();
        *sum += f64::from(contrast);
        *count += 1.0;
    }
    groups
        .into_values()
        .map(|(sum, count)| sum / count)
        .collect()
}
