//! Evidence -> verdicts, ranked, with the false-discovery rate controlled. Heat alone convicts nobody.

use crate::evidence::{Pair, benjamini_hochberg};
use crate::plan::Verdicts as Policy;
use crate::record::{ClassRow, FindingRow};
use std::collections::BTreeMap;

pub const CANDIDATE: &str = "candidate";
pub const DATA_RISK: &str = "data_risk";
pub const SALIENT_ONLY: &str = "salient_only";
pub const INSUFFICIENT: &str = "insufficient";
pub const NONE: &str = "none";

/// Most serious first.
const ORDER: [&str; 5] = [CANDIDATE, DATA_RISK, SALIENT_ONLY, INSUFFICIENT, NONE];

/// One finding per label and declared region, most serious first.
pub fn findings(classes: &[ClassRow], pairs: &[Pair], policy: &Policy) -> Vec<FindingRow> {
    let declared: Vec<&ClassRow> = classes.iter().filter(|r| r.kind == "confounder").collect();
    let of: BTreeMap<(&str, &str), &Pair> = pairs.iter().map(|p| ((&*p.label, &*p.region), p)).collect();
    let pair = |row: &ClassRow| of.get(&(&*row.label, &*row.region)).copied();
    let tested: Vec<Option<&Pair>> =
        declared.iter().map(|row| pair(row).filter(|p| p.tagged >= policy.tagged_min)).collect();
    let a = adjusted(&tested, |p| p.association.map(|a| a.p));
    let both = adjusted(&tested, |p| Some(p.association?.p.max(p.contrast?.p)));
    let mut findings: Vec<FindingRow> = declared
        .iter()
        .enumerate()
        .map(|(i, row)| FindingRow {
            sentence: sentence(row, pair(row), &declared),
            ..finding(row, pair(row), a[i], both[i], policy)
        })
        .collect();
    let rank = |f: &FindingRow| ORDER.iter().position(|v| *v == f.verdict).unwrap_or(ORDER.len());
    let effect = |f: &FindingRow| f.contrast_low.unwrap_or(f64::NEG_INFINITY);
    findings.sort_by(|x, y| {
        let by_name = || (&x.label, &x.region).cmp(&(&y.label, &y.region));
        rank(x).cmp(&rank(y)).then_with(|| effect(y).total_cmp(&effect(x))).then_with(by_name)
    });
    findings
}

/// How many findings have this verdict or a more serious one.
pub fn at_or_above(findings: &[FindingRow], verdict: &str) -> usize {
    let worst = ORDER.iter().position(|v| *v == verdict).unwrap_or(0);
    findings.iter().filter(|f| ORDER[..=worst].contains(&f.verdict.as_str())).count()
}

/// Benjamini and Hochberg over the pairs that were tested; `None` for the others.
fn adjusted(tested: &[Option<&Pair>], p: impl Fn(&Pair) -> Option<f64>) -> Vec<Option<f64>> {
    let at: Vec<usize> = (0..tested.len()).filter(|&i| tested[i].is_some()).collect();
    let values: Vec<f64> = at.iter().map(|&i| tested[i].and_then(&p).unwrap_or(1.0)).collect();
    let mut out = vec![None; tested.len()];
    at.iter().zip(benjamini_hochberg(&values)).for_each(|(&i, q)| out[i] = Some(q));
    out
}

fn finding(row: &ClassRow, pair: Option<&Pair>, qa: Option<f64>, qb: Option<f64>, policy: &Policy) -> FindingRow {
    let (a, b) = (pair.and_then(|p| p.association), pair.and_then(|p| p.contrast));
    let holds = |q: Option<f64>| q.is_some_and(|q| q <= policy.screening_q);
    let associated = holds(qa) && a.is_some_and(|a| a.difference.low >= policy.prevalence_margin);
    let verdict = if too_little(row, pair, policy) {
        INSUFFICIENT
    } else if associated && holds(qb) {
        CANDIDATE
    } else if associated {
        DATA_RISK
    } else if row.lift >= Some(policy.lift_min) && row.excess_mean >= Some(policy.excess_min) {
        SALIENT_ONLY
    } else {
        NONE
    };
    FindingRow {
        label: row.label.clone(),
        label_index: row.label_index,
        region: row.region.clone(),
        verdict: verdict.to_owned(),
        sentence: String::new(),
        tagged: pair.map(|p| p.tagged),
        own_present: a.map(|a| a.own[0]),
        own_groups: a.map(|a| a.own[1]),
        others_present: a.map(|a| a.others[0]),
        others_groups: a.map(|a| a.others[1]),
        association: a.map(|a| a.difference.value),
        association_low: a.map(|a| a.difference.low),
        association_high: a.map(|a| a.difference.high),
        worst_other: a.map(|a| a.worst_other),
        association_p: a.map(|a| a.p),
        association_q: qa,
        contrast: b.map(|b| b.difference.value),
        contrast_low: b.map(|b| b.difference.low),
        contrast_high: b.map(|b| b.difference.high),
        contrast_least: b.map(|b| b.least),
        contrast_present: b.map(|b| b.groups[0]),
        contrast_absent: b.map(|b| b.groups[1]),
        baseline: b.map(|b| if b.other_classes { "other_classes" } else { "label" }.to_owned()),
        contrast_p: b.map(|b| b.p),
        screening_q: qb,
    }
}

/// Too few groups show it, the model does not see it, or its place or its heat cannot be told.
fn too_little(row: &ClassRow, pair: Option<&Pair>, policy: &Policy) -> bool {
    let few = pair.is_some_and(|p| p.tagged > 0 && p.tagged < policy.tagged_min);
    let small = pair.is_some_and(|p| p.tagged > 0 && 2 * p.sub_cell > p.tagged);
    let unseen = row.visible_mean.is_some_and(|v| v < policy.visible_min);
    few || small || unseen || f64::from(row.low_mass) > policy.low_mass_max * f64::from(row.images)
}

/// The finding in counts of the whole set; `all` are the rows of every label.
fn sentence(row: &ClassRow, pair: Option<&Pair>, all: &[&ClassRow]) -> String {
    let (label, region) = (&row.label, &row.region);
    let Some(pair) = pair else {
        return match (row.share_mean, row.area_mean) {
            (Some(share), Some(area)) => format!(
                "{:.1} % of the heat for {label} lies in {region}, which takes {:.1} % of the view; nothing tells where it is present",
                100.0 * share,
                100.0 * area
            ),
            _ => format!("no heat for {label} was measured in {region}"),
        };
    };
    let others = || all.iter().filter(|r| r.region == row.region && r.label != row.label);
    let sum = |count: fn(&ClassRow) -> u32| others().map(|r| count(r)).sum::<u32>();
    let mut text = format!(
        "{region} in {} of {} {label} images and {} of {} others",
        row.present.unwrap_or(0),
        row.images,
        sum(|r| r.present.unwrap_or(0)),
        sum(|r| r.images)
    );
    if let Some(b) = pair.contrast {
        let than = if b.other_classes { "on other classes without it" } else { "without it" };
        text += &format!(
            "; with it, its place speaks {:+.2} logits for {label} against {than} ({:.2} to {:.2}; at least {:.2} counts)",
            b.difference.value, b.difference.low, b.difference.high, b.least
        );
    }
    text
}
