//! How a run ends: the findings that `--fail-on` names, and the exit code that follows.

use super::exit_code::ExitCode;
use crate::finding::{Finding, Verdict};
use crate::report;
use crate::runs::documents::{Changes, Summary};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct FailOnArgs {
    /// Exit with code 1 where a finding has this verdict or a more serious one
    #[arg(long, value_enum, value_name = "VERDICT", default_value_t = FailOn::Never)]
    fail_on: FailOn,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Confirmed, and not so in the last run
    NewConfirmed,
    /// Shown by changing the pixels
    Confirmed,
    /// An overlay that the dataset need not have raises a class
    ModelShortcut,
    /// In the data, and the model's evidence rises with it
    Candidate,
    /// In the data
    DataRisk,
    Never,
}

/// The exit code of a run and the message that goes with it.
pub struct Ending {
    pub code: ExitCode,
    pub message: Option<String>,
    /// Label and region of the findings that `--fail-on` names.
    pub failing: Vec<(String, String)>,
}

impl FailOnArgs {
    /// The ending of a finished run; `refused` says why it must not be relied on.
    pub fn ending(&self, summary: &Summary, changes: &Changes, refused: Option<&str>) -> Ending {
        let named = self.named(summary, changes);
        let mut failing = Vec::new();
        for finding in &named {
            failing.push((finding.label.clone(), finding.region.clone()));
        }

        let (code, message) = if let Some(refused) = refused {
            (ExitCode::TooManySkipped, Some(refused.to_owned()))
        } else if failing.is_empty() {
            (ExitCode::Clean, None)
        } else {
            (ExitCode::Findings, Some(self.message(failing.len())))
        };
        Ending {
            code,
            message,
            failing,
        }
    }

    /// The name of the verdict, as it is typed.
    pub fn name(&self) -> String {
        let value = self.fail_on.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn named<'f>(&self, summary: &'f Summary, changes: &Changes) -> Vec<&'f Finding> {
        match self.fail_on.verdict() {
            Some(verdict) => report::open_findings(&summary.findings, verdict),
            None if self.fail_on == FailOn::NewConfirmed => {
                changes.newly_confirmed(&summary.findings)
            }
            None => Vec::new(),
        }
    }

    fn message(&self, count: usize) -> String {
        let findings = if count == 1 {
            "finding is"
        } else {
            "findings are"
        };
        let what = match self.fail_on.verdict() {
            Some(verdict) => format!("at or above {verdict}"),
            None => "confirmed since the last run".to_owned(),
        };
        format!("{count} {findings} {what} (--fail-on)")
    }
}

impl FailOn {
    /// The least serious verdict that is named; `None` where the verdict alone does not decide.
    fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Confirmed => Some(Verdict::Confirmed),
            Self::ModelShortcut => Some(Verdict::ModelShortcut),
            Self::Candidate => Some(Verdict::Candidate),
            Self::DataRisk => Some(Verdict::DataRisk),
            Self::NewConfirmed | Self::Never => None,
        }
    }
}
