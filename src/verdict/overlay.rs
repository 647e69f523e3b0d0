//! Findings about overlays: which classes a picture raises when it is laid over images of all
//! classes.

use crate::dataset::LabelMap;
use crate::evidence::OverlayEffect;
use crate::finding::{
    EffectUnit, Finding, FindingEvidence, OverlayEvidence, ReviewState, Severity, Verdict,
};
use crate::plan::Verdicts as Policy;

/// Classes listed beside those that stand out.
const LISTED: usize = 5;
/// With fewer classes a robust z has no meaning.
const CLASSES_FOR_Z: usize = 10;

/// The classes that an overlay raises most, and all that stand out. `effects` has the largest rise
/// first.
pub fn overlay_findings(
    region: &str,
    effects: &[OverlayEffect],
    labels: &LabelMap,
    policy: &Policy,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, effect) in effects.iter().enumerate() {
        let shortcut = stands_out(effect, effects.len(), policy);
        if i < LISTED || shortcut {
            let severity = Severity::of_lower_bound(effect.rate.low);
            findings.push(Finding {
                label: labels.classes[effect.class].clone(),
                class: effect.class as u32,
                region: region.to_owned(),
                verdict: if shortcut {
                    Verdict::ModelShortcut
                } else {
                    Verdict::None
                },
                severity: shortcut.then_some(severity),
                severity_at_least: false,
                evidence: FindingEvidence::Overlay(evidence(effect, i, effects.len(), policy)),
                effect: Some(effect.rise.value),
                effect_unit: EffectUnit::Logit,
                not_tested: None,
                unmet: Vec::new(),
                declared: None,
                review: ReviewState::default(),
            });
        }
    }
    findings
}

/// Whether a class rises more than all others; with few classes, by a test of its own.
fn stands_out(effect: &OverlayEffect, classes: usize, policy: &Policy) -> bool {
    if classes < CLASSES_FOR_Z {
        let p = (effect.p * classes as f64).min(1.0);
        return p <= policy.confirming_q && effect.rate.low >= policy.causal_rate;
    }
    effect.z > policy.shortcut_z && effect.rise.value >= min_rise(policy)
}

/// The smallest rise of a centred logit that counts.
pub fn min_rise(policy: &Policy) -> f64 {
    2.5 * policy.causal_fraction
}

fn evidence(
    effect: &OverlayEffect,
    place: usize,
    classes: usize,
    policy: &Policy,
) -> OverlayEvidence {
    OverlayEvidence {
        hosts: effect.hosts,
        rise: effect.rise,
        control: effect.control,
        z: effect.z,
        p: effect.p,
        predicted: effect.predicted,
        rate: effect.rate,
        min_effect: min_rise(policy),
        rank: place as u32 + 1,
        classes: classes as u32,
    }
}
