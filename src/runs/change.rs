//! What became of one finding from one run to another, and why.

use crate::finding::{ChangeState, Finding, Verdict};
use serde::{Deserialize, Serialize};

/// What became of one label and one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub label: String,
    pub region: String,
    pub state: ChangeState,
    /// Verdict of the earlier run; `None` where it has none.
    pub before: Option<Verdict>,
    /// Verdict of the later run; `None` where it has none.
    pub after: Option<Verdict>,
    pub reason: Option<ChangeReason>,
}

/// Why a finding is in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeReason {
    /// The verdict is a different one.
    Verdict,
    /// It was confirmed; the evidence is weaker now, but above the limits for leaving. The next run
    /// compares with a confirmed finding.
    Held,
    LargerEffect,
    SmallerEffect,
    /// The effects are measured in different units.
    OtherUnit,
    /// The region is declared differently.
    Redeclared,
    /// This run has too little evidence.
    Insufficient,
    /// This run does not audit the class or region.
    NotAudited,
    /// The documents of the last run could not be read.
    LastRunUnreadable,
}

impl Change {
    /// The reason in a sentence; empty for a finding that is new or unchanged.
    pub fn why(&self) -> String {
        let Some(reason) = self.reason else {
            return String::new();
        };

        let text = match reason {
            ChangeReason::Verdict => return self.verdicts(),
            ChangeReason::Held => "held: the evidence is weaker, but above the limits for leaving",
            ChangeReason::LargerEffect => "the effect is larger",
            ChangeReason::SmallerEffect => "the effect is smaller",
            ChangeReason::OtherUnit => "the effects are measured in different units",
            ChangeReason::Redeclared => "the region is declared differently",
            ChangeReason::Insufficient => "this run has too little evidence",
            ChangeReason::NotAudited => "this class or region is no longer audited",
            ChangeReason::LastRunUnreadable => "the last run could not be read",
        };
        text.to_owned()
    }

    /// Whether this is the change of a finding.
    pub fn is_of(&self, finding: &Finding) -> bool {
        finding.is_about(&self.label, &self.region)
    }

    fn verdicts(&self) -> String {
        format!("{} became {}", words(self.before), words(self.after))
    }
}

fn words(verdict: Option<Verdict>) -> String {
    verdict.map_or("none".to_owned(), Verdict::words)
}
