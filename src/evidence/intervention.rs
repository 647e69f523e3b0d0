//! C: does the confounder cause the class? Pasted on other images (insertion) it must move them to
//! the class more than any control pasted at the same place. Filled in (removal) it must take the
//! class away more than the same fill at another place, and more than the same two fills do in
//! images of the class without it.

use super::clusters::{Clustered, PairedHit, clustered_mean, clustered_rate, paired_rate};
use super::statistics::{deviation, difference, paired, welch};
use crate::finding::{Estimate, InterventionEffect};

/// The prediction for one changed photo.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Margin of the class, see [`crate::model::Head::margin`].
    pub margin: f64,
    /// The class is predicted, see [`crate::model::Head::predicts`].
    pub predicts_class: bool,
    pub logits: Vec<f32>,
}

/// One photo under two changes; the first is expected to have the larger margin.
#[derive(Debug, Clone)]
pub struct OutcomePair {
    pub first: Outcome,
    pub second: Outcome,
    /// The donor, by its place in the list; photos of one donor are no independent evidence.
    pub donor: u32,
}

/// Hosts with the confounder and with one control.
#[derive(Debug)]
pub struct InsertionOutcomes<Control> {
    pub control: Control,
    pub pairs: Vec<OutcomePair>,
}

/// Images filled one way: at a mirrored place, and at the region's.
#[derive(Debug)]
pub struct RemovalOutcomes<Fill> {
    pub fill: Fill,
    pub tagged: Vec<OutcomePair>,
    /// Images of the class without the region, filled where the region would be; empty where there
    /// are too few of them.
    pub untagged: Vec<OutcomePair>,
}

/// The class that the confounder is to move.
#[derive(Debug, Clone, Copy)]
pub struct Target<'s> {
    pub class: usize,
    /// Other classes that are associated with the confounder: it may move them as well, and more.
    pub sharing: &'s [usize],
}

/// The net effect of the confounder on other images: the control with the smallest effect counts.
/// `None` where no control has images of two donors.
pub fn insertion_effect<Control: Copy>(
    controls: &[InsertionOutcomes<Control>],
    target: Target<'_>,
    min_effect: f64,
) -> Option<InterventionEffect<Control>> {
    // A control that few images can have (no room for it elsewhere) does not decide for all.
    let most = controls.iter().map(|c| c.pairs.len()).max().unwrap_or(0);

    let mut effects = Vec::new();
    for outcomes in controls.iter().filter(|c| 2 * c.pairs.len() >= most) {
        effects.extend(against_control(outcomes, target, min_effect));
    }
    effects.into_iter().reduce(weaker)
}

/// The net effect of filling the confounder: the fill with the smaller effect counts.
pub fn removal_effect<Fill: Copy>(
    fills: &[RemovalOutcomes<Fill>],
    target: Target<'_>,
    min_effect: f64,
) -> Option<InterventionEffect<Fill>> {
    let most = fills.iter().map(|f| f.tagged.len()).max().unwrap_or(0);

    let mut effects = Vec::new();
    for outcomes in fills.iter().filter(|f| 2 * f.tagged.len() >= most) {
        effects.extend(by_fill(outcomes, target, min_effect));
    }
    effects.into_iter().reduce(weaker)
}

/// Of two controls the smaller margin, the smaller rate, the larger p-value.
fn weaker<Control: Copy>(
    a: InterventionEffect<Control>,
    b: InterventionEffect<Control>,
) -> InterventionEffect<Control> {
    let smaller_rate = if a.rate.low <= b.rate.low { a } else { b };
    let smaller_margin = if a.margin.value <= b.margin.value {
        a
    } else {
        b
    };
    InterventionEffect {
        rate: smaller_rate.rate,
        predicted: smaller_rate.predicted,
        largest_shift: a.largest_shift && b.largest_shift,
        p: a.p.max(b.p),
        ..smaller_margin
    }
}

fn against_control<Control: Copy>(
    outcomes: &InsertionOutcomes<Control>,
    target: Target<'_>,
    min_effect: f64,
) -> Option<InterventionEffect<Control>> {
    let pairs = &outcomes.pairs;
    let mut differences = Vec::new();
    for pair in pairs {
        differences.push(Clustered {
            value: pair.margin(),
            cluster: pair.donor,
        });
    }

    let (margin, p) = clustered_mean(&differences, min_effect)?;

    Some(InterventionEffect {
        images: pairs.len() as u32,
        margin,
        rate: clustered_rate(&hits(pairs))?,
        predicted: predicted(pairs),
        control: outcomes.control,
        largest_shift: target.moves_most(&mean_shifts(pairs)),
        p,
    })
}

/// Every tagged image is filled by itself, so that images are independent.
fn by_fill<Fill: Copy>(
    outcomes: &RemovalOutcomes<Fill>,
    target: Target<'_>,
    min_effect: f64,
) -> Option<InterventionEffect<Fill>> {
    let margins = |pairs: &[OutcomePair]| pairs.iter().map(OutcomePair::margin).collect();
    let tagged: Vec<f64> = margins(&outcomes.tagged);
    let untagged: Vec<f64> = margins(&outcomes.untagged);
    let mut rate = paired_rate(&hits(&outcomes.tagged))?;

    let mut shifts = mean_shifts(&outcomes.tagged);

    let (margin, p): (Estimate, f64);
    if let Some(baseline) = paired_rate(&hits(&outcomes.untagged)) {
        (margin, p) = welch(&tagged, &untagged, min_effect)?;
        rate = difference(rate, baseline);
        for (shift, other) in shifts.iter_mut().zip(mean_shifts(&outcomes.untagged)) {
            *shift -= other;
        }
    } else {
        (margin, p) = paired(&tagged, min_effect)?;
    }

    Some(InterventionEffect {
        images: outcomes.tagged.len() as u32,
        margin,
        rate,
        predicted: predicted(&outcomes.tagged),
        control: outcomes.fill,
        largest_shift: target.moves_most(&shifts),
        p,
    })
}

impl OutcomePair {
    fn margin(&self) -> f64 {
        self.first.margin - self.second.margin
    }
}

fn hits(pairs: &[OutcomePair]) -> Vec<PairedHit> {
    let hits = pairs.iter().map(|pair| PairedHit {
        first: pair.first.predicts_class,
        second: pair.second.predicts_class,
        cluster: pair.donor,
    });
    hits.collect()
}

/// Photos predicted as the class under the first change, and under the second.
fn predicted(pairs: &[OutcomePair]) -> [u32; 2] {
    let mut predicted = [0, 0];
    for pair in pairs {
        predicted[0] += u32::from(pair.first.predicts_class);
        predicted[1] += u32::from(pair.second.predicts_class);
    }
    predicted
}

/// By how much each logit is larger under the first change, on average.
fn mean_shifts(pairs: &[OutcomePair]) -> Vec<f64> {
    let mut shifts: Vec<f64> = Vec::new();
    for pair in pairs {
        shifts.resize(pair.first.logits.len(), 0.0);
        for (class, shift) in shifts.iter_mut().enumerate() {
            *shift += f64::from(pair.first.logits[class] - pair.second.logits[class]);
        }
    }
    for shift in &mut shifts {
        *shift /= pairs.len() as f64;
    }
    shifts
}

impl<'s> Target<'s> {
    /// A class that shares the confounder with no other.
    pub fn alone(class: usize) -> Target<'static> {
        Target {
            class,
            sharing: &[],
        }
    }

    /// Whether the logit of the class shifts most of those that do not share the confounder; of
    /// equal ones the first.
    fn moves_most(&self, shifts: &[f64]) -> bool {
        let mut largest = self.class;
        for (class, shift) in shifts.iter().enumerate() {
            let is_ahead =
                *shift > shifts[largest] || (*shift == shifts[largest] && class < largest);
            if is_ahead && !self.sharing.contains(&class) {
                largest = class;
            }
        }
        largest == self.class
    }
}

/// The smallest effect that counts: `verdict.causal_fraction` of the standard deviation of the
/// hosts' clean margins. Nothing absolute, so that the scale of the head has no influence.
pub fn min_causal_effect(causal_fraction: f64, clean: &[Outcome]) -> f64 {
    let margins: Vec<f64> = clean.iter().map(|outcome| outcome.margin).collect();
    causal_fraction * deviation(&margins)
}
