//! Evidence -> verdicts, ranked, with the false-discovery rate controlled. Heat alone convicts nobody.

mod sentence;
mod special;

use crate::evidence::{Effect, Intervention, Pair, benjamini_hochberg};
use crate::plan::Verdicts as Policy;
use crate::record::{ClassRow, FindingRow};
use std::collections::BTreeMap;

pub use sentence::thousands;
pub use special::{SURROUNDINGS, least_on_objects, overlay, surroundings};

pub const CONFIRMED: &str = "confirmed";
pub const MODEL_SHORTCUT: &str = "model_shortcut";
pub const CANDIDATE: &str = "candidate";
pub const DATA_RISK: &str = "data_risk";
pub const CLEARED: &str = "cleared";
pub const SALIENT_ONLY: &str = "salient_only";
pub const INSUFFICIENT: &str = "insufficient";
pub const NONE: &str = "none";

/// Most serious first.
pub const ORDER: [&str; 8] = [
    CONFIRMED,
    MODEL_SHORTCUT,
    CANDIDATE,
    DATA_RISK,
    CLEARED,
    SALIENT_ONLY,
    INSUFFICIENT,
    NONE,
];

/// Lower bounds of what a region does, with their names.
const SEVERITIES: [(f64, &str); 4] = [
    (0.2, "critical"),
    (0.1, "high"),
    (0.05, "medium"),
    (f64::NEG_INFINITY, "low"),
];

/// What is known of one label and one declared confounder region.
struct Case<'c> {
    row: &'c ClassRow,
    pair: Option<&'c Pair>,
    /// Adjusted p-values of A, and of A and B together; `None` where too few groups show the region.
    association_q: Option<f64>,
    screening_q: Option<f64>,
    /// Adjusted p-value of C; `None` where nothing was changed.
    confirming_q: Option<f64>,
}

/// One finding per label and declared region.
pub fn findings(classes: &[ClassRow], pairs: &[Pair], policy: &Policy) -> Vec<FindingRow> {
    let cases = cases(classes, pairs, policy);
    let sums = sentence::Sums::new(cases.iter().map(|c| c.row));
    let sentence = |case: &Case<'_>| sentence::of(case.row, case.pair, &sums);
    cases
        .iter()
        .map(|case| FindingRow {
            sentence: sentence(case),
            ..case.finding(policy)
        })
        .collect()
}

/// Most serious first.
pub fn sort(findings: &mut [FindingRow]) {
    let effect = |f: &FindingRow| f.flip_low.or(f.contrast_low).unwrap_or(f64::NEG_INFINITY);
    findings.sort_by(|x, y| {
        let by_name = || (&x.label, &x.region).cmp(&(&y.label, &y.region));
        rank(&x.verdict)
            .cmp(&rank(&y.verdict))
            .then_with(|| effect(y).total_cmp(&effect(x)))
            .then_with(by_name)
    });
}

/// Label and region of the pairs to put to the proof, most serious first.
pub fn candidates(classes: &[ClassRow], pairs: &[Pair], policy: &Policy) -> Vec<(String, String)> {
    let cases = cases(classes, pairs, policy);
    let mut wanted: Vec<&Pair> = cases
        .iter()
        .filter(|c| c.wants_proof(policy))
        .filter_map(|c| c.pair)
        .collect();
    let effect = |p: &Pair| p.contrast.map_or(f64::NEG_INFINITY, |b| b.difference.low);
    wanted.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
    wanted
        .iter()
        .take(policy.max_candidates as usize)
        .map(|p| (p.label.clone(), p.region.clone()))
        .collect()
}

/// How many open findings have this verdict or a more serious one.
pub fn at_or_above(findings: &[FindingRow], verdict: &str) -> usize {
    findings
        .iter()
        .filter(|f| f.open && rank(&f.verdict) <= rank(verdict))
        .count()
}

/// Whether the first verdict is more serious than the second.
pub fn more_serious(a: &str, b: &str) -> bool {
    rank(a) < rank(b)
}

/// Place of a verdict in order of seriousness, 0 first.
pub fn rank(verdict: &str) -> usize {
    ORDER
        .iter()
        .position(|v| *v == verdict)
        .unwrap_or(ORDER.len())
}

fn cases<'c>(classes: &'c [ClassRow], pairs: &'c [Pair], policy: &Policy) -> Vec<Case<'c>> {
    let of: BTreeMap<(&str, &str), &Pair> =
        pairs.iter().map(|p| ((&*p.label, &*p.region), p)).collect();
    let declared = classes.iter().filter(|r| r.kind == "confounder");
    let mut cases: Vec<Case<'c>> = declared
        .map(|row| {
            let pair = of.get(&(&*row.label, &*row.region)).copied();
            Case {
                row,
                pair,
                association_q: None,
                screening_q: None,
                confirming_q: None,
            }
        })
        .collect();
    let tested = |c: &Case<'_>| c.pair.is_some_and(|p| p.tagged >= policy.tagged_min);
    let p = |c: &Case<'_>| {
        c.pair
            .and_then(|p| p.association.map(|a| a.p))
            .unwrap_or(1.0)
    };
    adjust(&mut cases, tested, p, |c| &mut c.association_q);
    let p = |c: &Case<'_>| {
        c.pair
            .and_then(|p| Some(p.association?.p.max(p.contrast?.p)))
            .unwrap_or(1.0)
    };
    adjust(&mut cases, tested, p, |c| &mut c.screening_q);
    let p = |c: &Case<'_>| c.intervention().map_or(1.0, |i| i.p);
    adjust(
        &mut cases,
        |c| c.intervention().is_some(),
        p,
        |c| &mut c.confirming_q,
    );
    cases
}

/// Benjamini and Hochberg over the cases that were tested.
fn adjust<'c>(
    cases: &mut [Case<'c>],
    tested: impl Fn(&Case<'c>) -> bool,
    p: impl Fn(&Case<'c>) -> f64,
    q: impl for<'q> Fn(&'q mut Case<'c>) -> &'q mut Option<f64>,
) {
    let at: Vec<usize> = (0..cases.len()).filter(|&i| tested(&cases[i])).collect();
    let values: Vec<f64> = at.iter().map(|&i| p(&cases[i])).collect();
    for (&i, adjusted) in at.iter().zip(benjamini_hochberg(&values)) {
        *q(&mut cases[i]) = Some(adjusted);
    }
}

impl<'c> Case<'c> {
    fn intervention(&self) -> Option<&'c Intervention> {
        self.pair.and_then(|p| p.intervention.as_ref())
    }

    /// A: in the data, by more than the margin.
    fn associated(&self, policy: &Policy) -> bool {
        let low = self
            .pair
            .and_then(|p| p.association)
            .map(|a| a.difference.low);
        self.association_q.is_some_and(|q| q <= policy.screening_q)
            && low >= Some(policy.prevalence_margin)
    }

    /// A and B.
    fn screened(&self, policy: &Policy) -> bool {
        self.associated(policy) && self.screening_q.is_some_and(|q| q <= policy.screening_q)
    }

    /// A and B, or A alone where B can say nothing because the region is smaller than a quarter of a CAM cell.
    fn wants_proof(&self, policy: &Policy) -> bool {
        let screened = self.screened(policy) || (self.associated(policy) && self.sub_cell());
        screened
            && !self.too_little(policy)
            && self.pair.is_some_and(|p| p.tagged >= policy.proof_min)
    }

    fn sub_cell(&self) -> bool {
        self.pair
            .is_some_and(|p| p.tagged > 0 && 2 * p.sub_cell > p.tagged)
    }

    /// Too few groups show it, the model does not see it, or there is too little heat.
    fn too_little(&self, policy: &Policy) -> bool {
        let few = self
            .pair
            .is_some_and(|p| p.tagged > 0 && p.tagged < policy.tagged_min);
        let unseen = self
            .row
            .visible_mean
            .is_some_and(|v| v < policy.visible_min);
        few || unseen
            || f64::from(self.row.low_mass) > policy.low_mass_max * f64::from(self.row.images)
    }

    fn verdict(&self, policy: &Policy) -> &'static str {
        let proof = self.intervention();
        if self.too_little(policy) || (self.sub_cell() && proof.is_none()) {
            INSUFFICIENT
        } else if proof.is_some_and(|i| self.confirms(i, policy)) {
            CONFIRMED
        } else if proof.is_some_and(clears) {
            CLEARED
        } else if self.screened(policy) {
            CANDIDATE
        } else if self.associated(policy) {
            DATA_RISK
        } else if self.row.lift >= Some(policy.lift_min)
            && self.row.excess_mean >= Some(policy.excess_min)
        {
            SALIENT_ONLY
        } else {
            NONE
        }
    }

    /// C: by more than the least effect, in enough images, and for this class more than for any other.
    fn confirms(&self, proof: &Intervention, policy: &Policy) -> bool {
        let does = |e: &Option<Effect>| {
            e.as_ref()
                .is_some_and(|e| e.moved_most && e.rate.low >= policy.causal_rate)
        };
        self.confirming_q.is_some_and(|q| q <= policy.confirming_q)
            && (does(&proof.insertion) || does(&proof.removal))
    }

    /// The lower bound of what the region does: flips, or twice the recall that hangs on it in the whole class.
    fn severity(&self) -> Option<&'static str> {
        let proof = self.intervention()?;
        let [with, all] = self.pair?.association?.own.map(f64::from);
        let flips = proof.insertion.as_ref().map_or(0.0, |e| e.rate.low);
        let loss = proof
            .removal
            .as_ref()
            .map_or(0.0, |e| 2.0 * with / all * e.rate.low);
        Some(severity(flips.max(loss)))
    }

    /// Why it was not put to the proof though A and B hold, or not with all images.
    fn unproved(&self, policy: &Policy) -> Option<String> {
        let pair = self.pair?;
        match &pair.intervention {
            Some(i) if i.cut_short => Some(format!(
                "max_forwards = {} left images out",
                policy.max_forwards
            )),
            Some(_) => None,
            None if !self.screened(policy) || self.too_little(policy) => None,
            None if pair.tagged < policy.proof_min => {
                Some(format!("under {} tagged groups", policy.proof_min))
            }
            None if pair.put_to_proof => Some(format!(
                "under {} photos to cut it from, or none to paste it on",
                policy.donors_min
            )),
            None => Some(format!("beyond max_candidates = {}", policy.max_candidates)),
        }
    }

    fn finding(&self, policy: &Policy) -> FindingRow {
        let (a, b) = (
            self.pair.and_then(|p| p.association),
            self.pair.and_then(|p| p.contrast),
        );
        let c = self.intervention();
        let (insertion, removal) = (
            c.and_then(|c| c.insertion.as_ref()),
            c.and_then(|c| c.removal.as_ref()),
        );
        let effect = [insertion, removal]
            .into_iter()
            .flatten()
            .map(|e| e.rate.value)
            .reduce(f64::max);
        FindingRow {
            label: self.row.label.clone(),
            label_index: self.row.label_index,
            region: self.row.region.clone(),
            kind: "confounder".to_owned(),
            verdict: self.verdict(policy).to_owned(),
            severity: self.severity().map(str::to_owned),
            tagged: self.pair.map(|p| p.tagged),
            own_present: a.map(|a| a.own[0]),
            own_groups: a.map(|a| a.own[1]),
            others_present: a.map(|a| a.others[0]),
            others_groups: a.map(|a| a.others[1]),
            association: a.map(|a| a.difference.value),
            association_low: a.map(|a| a.difference.low),
            association_high: a.map(|a| a.difference.high),
            worst_other: a.map(|a| a.worst_other),
            association_p: a.map(|a| a.p),
            association_q: self.association_q,
            contrast: b.map(|b| b.difference.value),
            contrast_low: b.map(|b| b.difference.low),
            contrast_high: b.map(|b| b.difference.high),
            contrast_least: b.map(|b| b.least),
            contrast_present: b.map(|b| b.groups[0]),
            contrast_absent: b.map(|b| b.groups[1]),
            baseline: b.map(|b| {
                if b.other_classes {
                    "other_classes"
                } else {
                    "label"
                }
                .to_owned()
            }),
            contrast_p: b.map(|b| b.p),
            screening_q: self.screening_q,
            hosts: insertion.map(|e| e.images),
            insertion: insertion.map(|e| e.margin.value),
            insertion_low: insertion.map(|e| e.margin.low),
            insertion_high: insertion.map(|e| e.margin.high),
            insertion_against: insertion.map(|e| e.against.to_owned()),
            insertion_p: insertion.map(|e| e.p),
            flips: insertion.map(|e| e.says[0]),
            control_flips: insertion.map(|e| e.says[1]),
            scrambled_flips: insertion.and(c).map(|c| c.scrambled),
            flip_rate: insertion.map(|e| e.rate.value),
            flip_low: insertion.map(|e| e.rate.low),
            flip_high: insertion.map(|e| e.rate.high),
            moved_most: insertion.or(removal).map(|e| e.moved_most),
            filled: removal.map(|e| e.images),
            removal: removal.map(|e| e.margin.value),
            removal_low: removal.map(|e| e.margin.low),
            removal_high: removal.map(|e| e.margin.high),
            removal_against: removal.map(|e| e.against.to_owned()),
            removal_p: removal.map(|e| e.p),
            kept: removal.map(|e| e.says[1]),
            control_kept: removal.map(|e| e.says[0]),
            loss: removal.map(|e| e.rate.value),
            loss_low: removal.map(|e| e.rate.low),
            loss_high: removal.map(|e| e.rate.high),
            causal_least: c.map(|c| c.least),
            confirming_p: c.map(|c| c.p),
            confirming_q: self.confirming_q,
            donors: c.map(|c| c.donors),
            forwards: c.map(|c| c.forwards),
            effect: effect.or(b.map(|b| b.difference.value)),
            effect_unit: Some(
                if effect.is_some() {
                    "fraction"
                } else {
                    "logit"
                }
                .to_owned(),
            ),
            open: true,
            unproved: self.unproved(policy),
            ..FindingRow::default()
        }
    }
}

/// C was run, and the upper bounds of both effects lie under the least that counts.
fn clears(proof: &Intervention) -> bool {
    let under = |e: &Option<Effect>| e.as_ref().is_some_and(|e| e.margin.high < proof.least);
    under(&proof.insertion) && under(&proof.removal)
}

/// The name of a lower bound.
pub fn severity(low: f64) -> &'static str {
    SEVERITIES
        .iter()
        .find(|(bound, _)| low >= *bound)
        .map_or("low", |(_, name)| name)
}
