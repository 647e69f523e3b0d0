//! C for an overlay (a watermark): laid over images of all classes, which class does it raise? A
//! picture disturbs every class, so three facts count against each control: the rise of the centred
//! logit, how far it stands out from those of all classes, and how often the class enters the
//! highest ones.

use super::statistics::{benjamini_hochberg, deviation, median, paired, paired_difference};
use crate::finding::{Estimate, OverlayControl};
use crate::model::Head;
use crate::plan::Verdicts as Policy;

/// With this many classes or more, entry into the highest [`HIGHEST`] counts; with fewer, being
/// predicted.
const CLASSES_FOR_HIGHEST: usize = 100;
const HIGHEST: u32 = 5;

/// The logits of one host: as it is, with the overlay, and with each control in its place.
#[derive(Debug, Clone)]
pub struct OverlaidHost {
    /// One per class.
    pub clean: Vec<f32>,
    pub with: Vec<f32>,
    /// In the order of [`OverlayControl::ALL`].
    pub controls: [Vec<f32>; 2],
}

/// The effect of an overlay on one class.
#[derive(Debug, Clone, Copy)]
pub struct OverlayEffect {
    pub class: usize,
    pub hosts: u32,
    /// Mean rise of the centred logit over the control with the smaller rise, in logits.
    pub rise: Estimate,
    /// That control.
    pub control: OverlayControl,
    /// The smallest rise that counts: a fraction of the spread of the hosts' clean margins.
    pub min_effect: f64,
    /// Robust z of the rise among all classes, `(rise - median) / (1.4826 MAD)`; the smaller of the
    /// two controls.
    pub z: f64,
    /// One-sided, of a rise of at most the smallest that counts; the larger of the two controls.
    pub p: f64,
    /// The same, adjusted by Benjamini and Hochberg over the classes.
    pub q: f64,
    /// The class enters by being among so many of the highest logits; `None` for sigmoid heads,
    /// where it is to be predicted.
    pub top_k: Option<u32>,
    /// Hosts that the class enters with the overlay, and with a control: the one with the smaller
    /// lower bound of `rate`.
    pub entries: [u32; 2],
    /// Net rate of entries, paired by host.
    pub rate: Estimate,
    /// Hosts predicted as the class with the overlay, and with the control of `entries`.
    pub predicted: [u32; 2],
    /// The smallest net rate that so many hosts can show; `None` where they can show none.
    pub detectable_rate: Option<f64>,
}

/// The effects on all classes, the largest rise first. None under two hosts.
pub fn overlay_effects(hosts: &[OverlaidHost], head: Head, policy: &Policy) -> Vec<OverlayEffect> {
    let Some(first) = hosts.first().filter(|_| hosts.len() > 1) else {
        return Vec::new();
    };
    let top_k = top_k(head, first.clean.len());
    let least = smallest_effects(hosts, head, policy.causal_fraction);
    let detectable_rate = detectable_rate(hosts.len() as u32, policy.causal_rate);

    let responses: Vec<HostResponses> = hosts
        .iter()
        .map(|host| HostResponses::of(host, head, top_k))
        .collect();
    let scrambled = against(&responses, 0, &least);
    let synthetic = against(&responses, 1, &least);

    let mut effects = Vec::new();
    for (class, (a, b)) in scrambled.into_iter().zip(synthetic).enumerate() {
        let rises_less = if a.rise.value <= b.rise.value { &a } else { &b };
        let enters_less = if a.rate.low <= b.rate.low { &a } else { &b };
        effects.push(OverlayEffect {
            class,
            hosts: hosts.len() as u32,
            rise: rises_less.rise,
            control: rises_less.control,
            min_effect: least[class],
            z: a.z.min(b.z),
            p: a.p.max(b.p),
            q: a.q.max(b.q),
            top_k,
            entries: enters_less.entries,
            rate: enters_less.rate,
            predicted: enters_less.predicted,
            detectable_rate,
        });
    }

    effects.sort_by(|a, b| {
        let by_rise = b.rise.value.total_cmp(&a.rise.value);
        by_rise.then(a.class.cmp(&b.class))
    });
    effects
}

fn top_k(head: Head, classes: usize) -> Option<u32> {
    head.classes()?;
    Some(if classes >= CLASSES_FOR_HIGHEST {
        HIGHEST
    } else {
        1
    })
}

/// For each class, the fraction of the standard deviation of the hosts' clean margins: nothing
/// absolute, so that the scale of a head does not matter.
fn smallest_effects(hosts: &[OverlaidHost], head: Head, fraction: f64) -> Vec<f64> {
    let margins: Vec<Vec<f64>> = hosts
        .iter()
        .map(|host| head.all_margins(&host.clean))
        .collect();
    let classes = margins.first().map_or(0, Vec::len);

    let mut least = Vec::with_capacity(classes);
    for class in 0..classes {
        let of_class: Vec<f64> = margins.iter().map(|margins| margins[class]).collect();
        least.push(fraction * deviation(&of_class));
    }
    least
}

/// The smallest net rate of entries whose lower bound reaches `rate_min` with so many hosts, if the
/// class enters none with the control.
fn detectable_rate(hosts: u32, rate_min: f64) -> Option<f64> {
    let enough = (1..=hosts).find(|&entries| {
        let shown = paired_difference(0, entries, 0, hosts - entries);
        shown.is_some_and(|shown| shown.low >= rate_min)
    });
    enough.map(|entries| f64::from(entries) / f64::from(hosts))
}

/// What the logits of one picture say about every class.
struct Response {
    centred: Vec<f64>,
    entered: Vec<bool>,
    predicted: Vec<bool>,
}

impl Response {
    fn of(logits: &[f32], head: Head, top_k: Option<u32>) -> Self {
        Self {
            centred: head.all_centred(logits),
            entered: highest(logits, top_k),
            predicted: highest(logits, top_k.map(|_| 1)),
        }
    }
}

/// Which classes are among the `k` with the largest logits, the first of equal ones; without `k`,
/// which have a positive logit.
fn highest(logits: &[f32], k: Option<u32>) -> Vec<bool> {
    let Some(k) = k else {
        return logits.iter().map(|&logit| logit > 0.0).collect();
    };
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));

    let mut is_high = vec![false; logits.len()];
    for &class in order.iter().take(k as usize) {
        is_high[class] = true;
    }
    is_high
}

struct HostResponses {
    with: Response,
    controls: [Response; 2],
}

impl HostResponses {
    fn of(host: &OverlaidHost, head: Head, top_k: Option<u32>) -> Self {
        let [scrambled, synthetic] = &host.controls;
        Self {
            with: Response::of(&host.with, head, top_k),
            controls: [
                Response::of(scrambled, head, top_k),
                Response::of(synthetic, head, top_k),
            ],
        }
    }
}

/// The effect on one class against one control.
struct EffectAgainst {
    control: OverlayControl,
    rise: Estimate,
    z: f64,
    p: f64,
    q: f64,
    entries: [u32; 2],
    rate: Estimate,
    predicted: [u32; 2],
}

/// The effects on all classes against one control, an index into [`OverlayControl::ALL`]; `least`
/// has the smallest effect of each class.
fn against(hosts: &[HostResponses], control: usize, least: &[f64]) -> Vec<EffectAgainst> {
    let mut effects: Vec<EffectAgainst> = least
        .iter()
        .enumerate()
        .filter_map(|(class, &min_effect)| effect_on(hosts, control, class, min_effect))
        .collect();

    let p: Vec<f64> = effects.iter().map(|effect| effect.p).collect();
    let q = benjamini_hochberg(&p);
    let rises: Vec<f64> = effects.iter().map(|effect| effect.rise.value).collect();
    let z = robust_z(&rises);
    for (i, effect) in effects.iter_mut().enumerate() {
        effect.q = q[i];
        effect.z = z[i];
    }
    effects
}

/// `None` under two hosts.
fn effect_on(
    hosts: &[HostResponses],
    control: usize,
    class: usize,
    min_effect: f64,
) -> Option<EffectAgainst> {
    let mut rises = Vec::new();
    // Both, only with the overlay, only with the control, neither.
    let mut pairs = [0, 0, 0, 0];
    let mut predicted = [0, 0];
    for host in hosts {
        let (with, other) = (&host.with, &host.controls[control]);
        rises.push(with.centred[class] - other.centred[class]);

        let pair = match (with.entered[class], other.entered[class]) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        pairs[pair] += 1;
        predicted[0] += u32::from(with.predicted[class]);
        predicted[1] += u32::from(other.predicted[class]);
    }

    let [both, with_only, control_only, neither] = pairs;
    let (rise, p) = paired(&rises, min_effect)?;
    Some(EffectAgainst {
        control: OverlayControl::ALL[control],
        rise,
        z: 0.0,
        p,
        q: 1.0,
        entries: [both + with_only, both + control_only],
        rate: paired_difference(both, with_only, control_only, neither)?,
        predicted,
    })
}

/// `(value - median) / (1.4826 MAD)` of every value; 0 where half of them are equal.
fn robust_z(values: &[f64]) -> Vec<f64> {
    let middle = median(values.to_vec()).unwrap_or(0.0);
    let deviations = values.iter().map(|value| (value - middle).abs()).collect();
    let spread = 1.4826 * median(deviations).unwrap_or(0.0);

    let z = values.iter().map(|value| {
        if spread > 0.0 {
            (value - middle) / spread
        } else {
            0.0
        }
    });
    z.collect()
}
