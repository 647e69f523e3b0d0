//! Which conditions of a more serious verdict do not hold, from the same facts as the decision.

use super::decision::ConfounderFacts;
use crate::finding::{Consensus, Intervention, InterventionEffect, InterventionSide, Unmet};
use crate::plan::Verdicts as Policy;

/// Without A: the conditions of A. With A: those of B and of C, unless C confirms.
pub fn unmet(facts: &ConfounderFacts<'_>, policy: &Policy) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    if !facts.is_associated(policy) {
        association(facts, policy, &mut unmet);
        return unmet;
    }

    if let Some(visible) = facts.visible.filter(|_| !facts.is_in_view(policy)) {
        let min = policy.visible_min;
        unmet.push(Unmet::OutOfView { visible, min });
    }
    if let Some(missing) = facts.contrast_missing {
        unmet.push(Unmet::ContrastMissing(missing));
    } else if !facts.is_screened(policy) {
        let (q, max) = (facts.screening_q.unwrap_or(1.0), policy.screening_q);
        unmet.push(Unmet::ContrastQ { q, max });
    }
    if let Some(intervention) = facts.intervention {
        let by_insertion = facts.is_confirmed_by_insertion(intervention, policy);
        let by_removal = facts.is_confirmed_by_removal(intervention, policy);
        if !by_insertion && !by_removal {
            insertion(facts, intervention, policy, &mut unmet);
            removal(facts, intervention, policy, &mut unmet);
        }
    }
    unmet
}

fn association(facts: &ConfounderFacts<'_>, policy: &Policy, unmet: &mut Vec<Unmet>) {
    let (Some(groups), Some(association)) = (facts.tagged, facts.association) else {
        return;
    };

    let needed = policy.tagged_min;
    if groups < needed {
        unmet.push(Unmet::FewTagged { groups, needed });
    }

    let max = policy.screening_q;
    if let Some(q) = facts.association_q.filter(|q| *q > max) {
        unmet.push(Unmet::AssociationQ { q, max });
    }
    let (low, min) = (association.difference.low, policy.prevalence_margin);
    if groups >= needed && low < min {
        unmet.push(Unmet::AssociationBound { low, min });
    }
}

fn insertion(
    facts: &ConfounderFacts<'_>,
    intervention: &Intervention,
    policy: &Policy,
    unmet: &mut Vec<Unmet>,
) {
    let side = InterventionSide::Insertion;
    let effect = intervention.insertion.as_ref();
    one_side(side, effect, facts.insertion_q, policy, unmet);
    if effect.is_some() && !intervention.has_place_control {
        match &intervention.consensus {
            Some(consensus) => of_consensus(consensus, policy, unmet),
            None => unmet.push(Unmet::ConsensusCoverage {
                coverage: 0.0,
                min: Consensus::COVERAGE_MIN,
            }),
        }
    }
}

fn of_consensus(consensus: &Consensus, policy: &Policy, unmet: &mut Vec<Unmet>) {
    if consensus.coverage < Consensus::COVERAGE_MIN {
        unmet.push(Unmet::ConsensusCoverage {
            coverage: consensus.coverage,
            min: Consensus::COVERAGE_MIN,
        });
        return;
    }
    if !consensus.tells_apart() {
        unmet.push(Unmet::ConsensusNeighbours {
            coverage: consensus.neighbours,
            max: Consensus::NEIGHBOURS_MAX * consensus.coverage,
        });
        return;
    }

    let Some(effect) = &consensus.effect else {
        unmet.push(Unmet::NotRun(InterventionSide::Insertion));
        return;
    };

    let (low, min) = (effect.rate.low, policy.causal_rate);
    if low < min {
        unmet.push(Unmet::ConsensusRate { low, min });
    }
    if !effect.largest_shift {
        unmet.push(Unmet::ConsensusShift);
    }
}

fn removal(
    facts: &ConfounderFacts<'_>,
    intervention: &Intervention,
    policy: &Policy,
    unmet: &mut Vec<Unmet>,
) {
    let side = InterventionSide::Removal;
    let effect = intervention.removal.as_ref();
    one_side(side, effect, facts.removal_q, policy, unmet);

    let (images, needed) = (intervention.untagged_filled, policy.baseline_min);
    if effect.is_some() && images < needed {
        unmet.push(Unmet::FewUntagged { images, needed });
    }
}

fn one_side<Control>(
    side: InterventionSide,
    effect: Option<&InterventionEffect<Control>>,
    q: Option<f64>,
    policy: &Policy,
    unmet: &mut Vec<Unmet>,
) {
    let Some(effect) = effect else {
        unmet.push(Unmet::NotRun(side));
        return;
    };

    let max = policy.confirming_q;
    if let Some(q) = q.filter(|q| *q > max) {
        unmet.push(Unmet::EffectQ { side, q, max });
    }
    let (low, min) = (effect.rate.low, policy.causal_rate);
    if low < min {
        unmet.push(Unmet::EffectRate { side, low, min });
    }
    if !effect.largest_shift {
        unmet.push(Unmet::OtherClassMoves(side));
    }
}
