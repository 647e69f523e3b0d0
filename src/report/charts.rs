//! Drawings of figures: estimates with their intervals, and the effect over the last runs.

use crate::finding::{
    ConfounderEvidence, Estimate, Finding, FindingEvidence, Intervention, OverlayEvidence,
    PropertyEvidence, PropertyTrial, SurroundingsEvidence,
};
use serde::Serialize;

/// An estimate with its interval, placed on a line. All places are in percent of its width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// The fact: `A`, `B` or `C`.
    name: &'static str,
    title: &'static str,
    text: String,
    zero: f64,
    value: f64,
    low: f64,
    high: f64,
    /// The smallest effect that counts.
    threshold: Option<f64>,
}

/// What is drawn as a bar.
struct Fact {
    name: &'static str,
    title: &'static str,
    estimate: Estimate,
    unit: Unit,
}

enum Unit {
    /// A difference of fractions, shown in percentage points.
    Points,
    /// With the smallest effect that counts.
    Logits { min_effect: f64 },
}

impl Fact {
    fn points(name: &'static str, title: &'static str, estimate: Estimate) -> Self {
        Self {
            name,
            title,
            estimate,
            unit: Unit::Points,
        }
    }

    fn logits(
        name: &'static str,
        title: &'static str,
        estimate: Estimate,
        min_effect: f64,
    ) -> Self {
        Self {
            name,
            title,
            estimate,
            unit: Unit::Logits { min_effect },
        }
    }
}

/// The facts A, B and C of a finding, with their intervals and thresholds.
///
/// Estimates that are not finite cannot be drawn and are left out.
pub fn bars(finding: &Finding) -> Vec<Bar> {
    let facts = match &finding.evidence {
        FindingEvidence::Confounder(evidence) => confounder_facts(evidence),
        FindingEvidence::Overlay(evidence) => overlay_facts(evidence),
        FindingEvidence::Surroundings(evidence) => surroundings_facts(evidence),
        FindingEvidence::Property(evidence) => property_facts(evidence),
    };
    facts.iter().filter_map(bar).collect()
}

fn confounder_facts(evidence: &ConfounderEvidence) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(association) = evidence.association {
        let title = "in the data: more frequent with this class";
        facts.push(Fact::points("A", title, association.difference));
    }
    if let Some(contrast) = evidence.contrast {
        let title = "evidence at its place, with it against without it";
        let difference = contrast.difference;
        facts.push(Fact::logits("B", title, difference, contrast.min_effect));
    }
    if let Some(intervention) = &evidence.intervention {
        facts.extend(intervention_facts(intervention));
    }
    facts
}

fn intervention_facts(intervention: &Intervention) -> Vec<Fact> {
    let min_effect = intervention.min_effect;
    let mut facts = Vec::new();
    if let Some(effect) = intervention.insertion {
        let title = "pasted: margin against the strongest control";
        facts.push(Fact::logits("C", title, effect.margin, min_effect));
        let title = "pasted: images predicted as the class, net";
        facts.push(Fact::points("C", title, effect.rate));
    }
    if let Some(effect) = intervention.removal {
        let title = "filled in: margin lost, net";
        facts.push(Fact::logits("C", title, effect.margin, min_effect));
        let title = "filled in: recall lost";
        facts.push(Fact::points("C", title, effect.rate));
    }
    facts
}

fn overlay_facts(evidence: &OverlayEvidence) -> Vec<Fact> {
    let rise = "laid over: rise against the stronger control";
    let rate = match evidence.top_k {
        None | Some(1) => "laid over: images predicted as the class, net",
        Some(_) => "laid over: images with the class among the highest, net",
    };
    vec![
        Fact::logits("C", rise, evidence.rise, evidence.min_effect),
        Fact::points("C", rate, evidence.rate),
    ]
}

fn surroundings_facts(evidence: &SurroundingsEvidence) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(rate) = evidence.rate {
        let title = "objects filled in: recall lost";
        facts.push(Fact::points("C", title, complement(rate)));
    }
    if let Some(net) = evidence.net {
        let title = "objects filled in: still predicted as the class, \
                     against other labels' filled images";
        facts.push(Fact::points("C", title, net));
    }
    facts
}

fn property_facts(evidence: &PropertyEvidence) -> Vec<Fact> {
    let title = "in the data: more frequent with this class";
    let association = Fact::points("A", title, evidence.association.difference);
    let mut facts = vec![association];
    if let PropertyTrial::Tested { usage, .. } = &evidence.test {
        let title = "changed to follow the rule: images predicted as the class, net";
        facts.push(Fact::points("C", title, usage.rate));
    }
    facts
}

/// The estimate of `1 - rate`.
fn complement(rate: Estimate) -> Estimate {
    Estimate {
        value: 1.0 - rate.value,
        low: 1.0 - rate.high,
        high: 1.0 - rate.low,
    }
}

impl Unit {
    fn format(&self, value: f64) -> String {
        match self {
            Self::Points => format!("{:+.0} points", 100.0 * value),
            Self::Logits { .. } => format!("{value:+.2} logits"),
        }
    }

    fn threshold(&self) -> Option<f64> {
        match self {
            Self::Points => None,
            Self::Logits { min_effect } => Some(*min_effect),
        }
    }
}

/// Places an estimate on a line that holds it, its interval, its threshold and zero.
fn bar(fact: &Fact) -> Option<Bar> {
    let Estimate { value, low, high } = fact.estimate;
    let threshold = fact.unit.threshold();
    let marks = [0.0, low, high, value, threshold.unwrap_or(0.0)];
    if marks.iter().any(|mark| !mark.is_finite()) {
        return None;
    }

    let start = marks.into_iter().fold(f64::MAX, f64::min);
    let end = marks.into_iter().fold(f64::MIN, f64::max);
    let pad = ((end - start) * 0.05).max(1e-9);
    let place = |mark: f64| {
        let fraction = (mark - start + pad) / (end - start + 2.0 * pad);
        (fraction * 1000.0).round() / 10.0
    };

    Some(Bar {
        name: fact.name,
        title: fact.title,
        text: bar_text(fact),
        zero: place(0.0),
        value: place(value),
        low: place(low),
        high: place(high),
        threshold: threshold.map(place),
    })
}

fn bar_text(fact: &Fact) -> String {
    let Estimate { value, low, high } = fact.estimate;
    let unit = &fact.unit;
    let mut interval = format!("{} to {}", unit.format(low), unit.format(high));
    if let Some(threshold) = unit.threshold() {
        interval += &format!("; threshold {}", unit.format(threshold));
    }
    format!("{} ({interval})", unit.format(value))
}

/// Points of a polyline 100 wide and 20 high; `None` for fewer than two runs.
pub fn spark_line(effects: &[Option<f64>]) -> Option<String> {
    if effects.len() < 2 {
        return None;
    }
    let (mut low, mut high) = (0.0_f64, 1e-9_f64);
    for effect in effects.iter().flatten() {
        low = low.min(*effect);
        high = high.max(*effect);
    }

    let step = 100.0 / (effects.len() - 1) as f64;
    let mut points = Vec::new();
    for (i, effect) in effects.iter().enumerate() {
        if let Some(effect) = effect {
            let x = i as f64 * step;
            let y = 19.0 - 18.0 * (effect - low) / (high - low);
            points.push(format!("{x:.1},{y:.1}"));
        }
    }
    Some(points.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    #[test]
    fn every_kind_of_finding_has_its_bars() {
        let table = [
            (fabricated::confirmed("horse", "tag"), "A B C C C C"),
            (fabricated::candidate("horse", "tag"), "A B"),
            (fabricated::data_risk("horse", "tag"), "A"),
            (fabricated::overlay("horse", "stamp"), "C C"),
            (fabricated::surroundings("train"), "C C"),
        ];
        for (finding, expected) in table {
            let names: Vec<&str> = bars(&finding).iter().map(|bar| bar.name).collect();
            assert_eq!(names.join(" "), expected);
        }
    }

    #[test]
    fn a_bar_holds_its_marks_in_order() {
        let bars = bars(&fabricated::candidate("horse", "tag"));
        let contrast = &bars[1];
        assert_eq!(
            contrast.text,
            "+0.62 logits (+0.40 logits to +0.84 logits; threshold +0.15 logits)"
        );
        let threshold = contrast.threshold.expect("a threshold");
        let marks = [
            0.0,
            contrast.zero,
            threshold,
            contrast.low,
            contrast.value,
            contrast.high,
            100.0,
        ];
        assert!(marks.is_sorted(), "{marks:?}");
    }

    #[test]
    fn an_infinite_interval_is_not_drawn() {
        let mut finding = fabricated::candidate("horse", "tag");
        if let Some(contrast) = &mut fabricated::evidence_of(&mut finding).contrast {
            contrast.difference.high = f64::INFINITY;
        }
        assert_eq!(bars(&finding).len(), 1);
    }

    #[test]
    fn a_trend_needs_two_runs() {
        assert_eq!(spark_line(&[Some(0.5)]), None);
        let line = spark_line(&[Some(0.0), None, Some(1.0)]);
        assert_eq!(line.as_deref(), Some("0.0,19.0 100.0,1.0"));
    }
}
