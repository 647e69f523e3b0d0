//! Findings about properties of files that tell a class.

use crate::finding::{
    EffectUnit, Finding, FindingEvidence, FindingOrigin, PropertyEvidence, PropertyTrial,
    PropertyUsage, ReviewState, Severity, Verdict,
};
use crate::plan::Verdicts as Policy;

/// The finding about a rule that tells a class.
pub fn property_finding(
    label: String,
    class: u32,
    evidence: PropertyEvidence,
    policy: &Policy,
) -> Finding {
    let verdict = property_verdict(&evidence.test, policy);
    let severity = match (&evidence.test, verdict) {
        (PropertyTrial::Tested { usage, .. }, Verdict::Confirmed) => {
            Some(Severity::of_lower_bound(usage.rate.low))
        }
        _ => None,
    };
    Finding {
        label,
        class,
        region: evidence.rule.of(&evidence.property.name()),
        origin: FindingOrigin::Property,
        verdict,
        severity,
        severity_at_least: false,
        effect: Some(evidence.association.difference.value),
        effect_unit: EffectUnit::Fraction,
        evidence: FindingEvidence::Property(Box::new(evidence)),
        not_tested: None,
        unmet: Vec::new(),
        declared: None,
        review: ReviewState::default(),
    }
}

/// A rule that tells a class is a risk; one that the model uses a candidate; one by which images
/// become the class confirmed.
pub fn property_verdict(test: &PropertyTrial, policy: &Policy) -> Verdict {
    match test {
        PropertyTrial::Tested { usage, .. } if usage.is_used() => {
            if changes_predictions(usage, policy) {
                Verdict::Confirmed
            } else {
                Verdict::Candidate
            }
        }
        _ => Verdict::DataRisk,
    }
}

fn changes_predictions(usage: &PropertyUsage, policy: &Policy) -> bool {
    usage.rate.low >= policy.causal_rate
}
