//! Findings about overlays: which classes a picture raises when it is laid over images of all
//! classes.

use crate::dataset::LabelMap;
use crate::evidence::OverlayEffect;
use crate::finding::{
    EffectUnit, Finding, FindingEvidence, FindingOrigin, OverlayEvidence, OverlayThresholds,
    ReviewState, Severity, Verdict,
};
use crate::plan::Verdicts as Policy;

/// Classes listed beside those that rise and stand out.
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
    let thresholds = OverlayThresholds {
        q: policy.confirming_q,
        z: (effects.len() >= CLASSES_FOR_Z).then_some(policy.shortcut_z),
        rate: policy.causal_rate,
    };

    let mut findings = Vec::new();
    for (i, effect) in effects.iter().enumerate() {
        let evidence = evidence(effect, i, effects.len(), thresholds);
        let is_associated = evidence.rises() && evidence.stands_out();
        if i >= LISTED && !is_associated {
            continue;
        }

        let is_shortcut = is_associated && evidence.enters();
        let severity = Severity::of_lower_bound(evidence.rate.low);
        findings.push(Finding {
            label: labels.classes[effect.class].clone(),
            class: effect.class as u32,
            region: region.to_owned(),
            origin: FindingOrigin::Declared,
            verdict: if is_shortcut {
                Verdict::ModelShortcut
            } else {
                Verdict::None
            },
            severity: is_shortcut.then_some(severity),
            severity_at_least: false,
            evidence: FindingEvidence::Overlay(evidence),
            effect: Some(effect.rise.value),
            effect_unit: EffectUnit::Logit,
            not_tested: None,
            unmet: Vec::new(),
            declared: None,
            review: ReviewState::default(),
        });
    }
    findings
}

fn evidence(
    effect: &OverlayEffect,
    place: usize,
    classes: usize,
    thresholds: OverlayThresholds,
) -> OverlayEvidence {
    OverlayEvidence {
        hosts: effect.hosts,
        rise: effect.rise,
        control: effect.control,
        z: effect.z,
        p: effect.p,
        q: effect.q,
        top_k: effect.top_k,
        entries: effect.entries,
        rate: effect.rate,
        predicted: effect.predicted,
        detectable_rate: effect.detectable_rate,
        min_effect: effect.min_effect,
        thresholds,
        rank: place as u32 + 1,
        classes: classes as u32,
    }
}
