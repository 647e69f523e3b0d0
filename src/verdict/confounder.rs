//! Findings about declared confounder regions: one per class of the model and region.

use super::candidates::{Case, cases};
use super::decision::decide;
use super::unmet::unmet;
use crate::evidence::Pair;
use crate::finding::{
    ConfounderEvidence, EffectUnit, Finding, FindingEvidence, FindingOrigin, Intervention,
    LabelCount, NotTested, PresenceCounts, RegionHeat, ReviewState, Severity, TemplateHits,
    Verdict,
};
use crate::plan::Verdicts as Policy;
use crate::region::Kind;
use crate::tables::ClassRow;
use std::collections::BTreeMap;

/// One finding per class and declared region. `classes` has a row for each class of the model, with
/// labels pooled; `labels` has one for each label.
pub fn findings(
    classes: &[ClassRow],
    labels: &[ClassRow],
    pairs: &[Pair],
    policy: &Policy,
) -> Vec<Finding> {
    let cases = cases(classes, pairs, policy);
    let totals = RegionTotals::new(&cases);
    let counts = label_counts(labels);
    let mut findings = Vec::new();
    for case in &cases {
        let key = (case.row.label_index, case.row.region.as_str());

        let of_case = counts.get(&key).filter(|counts| counts.len() > 1);
        let labels = of_case.cloned().unwrap_or_default();
        findings.push(finding(case, &totals, labels, policy));
    }
    findings
}

/// The images of every label, by class and confounder region.
fn label_counts(labels: &[ClassRow]) -> BTreeMap<(u32, &str), Vec<LabelCount>> {
    let mut counts: BTreeMap<(u32, &str), Vec<LabelCount>> = BTreeMap::new();
    for row in labels {
        if row.kind == Kind::Confounder.name() {
            let of_class = counts.entry((row.label_index, &row.region)).or_default();
            of_class.push(LabelCount {
                label: row.label.clone(),
                present: row.present,
                images: row.images,
            });
        }
    }
    counts
}

/// Images in which each region is present, and images, over all labels.
struct RegionTotals<'r>(BTreeMap<&'r str, (u64, u64)>);

impl<'r> RegionTotals<'r> {
    fn new(cases: &[Case<'r>]) -> Self {
        let mut totals: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for case in cases {
            let (present, images) = totals.entry(&case.row.region).or_default();
            *present += u64::from(case.row.present.unwrap_or(0));
            *images += u64::from(case.row.images);
        }
        Self(totals)
    }

    /// The counts of one label against all others.
    fn counts(&self, row: &ClassRow) -> PresenceCounts {
        let totals = self.0.get(row.region.as_str());
        let (present, images) = totals.copied().unwrap_or_default();
        PresenceCounts {
            present: row.present,
            images: row.images,
            others_present: present.saturating_sub(u64::from(row.present.unwrap_or(0))),
            others_images: images.saturating_sub(u64::from(row.images)),
            unclear: 0,
            missed: 0,
        }
    }
}

fn finding(
    case: &Case<'_>,
    totals: &RegionTotals<'_>,
    labels: Vec<LabelCount>,
    policy: &Policy,
) -> Finding {
    let (effect, effect_unit) = effect(case);

    let facts = case.facts();
    let verdict = decide(&facts, policy);

    let unmet = match verdict {
        Verdict::Cleared => Vec::new(),
        _ => unmet(&facts, policy),
    };
    Finding {
        label: case.row.label.clone(),
        class: case.row.label_index,
        region: case.row.region.clone(),
        origin: FindingOrigin::Declared,
        verdict,
        severity: severity(case),
        severity_at_least: case.intervention().is_some_and(misses_regions),
        evidence: FindingEvidence::Confounder(evidence(case, totals, labels)),
        effect,
        effect_unit,
        not_tested: not_tested(case, policy),
        unmet,
        declared: None,
        review: ReviewState::default(),
    }
}

fn evidence(
    case: &Case<'_>,
    totals: &RegionTotals<'_>,
    labels: Vec<LabelCount>,
) -> ConfounderEvidence {
    let row = case.row;
    ConfounderEvidence {
        counts: totals.counts(row),
        labels,
        heat: RegionHeat {
            share: row.share_mean,
            area: row.area_mean,
            lift: row.lift,
            excess: row.excess_mean,
            visible: row.visible_mean,
        },
        tagged: case.pair.map(|pair| pair.tagged),
        association: case.pair.and_then(|pair| pair.association),
        association_q: case.association_q,
        contrast: case.pair.and_then(|pair| pair.contrast),
        contrast_missing: case.pair.and_then(|pair| pair.contrast_missing),
        screening_q: case.screening_q,
        intervention: case.pair.and_then(|pair| pair.intervention.clone()),
        insertion_q: case.insertion_q,
        removal_q: case.removal_q,
    }
}

/// The larger net rate of insertion and removal; without C the contrast.
fn effect(case: &Case<'_>) -> (Option<f64>, EffectUnit) {
    let intervention = case.intervention();
    let flips = intervention.and_then(|c| c.insertion).map(|e| e.rate.value);
    let loss = intervention.and_then(|c| c.removal).map(|e| e.rate.value);

    match flips.into_iter().chain(loss).reduce(f64::max) {
        Some(rate) => (Some(rate), EffectUnit::Fraction),
        None => {
            let contrast = case.pair.and_then(|pair| pair.contrast);
            (contrast.map(|b| b.difference.value), EffectUnit::Logit)
        }
    }
}

/// By the lower bound of what the region does: flips, or twice the recall that depends on it in the
/// whole class.
fn severity(case: &Case<'_>) -> Option<Severity> {
    let intervention = case.intervention()?;
    let in_class = case.pair?.association?.in_class;
    let prevalence = f64::from(in_class.present) / f64::from(in_class.groups);

    let flips = intervention.insertion.map_or(0.0, |e| e.rate.low);
    let loss = intervention
        .removal
        .map_or(0.0, |e| 2.0 * prevalence * e.rate.low);
    Some(Severity::of_lower_bound(flips.max(loss)))
}

/// Whether presence comes from a template that misses some of the regions.
fn misses_regions(intervention: &Intervention) -> bool {
    intervention.template_hits.is_some_and(TemplateHits::misses)
}

/// Why C was not run though A holds and B does not rule it out, or not on all images.
fn not_tested(case: &Case<'_>, policy: &Policy) -> Option<NotTested> {
    let pair = case.pair?;
    if let Some(intervention) = &pair.intervention {
        let max_forwards = policy.max_forwards;
        return intervention
            .cut_short
            .then_some(NotTested::PassLimit { max_forwards });
    }

    if !case.facts().asks_for_intervention(policy) {
        return None;
    }
    Some(if pair.tagged < policy.proof_min {
        NotTested::TooFewGroups {
            needed: policy.proof_min,
        }
    } else if pair.tested {
        NotTested::TooFewPhotos {
            donors_min: policy.donors_min,
        }
    } else {
        NotTested::CandidateLimit {
            max_candidates: policy.max_candidates,
        }
    })
}
