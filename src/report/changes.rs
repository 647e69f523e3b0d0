//! What became of findings since the last run, in words.

use crate::finding::{ChangeState, RunPart};
use crate::runs::diff::{Change, ChangeReason};

/// Why a finding is in its state; empty where the state says it all.
pub fn change_text(change: &Change) -> String {
    let Some(reason) = &change.reason else {
        return String::new();
    };

    let text = match reason {
        ChangeReason::Verdict => return became(change),
        ChangeReason::Held => {
            "the evidence is weaker than in the last run, but strong enough to stay confirmed"
        }
        ChangeReason::LargerEffect => "the effect is larger",
        ChangeReason::SmallerEffect => "the effect is smaller",
        ChangeReason::OtherUnit => "the effect is measured in another unit",
        ChangeReason::Redeclared => "the region is declared differently",
        ChangeReason::Insufficient => "this run has insufficient data for a verdict",
        ChangeReason::NotAudited => "this run does not audit the class or region",
        ChangeReason::LastRunUnreadable => "the last run could not be read",
    };
    text.to_owned()
}

fn became(change: &Change) -> String {
    match (change.before, change.after) {
        (Some(before), Some(after)) => format!("{} became {}", before.words(), after.words()),
        _ => String::new(),
    }
}

/// What differs between two runs, and how many findings are in each state.
///
/// Where only the model differs, it is what the new model learned and unlearned.
pub fn comparison(differences: &[RunPart], changes: &[Change]) -> String {
    let counts = if changes.is_empty() {
        "no finding in either run".to_owned()
    } else if differences == [RunPart::Model] {
        learned(changes)
    } else {
        state_counts(changes, ChangeState::ALL).1
    };

    if differences.is_empty() {
        return counts;
    }
    let parts: Vec<String> = differences
        .iter()
        .map(|part| format!("another {part}"))
        .collect();
    format!("{}: {counts}", parts.join(", "))
}

fn learned(changes: &[Change]) -> String {
    let groups = [
        ("learned", [ChangeState::New, ChangeState::Worse]),
        ("unlearned", [ChangeState::Better, ChangeState::Gone]),
    ];
    let mut parts = Vec::new();
    for (verb, states) in groups {
        match state_counts(changes, &states) {
            (0, _) => parts.push(format!("{verb} nothing")),
            (total, counts) => parts.push(format!("{verb} {total} ({counts})")),
        }
    }

    let text = format!("the new model {}", parts.join(", "));
    let others = [ChangeState::Unchanged, ChangeState::NotComparable];
    match state_counts(changes, &others) {
        (0, _) => text,
        (_, counts) => format!("{text}; {counts}"),
    }
}

/// The number of changes in any of the states, and the count of each that occurs.
fn state_counts(changes: &[Change], states: &[ChangeState]) -> (usize, String) {
    let mut total = 0;
    let mut parts = Vec::new();
    for &state in states {
        let count = changes.iter().filter(|c| c.state == state).count();
        total += count;
        if count > 0 {
            parts.push(format!("{count} {}", state.name().replace('_', " ")));
        }
    }
    (total, parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::change;
    use super::*;
    use crate::finding::Verdict;

    #[test]
    fn a_change_says_why() {
        let mut worse = change("horse", "tag", ChangeState::Worse);
        assert_eq!(change_text(&worse), "");

        worse.reason = Some(ChangeReason::Verdict);
        worse.before = Some(Verdict::ModelShortcut);
        worse.after = Some(Verdict::Confirmed);
        assert_eq!(change_text(&worse), "model shortcut became confirmed");
    }

    #[test]
    fn a_comparison_counts_the_states() {
        let changes = [
            change("horse", "tag", ChangeState::New),
            change("train", "tag", ChangeState::Gone),
            change("car", "tag", ChangeState::NotComparable),
        ];
        let table: [(&[RunPart], &[Change], &str); 4] = [
            (&[], &[], "no finding in either run"),
            (&[], &changes, "1 new, 1 gone, 1 not comparable"),
            (
                &[RunPart::Model, RunPart::Dataset],
                &changes[2..],
                "another model, another dataset: 1 not comparable",
            ),
            (
                &[RunPart::Model],
                &changes,
                "another model: the new model learned 1 (1 new), unlearned 1 (1 gone); \
                 1 not comparable",
            ),
        ];
        for (differences, changes, expected) in table {
            assert_eq!(comparison(differences, changes), expected);
        }
    }
}
