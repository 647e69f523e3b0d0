//! Findings about regions that need neither tagged images nor A: pictures of their own, and the surroundings of objects.

use super::{CANDIDATE, MODEL_SHORTCUT, NONE, severity};
use crate::aggregate::OBJECT;
use crate::dataset::LabelMap;
use crate::evidence::overlay::CONTROLS;
use crate::evidence::{Context, OverlayEffect};
use crate::plan::Verdicts as Policy;
use crate::record::{ClassRow, FindingRow};

/// Classes named beside those that stand out.
const NAMED: usize = 5;
/// With fewer classes a robust z says nothing.
const CLASSES_FOR_Z: usize = 10;
/// What the surroundings are called.
pub const SURROUNDINGS: &str = "surroundings";

/// The classes that an overlay moves most, and all that it moves by itself.
pub fn overlay(
    region: &str,
    effects: &[OverlayEffect],
    labels: &LabelMap,
    policy: &Policy,
) -> Vec<FindingRow> {
    let stands_out = |e: &OverlayEffect| {
        if effects.len() < CLASSES_FOR_Z {
            let p = (e.p * effects.len() as f64).min(1.0);
            return p <= policy.confirming_q && e.rate.low >= policy.causal_rate;
        }
        e.z > policy.shortcut_z && e.rise.value >= policy.causal_logits / 2.0
    };
    let shown = effects
        .iter()
        .enumerate()
        .filter(|(i, e)| *i < NAMED || stands_out(e));
    let finding = |(i, e): (usize, &OverlayEffect)| {
        let class = &labels.classes[e.class];
        let sentence = format!(
            "{region} laid over {} images raises {class} by {:+.2} logits ({:.2} to {:.2}) more than {} does, {} of {} classes, z {:.1}; {} images become {class} (control {})",
            e.hosts,
            e.rise.value,
            e.rise.low,
            e.rise.high,
            CONTROLS[e.against],
            ordinal(i + 1),
            effects.len(),
            e.z,
            e.says[0],
            e.says[1]
        );
        FindingRow {
            label: class.clone(),
            label_index: e.class as u32,
            region: region.to_owned(),
            kind: "overlay".into(),
            verdict: if stands_out(e) { MODEL_SHORTCUT } else { NONE }.into(),
            severity: stands_out(e).then(|| severity(e.rate.low).to_owned()),
            sentence,
            hosts: Some(e.hosts),
            insertion: Some(e.rise.value),
            insertion_low: Some(e.rise.low),
            insertion_high: Some(e.rise.high),
            insertion_against: Some(CONTROLS[e.against].into()),
            insertion_p: Some(e.p),
            effect_z: Some(e.z),
            effect: Some(e.rise.value),
            effect_unit: Some("logit".into()),
            open: true,
            flips: Some(e.says[0]),
            control_flips: Some(e.says[1]),
            flip_rate: Some(e.rate.value),
            flip_low: Some(e.rate.low),
            flip_high: Some(e.rate.high),
            moved_most: Some(i == 0),
            causal_least: Some(policy.causal_logits / 2.0),
            ..FindingRow::default()
        }
    };
    shown.map(finding).collect()
}

/// Classes of the labels whose objects take the least of the heat: their surroundings are looked at first.
pub fn least_on_objects(classes: &[ClassRow], policy: &Policy) -> Vec<u32> {
    let framed = classes
        .iter()
        .filter(|r| r.region == OBJECT && r.kind == OBJECT && r.measured >= policy.tagged_min);
    let mut framed: Vec<&ClassRow> = framed.collect();
    let share = |r: &ClassRow| r.share_mean.unwrap_or(0.0);
    framed.sort_by(|a, b| {
        share(a)
            .total_cmp(&share(b))
            .then(a.label_index.cmp(&b.label_index))
    });
    framed
        .iter()
        .take(policy.max_candidates as usize)
        .map(|r| r.label_index)
        .collect()
}

/// Labels whose images are still recognised with the objects filled in.
pub fn surroundings(
    contexts: &[(usize, Context)],
    classes: &[ClassRow],
    policy: &Policy,
) -> Vec<FindingRow> {
    let finding = |(class, c): &(usize, Context)| {
        let row = classes.iter().find(|r| r.label_index as usize == *class)?;
        let hangs = c.rate.low >= policy.context_kept
            && c.net
                .is_some_and(|net| net.low >= policy.context_kept / 2.0);
        let enough = c.images >= policy.tagged_min;
        let net = c.net.map_or(String::new(), |n| {
            format!(
                "; of other labels' filled images {:.0} % are called that",
                100.0 * (c.rate.value - n.value)
            )
        });
        let label = &row.label;
        Some(FindingRow {
            label: label.clone(),
            label_index: row.label_index,
            region: SURROUNDINGS.into(),
            kind: "context".into(),
            verdict: if !enough {
                super::INSUFFICIENT
            } else if hangs {
                CANDIDATE
            } else {
                NONE
            }
            .into(),
            sentence: format!(
                "with the objects filled in, {} of {} {label} images are still called {label}{net}; the surroundings may be legitimate",
                c.kept, c.images
            ),
            effect: Some(c.rate.value),
            effect_unit: Some("fraction".into()),
            open: true,
            filled: Some(c.images),
            kept: Some(c.kept),
            loss: Some(1.0 - c.rate.value),
            loss_low: Some(1.0 - c.rate.high),
            loss_high: Some(1.0 - c.rate.low),
            kept_net: c.net.map(|n| n.value),
            kept_net_low: c.net.map(|n| n.low),
            kept_net_high: c.net.map(|n| n.high),
            ..FindingRow::default()
        })
    };
    contexts.iter().filter_map(finding).collect()
}

fn ordinal(n: usize) -> String {
    match n {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        n => format!("{n}th"),
    }
}
