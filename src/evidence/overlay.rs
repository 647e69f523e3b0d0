//! C for an overlay (a watermark): laid over images of all classes, which class does it raise? A
//! picture disturbs every class, so the centred logit counts, and how far one class stands out from
//! all.

use super::statistics::{difference, median, paired, proportion};
use crate::finding::{Estimate, OverlayControl};
use crate::model::Head;

/// The logits of one host: with the overlay, and with each control in its place.
#[derive(Debug, Clone)]
pub struct OverlaidHost {
    /// One per class.
    pub with: Vec<f32>,
    /// In the order of [`OverlayControl::ALL`].
    pub controls: [Vec<f32>; 2],
}

/// The effect of an overlay on one class.
#[derive(Debug, Clone, Copy)]
pub struct OverlayEffect {
    pub class: usize,
    pub hosts: u32,
    /// Mean rise of the centred logit over the stronger control, in logits.
    pub rise: Estimate,
    /// Robust z among all classes: `(rise - median) / (1.4826 MAD)`.
    pub z: f64,
    /// One-sided, of a rise of at most the smallest that counts.
    pub p: f64,
    /// Hosts predicted as the class with the overlay, and with the stronger control.
    pub predicted: [u32; 2],
    pub rate: Estimate,
    pub control: OverlayControl,
}

/// The effects on all classes, the largest rise first. `min_effect` is the smallest rise that
/// counts, in logits.
pub fn overlay_effects(hosts: &[OverlaidHost], head: Head, min_effect: f64) -> Vec<OverlayEffect> {
    let classes = hosts.first().map_or(0, |host| host.with.len());
    let centred: Vec<CentredHost> = hosts.iter().map(|host| centre(host, head)).collect();

    let mut effects: Vec<OverlayEffect> = (0..classes)
        .filter_map(|class| effect(hosts, &centred, head, class, min_effect))
        .collect();

    let rises: Vec<f64> = effects.iter().map(|effect| effect.rise.value).collect();
    let middle = median(rises.clone()).unwrap_or(0.0);
    let deviations = rises.iter().map(|rise| (rise - middle).abs()).collect();
    let spread = 1.4826 * median(deviations).unwrap_or(0.0);
    for effect in &mut effects {
        if spread > 0.0 {
            effect.z = (effect.rise.value - middle) / spread;
        }
    }

    effects.sort_by(|a, b| {
        let by_rise = b.rise.value.total_cmp(&a.rise.value);
        by_rise.then(a.class.cmp(&b.class))
    });
    effects
}

/// The centred logits of one host; raw for sigmoid heads.
struct CentredHost {
    with: Vec<f64>,
    controls: [Vec<f64>; 2],
}

fn centre(host: &OverlaidHost, head: Head) -> CentredHost {
    let [scrambled, synthetic] = &host.controls;
    CentredHost {
        with: head.all_centred(&host.with),
        controls: [head.all_centred(scrambled), head.all_centred(synthetic)],
    }
}

fn effect(
    hosts: &[OverlaidHost],
    centred: &[CentredHost],
    head: Head,
    class: usize,
    min_effect: f64,
) -> Option<OverlayEffect> {
    let scrambled = against(hosts, centred, head, class, min_effect, 0)?;
    let synthetic = against(hosts, centred, head, class, min_effect, 1)?;

    let p = scrambled.p.max(synthetic.p);
    let weaker = if scrambled.rise.value <= synthetic.rise.value {
        scrambled
    } else {
        synthetic
    };
    Some(OverlayEffect { p, ..weaker })
}

/// The effect against one control, an index into [`OverlayControl::ALL`].
fn against(
    hosts: &[OverlaidHost],
    centred: &[CentredHost],
    head: Head,
    class: usize,
    min_effect: f64,
    control: usize,
) -> Option<OverlayEffect> {
    let mut rises = Vec::new();
    for host in centred {
        rises.push(host.with[class] - host.controls[control][class]);
    }
    let (rise, p) = paired(&rises, min_effect)?;

    let mut predicted = [0, 0];
    for host in hosts {
        predicted[0] += u32::from(head.predicts(&host.with, class));
        predicted[1] += u32::from(head.predicts(&host.controls[control], class));
    }
    let total = hosts.len() as u32;
    let rate = difference(
        proportion(predicted[0], total)?,
        proportion(predicted[1], total)?,
    );

    Some(OverlayEffect {
        class,
        hosts: total,
        rise,
        z: 0.0,
        p,
        predicted,
        rate,
        control: OverlayControl::ALL[control],
    })
}
