//! C for a picture of its own (a watermark): pasted on images of all classes, which class does it speak for? A picture
//! disturbs every class, so what counts is the centred logit, and how far one class stands out from all.

use super::statistics::{Estimate, difference, median, paired, proportion};

/// What is laid over instead of the picture.
pub const CONTROLS: [&str; 2] = ["its own blocks shuffled", "a foreign pattern"];

/// The logits of one host: with the picture, and with each control in its place.
#[derive(Debug, Clone)]
pub struct Overlaid {
    /// Whether several classes can be said at once: then the sign of a logit says it.
    pub sigmoid: bool,
    /// Centred; raw for sigmoid heads. One per class.
    pub with: Vec<f64>,
    pub controls: [Vec<f64>; 2],
}

/// What the picture does to one class.
#[derive(Debug, Clone)]
pub struct OverlayEffect {
    pub class: usize,
    pub hosts: u32,
    /// Mean rise of the centred logit over the stronger control, in logits.
    pub rise: Estimate,
    /// Robust z among all classes: (rise - median) / (1.4826 MAD).
    pub z: f64,
    /// One-sided, of a rise of at most the least that counts.
    pub p: f64,
    /// Hosts that say the class: with the picture, with the stronger control.
    pub says: [u32; 2],
    pub rate: Estimate,
    /// Which control is the stronger one, 0 or 1.
    pub against: usize,
}

/// The effects on all classes, the largest rise first.
pub fn effects(hosts: &[Overlaid], least: f64) -> Vec<OverlayEffect> {
    let classes = hosts.first().map_or(0, |h| h.with.len());
    let mut effects: Vec<OverlayEffect> = (0..classes)
        .filter_map(|c| effect(hosts, c, least))
        .collect();
    let rises = || effects.iter().map(|e| e.rise.value);
    let middle = median(rises().collect()).unwrap_or(0.0);
    let spread = 1.4826 * median(rises().map(|r| (r - middle).abs()).collect()).unwrap_or(0.0);
    effects.iter_mut().for_each(|e| {
        e.z = if spread > 0.0 {
            (e.rise.value - middle) / spread
        } else {
            0.0
        }
    });
    effects.sort_by(|a, b| {
        b.rise
            .value
            .total_cmp(&a.rise.value)
            .then(a.class.cmp(&b.class))
    });
    effects
}

fn effect(hosts: &[Overlaid], class: usize, least: f64) -> Option<OverlayEffect> {
    let n = hosts.len() as u32;
    let says = |host: &Overlaid, logits: &[f64]| match host.sigmoid {
        true => logits[class] > 0.0,
        false => logits.iter().all(|z| *z <= logits[class]),
    };
    let with = hosts.iter().filter(|h| says(h, &h.with)).count() as u32;
    let against = |k: usize| {
        let rises: Vec<f64> = hosts
            .iter()
            .map(|h| h.with[class] - h.controls[k][class])
            .collect();
        let (rise, p) = paired(&rises, least)?;
        let control = hosts.iter().filter(|h| says(h, &h.controls[k])).count() as u32;
        let rate = difference(proportion(with, n)?, proportion(control, n)?);
        Some(OverlayEffect {
            class,
            hosts: n,
            rise,
            z: 0.0,
            p,
            says: [with, control],
            rate,
            against: k,
        })
    };
    let (a, b) = (against(0)?, against(1)?);
    let p = a.p.max(b.p);
    let weaker = if a.rise.value <= b.rise.value { a } else { b };
    Some(OverlayEffect { p, ..weaker })
}
