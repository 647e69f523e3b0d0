//! Findings about the surroundings of objects: classes that are still predicted with the objects
//! filled in, and classes whose heat lies mostly off their objects.

use crate::aggregate::OBJECT;
use crate::finding::{
    EffectUnit, Finding, FindingEvidence, FindingOrigin, ReviewState, SURROUNDINGS,
    SurroundingsEvidence, Verdict,
};
use crate::plan::Verdicts as Policy;
use crate::tables::ClassRow;
use std::collections::{BTreeMap, BTreeSet};

/// Heat with a smaller share on the objects lies mostly off them.
const HALF: f64 = 0.5;

/// The heat of one class on its objects; labels of the same class are pooled.
struct ObjectHeat<'c> {
    label: &'c str,
    measured: u32,
    /// Sum of the shares of the measured images.
    sum: f64,
}

/// Steps of a mean share.
const SHARE_STEPS: f64 = 1e9;

impl ObjectHeat<'_> {
    /// Mean share on the objects, in steps of 1e-9: the last digits depend on the order in which
    /// images were added up. `None` where nothing was measured.
    fn share(&self) -> Option<f64> {
        let mean = self.sum / f64::from(self.measured);
        (self.measured > 0).then(|| (mean * SHARE_STEPS).round() / SHARE_STEPS)
    }

    fn is_mostly_off(&self, policy: &Policy) -> bool {
        let share = self.share().filter(|_| self.measured >= policy.tagged_min);
        share.is_some_and(|share| share < HALF)
    }
}

fn object_heat(classes: &[ClassRow]) -> BTreeMap<u32, ObjectHeat<'_>> {
    let mut heat: BTreeMap<u32, ObjectHeat<'_>> = BTreeMap::new();
    let rows = classes
        .iter()
        .filter(|row| row.region == OBJECT && row.kind == OBJECT);
    for row in rows {
        let of_class = heat.entry(row.label_index).or_insert(ObjectHeat {
            label: &row.label,
            measured: 0,
            sum: 0.0,
        });
        of_class.measured += row.measured;
        of_class.sum += row.share_mean.unwrap_or(0.0) * f64::from(row.measured);
    }
    heat
}

/// Classes of the labels whose objects have the smallest share of the heat: their surroundings are
/// tested first.
pub fn least_on_objects(classes: &[ClassRow], policy: &Policy) -> Vec<u32> {
    let heat = object_heat(classes);
    let mut measured: Vec<(u32, f64)> = heat
        .iter()
        .filter(|(_, heat)| heat.measured >= policy.tagged_min)
        .map(|(class, heat)| (*class, heat.share().unwrap_or(0.0)))
        .collect();
    measured.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));

    let chosen = measured.iter().take(policy.max_candidates as usize);
    chosen.map(|(class, _)| *class).collect()
}

/// One finding for each class whose objects were filled in, or whose heat lies mostly off its
/// objects; in order of class.
pub fn surroundings_findings(
    filled: &[(usize, SurroundingsEvidence)],
    classes: &[ClassRow],
    policy: &Policy,
) -> Vec<Finding> {
    let filled: BTreeMap<u32, &SurroundingsEvidence> = filled
        .iter()
        .map(|(class, evidence)| (*class as u32, evidence))
        .collect();
    let heat = object_heat(classes);
    let off = heat.iter().filter(|(_, heat)| heat.is_mostly_off(policy));
    let listed: BTreeSet<u32> = filled
        .keys()
        .chain(off.map(|(class, _)| class))
        .copied()
        .collect();

    let mut findings = Vec::new();
    for class in listed {
        let of_class = heat.get(&class);
        let Some(label) = of_class
            .map(|heat| heat.label)
            .or_else(|| label_of(classes, class))
        else {
            continue;
        };
        let evidence = SurroundingsEvidence {
            object_share: of_class.and_then(ObjectHeat::share),
            measured: of_class.map_or(0, |heat| heat.measured),
            ..filled.get(&class).map_or_else(Default::default, |e| **e)
        };
        let is_mostly_off = of_class.is_some_and(|heat| heat.is_mostly_off(policy));
        findings.push(Finding {
            label: label.to_owned(),
            class,
            region: SURROUNDINGS.into(),
            origin: FindingOrigin::Declared,
            verdict: decide(&evidence, is_mostly_off, policy),
            severity: None,
            severity_at_least: false,
            evidence: FindingEvidence::Surroundings(evidence),
            effect: evidence.rate.map(|rate| rate.value),
            effect_unit: EffectUnit::Fraction,
            not_tested: None,
            unmet: Vec::new(),
            declared: None,
            review: ReviewState::default(),
        });
    }
    findings
}

fn label_of(classes: &[ClassRow], class: u32) -> Option<&str> {
    let row = classes.iter().find(|row| row.label_index == class)?;
    Some(&row.label)
}

/// `candidate` where the class is predicted in most of the filled images, and more often than in
/// filled images of other classes; never `confirmed`, because surroundings can be legitimate.
fn decide(evidence: &SurroundingsEvidence, is_mostly_off: bool, policy: &Policy) -> Verdict {
    let is_enough = evidence.images >= policy.tagged_min;
    if is_enough && is_kept(evidence, policy) {
        Verdict::Candidate
    } else if is_mostly_off {
        Verdict::SalientOnly
    } else if is_enough {
        Verdict::None
    } else {
        Verdict::Insufficient
    }
}

fn is_kept(evidence: &SurroundingsEvidence, policy: &Policy) -> bool {
    let kept = evidence
        .rate
        .is_some_and(|rate| rate.low >= policy.context_kept);
    let more_than_others = evidence
        .net
        .is_some_and(|net| net.low >= policy.context_kept / 2.0);
    kept && more_than_others
}
