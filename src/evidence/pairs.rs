//! A and B for every class and every region that can be present or absent.

use super::association::{association, count_groups};
use super::cohorts::Cohorts;
use super::contrast::contrast;
use super::examples::{Example, choose_class_examples, choose_examples};
use super::halves::is_screening;
use super::observations::{Evidence, Observation};
use super::statistics;
use crate::finding::{Association, Contrast, ContrastBaseline, ContrastMissing, Intervention};
use crate::plan::Verdicts as Policy;
use std::collections::BTreeMap;

/// The evidence about one class of the model and one region. Where several labels are one class,
/// they are pooled.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Name of the class, see [`crate::dataset::LabelMap::pooled_names`].
    pub label: String,
    /// Index of the class in the model.
    pub class: u32,
    pub region: String,
    /// Groups of the class that show the region, over both halves.
    pub tagged: u32,
    pub association: Option<Association>,
    pub contrast: Option<Contrast>,
    /// Why there is no contrast.
    pub contrast_missing: Option<ContrastMissing>,
    /// C was attempted.
    pub tested: bool,
    /// `None` where nothing was changed.
    pub intervention: Option<Box<Intervention>>,
}

impl Evidence {
    /// A over all groups, since it uses nothing that the model said, and B over the screening half.
    pub fn pairs(&self, names: &BTreeMap<usize, String>, policy: &Policy) -> Vec<Pair> {
        self.pairs_over(names, policy, |_| true)
    }

    /// The same for regions that were found in the screening half: A over the other one.
    pub fn found_pairs(&self, names: &BTreeMap<usize, String>, policy: &Policy) -> Vec<Pair> {
        self.pairs_over(names, policy, |group| !is_screening(group))
    }

    /// `is_counted` chooses the groups of A.
    fn pairs_over(
        &self,
        names: &BTreeMap<usize, String>,
        policy: &Policy,
        is_counted: impl Fn(u64) -> bool,
    ) -> Vec<Pair> {
        let mut min_effects = BTreeMap::new();
        for (class, logits) in &self.centred_logits {
            min_effects.insert(*class, min_contrast(logits, policy));
        }

        let mut pairs = Vec::new();
        for region in self.region_names() {
            let mut by_target: BTreeMap<u32, Vec<Observation>> = BTreeMap::new();
            for observation in self.observations(region) {
                let target = observation.map.target;
                by_target.entry(target).or_default().push(observation);
            }
            let all = by_target.values().flatten();
            let own = all.filter(|observation| observation.is_own_map());
            let own: Vec<&Observation> = own.collect();

            let shown = count_groups(own.iter().copied());
            let counted = own.iter().filter(|o| is_counted(o.map.group));
            let counts = count_groups(counted.copied());

            for (&class, &min_effect) in &min_effects {
                let observations = by_target.get(&class).map_or(&[][..], Vec::as_slice);
                let screening: Vec<&Observation> = observations
                    .iter()
                    .filter(|observation| is_screening(observation.map.group))
                    .collect();

                let contrast = contrast(&screening, class, min_effect, policy.baseline_min);

                let label = names.get(&(class as usize)).cloned();
                pairs.push(Pair {
                    label: label.unwrap_or_default(),
                    class,
                    region: region.clone(),
                    tagged: shown.get(&class).map_or(0, |count| count.present),
                    association: association(&counts, class),
                    contrast_missing: contrast.err(),
                    contrast: contrast.ok(),
                    tested: false,
                    intervention: None,
                });
            }
        }
        pairs
    }

    /// Images that can take part in C for one class and one region.
    pub fn cohorts(&self, pair: &Pair) -> Cohorts {
        let contrast = pair.contrast.as_ref();
        let hosts_screened =
            contrast.is_some_and(|contrast| contrast.baseline == ContrastBaseline::OtherClasses);
        let observations = self.observations(&pair.region);
        Cohorts::new(observations, pair.class, self.seed, hosts_screened)
    }

    /// Images of the class to show with a finding: with the region by contrast and by chance,
    /// without it by chance.
    pub fn examples(&self, pair: &Pair) -> Vec<Example> {
        choose_examples(self.observations(&pair.region), pair.class, self.seed)
    }

    /// Images to show of each class named, whatever was found.
    pub fn class_examples(&self, classes: &[u32]) -> BTreeMap<u32, Vec<Example>> {
        let mut images: BTreeMap<u32, Vec<(f32, u128)>> = BTreeMap::new();
        for class in classes {
            images.insert(*class, Vec::new());
        }
        for map in self.own_maps() {
            let Some(of_class) = images.get_mut(&map.class) else {
                continue;
            };
            let logits = self.centred_logits.get(&map.class);
            let logit = logits.and_then(|logits| logits.get(of_class.len()));
            of_class.push((logit.copied().unwrap_or(f32::MIN), map.image));
        }

        let chosen = images.into_iter();
        chosen
            .map(|(class, images)| (class, choose_class_examples(images, self.seed)))
            .collect()
    }
}

/// The smallest effect of B that counts for a class, in logits: a part of its median centred logit,
/// so that the scale of the head has no influence.
fn min_contrast(centred_logits: &[f32], policy: &Policy) -> f64 {
    let logits = centred_logits.iter().copied().map(f64::from).collect();
    let typical = statistics::median(logits).unwrap_or(0.0);
    policy.contrast_fraction * typical.max(0.0)
}
