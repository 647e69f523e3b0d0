//! The decision about one class and one declared region: a pure function of the evidence and the
//! policy.

use crate::finding::{Association, Contrast, Intervention, InterventionEffect, Verdict};
use crate::plan::Verdicts as Policy;

/// Everything that the decision depends on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConfounderFacts<'e> {
    /// Groups of the class that show the region; `None` without presence information.
    pub tagged: Option<u32>,
    /// Of these, groups in which the region is smaller than a quarter of a CAM cell.
    pub sub_cell: u32,
    pub association: Option<Association>,
    /// A, adjusted; `None` where too few groups show the region.
    pub association_q: Option<f64>,
    pub contrast: Option<Contrast>,
    /// The larger p-value of A and B, adjusted.
    pub screening_q: Option<f64>,
    pub intervention: Option<&'e Intervention>,
    /// C, adjusted.
    pub confirming_q: Option<f64>,
    /// Mean part of the region that the model sees.
    pub visible: Option<f64>,
    /// Images of the class, and those with too little positive heat for shares.
    pub images: u32,
    pub low_mass: u32,
    pub lift: Option<f64>,
    pub excess: Option<f64>,
}

/// The first rule that holds names the verdict.
pub fn decide(facts: &ConfounderFacts<'_>, policy: &Policy) -> Verdict {
    if facts.is_insufficient(policy) || (facts.is_sub_cell() && facts.intervention.is_none()) {
        return Verdict::Insufficient;
    }
    if let Some(intervention) = facts.intervention {
        if facts.is_confirmed_by(intervention, policy) {
            return Verdict::Confirmed;
        }
        if is_cleared_by(intervention) {
            return Verdict::Cleared;
        }
    }
    if facts.is_screened(policy) {
        return Verdict::Candidate;
    }
    if facts.is_associated(policy) {
        return Verdict::DataRisk;
    }
    if facts.lift >= Some(policy.lift_min) && facts.excess >= Some(policy.excess_min) {
        return Verdict::SalientOnly;
    }
    Verdict::None
}

impl ConfounderFacts<'_> {
    /// A: associated with the class in the data, by more than the margin.
    pub fn is_associated(&self, policy: &Policy) -> bool {
        let low = self.association.map(|a| a.difference.low);
        let significant = self.association_q.is_some_and(|q| q <= policy.screening_q);
        significant && low >= Some(policy.prevalence_margin)
    }

    /// A and B.
    pub fn is_screened(&self, policy: &Policy) -> bool {
        let significant = self.screening_q.is_some_and(|q| q <= policy.screening_q);
        self.is_associated(policy) && significant
    }

    /// Whether C is to be run: A and B hold, or A alone where the region is too small for B.
    pub fn needs_intervention(&self, policy: &Policy) -> bool {
        let small = self.is_associated(policy) && self.is_sub_cell();
        let enough_groups = self.tagged.is_some_and(|tagged| tagged >= policy.proof_min);
        (self.is_screened(policy) || small) && !self.is_insufficient(policy) && enough_groups
    }

    /// Whether the region is smaller than a quarter of a CAM cell in most tagged groups.
    fn is_sub_cell(&self) -> bool {
        self.tagged.is_some_and(|tagged| 2 * self.sub_cell > tagged)
    }

    /// Too few groups show the region, the model does not see it, or too many maps have no positive
    /// heat.
    pub fn is_insufficient(&self, policy: &Policy) -> bool {
        let few_groups = self
            .tagged
            .is_some_and(|tagged| tagged > 0 && tagged < policy.tagged_min);
        let unseen = self.visible.is_some_and(|v| v < policy.visible_min);
        let low_mass_limit = policy.low_mass_max * f64::from(self.images);
        few_groups || unseen || f64::from(self.low_mass) > low_mass_limit
    }

    /// C: by more than the smallest effect that counts, in enough images, and for this class more
    /// than for any other.
    fn is_confirmed_by(&self, intervention: &Intervention, policy: &Policy) -> bool {
        let significant = self.confirming_q.is_some_and(|q| q <= policy.confirming_q);
        let insertion = supports(intervention.insertion.as_ref(), policy);
        let removal = supports(intervention.removal.as_ref(), policy);
        significant && (insertion || removal)
    }
}

fn supports<Control>(effect: Option<&InterventionEffect<Control>>, policy: &Policy) -> bool {
    effect.is_some_and(|effect| effect.largest_shift && effect.rate.low >= policy.causal_rate)
}

/// Both sides of C were run, and the upper bounds of both effects lie under the smallest that
/// counts.
fn is_cleared_by(intervention: &Intervention) -> bool {
    let min_effect = intervention.min_effect;
    is_below(intervention.insertion.as_ref(), min_effect)
        && is_below(intervention.removal.as_ref(), min_effect)
}

fn is_below<Control>(effect: Option<&InterventionEffect<Control>>, min_effect: f64) -> bool {
    effect.is_some_and(|effect| effect.margin.high < min_effect)
}
