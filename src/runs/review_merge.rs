//! The decisions of several reviewers put together; where they disagree, nobody's counts.

use super::review::Decision;
use std::collections::BTreeMap;

/// A file of decisions with its name.
pub struct ReviewFile {
    pub name: String,
    pub decisions: Vec<Decision>,
}

/// What several files amount to.
#[derive(Debug, Default)]
pub struct Merged {
    /// By class and region.
    pub decisions: Vec<Decision>,
    pub conflicts: Vec<Conflict>,
}

/// Different decisions about one class and region: one choice for each file.
#[derive(Debug)]
pub struct Conflict {
    /// With the name of its file.
    pub choices: Vec<(String, Decision)>,
}

/// Puts files together. Decisions agree where decision and last day are the same: the newest of
/// them is kept, with the notes of all.
pub fn merge(files: &[ReviewFile]) -> Merged {
    let mut by_finding: BTreeMap<(&str, &str), Vec<(&str, &Decision)>> = BTreeMap::new();
    for file in files {
        for decision in &file.decisions {
            let finding = (decision.class.as_str(), decision.region.as_str());
            let choices = by_finding.entry(finding).or_default();
            choices.push((&file.name, decision));
        }
    }

    let mut merged = Merged::default();
    for choices in by_finding.into_values() {
        match agreed(&choices) {
            Some(decision) => merged.decisions.push(decision),
            None => merged.conflicts.push(Conflict {
                choices: choices
                    .into_iter()
                    .map(|(name, decision)| (name.to_owned(), decision.clone()))
                    .collect(),
            }),
        }
    }
    merged
}

/// The newest of decisions that agree; `None` where they do not.
fn agreed(choices: &[(&str, &Decision)]) -> Option<Decision> {
    let (_, first) = choices.first()?;
    let mut newest: &Decision = first;
    let mut notes: Vec<&str> = Vec::new();
    for (_, decision) in choices {
        if (decision.decision, &decision.expires) != (first.decision, &first.expires) {
            return None;
        }
        // Times are written in UTC, so that their texts are in order.
        if decision.decided_at > newest.decided_at {
            newest = decision;
        }
        if !decision.note.is_empty() && !notes.contains(&decision.note.as_str()) {
            notes.push(&decision.note);
        }
    }
    Some(Decision {
        note: notes.join(" | "),
        ..newest.clone()
    })
}
