//! `camaudit review`: the findings of a run with their decisions, or a new decision.

use super::output::{eprint, print, printable, table};
use super::run_arg::run_folder;
use crate::error::{Error, Result};
use crate::finding::{Finding, ReviewDecision};
use crate::runs::clock;
use crate::runs::review::{self, Decision};
use crate::runs::{RunDocuments, open_finished};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct ReviewArgs {
    /// Folder of a finished run
    #[arg(value_parser = run_folder())]
    run: PathBuf,
    /// Decisions to read and write [default: what the pipeline reads, else RUN/review.csv]
    #[arg(long, value_name = "CSV")]
    file: Option<PathBuf>,
    /// Class of the finding to decide
    #[arg(long, requires = "decision", requires = "region")]
    class: Option<String>,
    /// Region of the finding to decide
    #[arg(long, requires = "class")]
    region: Option<String>,
    /// The decision
    #[arg(long, requires = "class", value_parser = decision_names())]
    decision: Option<String>,
    /// Reason of the decision
    #[arg(long, requires = "decision", default_value = "")]
    note: String,
    /// Last day on which the decision holds, as 2027-01-31
    #[arg(long, requires = "decision", value_name = "DAY")]
    expires: Option<jiff::civil::Date>,
}

fn decision_names() -> Vec<&'static str> {
    let all = ReviewDecision::ALL.iter();
    all.map(|decision| decision.name()).collect()
}

/// Lists the findings of a run with their decisions, or sets one.
///
/// # Errors
/// When the run's documents or the decisions cannot be read, or there is no such finding.
pub fn review(args: &ReviewArgs) -> Result<()> {
    let run = open_finished(&args.run)?;
    let today = clock::today();
    if let Some(day) = args.expires.filter(|day| *day < today) {
        return Err(Error::new(format!(
            "--expires {day} is over: name today or a later day"
        )));
    }
    let file = decisions_file(args, &run);
    let reported = run.summary.findings.iter();
    let reported: Vec<&Finding> = reported.filter(|f| f.verdict.is_reported()).collect();
    let mut decisions = review::read(&file)?;

    if let (Some(class), Some(region), Some(decision)) = (&args.class, &args.region, &args.decision)
    {
        let finding = find(&reported, class, region)?;
        let decision = decision.parse().map_err(Error::new)?;
        decisions.retain(|d| (&d.class, &d.region) != (class, region));
        decisions.push(new_decision(args, finding, decision));
        review::write(&file, &mut decisions)?;
        if args.file.is_none() && run.record.decisions.is_none() {
            eprint(&format!(
                "note: no later run reads this file: the pipeline names no [review] decisions ({})",
                printable(&file.display().to_string())
            ));
        }
    }

    let header = ["verdict", "class", "region", "decision", "note"];
    print(&table(header, reported.iter().map(|f| row(f, &decisions))))
}

fn decisions_file(args: &ReviewArgs, run: &RunDocuments) -> PathBuf {
    if let Some(file) = &args.file {
        return file.clone();
    }
    match &run.record.decisions {
        Some(file) => PathBuf::from(file),
        None => args.run.join("review.csv"),
    }
}

fn find<'f>(findings: &[&'f Finding], class: &str, region: &str) -> Result<&'f Finding> {
    let found = findings.iter().find(|f| f.is_about(class, region));
    found.copied().ok_or_else(|| {
        let known: Vec<String> = findings
            .iter()
            .map(|f| format!("{} / {}", f.label, f.region))
            .collect();
        Error::new(format!(
            "there is no finding {class} / {region}; this run has {}",
            known.join(", ")
        ))
    })
}

fn new_decision(args: &ReviewArgs, finding: &Finding, decision: ReviewDecision) -> Decision {
    Decision {
        class: finding.label.clone(),
        region: finding.region.clone(),
        decision,
        note: args.note.clone(),
        verdict: Some(finding.verdict),
        effect: finding.effect,
        unit: Some(finding.effect_unit),
        declared: finding.declared.clone().unwrap_or_default(),
        expires: args.expires.map_or(String::new(), |day| day.to_string()),
    }
}

fn row(finding: &Finding, decisions: &[Decision]) -> [String; 5] {
    let mut of_finding = decisions.iter();
    let decision = of_finding.find(|d| finding.is_about(&d.class, &d.region));
    [
        finding.verdict.name().to_owned(),
        finding.label.clone(),
        finding.region.clone(),
        decision.map_or("-".to_owned(), |d| d.decision.name().to_owned()),
        decision.map_or(String::new(), |d| d.note.clone()),
    ]
}
