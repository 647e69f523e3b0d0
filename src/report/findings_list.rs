//! The list at the head of the report: one line for each reported finding.

use super::cards::Card;
use super::sentences::sentence;
use crate::finding::{ChangeState, EffectUnit, FindingKind, ReviewDecision, Severity, Verdict};
use serde::Serialize;

/// The line of a finding. It is in the page without scripts, and names the card.
#[derive(Serialize)]
pub struct FindingLine<'a> {
    anchor: &'a str,
    label: &'a str,
    region: &'a str,
    kind: FindingKind,
    verdict: Verdict,
    severity: Option<Severity>,
    severity_words: Option<&'a str>,
    /// The effect with its unit.
    number: String,
    change: Option<ChangeState>,
    /// What was decided in earlier runs.
    decision: Option<&'static str>,
    sentence: String,
    is_open: bool,
}

/// The lines of the cards, in their order.
pub fn finding_lines<'a>(cards: &'a [Card<'_>]) -> Vec<FindingLine<'a>> {
    let mut lines = Vec::new();
    for card in cards {
        let decision = card.finding.review.decision;
        lines.push(FindingLine {
            anchor: &card.anchor,
            label: card.label,
            region: card.region,
            kind: card.kind,
            verdict: card.verdict,
            severity: card.severity,
            severity_words: card.severity_words.as_deref(),
            number: number(card.effect, card.effect_unit),
            change: card.change.as_ref().map(|change| change.state),
            decision: decision.map(ReviewDecision::name),
            sentence: sentence(card.finding),
            is_open: card.is_open,
        });
    }
    lines
}

/// An effect with its unit.
pub fn number(effect: Option<f64>, unit: EffectUnit) -> String {
    match (effect, unit) {
        (None, _) => "no effect measured".to_owned(),
        (Some(effect), EffectUnit::Fraction) => format!("{:.0} %", 100.0 * effect),
        (Some(effect), EffectUnit::Logit) => format!("{effect:+.2} logits"),
    }
}
