//! `camaudit report`, `camaudit review`, `camaudit diff`: what is done with finished runs.

use super::{print, printable, terminal_width};
use crate::error::Error;
use crate::record::FindingRow;
use crate::report::review::{self, DECISIONS, Decision};
use crate::report::{self, diff, nights};
use crate::store;
use crate::verdict;
use clap::Args;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct ReportArgs {
    /// Folder of a finished run
    run: PathBuf,
    /// Most megabytes of pictures inside the page
    #[arg(long, value_name = "MB", default_value_t = 20.0)]
    max_mb: f64,
}

#[derive(Args)]
pub struct ReviewArgs {
    /// Folder of a finished run
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
    /// confirm, legitimate-context, object-part, annotation-error or unsure
    #[arg(long, requires = "class", value_parser = DECISIONS.map(|(name, _)| name))]
    decision: Option<String>,
    /// Why
    #[arg(long, requires = "decision", default_value = "")]
    note: String,
    /// Last day on which the decision holds, as 2027-01-31
    #[arg(long, requires = "decision", value_name = "DAY")]
    expires: Option<jiff::civil::Date>,
}

#[derive(Args)]
pub struct DiffArgs {
    /// Folder of the earlier run
    old: PathBuf,
    /// Folder of the later run
    new: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Makes `report.html` again from the files of a run.
pub fn report(args: &ReportArgs) -> Result<(), Error> {
    finished(&args.run)?;
    let page = report::page(&args.run, (args.max_mb.max(0.0) * 1e6) as usize)?;
    let file = args.run.join("report.html");
    store::write(&file, page.as_bytes())?;
    print(&format!("{}\n", printable(&file.display().to_string())))
}

/// Lists the findings of a run with their decisions, or sets one.
pub fn review(args: &ReviewArgs) -> Result<(), Error> {
    finished(&args.run)?;
    if let Some(day) = args.expires.filter(|day| *day < jiff::Zoned::now().date()) {
        return Err(Error::new(format!(
            "--expires {day} is over: a decision holds from today on"
        )));
    }
    let file = args
        .file
        .clone()
        .or_else(|| decisions_of(&args.run))
        .unwrap_or_else(|| args.run.join("review.csv"));
    let findings = told(&args.run);
    let mut decisions = review::read(&file)?;
    if let (Some(class), Some(region), Some(decision)) = (&args.class, &args.region, &args.decision)
    {
        let finding = findings
            .iter()
            .find(|f| f.label == *class && f.region == *region)
            .ok_or_else(|| {
                let known: Vec<String> = findings
                    .iter()
                    .map(|f| format!("{} / {}", f.label, f.region))
                    .collect();
                Error::new(format!(
                    "there is no finding {class} / {region}; this run has {}",
                    known.join(", ")
                ))
            })?;
        decisions.retain(|d| (&d.class, &d.region) != (class, region));
        decisions.push(Decision {
            class: class.clone(),
            region: region.clone(),
            decision: decision.clone(),
            note: args.note.clone(),
            verdict: finding.verdict.clone(),
            effect: finding.effect,
            unit: finding.effect_unit.clone().unwrap_or_default(),
            declared: finding.declared.clone().unwrap_or_default(),
            expires: args.expires.map_or(String::new(), |day| day.to_string()),
        });
        review::write(&file, &mut decisions)?;
        if decisions_of(&args.run).is_none() && args.file.is_none() {
            let line =
                "note: no later run reads this file: the pipeline names no [review] decisions";
            let _ = writeln!(
                std::io::stderr(),
                "{line} ({})",
                printable(&file.display().to_string())
            );
        }
    }
    let rows = findings.iter().map(|f| {
        let decided = decisions
            .iter()
            .find(|d| d.class == f.label && d.region == f.region);
        let decision = decided.map_or("-".to_owned(), |d| d.decision.clone());
        [
            f.verdict.clone(),
            f.label.clone(),
            f.region.clone(),
            decision,
            decided.map_or(String::new(), |d| d.note.clone()),
        ]
    });
    print(&table(
        ["verdict", "class", "region", "decision", "note"],
        rows,
    ))
}

/// What became of the findings of one run in another.
pub fn diff(args: &DiffArgs) -> Result<(), Error> {
    finished(&args.old)?;
    finished(&args.new)?;
    let differences = diff::differences(&nights::record(&args.old), &nights::record(&args.new));
    let changes = diff::changes(&nights::findings(&args.old), &nights::findings(&args.new));
    if args.json {
        let both = serde_json::json!({ "differences": differences, "changes": changes });
        return print(&(serde_json::to_string_pretty(&both).unwrap_or_default() + "\n"));
    }
    print(&format!("{}\n", diff::headline(&differences, &changes)))?;
    if changes.is_empty() {
        return Ok(());
    }
    let rows = changes
        .into_iter()
        .map(|c| [c.state, c.label, c.region, c.before, c.after, c.why]);
    print(&table(
        ["state", "class", "region", "before", "after", "why"],
        rows,
    ))
}

/// Where the run's pipeline reads decisions from.
fn decisions_of(run: &Path) -> Option<PathBuf> {
    nights::record(run)["decisions"].as_str().map(PathBuf::from)
}

pub fn finished(run: &Path) -> Result<(), Error> {
    if run.join("run.json").is_file() && run.join("summary.json").is_file() {
        return Ok(());
    }
    Err(Error::new(format!(
        "{} is no finished run: it has no run.json; runs lie in reports/PIPELINE/",
        run.display()
    )))
}

/// The regions of a class that a run has figures of, image by image; else what its classes are called most nearly.
pub fn nearest(run: &Path, class: &str) -> String {
    const SHOWN: usize = 10;
    let findings = nights::findings(run);
    let regions = || {
        findings
            .iter()
            .filter(|f| f.region != verdict::SURROUNDINGS && f.kind != "overlay")
    };
    let own: BTreeSet<&str> = regions()
        .filter(|f| f.label == class)
        .map(|f| f.region.as_str())
        .collect();
    let (what, mut names) = match own.is_empty() {
        false => (format!("{class} has"), own.into_iter().collect::<Vec<_>>()),
        true => {
            let all: BTreeSet<&str> = findings.iter().map(|f| f.label.as_str()).collect();
            let mut all: Vec<&str> = all.into_iter().collect();
            all.sort_by_key(|name| strsim::damerau_levenshtein(name, class));
            ("the run has the classes".to_owned(), all)
        }
    };
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{what} {}{more}", names.join(", "))
}

/// The findings that want a decision.
fn told(run: &Path) -> Vec<FindingRow> {
    let findings = nights::findings(run).into_iter();
    findings
        .filter(|f| !verdict::more_serious(verdict::DATA_RISK, &f.verdict))
        .collect()
}

fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(terminal_width()).set_header(header);
    rows.for_each(|row| {
        table.add_row(row.map(|cell| printable(&cell)));
    });
    format!("{table}\n")
}
