//! B: does the model's evidence for the label, at the region, rise where the confounder is present? The image's own
//! mirrored places are its control, so that what lies anywhere in the picture cancels.

use super::Sighting;
use super::statistics::{Estimate, welch, winsorised};
use std::collections::BTreeMap;

/// `Delta_B = mean(B | present) - mean(B | absent)`, B = specificity of the region less that of its mirror images.
#[derive(Debug, Clone, Copy)]
pub struct Contrast {
    /// Groups with and without the region.
    pub groups: [u32; 2],
    /// In logits, with Welch's interval.
    pub difference: Estimate,
    /// The least effect that counts, in logits.
    pub least: f64,
    /// The images without the region are of other labels: too few of the label lack it.
    pub other_classes: bool,
    /// One-sided, of `Delta_B <= least`.
    pub p: f64,
}

impl Contrast {
    /// From the maps of one class. `None` with fewer than two groups on a side.
    pub(super) fn new(
        maps: &[&Sighting],
        class: u32,
        least: f64,
        baseline_min: u32,
    ) -> Option<Self> {
        let side = |own: bool, present: bool| {
            group_means(
                maps.iter()
                    .filter(|s| (s.shown.class == class) == own && s.present == present),
            )
        };
        let present = side(true, true);
        let absent = side(true, false);
        let others = if absent.len() < baseline_min as usize {
            side(false, false)
        } else {
            Vec::new()
        };
        let other_classes = others.len() > absent.len();
        let absent = if other_classes { others } else { absent };
        let groups = [present.len() as u32, absent.len() as u32];
        let (difference, p) = welch(&winsorised(present), &winsorised(absent), least)?;
        Some(Self {
            groups,
            difference,
            least,
            other_classes,
            p,
        })
    }
}

/// One number per group: images of a group are one piece of evidence.
fn group_means<'a>(sightings: impl Iterator<Item = &'a &'a Sighting>) -> Vec<f64> {
    let mut groups: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for (group, contrast) in sightings.filter_map(|s| Some((s.shown.group, s.contrast?))) {
        let (sum, count) = groups.entry(group).or_default();
        *sum += f64::from(contrast);
        *count += 1.0;
    }
    groups
        .into_values()
        .map(|(sum, count)| sum / count)
        .collect()
}
