//! C: does the confounder cause the class? Pasted on other images (insertion) it must move them to
//! the class more than any control pasted at the same place; filled in (removal) it must take the
//! class away more than the same fill at another place.

use super::statistics::{deviation, difference, paired, proportion};
use crate::finding::InterventionEffect;

/// The prediction for one changed photo.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Margin of the class, see [`crate::model::Head::margin`].
    pub margin: f64,
    /// The class is predicted, see [`crate::model::Head::predicts`].
    pub predicts_class: bool,
    pub logits: Vec<f32>,
}

/// Photos under two changes; the first is expected to have the larger margin.
#[derive(Debug)]
pub struct PairedOutcomes<Control> {
    pub control: Control,
    pub pairs: Vec<(Outcome, Outcome)>,
}

/// One side of C: the control with the smallest effect counts. `None` where no control has two
/// images.
pub fn intervention_effect<Control: Copy>(
    controls: &[PairedOutcomes<Control>],
    class: usize,
    min_effect: f64,
) -> Option<InterventionEffect<Control>> {
    // A control that few images can have (no room for it elsewhere) does not decide for all.
    let most = controls.iter().map(|c| c.pairs.len()).max().unwrap_or(0);

    let mut weakest: Option<InterventionEffect<Control>> = None;
    for outcomes in controls.iter().filter(|c| 2 * c.pairs.len() >= most) {
        let Some(effect) = against_control(outcomes, class, min_effect) else {
            continue;
        };
        weakest = Some(match weakest {
            None => effect,
            Some(other) => weaker(other, effect),
        });
    }
    weakest
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
    outcomes: &PairedOutcomes<Control>,
    class: usize,
    min_effect: f64,
) -> Option<InterventionEffect<Control>> {
    let mut margins = Vec::new();
    let mut predicted = [0, 0];
    for (first, second) in &outcomes.pairs {
        margins.push(first.margin - second.margin);
        predicted[0] += u32::from(first.predicts_class);
        predicted[1] += u32::from(second.predicts_class);
    }
    let (margin, p) = paired(&margins, min_effect)?;
    let images = outcomes.pairs.len() as u32;
    let rate = difference(
        proportion(predicted[0], images)?,
        proportion(predicted[1], images)?,
    );

    Some(InterventionEffect {
        images,
        margin,
        rate,
        predicted,
        control: outcomes.control,
        largest_shift: class_of_largest_shift(&outcomes.pairs) == class,
        p,
    })
}

/// The class whose logit rises most on average.
fn class_of_largest_shift(pairs: &[(Outcome, Outcome)]) -> usize {
    let mut shifts: Vec<f64> = Vec::new();
    for (first, second) in pairs {
        shifts.resize(first.logits.len(), 0.0);
        for (class, shift) in shifts.iter_mut().enumerate() {
            *shift += f64::from(first.logits[class] - second.logits[class]);
        }
    }

    let mut largest = 0;
    for (class, shift) in shifts.iter().enumerate() {
        if *shift > shifts[largest] {
            largest = class;
        }
    }
    largest
}

/// The smallest effect that counts: `verdict.causal_logits`, or a tenth of the standard deviation
/// of the hosts' clean margins, the larger.
pub fn min_causal_effect(causal_logits: f64, clean: &[Outcome]) -> f64 {
    let margins: Vec<f64> = clean.iter().map(|outcome| outcome.margin).collect();
    causal_logits.max(0.1 * deviation(&margins))
}

/// `min(1, 2 min(p of insertion, p of removal))`: either side may confirm. A side that was not run
/// has `None`.
pub fn combined_p(insertion: Option<f64>, removal: Option<f64>) -> f64 {
    let smaller = insertion.unwrap_or(1.0).min(removal.unwrap_or(1.0));
    (2.0 * smaller).min(1.0)
}
