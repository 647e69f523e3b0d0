//! `camaudit review`: the findings of a run with their decisions, or a new decision.

use super::exit_code::ExitCode;
use super::output::{eprint, print, printable, table};
use super::run_arg::run_folder;
use crate::error::{Error, Result};
use crate::finding::{Finding, ReviewDecision};
use crate::runs::clock;
use crate::runs::review::{self, Decision};
use crate::runs::review_merge::{ReviewFile, merge};
use crate::runs::{RunDocuments, open_finished};
use clap::Args;
use std::path::{Path, PathBuf};

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
    /// Who decides [default: the user's name]
    #[arg(long, requires = "decision", value_name = "NAME")]
    reviewer: Option<String>,
    /// Add the decisions of other files; where files disagree, the decision is left out and the
    /// exit code is 1
    #[arg(long, value_name = "CSV", num_args = 1.., conflicts_with = "class")]
    merge: Vec<PathBuf>,
}

fn decision_names() -> Vec<&'static str> {
    let all = ReviewDecision::ALL.iter();
    all.map(|decision| decision.name()).collect()
}

/// Lists the findings of a run with their decisions, or sets one, or merges files of decisions.
///
/// # Errors
/// When the run's documents or the decisions cannot be read, or there is no such finding.
pub fn review(args: &ReviewArgs) -> Result<ExitCode> {
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
    if !args.merge.is_empty() {
        return merge_files(&args.merge, &file, decisions);
    }

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

    let header = ["verdict", "class", "region", "decision", "reviewer", "note"];
    print(&table(header, reported.iter().map(|f| row(f, &decisions))))?;
    Ok(ExitCode::Clean)
}

/// Adds the decisions of `others` to the file, and lists those that files disagree about.
fn merge_files(others: &[PathBuf], file: &Path, own: Vec<Decision>) -> Result<ExitCode> {
    let mut files = vec![ReviewFile {
        name: file.display().to_string(),
        decisions: own,
    }];
    for other in others {
        if !other.exists() {
            return Err(Error::new(format!("{}: no such file", other.display())));
        }
        files.push(ReviewFile {
            name: other.display().to_string(),
            decisions: review::read(other)?,
        });
    }

    let mut merged = merge(&files);
    let (agreed, conflicts) = (merged.decisions.len(), merged.conflicts.len());
    review::write(file, &mut merged.decisions)?;
    print(&format!(
        "{agreed} decisions, {conflicts} conflicts\n{}\n",
        printable(&file.display().to_string())
    ))?;
    if conflicts == 0 {
        return Ok(ExitCode::Clean);
    }

    let header = [
        "class",
        "region",
        "decision",
        "reviewer",
        "decided at",
        "note",
        "file",
    ];
    let choices = merged
        .conflicts
        .iter()
        .flat_map(|conflict| &conflict.choices);
    print(&table(
        header,
        choices.map(|(name, choice)| conflict_row(name, choice)),
    ))?;
    eprint("note: these are decided by nobody now; decide each with --class, --region, --decision");
    Ok(ExitCode::Findings)
}

fn conflict_row(file: &str, choice: &Decision) -> [String; 7] {
    [
        choice.class.clone(),
        choice.region.clone(),
        choice.decision.name().to_owned(),
        choice.reviewer.clone(),
        choice.decided_at.clone(),
        choice.note.clone(),
        file.to_owned(),
    ]
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
        reviewer: args.reviewer.clone().unwrap_or_else(user),
        decided_at: clock::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}

/// The name of the user, as the system has it; empty where it has none.
fn user() -> String {
    let names = ["USER", "LOGNAME", "USERNAME"];
    let mut known = names.iter().filter_map(|name| std::env::var(name).ok());
    known.find(|name| !name.is_empty()).unwrap_or_default()
}

fn row(finding: &Finding, decisions: &[Decision]) -> [String; 6] {
    let mut of_finding = decisions.iter();
    let decision = of_finding.find(|d| finding.is_about(&d.class, &d.region));
    [
        finding.verdict.name().to_owned(),
        finding.label.clone(),
        finding.region.clone(),
        decision.map_or("-".to_owned(), |d| d.decision.name().to_owned()),
        decision.map_or(String::new(), |d| d.reviewer.clone()),
        decision.map_or(String::new(), |d| d.note.clone()),
    ]
}
