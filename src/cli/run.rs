//! `camaudit run`

use super::progress::{Bar, JsonLog, Quiet};
use super::{PipelineArgs, print, printable, terminal_width};
use crate::audit::{self, Observer, Outcome};
use crate::error::Error;
use crate::plan;
use crate::report;
use crate::store;
use crate::verdict;
use bytesize::ByteSize;
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Folder of the reports; the run gets a folder of its own inside [default: run.out, else reports]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Worker threads, 0 = all cores
    #[arg(long, value_name = "N")]
    jobs: Option<u32>,
    /// Most memory, as 4GiB; fewer workers run where they would not fit [default: run.memory_gb, else the container's limit]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<ByteSize>,
    /// At most N images per class, chosen by hash
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Neither use nor write what the network said on earlier nights
    #[arg(long)]
    no_cache: bool,
    /// Infer all the same, and stop where the cache differs
    #[arg(long, conflicts_with = "no_cache")]
    verify_cache: bool,
    /// No progress, only the result
    #[arg(long, conflicts_with = "log")]
    quiet: bool,
    /// Exit with code 1 where a finding has this verdict or a more serious one
    #[arg(long, value_enum, value_name = "VERDICT", default_value_t = FailOn::Never)]
    fail_on: FailOn,
    /// How to log on stderr
    #[arg(long, value_enum, default_value_t = Log::Text)]
    log: Log,
}

/// A size with its unit: a plain number would be bytes, which nobody means.
fn memory(text: &str) -> Result<ByteSize, String> {
    if text.parse::<f64>().is_ok() {
        return Err(format!("the unit is missing, as in {text}GiB"));
    }
    text.parse()
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Log {
    /// A progress bar and warnings
    Text,
    /// One JSON object per event
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Confirmed, and not so in the run before
    NewConfirmed,
    /// Proved by changing the pixels
    Confirmed,
    /// Learned elsewhere: an overlay speaks for a class
    ModelShortcut,
    /// In the data, and the model's evidence rises with it
    Candidate,
    /// In the data
    DataRisk,
    Never,
}

pub fn run(args: &RunArgs) -> Result<(), Error> {
    let result = run_plan(args).and_then(|(plan, mut outcome)| {
        print_outcome(&outcome)?;
        let verdict = outcome
            .refused
            .take()
            .map_or_else(|| judge(args, &outcome), Err);
        let hooks = finished(
            &plan,
            &outcome,
            verdict.as_ref().err().map_or(0, Error::exit_code),
        );
        // What was found weighs more than a hook that failed, which is told all the same.
        if let (Err(_), Err(e)) = (&verdict, &hooks) {
            observer(args).warning(&e.to_string());
        }
        verdict.and(hooks).map(|()| outcome)
    });
    match (&result, args.log) {
        (_, Log::Json) => JsonLog.end(result.as_ref().map(|outcome| &outcome.record)),
        (Ok(outcome), Log::Text) => print_last(args, &last_line(outcome)),
        _ => {}
    }
    let told = |e: Error| if args.log == Log::Json { e.told() } else { e };
    result.map(|_| ()).map_err(told)
}

fn print_outcome(outcome: &Outcome) -> Result<(), Error> {
    let table = outcome.summary.to_terminal(terminal_width());
    let speed = outcome.record.images_per_s;
    let (headline, folder) = (
        printable(&outcome.summary.headline()),
        printable(&outcome.folder.display().to_string()),
    );
    print(&format!(
        "{table}\n\n{headline}; {speed:.0} images/s\n{}\n{folder}\n",
        outcome.summary.upshot()
    ))
}

/// One sentence for whoever keeps only stderr; in a terminal the result stands right above.
fn last_line(outcome: &Outcome) -> String {
    format!(
        "camaudit: {}; {}",
        printable(&outcome.summary.headline()),
        outcome.summary.upshot()
    )
}

fn print_last(args: &RunArgs, line: &str) {
    if args.log == Log::Text && !console::Term::stderr().is_term() {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// What `--fail-on` makes of the findings.
fn judge(args: &RunArgs, outcome: &Outcome) -> Result<(), Error> {
    let verdict = match args.fail_on {
        FailOn::NewConfirmed => {
            return refuse(outcome.new_confirmed, "confirmed since the run before");
        }
        FailOn::Confirmed => verdict::CONFIRMED,
        FailOn::ModelShortcut => verdict::MODEL_SHORTCUT,
        FailOn::Candidate => verdict::CANDIDATE,
        FailOn::DataRisk => verdict::DATA_RISK,
        FailOn::Never => return Ok(()),
    };
    refuse(
        outcome.summary.at_or_above(verdict),
        &format!("at or above {verdict}"),
    )
}

/// The metrics, and the command that wants to know, whatever the outcome and whatever becomes of the other.
fn finished(plan: &plan::Run, outcome: &Outcome, exit_code: u8) -> Result<(), Error> {
    let open = outcome.summary.at_or_above(verdict::CANDIDATE);
    let failed = [
        write_metrics(plan, outcome, open, exit_code),
        call(plan, outcome, open, exit_code),
    ];
    let failed: Vec<String> = failed
        .into_iter()
        .filter_map(|r| r.err().map(|e| e.to_string()))
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Error::new(format!(
            "the run is finished, but {}",
            failed.join("; ")
        )))
    }
}

fn write_metrics(
    plan: &plan::Run,
    outcome: &Outcome,
    open: usize,
    exit_code: u8,
) -> Result<(), Error> {
    let Some(file) = &plan.metrics else {
        return Ok(());
    };
    let text = report::prometheus(&outcome.record, open, exit_code);
    store::write(file, text.as_bytes()).map_err(|e| Error::new(format!("run.metrics: {e}")))
}

fn call(plan: &plan::Run, outcome: &Outcome, open: usize, exit_code: u8) -> Result<(), Error> {
    let Some((program, arguments)) = plan.on_finish.split_first() else {
        return Ok(());
    };
    let started = Command::new(program)
        .args(arguments)
        .env("CAMAUDIT_RUN", &outcome.folder)
        .env("CAMAUDIT_OPEN", open.to_string())
        .env("CAMAUDIT_HEADLINE", outcome.summary.headline())
        .env("CAMAUDIT_EXIT", exit_code.to_string())
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

fn observer(args: &RunArgs) -> Box<dyn Observer> {
    match (args.log, args.quiet) {
        (Log::Json, _) => Box::new(JsonLog),
        (Log::Text, true) => Box::new(Quiet),
        (Log::Text, false) => Box::new(Bar::default()),
    }
}

fn refuse(count: usize, what: &str) -> Result<(), Error> {
    match count {
        0 => Ok(()),
        n => Err(Error::findings(format!(
            "{n} {} {what} (--fail-on)",
            if n == 1 { "finding is" } else { "findings are" }
        ))),
    }
}

fn run_plan(args: &RunArgs) -> Result<(plan::Run, Outcome), Error> {
    let jobs = args.jobs.map(|n| format!("run.jobs={n}"));
    let limit = args.limit.map(|n| format!("run.limit={n}"));
    let mut plan = args.pipeline.load(jobs.into_iter().chain(limit))?;
    if let Some(out) = &args.out {
        plan.run.out.clone_from(out);
    }
    plan.run.verify_cache = args.verify_cache;
    plan.run.memory = args.memory.map(|size| size.as_u64()).or(plan.run.memory);
    if args.no_cache {
        plan.run.cache_max = 0;
    }
    super::signals::listen()?;
    let outcome = audit::run(&plan, observer(args).as_ref())?;
    Ok((plan.run, outcome))
}
