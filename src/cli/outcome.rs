//! The end of a run: the result on stdout, metrics, the `on_finish` command, the last line, the
//! exit code.

use super::ci_files::{CiArgs, Ended};
use super::ending::{Ending, FailOnArgs};
use super::exit_code::ExitCode;
use super::output::{eprint_end, paragraph, print, printable, terminal_width};
use super::progress::{ProgressArgs, log_error, log_event};
use crate::audit::Outcome;
use crate::error::{Error, Result};
use crate::finding::Verdict;
use crate::plan::Run;
use crate::report::{self, RunOutcome};
use crate::runs::{clock, write_file};
use console::Style;
use serde_json::json;
use std::process::Command;

/// Reports the end of a run, whatever it is.
///
/// # Errors
/// The run's own error; a hook that failed after a clean run.
pub fn finish(
    result: Result<(Run, Outcome)>,
    fail_on: &FailOnArgs,
    ci: &CiArgs,
    progress: &ProgressArgs,
) -> Result<ExitCode> {
    let ended = result.and_then(|(plan, outcome)| {
        print_outcome(&outcome)?;
        let refused = outcome.refused.as_deref();
        let ending = fail_on.ending(&outcome.summary, &outcome.changes, refused);
        let ended = Ended {
            folder: &outcome.folder,
            record: &outcome.record,
            summary: &outcome.summary,
            ending: &ending,
        };
        let ci_files = ci.write(&ended, fail_on);
        if let Err(e) = call_hooks(&plan, &outcome, ending.code, ci_files) {
            // Findings weigh more than a hook that failed.
            if ending.code == ExitCode::Clean {
                return Err(e);
            }
            progress.observer().warning(&e.to_string());
        }
        Ok((outcome, ending))
    });

    if progress.is_json() {
        return Ok(log_ending(&ended));
    }
    let (outcome, ending) = ended?;
    match ending.message {
        Some(message) => eprint_end(&message),
        // For those who keep stderr only; in a terminal the result stands right above.
        None if !console::Term::stderr().is_term() => eprint_end(&format!(
            "{}; {}",
            report::headline(&outcome.summary),
            report::upshot(&outcome.summary)
        )),
        None => {}
    }
    Ok(ending.code)
}

fn print_outcome(outcome: &Outcome) -> Result<()> {
    let summary = &outcome.summary;
    let headline = format!(
        "{}; {:.0} images/s",
        printable(&report::headline(summary)),
        outcome.record.images_per_s
    );
    print(&format!(
        "{}\n\n{}{}{}\n",
        coloured(&report::terminal(summary, terminal_width())),
        paragraph(&headline),
        paragraph(&report::upshot(summary)),
        printable(&outcome.folder.join("report.html").display().to_string())
    ))
}

/// The verdicts at the head of lines in colour, where stdout is a terminal and `NO_COLOR` is not
/// set.
fn coloured(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let word = line.split([' ', ':']).next().unwrap_or_default();
        let style = match word.parse() {
            Ok(Verdict::Confirmed | Verdict::ModelShortcut) => Style::new().red().bold(),
            Ok(Verdict::Candidate) => Style::new().yellow().bold(),
            Ok(Verdict::DataRisk) => Style::new().cyan().bold(),
            _ => Style::new(),
        };
        lines.push(format!("{}{}", style.apply_to(word), &line[word.len()..]));
    }
    lines.join("\n")
}

/// Writes the metrics and starts the command, whatever the outcome and whatever becomes of the
/// other; a failure of the files for continuous integration is told with theirs.
fn call_hooks(plan: &Run, outcome: &Outcome, code: ExitCode, ci_files: Result<()>) -> Result<()> {
    let open = report::open_at_or_above(&outcome.summary.findings, Verdict::Candidate);
    let hooks = [
        ci_files,
        write_metrics(plan, outcome, open, code),
        call_on_finish(plan, outcome, open, code),
    ];
    let mut failed = Vec::new();
    for hook in hooks {
        if let Err(e) = hook {
            failed.push(e.to_string());
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "the run is finished, but {}",
        failed.join("; ")
    )))
}

fn write_metrics(plan: &Run, outcome: &Outcome, open: usize, code: ExitCode) -> Result<()> {
    let Some(file) = &plan.metrics else {
        return Ok(());
    };
    let text = report::prometheus(
        &outcome.record,
        RunOutcome {
            open_findings: open,
            exit_code: code.number(),
            finished_at_s: clock::now().as_second(),
        },
    );
    write_file(file, text.as_bytes()).map_err(|e| Error::new(format!("run.metrics: {e}")))
}

fn call_on_finish(plan: &Run, outcome: &Outcome, open: usize, code: ExitCode) -> Result<()> {
    let Some((program, arguments)) = plan.on_finish.split_first() else {
        return Ok(());
    };
    let started = Command::new(program)
        .args(arguments)
        .env("CAMAUDIT_RUN", &outcome.folder)
        .env("CAMAUDIT_OPEN", open.to_string())
        .env("CAMAUDIT_HEADLINE", report::headline(&outcome.summary))
        .env("CAMAUDIT_UPSHOT", report::upshot(&outcome.summary))
        .env("CAMAUDIT_EXIT", code.number().to_string())
        .status();
    match started {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::new(format!(
            "run.on_finish ({program}) ended with {status}"
        ))),
        Err(e) => Err(Error::new(format!(
            "failed to start run.on_finish ({program}): {e}"
        ))),
    }
}

/// The last event of the JSON log.
fn log_ending(ended: &Result<(Outcome, Ending)>) -> ExitCode {
    match ended {
        Ok((outcome, ending)) => {
            let record = &outcome.record;
            log_event(json!({
                "event": "finish",
                "run_id": record.identity.run_id,
                "audit_id": record.identity.audit_id,
                "folder": outcome.folder.display().to_string(),
                "counts": record.facts.counts,
                "message": ending.message,
                "exit_code": ending.code.number(),
            }));
            ending.code
        }
        Err(error) => log_error(error),
    }
}
