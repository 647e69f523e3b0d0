//! The decision about one class and one declared region: a pure function of the evidence and the
//! policy.

use crate::finding::{
    Association, Consensus, Contrast, ContrastMissing, Intervention, InterventionEffect, Verdict,
};
use crate::plan::Verdicts as Policy;

/// Without A: an unadjusted p-value from which the association may be there, and a difference that
/// cannot be excluded. Either means that there are too few groups to tell.
const UNADJUSTED_P: f64 = 0.05;
const DIFFERENCE_MAX: f64 = 0.1;

/// Everything that the decision depends on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConfounderFacts<'e> {
    /// Groups of the class that show the region; `None` without presence information.
    pub tagged: Option<u32>,
    pub association: Option<Association>,
    /// A, adjusted; `None` where too few groups show the region.
    pub association_q: Option<f64>,
    pub contrast: Option<Contrast>,
    /// Why B could not be had.
    pub contrast_missing: Option<ContrastMissing>,
    /// The larger p-value of A and B, adjusted.
    pub screening_q: Option<f64>,
    pub intervention: Option<&'e Intervention>,
    /// The two sides of C, adjusted.
    pub insertion_q: Option<f64>,
    pub removal_q: Option<f64>,
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
    if facts.is_associated(policy) {
        return decide_associated(facts, policy);
    }
    if facts.is_insufficient(policy) {
        return Verdict::Insufficient;
    }
    if facts.lift >= Some(policy.lift_min) && facts.excess >= Some(policy.excess_min) {
        return Verdict::SalientOnly;
    }
    Verdict::None
}

/// The verdict where A holds.
fn decide_associated(facts: &ConfounderFacts<'_>, policy: &Policy) -> Verdict {
    if facts.is_confirmed(policy) {
        return Verdict::Confirmed;
    }
    if facts.intervention.is_some_and(|c| is_cleared_by(c, policy)) {
        return Verdict::Cleared;
    }
    if facts.is_screened(policy) || facts.is_inseparable(policy) {
        return Verdict::Candidate;
    }
    Verdict::DataRisk
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
        self.is_associated(policy) && self.contrast.is_some() && significant
    }

    /// Whether C is to be run, and can be: enough groups are tagged.
    pub fn needs_intervention(&self, policy: &Policy) -> bool {
        let has_groups = self.tagged.is_some_and(|tagged| tagged >= policy.proof_min);
        has_groups && self.asks_for_intervention(policy)
    }

    /// Whether C is to be run: A holds, the model sees the region, and B does not show that the
    /// evidence there is too small.
    pub fn asks_for_intervention(&self, policy: &Policy) -> bool {
        let open = self.is_screened(policy) || !self.is_below_contrast();
        self.is_associated(policy) && open && self.is_in_view(policy)
    }

    /// B was had and excludes an effect that counts. An interval that holds the smallest effect
    /// that counts excludes nothing.
    fn is_below_contrast(&self) -> bool {
        self.contrast
            .is_some_and(|contrast| contrast.difference.high < contrast.min_effect)
    }

    /// Whether the model sees enough of the region.
    pub fn is_in_view(&self, policy: &Policy) -> bool {
        self.visible.is_none_or(|v| v >= policy.visible_min)
    }

    /// Too few groups to tell, the model does not see the region, or too many maps have no positive
    /// heat.
    fn is_insufficient(&self, policy: &Policy) -> bool {
        let few_tagged = self
            .tagged
            .is_some_and(|tagged| tagged > 0 && tagged < policy.tagged_min);
        let undecided = self
            .association
            .is_some_and(|a| a.p <= UNADJUSTED_P || a.difference.high > DIFFERENCE_MAX);
        let low_mass_limit = policy.low_mass_max * f64::from(self.images);
        let has_low_mass = f64::from(self.low_mass) > low_mass_limit;
        few_tagged || undecided || !self.is_in_view(policy) || has_low_mass
    }

    /// C: one side, each by its own p-value and its own rate.
    fn is_confirmed(&self, policy: &Policy) -> bool {
        self.intervention.is_some_and(|intervention| {
            self.is_confirmed_by_insertion(intervention, policy)
                || self.is_confirmed_by_removal(intervention, policy)
        })
    }

    /// Without the control of the class's own untagged images, the patch may show the class itself:
    /// the consensus of the donors must support C too.
    pub(super) fn is_confirmed_by_insertion(
        &self,
        intervention: &Intervention,
        policy: &Policy,
    ) -> bool {
        let separable = intervention.has_place_control
            || intervention
                .consensus
                .is_some_and(|consensus| is_supported_by(&consensus, policy));
        separable && self.has_insertion(policy)
    }

    /// The effect of filling an image must be compared with images of the class without the region.
    pub(super) fn is_confirmed_by_removal(
        &self,
        intervention: &Intervention,
        policy: &Policy,
    ) -> bool {
        let has_baseline = intervention.untagged_filled >= policy.baseline_min;
        has_baseline && supports(intervention.removal.as_ref(), self.removal_q, policy)
    }

    /// Whether pasting the donors' patches has an effect, whatever they show.
    fn has_insertion(&self, policy: &Policy) -> bool {
        let insertion = self.intervention.and_then(|c| c.insertion.as_ref());
        supports(insertion, self.insertion_q, policy)
    }

    /// The patches have an effect, and it cannot be told whether by the region or by the object in
    /// them.
    fn is_inseparable(&self, policy: &Policy) -> bool {
        let separable = self.intervention.is_some_and(|c| {
            c.has_place_control || c.consensus.is_some_and(|consensus| consensus.tells_apart())
        });
        !separable && self.has_insertion(policy)
    }
}

/// One side of C: significant, in enough images, and for this class more than for any other.
fn supports<Control>(
    effect: Option<&InterventionEffect<Control>>,
    q: Option<f64>,
    policy: &Policy,
) -> bool {
    let significant = q.is_some_and(|q| q <= policy.confirming_q);
    significant && effect.is_some_and(|effect| moves_class(effect, policy))
}

/// Whether enough images change, and no class's logit moves more that does not share the region.
fn moves_class<Control>(effect: &InterventionEffect<Control>, policy: &Policy) -> bool {
    effect.largest_shift && effect.rate.low >= policy.causal_rate
}

/// Whether the consensus tells object and confounder apart, and has an effect by itself. Its
/// p-value is part of the p-value of insertion.
fn is_supported_by(consensus: &Consensus, policy: &Policy) -> bool {
    let effect = consensus.effect.as_ref();
    consensus.tells_apart() && effect.is_some_and(|effect| moves_class(effect, policy))
}

/// Both sides of C were run, and the upper bounds of both margins lie under the smallest that
/// counts, and those of both rates under the policy's.
fn is_cleared_by(intervention: &Intervention, policy: &Policy) -> bool {
    let min_effect = intervention.min_effect;
    is_below(intervention.insertion.as_ref(), min_effect, policy)
        && is_below(intervention.removal.as_ref(), min_effect, policy)
}

fn is_below<Control>(
    effect: Option<&InterventionEffect<Control>>,
    min_effect: f64,
    policy: &Policy,
) -> bool {
    effect.is_some_and(|effect| {
        effect.margin.high < min_effect && effect.rate.high < policy.cleared_rate
    })
}
