//! The cases of a run, their adjusted p-values, and which of them C is run for.

use super::decision::ConfounderFacts;
use crate::evidence::{Pair, benjamini_hochberg};
use crate::finding::{Consensus, Intervention};
use crate::plan::Verdicts as Policy;
use crate::region::Kind;
use crate::tables::ClassRow;
use std::collections::BTreeMap;

/// What is known of one class and one declared confounder region.
pub(super) struct Case<'c> {
    pub row: &'c ClassRow,
    /// `None` without presence information.
    pub pair: Option<&'c Pair>,
    pub association_q: Option<f64>,
    pub screening_q: Option<f64>,
    pub insertion_q: Option<f64>,
    pub removal_q: Option<f64>,
}

impl<'c> Case<'c> {
    pub fn intervention(&self) -> Option<&'c Intervention> {
        self.pair.and_then(|pair| pair.intervention.as_deref())
    }

    pub fn facts(&self) -> ConfounderFacts<'c> {
        ConfounderFacts {
            tagged: self.pair.map(|pair| pair.tagged),
            association: self.pair.and_then(|pair| pair.association),
            association_q: self.association_q,
            contrast: self.pair.and_then(|pair| pair.contrast),
            contrast_missing: self.pair.and_then(|pair| pair.contrast_missing),
            screening_q: self.screening_q,
            intervention: self.intervention(),
            insertion_q: self.insertion_q,
            removal_q: self.removal_q,
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
    /// At most `verdict.max_candidates`: in turn the pair with the largest contrast, and the one
    /// with the largest association of those without a contrast.
    pub tested: Vec<usize>,
    /// Associated pairs, the tested ones included.
    pub associated: Vec<usize>,
}

/// Chooses the pairs for C. `rows` has the classes of the model, with labels pooled.
pub fn candidates(rows: &[ClassRow], pairs: &[Pair], policy: &Policy) -> Candidates {
    let mut indices: BTreeMap<(u32, &str), usize> = BTreeMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        indices.insert((pair.class, &pair.region), index);
    }

    let mut associated = Vec::new();
    let (mut contrasted, mut others) = (Vec::new(), Vec::new());
    for case in cases(rows, pairs, policy) {
        let Some(pair) = case.pair else { continue };
        let index = indices[&(pair.class, pair.region.as_str())];

        let facts = case.facts();
        if facts.is_associated(policy) {
            associated.push(index);
        }
        if facts.needs_intervention(policy) {
            match pair.contrast {
                Some(contrast) => contrasted.push((index, contrast.difference.low)),
                None => others.push((index, association_low(pair))),
            }
        }
    }

    let mut tested = in_turn(&largest_first(contrasted), &largest_first(others));
    tested.truncate(policy.max_candidates as usize);
    Candidates { tested, associated }
}

fn association_low(pair: &Pair) -> f64 {
    let low = pair
        .association
        .map(|association| association.difference.low);
    low.unwrap_or(f64::NEG_INFINITY)
}

fn largest_first(mut ranked: Vec<(usize, f64)>) -> Vec<usize> {
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().map(|(index, _)| index).collect()
}

fn in_turn(first: &[usize], second: &[usize]) -> Vec<usize> {
    let mut merged = Vec::new();
    for i in 0..first.len().max(second.len()) {
        merged.extend(first.get(i));
        merged.extend(second.get(i));
    }
    merged
}

/// Every class with every declared confounder region, with adjusted p-values.
pub(super) fn cases<'c>(rows: &'c [ClassRow], pairs: &'c [Pair], policy: &Policy) -> Vec<Case<'c>> {
    let mut by_name: BTreeMap<(u32, &str), &Pair> = BTreeMap::new();
    for pair in pairs {
        by_name.insert((pair.class, &pair.region), pair);
    }

    let mut cases = Vec::new();
    for row in rows {
        if row.kind == Kind::Confounder.name() {
            cases.push(Case {
                row,
                pair: by_name.get(&(row.label_index, &*row.region)).copied(),
                association_q: None,
                screening_q: None,
                insertion_q: None,
                removal_q: None,
            });
        }
    }

    let association = adjust(&cases, |case| {
        screened_pair(case, policy).map(|pair| pair.association.map_or(1.0, |a| a.p))
    });
    let screening = adjust(&cases, |case| screened_pair(case, policy).map(screening_p));

    let sides = adjust_sides(&cases);
    for (i, case) in cases.iter_mut().enumerate() {
        case.association_q = association[i];
        case.screening_q = screening[i];
        [case.insertion_q, case.removal_q] = sides[i];
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

/// The p-value of insertion. Where the consensus must support it too and can tell the region from
/// the object, the larger of both.
fn insertion_p(intervention: &Intervention) -> Option<f64> {
    let own = intervention.insertion.map(|effect| effect.p)?;

    let consensus = intervention.consensus.filter(Consensus::tells_apart);
    let consensus = consensus.and_then(|consensus| consensus.effect);
    Some(consensus.map_or(own, |effect| effect.p.max(own)))
}

/// Benjamini and Hochberg over the cases that have a p-value; `None` for the others.
fn adjust<'c>(cases: &[Case<'c>], p: impl Fn(&Case<'c>) -> Option<f64>) -> Vec<Option<f64>> {
    adjusted(&cases.iter().map(p).collect::<Vec<_>>())
}

/// Insertion and removal of every case, adjusted together.
fn adjust_sides(cases: &[Case<'_>]) -> Vec<[Option<f64>; 2]> {
    let mut p = Vec::new();
    for case in cases {
        let intervention = case.intervention();
        p.push(intervention.and_then(insertion_p));
        p.push(intervention.and_then(|c| c.removal).map(|effect| effect.p));
    }
    let adjusted = adjusted(&p);
    adjusted
        .chunks(2)
        .map(|sides| [sides[0], sides[1]])
        .collect()
}

fn adjusted(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let tested: Vec<f64> = p.iter().copied().flatten().collect();
    let mut adjusted = benjamini_hochberg(&tested).into_iter();
    p.iter().map(|p| p.and_then(|_| adjusted.next())).collect()
}
