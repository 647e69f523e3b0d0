//! The facts A, B and C of a finding as they are drawn: estimate, unit, what it was counted on, and
//! the least that counts.

use super::text::thousands;
use crate::finding::{
    ConfounderEvidence, Estimate, Finding, FindingEvidence, Intervention, OverlayEvidence,
    PropertyEvidence, PropertyTrial, ShamChange, SurroundingsEvidence,
};
use crate::runs::documents::RateThresholds;

/// What is drawn as a bar.
pub struct Fact {
    pub name: &'static str,
    pub title: &'static str,
    pub estimate: Estimate,
    pub unit: Unit,
    /// What it was counted on.
    pub basis: String,
    /// The least that counts.
    pub threshold: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A difference of fractions, shown in percentage points.
    Points,
    Logits,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Logits => "logits",
        }
    }

    pub fn text(self, value: f64) -> String {
        match self {
            Self::Points => format!("{:+.0} points", 100.0 * value),
            Self::Logits => format!("{value:+.2} logits"),
        }
    }

    /// The text of a mark at `value` of an axis with marks `step` apart.
    pub fn tick(self, value: f64, step: f64) -> String {
        let (value, step) = match self {
            Self::Points => (100.0 * value, 100.0 * step),
            Self::Logits => (value, step),
        };
        if value.abs() < 1e-9 {
            return "0".to_owned();
        }
        let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:+.decimals$}")
    }

    /// An axis is at least this long.
    pub fn span_min(self) -> f64 {
        match self {
            Self::Points => 0.05,
            Self::Logits => 0.05,
        }
    }
}

impl Fact {
    /// All values that the axis must hold.
    pub fn marks(&self) -> [f64; 4] {
        let Estimate { value, low, high } = self.estimate;
        [value, low, high, self.threshold.unwrap_or(0.0)]
    }
}

/// The facts of a finding.
pub fn facts(finding: &Finding, thresholds: Option<RateThresholds>) -> Vec<Fact> {
    match &finding.evidence {
        FindingEvidence::Confounder(evidence) => confounder(evidence, thresholds),
        FindingEvidence::Overlay(evidence) => overlay(evidence),
        FindingEvidence::Surroundings(evidence) => surroundings(evidence, thresholds),
        FindingEvidence::Property(evidence) => property(evidence, thresholds),
    }
}

fn confounder(evidence: &ConfounderEvidence, thresholds: Option<RateThresholds>) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(association) = evidence.association {
        let (class, others) = (association.in_class, association.in_others);
        facts.push(Fact {
            name: "A",
            title: "in the data: more frequent with this class",
            estimate: association.difference,
            unit: Unit::Points,
            basis: format!(
                "in {} of {} groups of the class, {} of {} of all others",
                thousands(class.present),
                thousands(class.groups),
                thousands(others.present),
                thousands(others.groups)
            ),
            threshold: thresholds.map(|least| least.association),
        });
    }
    if let Some(contrast) = evidence.contrast {
        // The association of a found region counts the other half of the groups.
        let present = evidence.association.map(|a| a.in_class.present);
        let of = match present.filter(|present| *present >= contrast.present) {
            Some(present) => format!(" of {}", thousands(present)),
            None => String::new(),
        };
        facts.push(Fact {
            name: "B",
            title: "evidence at its place, with it against without it",
            estimate: contrast.difference,
            unit: Unit::Logits,
            basis: format!(
                "on {}{of} groups with it, against {} without it: the screening half; the rest is \
                 kept for C",
                thousands(contrast.present),
                thousands(contrast.absent)
            ),
            threshold: Some(contrast.min_effect),
        });
    }
    if let Some(intervention) = &evidence.intervention {
        facts.extend(interventions(intervention, thresholds));
    }
    facts
}

fn interventions(intervention: &Intervention, thresholds: Option<RateThresholds>) -> Vec<Fact> {
    let rate_min = thresholds.map(|least| least.intervention);
    let least = Some(intervention.min_effect);
    let mut facts = Vec::new();
    let mut add = |title, estimate, unit, basis: &str, threshold| {
        facts.push(Fact {
            name: "C",
            title,
            estimate,
            unit,
            basis: basis.to_owned(),
            threshold,
        });
    };

    if let Some(effect) = intervention.insertion {
        let [flips, control] = effect.predicted;
        let on = format!("on {} images of other classes", thousands(effect.images));
        let rates = format!("{on}: {flips} with it, {control} with a control");
        let title = "pasted: images predicted as the class, net";
        add(title, effect.rate, Unit::Points, &rates, rate_min);
        let title = "pasted: margin of the class against the strongest control";
        add(title, effect.margin, Unit::Logits, &on, least);
    }
    if let Some(effect) = intervention.removal {
        let on = format!(
            "on {} images of the class that show it",
            thousands(effect.images)
        );
        let title = "filled in: recall lost, net";
        add(title, effect.rate, Unit::Points, &on, rate_min);
        let title = "filled in: margin of the class lost, net";
        add(title, effect.margin, Unit::Logits, &on, least);
    }
    facts
}

fn overlay(evidence: &OverlayEvidence) -> Vec<Fact> {
    let rate = match evidence.top_k {
        None | Some(1) => "laid over: images predicted as the class, net",
        Some(_) => "laid over: images with the class among the highest, net",
    };
    let on = format!("on {} images of all classes", thousands(evidence.hosts));
    let [entries, control] = evidence.entries;
    vec![
        Fact {
            name: "C",
            title: rate,
            estimate: evidence.rate,
            unit: Unit::Points,
            basis: format!("{on}: {entries} with it, {control} with a control"),
            threshold: Some(evidence.thresholds.rate),
        },
        Fact {
            name: "C",
            title: "laid over: rise of the logit against the stronger control",
            estimate: evidence.rise,
            unit: Unit::Logits,
            basis: on,
            threshold: Some(evidence.min_effect),
        },
    ]
}

fn property(evidence: &PropertyEvidence, thresholds: Option<RateThresholds>) -> Vec<Fact> {
    let (class, others) = (
        evidence.association.in_class,
        evidence.association.in_others,
    );
    let mut facts = vec![Fact {
        name: "A",
        title: "in the data: more frequent with this class",
        estimate: evidence.association.difference,
        unit: Unit::Points,
        basis: format!(
            "the half of the groups that the rule was not found on; in all, {} of {} groups of the \
             class, {} of {} of all others",
            thousands(class.present),
            thousands(class.groups),
            thousands(others.present),
            thousands(others.groups)
        ),
        threshold: thresholds.map(|least| least.association),
    }];
    if let PropertyTrial::Tested { usage, .. } = &evidence.test {
        let [changed, _] = usage.predicted;
        let control = usage.control.map_or("only saved again", ShamChange::name);
        facts.push(Fact {
            name: "C",
            title: "changed to follow the rule: images predicted as the class, net",
            estimate: usage.rate,
            unit: Unit::Points,
            basis: format!(
                "on {} images of other classes: {changed} changed, {} {control}",
                thousands(usage.hosts),
                usage.control_predicted
            ),
            threshold: thresholds.map(|least| least.intervention),
        });
    }
    facts
}

fn surroundings(evidence: &SurroundingsEvidence, thresholds: Option<RateThresholds>) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(rate) = evidence.rate {
        facts.push(Fact {
            name: "C",
            title: "objects filled in: still predicted as the class",
            estimate: rate,
            unit: Unit::Points,
            basis: format!("{} of {} images", evidence.kept, evidence.images),
            threshold: thresholds.map(|least| least.kept),
        });
    }
    if let Some(net) = evidence.net {
        facts.push(Fact {
            name: "C",
            title: "the same, less the rate at which filled images of other labels are predicted \
                    so",
            estimate: net,
            unit: Unit::Points,
            basis: format!("on {} images", evidence.images),
            threshold: thresholds.map(|least| least.kept / 2.0),
        });
    }
    facts
}
