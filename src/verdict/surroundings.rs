//! Findings about the surroundings of objects: classes that are still predicted with the objects
//! filled in.

use crate::aggregate::OBJECT;
use crate::finding::{
    EffectUnit, Finding, FindingEvidence, ReviewState, SURROUNDINGS, SurroundingsEvidence, Verdict,
};
use crate::plan::Verdicts as Policy;
use crate::tables::ClassRow;

/// Classes of the labels whose objects have the smallest share of the heat: their surroundings are
/// tested first.
pub fn least_on_objects(classes: &[ClassRow], policy: &Policy) -> Vec<u32> {
    let mut rows: Vec<&ClassRow> = classes
        .iter()
        .filter(|row| row.region == OBJECT && row.kind == OBJECT)
        .filter(|row| row.measured >= policy.tagged_min)
        .collect();
    rows.sort_by(|a, b| {
        let by_share = share(a).total_cmp(&share(b));
        by_share.then(a.label_index.cmp(&b.label_index))
    });

    let chosen = rows.iter().take(policy.max_candidates as usize);
    chosen.map(|row| row.label_index).collect()
}

fn share(row: &ClassRow) -> f64 {
    row.share_mean.unwrap_or(0.0)
}

/// One finding for each class whose objects were filled in.
pub fn surroundings_findings(
    evidence: &[(usize, SurroundingsEvidence)],
    classes: &[ClassRow],
    policy: &Policy,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (class, evidence) in evidence {
        let row = classes
            .iter()
            .find(|row| row.label_index as usize == *class);
        if let Some(row) = row {
            findings.push(Finding {
                label: row.label.clone(),
                class: row.label_index,
                region: SURROUNDINGS.into(),
                verdict: decide(evidence, policy),
                severity: None,
                severity_at_least: false,
                evidence: FindingEvidence::Surroundings(*evidence),
                effect: Some(evidence.rate.value),
                effect_unit: EffectUnit::Fraction,
                not_tested: None,
                unmet: Vec::new(),
                declared: None,
                review: ReviewState::default(),
            });
        }
    }
    findings
}

/// `candidate` where the class is predicted in most of the filled images, and more often than in
/// filled images of other classes; never `confirmed`, because surroundings can be legitimate.
fn decide(evidence: &SurroundingsEvidence, policy: &Policy) -> Verdict {
    if evidence.images < policy.tagged_min {
        return Verdict::Insufficient;
    }
    let kept = evidence.rate.low >= policy.context_kept;
    let more_than_others = evidence
        .net
        .is_some_and(|net| net.low >= policy.context_kept / 2.0);
    if kept && more_than_others {
        Verdict::Candidate
    } else {
        Verdict::None
    }
}
