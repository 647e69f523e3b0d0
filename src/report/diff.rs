//! Two runs: what is new, worse, better, gone, unchanged, and what cannot be compared; what a new model learned and unlearned.

use crate::record::FindingRow;
use crate::verdict;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A q-value above which what was confirmed is no longer held.
const LEAVE_Q: f64 = 0.10;

/// States of a finding, in the order in which they are told.
const STATES: [&str; 6] = [
    "new",
    "worse",
    "better",
    "gone",
    "unchanged",
    "not_comparable",
];

const HELD: &str = "held: the proof is weaker tonight, but not gone";

/// What became of one label and one region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub label: String,
    pub region: String,
    /// `new`, `worse`, `better`, `gone`, `unchanged` or `not_comparable`.
    pub state: String,
    /// Verdicts of the two nights; empty where there is none.
    pub before: String,
    pub after: String,
    pub why: String,
    /// It was confirmed, its proof is weaker tonight but not gone: the next night compares with a confirmed one.
    #[serde(default)]
    pub held: bool,
}

/// What two runs were made of differently, by their `run.json`: `version`, `model`, `dataset`, `pipeline`, `engine`. What one of
/// them does not say is no difference; another version may name an equal pipeline otherwise.
pub fn differences(before: &Value, after: &Value) -> Vec<String> {
    let facts = [
        ("version", "tool_version"),
        ("model", "model_hash"),
        ("dataset", "dataset_fingerprint"),
        ("dataset", "content_fingerprint"),
        ("pipeline", "pipeline_hash"),
        ("engine", "engine"),
    ];
    let differs =
        |key: &str| before[key] != after[key] && !before[key].is_null() && !after[key].is_null();
    let mut out: Vec<String> = facts
        .iter()
        .filter(|(_, key)| differs(key))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    out.dedup();
    out
}

/// Two runs in a sentence: what differs between them, and how many findings are in each state. Where nothing but the
/// model differs, it is what the new one learned and unlearned.
pub fn headline(differences: &[String], changes: &[Change]) -> String {
    let counted = |states: &[&str]| -> Vec<(usize, String)> {
        let count = |state: &str| changes.iter().filter(|c| c.state == state).count();
        let counts = states.iter().map(|s| (count(s), s.replace('_', " ")));
        counts.filter(|(n, _)| *n > 0).collect()
    };
    let list = |counts: &[(usize, String)]| {
        counts
            .iter()
            .map(|(n, state)| format!("{n} {state}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let told = if changes.is_empty() {
        "no finding then or now".to_owned()
    } else if differences == ["model"] {
        let group = |verb: &str, states: &[&str]| {
            let counts = counted(states);
            let n: usize = counts.iter().map(|(n, _)| n).sum();
            if n == 0 {
                format!("{verb} nothing")
            } else {
                format!("{verb} {n} ({})", list(&counts))
            }
        };
        let rest = counted(&STATES[4..]);
        let rest = if rest.is_empty() {
            String::new()
        } else {
            format!("; {}", list(&rest))
        };
        format!(
            "the new model {}, {}{rest}",
            group("learned", &STATES[..2]),
            group("unlearned", &STATES[2..4])
        )
    } else {
        list(&counted(&STATES))
    };
    match differences {
        [] => told,
        names => format!("another {}: {told}", names.join(", another ")),
    }
}

/// Compares the findings of two nights, most serious first. `after` has one row for everything that was audited.
pub fn changes(before: &[FindingRow], after: &[FindingRow]) -> Vec<Change> {
    let key = |f: &FindingRow| (f.label.clone(), f.region.clone());
    let serious = |f: &FindingRow| !verdict::more_serious(verdict::DATA_RISK, &f.verdict);
    let old: BTreeMap<_, &FindingRow> = before.iter().map(|f| (key(f), f)).collect();
    let new: BTreeMap<_, &FindingRow> = after.iter().map(|f| (key(f), f)).collect();
    let mut out = Vec::new();
    for f in after {
        let then = old.get(&key(f)).copied();
        if serious(f) || then.is_some_and(serious) {
            let (state, why) = compare(then, f);
            out.push(change(
                f,
                state,
                then.map_or("", |t| &t.verdict),
                &f.verdict,
                why,
            ));
        }
    }
    for f in before
        .iter()
        .filter(|f| serious(f) && !new.contains_key(&key(f)))
    {
        out.push(change(
            f,
            "not_comparable",
            &f.verdict,
            "",
            "this class or region is no longer audited".into(),
        ));
    }
    out
}

fn change(f: &FindingRow, state: &str, before: &str, after: &str, why: String) -> Change {
    let (label, region) = (f.label.clone(), f.region.clone());
    let held = why == HELD;
    Change {
        label,
        region,
        state: state.into(),
        before: before.into(),
        after: after.into(),
        why,
        held,
    }
}

fn compare(then: Option<&FindingRow>, now: &FindingRow) -> (&'static str, String) {
    let serious = |f: &FindingRow| !verdict::more_serious(verdict::DATA_RISK, &f.verdict);
    let Some(then) = then.filter(|t| serious(t)) else {
        return ("new", String::new());
    };
    if then
        .declared
        .as_ref()
        .zip(now.declared.as_ref())
        .is_some_and(|(then, now)| then != now)
    {
        return ("not_comparable", "the region is declared otherwise".into());
    }
    if verdict::more_serious(&now.verdict, &then.verdict) {
        return ("worse", format!("{} became {}", then.verdict, now.verdict));
    }
    if then.verdict == verdict::CONFIRMED && now.verdict == verdict::CANDIDATE && holds(now) {
        return ("unchanged", HELD.into());
    }
    if now.verdict == verdict::INSUFFICIENT {
        return (
            "not_comparable",
            "too little to say anything tonight".into(),
        );
    }
    if !serious(now) {
        return ("gone", format!("{} became {}", then.verdict, now.verdict));
    }
    if then.verdict != now.verdict {
        return ("better", format!("{} became {}", then.verdict, now.verdict));
    }
    // The same verdict: only intervals that do not meet are a change.
    if then.effect_unit != now.effect_unit {
        return ("unchanged", "measured in other ways".into());
    }
    match (interval(then), interval(now)) {
        (Some((_, high)), Some((low, _))) if low > high => ("worse", "the effect is larger".into()),
        (Some((low, _)), Some((_, high))) if high < low => {
            ("better", "the effect is smaller".into())
        }
        _ => ("unchanged", String::new()),
    }
}

/// It enters at q <= 0.05 and leaves at q > 0.10 or at half of the least effect.
fn holds(now: &FindingRow) -> bool {
    let effect = [now.insertion, now.removal]
        .into_iter()
        .flatten()
        .reduce(f64::max);
    now.confirming_q.is_some_and(|q| q <= LEAVE_Q)
        && effect
            .zip(now.causal_least)
            .is_some_and(|(e, least)| e >= least / 2.0)
}

/// The interval of the effect that both nights are compared by.
fn interval(f: &FindingRow) -> Option<(f64, f64)> {
    f.flip_low
        .zip(f.flip_high)
        .or(f.contrast_low.zip(f.contrast_high))
}
