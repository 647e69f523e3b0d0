//! The cases of a run, their adjusted p-values, and which of them C is run for.

use super::decision::ConfounderFacts;
use crate::evidence::{Pair, benjamini_hochberg};
use crate::finding::Intervention;
use crate::plan::Verdicts as Policy;
use crate::region::Kind;
use crate::tables::ClassRow;
use std::collections::BTreeMap;

/// What is known of one label and one declared confounder region.
pub(super) struct Case<'c> {
    pub row: &'c ClassRow,
    /// `None` without presence information.
    pub pair: Option<&'c Pair>,
    pub association_q: Option<f64>,
    pub screening_q: Option<f64>,
    pub confirming_q: Option<f64>,
}

impl<'c> Case<'c> {
    pub fn intervention(&self) -> Option<&'c Intervention> {
        self.pair.and_then(|pair| pair.intervention.as_deref())
    }

    pub fn facts(&self) -> ConfounderFacts<'c> {
        ConfounderFacts {
            tagged: self.pair.map(|pair| pair.tagged),
            sub_cell: self.pair.map_or(0, |pair| pair.sub_cell),
            association: self.pair.and_then(|pair| pair.association),
            association_q: self.association_q,
            contrast: self.pair.and_then(|pair| pair.contrast),
            screening_q: self.screening_q,
            intervention: self.intervention(),
            confirming_q: self.confirming_q,
            visible: self.row.visible_mean,
            images: self.row.images,
            low_mass: self.row.low_mass,
            lift: self.row.lift,
            excess: self.row.excess_mean,
        }
    }
}

/// Indices of the pairs that C is run for, and of those that may be reported whatever C finds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Candidates {
    /// The largest contrast first, at most `verdict.max_candidates`.
    pub tested: Vec<usize>,
    /// Associated pairs, the tested ones included.
    pub associated: Vec<usize>,
}

/// Chooses the pairs for C.
pub fn candidates(classes: &[ClassRow], pairs: &[Pair], policy: &Policy) -> Candidates {
    let mut indices: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        indices.insert((&pair.label, &pair.region), index);
    }

    let mut chosen = Candidates::default();
    for case in cases(classes, pairs, policy) {
        let Some(pair) = case.pair else { continue };
        let index = indices[&(pair.label.as_str(), pair.region.as_str())];
        let facts = case.facts();
        if facts.is_associated(policy) {
            chosen.associated.push(index);
        }
        if facts.needs_intervention(policy) {
            chosen.tested.push(index);
        }
    }
    chosen
        .tested
        .sort_by(|&a, &b| contrast_low(&pairs[b]).total_cmp(&contrast_low(&pairs[a])));
    chosen.tested.truncate(policy.max_candidates as usize);
    chosen
}

fn contrast_low(pair: &Pair) -> f64 {
    pair.contrast
        .map_or(f64::NEG_INFINITY, |contrast| contrast.difference.low)
}

/// Every label with every declared confounder region, with adjusted p-values.
pub(super) fn cases<'c>(
    classes: &'c [ClassRow],
    pairs: &'c [Pair],
    policy: &Policy,
) -> Vec<Case<'c>> {
    let mut by_name: BTreeMap<(&str, &str), &Pair> = BTreeMap::new();
    for pair in pairs {
        by_name.insert((&pair.label, &pair.region), pair);
    }

    let mut cases = Vec::new();
    for row in classes {
        if row.kind == Kind::Confounder.name() {
            cases.push(Case {
                row,
                pair: by_name.get(&(&*row.label, &*row.region)).copied(),
                association_q: None,
                screening_q: None,
                confirming_q: None,
            });
        }
    }

    let association = adjust(&cases, |case| {
        screened_pair(case, policy).map(|pair| pair.association.map_or(1.0, |a| a.p))
    });
    let screening = adjust(&cases, |case| screened_pair(case, policy).map(screening_p));
    let confirming = adjust(&cases, |case| case.intervention().map(|c| c.p));
    for (i, case) in cases.iter_mut().enumerate() {
        case.association_q = association[i];
        case.screening_q = screening[i];
        case.confirming_q = confirming[i];
    }
    cases
}

/// The pair of a case that enough groups show for a test.
fn screened_pair<'c>(case: &Case<'c>, policy: &Policy) -> Option<&'c Pair> {
    case.pair.filter(|pair| pair.tagged >= policy.tagged_min)
}

/// The larger p-value of A and B; 1 where one of them is missing.
fn screening_p(pair: &Pair) -> f64 {
    match (pair.association, pair.contrast) {
        (Some(association), Some(contrast)) => association.p.max(contrast.p),
        _ => 1.0,
    }
}

/// Benjamini and Hochberg over the cases that have a p-value; `None` for the others.
fn adjust<'c>(cases: &[Case<'c>], p: impl Fn(&Case<'c>) -> Option<f64>) -> Vec<Option<f64>> {
    let p: Vec<Option<f64>> = cases.iter().map(p).collect();
    let tested: Vec<f64> = p.iter().copied().flatten().collect();
    let mut adjusted = benjamini_hochberg(&tested).into_iter();

    p.into_iter()
        .map(|p| p.and_then(|_| adjusted.next()))
        .collect()
}
