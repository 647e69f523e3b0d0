//! Drawings of figures: estimates with their intervals on one scale per unit, and the effect over
//! the last runs.

use super::facts::{Fact, Unit, facts};
use crate::finding::{Estimate, Finding};
use crate::runs::documents::RateThresholds;
use serde::Serialize;

/// Marks of an axis, at most.
const TICKS_MAX: f64 = 6.0;

/// The estimates of one unit on one scale. All places are in percent of its width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    unit: &'static str,
    zero: f64,
    ticks: Vec<Tick>,
    bars: Vec<Bar>,
}

/// A mark of the axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tick {
    place: f64,
    text: String,
}

/// An estimate with its interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// The fact: `A`, `B` or `C`.
    name: &'static str,
    title: &'static str,
    text: String,
    /// What it was counted on.
    basis: String,
    value: f64,
    low: f64,
    high: f64,
    /// The least that counts.
    threshold: Option<f64>,
}

/// The facts A, B and C of a finding: first those in points, then those in logits.
///
/// Estimates that are not finite cannot be drawn and are left out.
pub fn charts(finding: &Finding, thresholds: Option<RateThresholds>) -> Vec<Chart> {
    let mut facts = facts(finding, thresholds);
    facts.retain(|fact| fact.marks().iter().all(|mark| mark.is_finite()));

    let mut charts = Vec::new();
    for unit in [Unit::Points, Unit::Logits] {
        let of_unit: Vec<&Fact> = facts.iter().filter(|fact| fact.unit == unit).collect();
        if !of_unit.is_empty() {
            charts.push(chart(unit, &of_unit));
        }
    }
    charts
}

fn chart(unit: Unit, facts: &[&Fact]) -> Chart {
    let axis = Axis::around(facts.iter().flat_map(|fact| fact.marks()), unit);
    let mut bars = Vec::new();
    for fact in facts {
        let Estimate { value, low, high } = fact.estimate;
        bars.push(Bar {
            name: fact.name,
            title: fact.title,
            text: text(fact),
            basis: fact.basis.clone(),
            value: axis.place(value),
            low: axis.place(low),
            high: axis.place(high),
            threshold: fact.threshold.map(|threshold| axis.place(threshold)),
        });
    }
    Chart {
        unit: unit.name(),
        zero: axis.place(0.0),
        ticks: axis.ticks(unit),
        bars,
    }
}

/// A scale that begins and ends at a mark.
struct Axis {
    step: f64,
    /// Steps from zero.
    first: i64,
    last: i64,
}

impl Axis {
    /// The scale that holds zero and all marks.
    fn around(marks: impl Iterator<Item = f64>, unit: Unit) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for mark in marks {
            low = low.min(mark);
            high = high.max(mark);
        }
        let step = round_step((high - low).max(unit.span_min()) / (TICKS_MAX - 1.0));
        let first = (low / step + 1e-9).floor() as i64;
        let last = (high / step - 1e-9).ceil() as i64;
        Self {
            step,
            first: first.min(0),
            last: last.max(first + 1),
        }
    }

    fn place(&self, value: f64) -> f64 {
        let span = (self.last - self.first) as f64;
        let fraction = (value / self.step - self.first as f64) / span;
        (fraction * 1000.0).round() / 10.0
    }

    fn ticks(&self, unit: Unit) -> Vec<Tick> {
        let mut ticks = Vec::new();
        for i in self.first..=self.last {
            let value = i as f64 * self.step;
            ticks.push(Tick {
                place: self.place(value),
                text: unit.tick(value, self.step),
            });
        }
        ticks
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    for times in [1.0, 2.0, 5.0] {
        if times * power >= least * (1.0 - 1e-9) {
            return times * power;
        }
    }
    10.0 * power
}

fn text(fact: &Fact) -> String {
    let Estimate { value, low, high } = fact.estimate;
    let unit = fact.unit;
    let mut text = format!(
        "{} ({} to {}",
        unit.text(value),
        unit.text(low),
        unit.text(high)
    );
    if let Some(threshold) = fact.threshold {
        text += &format!("; least that counts {}", unit.text(threshold));
    }
    text + ")"
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

    fn drawn(finding: &Finding) -> Vec<Chart> {
        charts(finding, fabricated::summary().thresholds)
    }

    #[test]
    fn every_kind_of_finding_has_its_bars() {
        let table = [
            (
                fabricated::confirmed("horse", "tag"),
                "points A C C, logits B C C",
            ),
            (fabricated::candidate("horse", "tag"), "points A, logits B"),
            (fabricated::data_risk("horse", "tag"), "points A"),
            (fabricated::overlay("horse", "stamp"), "points C, logits C"),
            (fabricated::surroundings("train"), "points C C"),
        ];
        for (finding, expected) in table {
            let mut found = Vec::new();
            for chart in drawn(&finding) {
                let names: Vec<&str> = chart.bars.iter().map(|bar| bar.name).collect();
                found.push(format!("{} {}", chart.unit, names.join(" ")));
            }
            assert_eq!(found.join(", "), expected);
        }
    }

    #[test]
    fn bars_of_a_unit_share_a_scale_with_round_marks() {
        let charts = drawn(&fabricated::confirmed("horse", "tag"));
        let logits = &charts[1];
        let marks: Vec<&str> = logits.ticks.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(marks, ["0", "+1", "+2", "+3", "+4"]);
        assert_eq!(logits.ticks[4].place, 100.0);

        let contrast = &logits.bars[0];
        assert_eq!(
            contrast.text,
            "+0.62 logits (+0.40 logits to +0.84 logits; least that counts +0.15 logits)"
        );
        let places = [contrast.low, contrast.value, contrast.high];
        assert_eq!(places, [10.0, 15.5, 21.0]);
        assert!(
            charts
                .iter()
                .flat_map(|chart| &chart.bars)
                .all(|bar| bar.threshold.is_some())
        );
    }

    #[test]
    fn an_infinite_interval_is_not_drawn() {
        let mut finding = fabricated::candidate("horse", "tag");
        if let Some(contrast) = &mut fabricated::evidence_of(&mut finding).contrast {
            contrast.difference.high = f64::INFINITY;
        }
        assert_eq!(drawn(&finding).len(), 1);
    }

    #[test]
    fn a_trend_needs_two_runs() {
        assert_eq!(spark_line(&[Some(0.5)]), None);
        let line = spark_line(&[Some(0.0), None, Some(1.0)]);
        assert_eq!(line.as_deref(), Some("0.0,19.0 100.0,1.0"));
    }
}
