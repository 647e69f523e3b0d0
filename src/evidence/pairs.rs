//! A and B for every label and every region that can be present or absent.

use super::association::{association, count_groups};
use super::cohorts::Cohorts;
use super::contrast::contrast;
use super::examples::{Example, choose_examples};
use super::halves::is_screening;
use super::observations::{Evidence, LabelFacts, Observation};
use super::statistics;
use crate::finding::{Association, Contrast, Intervention};
use crate::plan::Verdicts as Policy;
use std::collections::BTreeMap;

/// The evidence about one label and one region.
#[derive(Debug, Clone)]
pub struct Pair {
    pub label: String,
    /// Index of the label's class in the model.
    pub class: u32,
    pub region: String,
    /// Groups of the label that show the region, over both halves.
    pub tagged: u32,
    /// Of these, groups in which the region is smaller than a quarter of a CAM cell.
    pub sub_cell: u32,
    pub association: Option<Association>,
    pub contrast: Option<Contrast>,
    /// C was attempted.
    pub tested: bool,
    /// `None` where nothing was changed.
    pub intervention: Option<Box<Intervention>>,
}

impl Evidence {
    pub fn pairs(&self, policy: &Policy) -> Vec<Pair> {
        let mut min_effects = Vec::new();
        for facts in self.labels.values() {
            min_effects.push(min_contrast(facts, policy));
        }

        let mut pairs = Vec::new();
        for region in self.region_names() {
            let mut by_target: BTreeMap<u32, Vec<Observation>> = BTreeMap::new();
            for observation in self.observations(region) {
                let target = observation.map.target;
                by_target.entry(target).or_default().push(observation);
            }
            let own_maps = by_target.values().flatten().filter(|observation| {
                observation.is_own_map() && is_screening(observation.map.group)
            });
            let counts = count_groups(own_maps);

            for ((label, facts), min_effect) in self.labels.iter().zip(&min_effects) {
                let observations = by_target.get(&facts.class).map_or(&[][..], Vec::as_slice);
                let tagged = tagged_groups(observations, facts.class);
                let screening: Vec<&Observation> = observations
                    .iter()
                    .filter(|observation| is_screening(observation.map.group))
                    .collect();

                pairs.push(Pair {
                    label: label.clone(),
                    class: facts.class,
                    region: region.clone(),
                    tagged: tagged.len() as u32,
                    sub_cell: tagged.values().filter(|sub_cell| **sub_cell).count() as u32,
                    association: association(&counts, facts.class),
                    contrast: contrast(&screening, facts.class, *min_effect, policy.baseline_min),
                    tested: false,
                    intervention: None,
                });
            }
        }
        pairs
    }

    /// Images that can take part in C for one label and one region.
    pub fn cohorts(&self, pair: &Pair) -> Cohorts {
        Cohorts::new(self.observations(&pair.region), pair.class, self.seed)
    }

    /// Images of the label to show with a finding: with the region by contrast and by chance,
    /// without it by chance.
    pub fn examples(&self, pair: &Pair) -> Vec<Example> {
        choose_examples(self.observations(&pair.region), pair.class, self.seed)
    }
}

/// Groups of the class that show the region, and whether it is smaller than a quarter of a CAM cell
/// in all of their images.
fn tagged_groups(observations: &[Observation], class: u32) -> BTreeMap<u64, bool> {
    let mut groups = BTreeMap::new();
    for observation in observations {
        if observation.map.class == class && observation.present {
            let sub_cell = groups.entry(observation.map.group).or_insert(true);
            *sub_cell &= observation.sub_cell;
        }
    }
    groups
}

/// The smallest effect of B that counts for a label, in logits.
fn min_contrast(facts: &LabelFacts, policy: &Policy) -> f64 {
    let logits = facts.centred_logits.iter().copied().map(f64::from);
    let typical = statistics::median(logits.collect()).unwrap_or(0.0);
    policy
        .contrast_logits
        .max(policy.contrast_fraction * typical)
}
