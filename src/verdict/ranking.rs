//! The order of findings, and counts of them.

use crate::finding::{Finding, Verdict};
use std::collections::BTreeMap;

/// Sorts findings: most serious first, then regions and other sources before single properties,
/// then by the lower bound of the effect, then by name.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let by_verdict = a.verdict.cmp(&b.verdict);
        let by_kind = is_single_property(a).cmp(&is_single_property(b));
        let by_effect = effect_low(b).total_cmp(&effect_low(a));
        let by_name = (&a.label, &a.region).cmp(&(&b.label, &b.region));
        by_verdict.then(by_kind).then(by_effect).then(by_name)
    });
}

/// A class has many properties; the effects of properties are no measure beside those of regions.
fn is_single_property(finding: &Finding) -> bool {
    finding
        .property()
        .is_some_and(|evidence| !evidence.is_other_source)
}

/// Lower bound of the net flips, else of the contrast.
fn effect_low(finding: &Finding) -> f64 {
    finding.interval().map_or(f64::NEG_INFINITY, |(low, _)| low)
}

/// Number of findings by verdict.
pub fn count_verdicts(findings: &[Finding]) -> BTreeMap<Verdict, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.verdict).or_default() += 1;
    }
    counts
}
