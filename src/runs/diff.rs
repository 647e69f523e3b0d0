//! Two runs compared: which findings are new, worse, better, gone or unchanged, and which cannot be
//! compared; what a new model learned and unlearned.

use super::documents::RunRecord;
use super::verdicts::AuditedPair;
use crate::finding::{ChangeState, Estimate, Finding, RunPart, Verdict};
use std::collections::{BTreeMap, BTreeSet};

pub use super::change::{Change, ChangeReason};

/// A confirmed finding is held up to this q-value. It is confirmed at 0.05: the gap keeps a finding
/// near the limit from changing with every run.
const HOLD_Q_MAX: f64 = 0.10;

/// A confirmed finding is held down to this part of the smallest effect that counts.
const HOLD_EFFECT_SHARE: f64 = 0.5;

type Transition = (ChangeState, Option<ChangeReason>);

/// Compares the findings of two runs.
///
/// A change is listed where one of the runs reports the finding. `unlisted` are the verdicts of the
/// later run on classes and regions that `after` leaves out; it is empty where `after` is complete.
pub fn changes(
    before: &[Finding],
    after: &[Finding],
    unlisted: &BTreeMap<(String, String), AuditedPair>,
) -> Vec<Change> {
    let mut earlier = BTreeMap::new();
    for finding in before {
        earlier.insert(pair(finding), finding);
    }

    let mut changes = Vec::new();
    let mut listed = BTreeSet::new();
    for finding in after {
        let earlier = earlier.get(&pair(finding)).copied();
        listed.insert(pair(finding));
        match earlier {
            Some(earlier) if earlier.verdict.is_reported() => {
                changes.push(listed_change(earlier, finding));
            }
            _ if finding.verdict.is_reported() => changes.push(new_change(earlier, finding)),
            _ => {}
        }
    }

    for finding in before {
        let pair = pair(finding);
        if finding.verdict.is_reported() && !listed.contains(&pair) {
            changes.push(unlisted_change(finding, unlisted.get(&pair)));
        }
    }
    changes
}

fn pair(finding: &Finding) -> (String, String) {
    (finding.label.clone(), finding.region.clone())
}

/// The change of a finding that the earlier run does not report, though it may list it.
fn new_change(before: Option<&Finding>, after: &Finding) -> Change {
    Change {
        label: after.label.clone(),
        region: after.region.clone(),
        state: ChangeState::New,
        before: before.map(|before| before.verdict),
        after: Some(after.verdict),
        reason: None,
    }
}

/// The change of a reported finding that the later run lists.
fn listed_change(before: &Finding, after: &Finding) -> Change {
    let (state, reason) = transition(before, after);
    Change {
        label: after.label.clone(),
        region: after.region.clone(),
        state,
        before: Some(before.verdict),
        after: Some(after.verdict),
        reason,
    }
}

/// The change of a reported finding that the later run does not list.
fn unlisted_change(before: &Finding, after: Option<&AuditedPair>) -> Change {
    let (state, reason) = match after {
        None => (ChangeState::NotComparable, Some(ChangeReason::NotAudited)),
        Some(after) if is_redeclared(before, after.declared.as_deref()) => redeclared(),
        Some(after) => unreported(after.verdict),
    };

    Change {
        label: before.label.clone(),
        region: before.region.clone(),
        state,
        before: Some(before.verdict),
        after: after.map(|after| after.verdict),
        reason,
    }
}

/// The state of a finding that the earlier run reports.
fn transition(before: &Finding, after: &Finding) -> Transition {
    if is_redeclared(before, after.declared.as_deref()) {
        return redeclared();
    }
    if after.verdict < before.verdict {
        return (ChangeState::Worse, Some(ChangeReason::Verdict));
    }
    if is_held(before, after) {
        return (ChangeState::Unchanged, Some(ChangeReason::Held));
    }
    if !after.verdict.is_reported() {
        return unreported(after.verdict);
    }
    if after.verdict != before.verdict {
        return (ChangeState::Better, Some(ChangeReason::Verdict));
    }
    effect_change(before, after)
}

fn is_redeclared(before: &Finding, after: Option<&str>) -> bool {
    match (before.declared.as_deref(), after) {
        (Some(before), Some(after)) => before != after,
        _ => false,
    }
}

fn redeclared() -> Transition {
    (ChangeState::NotComparable, Some(ChangeReason::Redeclared))
}

/// The state of a finding that is no longer reported.
fn unreported(verdict: Verdict) -> Transition {
    if verdict == Verdict::Insufficient {
        (ChangeState::NotComparable, Some(ChangeReason::Insufficient))
    } else {
        (ChangeState::Gone, Some(ChangeReason::Verdict))
    }
}

/// Whether a confirmed finding counts as confirmed although its evidence is weaker.
fn is_held(before: &Finding, after: &Finding) -> bool {
    if before.verdict != Verdict::Confirmed || after.verdict != Verdict::Candidate {
        return false;
    }
    let Some(evidence) = after.confounder() else {
        return false;
    };
    let Some(intervention) = &evidence.intervention else {
        return false;
    };

    // Each side by its own p-value and its own effect.
    let effect_min = HOLD_EFFECT_SHARE * intervention.min_effect;
    let holds = |q: Option<f64>, margin: Option<Estimate>| {
        q.is_some_and(|q| q <= HOLD_Q_MAX) && margin.is_some_and(|m| m.value >= effect_min)
    };
    holds(
        evidence.insertion_q,
        intervention.insertion.map(|e| e.margin),
    ) || holds(evidence.removal_q, intervention.removal.map(|e| e.margin))
}

/// The state of a finding with the same verdict: only disjoint intervals are a change.
fn effect_change(before: &Finding, after: &Finding) -> Transition {
    if before.effect_unit != after.effect_unit {
        return (ChangeState::Unchanged, Some(ChangeReason::OtherUnit));
    }

    match (before.interval(), after.interval()) {
        (Some((_, high)), Some((low, _))) if low > high => {
            (ChangeState::Worse, Some(ChangeReason::LargerEffect))
        }
        (Some((low, _)), Some((_, high))) if high < low => {
            (ChangeState::Better, Some(ChangeReason::SmallerEffect))
        }
        _ => (ChangeState::Unchanged, None),
    }
}

/// What two runs differ in.
pub fn differences(before: &RunRecord, after: &RunRecord) -> Vec<RunPart> {
    let mut parts = Vec::new();
    for part in RunPart::ALL {
        if differs(*part, before, after) {
            parts.push(*part);
        }
    }
    parts
}

fn differs(part: RunPart, before: &RunRecord, after: &RunRecord) -> bool {
    let (earlier, later) = (&before.facts, &after.facts);
    match part {
        RunPart::Version => before.tool_version != after.tool_version,
        RunPart::Model => earlier.model_hash != later.model_hash,
        RunPart::Dataset => {
            earlier.dataset_fingerprint != later.dataset_fingerprint
                || earlier.content_fingerprint != later.content_fingerprint
        }
        RunPart::Pipeline => before.identity.pipeline_hash != after.identity.pipeline_hash,
        RunPart::Engine => earlier.engine != later.engine,
    }
}

/// Two runs in a sentence: what they differ in, and how many findings are in each state.
///
/// Where only the model differs, the sentence says what the new model learned and unlearned.
pub fn headline(differences: &[RunPart], changes: &[Change]) -> String {
    let outcome = if changes.is_empty() {
        "no finding in either run".to_owned()
    } else if differences == [RunPart::Model] {
        learned(changes)
    } else {
        counts(ChangeState::ALL, changes).text
    };

    if differences.is_empty() {
        return outcome;
    }
    let parts: Vec<&str> = differences.iter().map(|part| part.name()).collect();
    format!("another {}: {outcome}", parts.join(", another "))
}

fn learned(changes: &[Change]) -> String {
    let learned = counts(&[ChangeState::New, ChangeState::Worse], changes);
    let unlearned = counts(&[ChangeState::Better, ChangeState::Gone], changes);
    let others = counts(
        &[ChangeState::Unchanged, ChangeState::NotComparable],
        changes,
    );

    let mut sentence = format!(
        "the new model learned {}, unlearned {}",
        learned.total_and_text(),
        unlearned.total_and_text()
    );
    if others.total > 0 {
        sentence += &format!("; {}", others.text);
    }
    sentence
}

/// Numbers of changes in some states.
struct Counts {
    total: usize,
    /// As "2 new, 1 worse"; states without a change are left out.
    text: String,
}

impl Counts {
    fn total_and_text(&self) -> String {
        if self.total == 0 {
            "nothing".to_owned()
        } else {
            format!("{} ({})", self.total, self.text)
        }
    }
}

fn counts(states: &[ChangeState], changes: &[Change]) -> Counts {
    let mut total = 0;
    let mut parts = Vec::new();
    for state in states {
        let count = changes
            .iter()
            .filter(|change| change.state == *state)
            .count();
        if count > 0 {
            total += count;
            parts.push(format!("{count} {}", state.name().replace('_', " ")));
        }
    }

    Counts {
        total,
        text: parts.join(", "),
    }
}
