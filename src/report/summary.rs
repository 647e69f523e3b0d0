//! The summary of a run: a table for the terminal, Markdown for a chat, JSON for machines.

use super::record::RunRecord;
use super::review::Decision;
use crate::aggregate::{BORDER, OBJECT};
use crate::plan::{Plan, Presence};
use crate::record::{ClassRow, FindingRow};
use crate::verdict;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Rows that the terminal and the Markdown table show.
const ROWS_MAX: usize = 20;
/// Lines around the table and under its header, none between rows.
const STYLE: TableStyle = UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());
/// A region of which the model does not see more than this part is warned of.
const UNSEEN_WARNING: f64 = 0.2;

/// What a run found out about heat, most conspicuous first. Heat is a screening figure, not a verdict.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    run: RunRecord,
    pub warnings: Vec<String>,
    /// Most serious first; `none` is left to the table.
    findings: Vec<FindingRow>,
    /// What reviewers decided on earlier nights, of findings of tonight and others.
    decisions: Vec<Decision>,
    rows: Vec<Line>,
    /// Names of the dataset's folder and of the model's file.
    of: [String; 2],
}

/// One label and one region.
#[derive(Debug, Clone, Serialize)]
struct Line {
    label: String,
    region: String,
    kind: String,
    images: u32,
    accuracy: Option<f64>,
    present: Option<u32>,
    measured: u32,
    share: Option<f64>,
    share_counts: Vec<u32>,
    area: Option<f64>,
    lift: Option<f64>,
    specificity: Option<f64>,
    visible: Option<f64>,
    object_share: Option<f64>,
    object_lift: Option<f64>,
}

impl Summary {
    pub fn new(
        plan: &Plan,
        run: RunRecord,
        classes: &[ClassRow],
        mut findings: Vec<FindingRow>,
        decisions: Vec<Decision>,
        class_count: usize,
    ) -> Self {
        findings.retain(|f| f.verdict != verdict::NONE);
        let of_objects = |r: &&ClassRow| r.region == OBJECT && r.kind == OBJECT;
        let objects: BTreeMap<&str, &ClassRow> = classes
            .iter()
            .filter(of_objects)
            .map(|r| (r.label.as_str(), r))
            .collect();
        let others = classes.iter().filter(|r| !of_objects(r));
        let mut rows: Vec<Line> = others
            .map(|r| line(r, objects.get(r.label.as_str()).copied()))
            .collect();
        // The view's edge is watched for free; it fills the table only when nothing was declared.
        if rows.iter().any(|r| r.kind != BORDER) {
            rows.retain(|r| r.kind != BORDER);
        }
        let rank = |r: &Line| {
            r.share
                .zip(r.area)
                .map_or(f64::NEG_INFINITY, |(share, area)| share - area)
        };
        rows.sort_by(|a, b| {
            rank(b)
                .total_cmp(&rank(a))
                .then_with(|| (&a.label, &a.region).cmp(&(&b.label, &b.region)))
        });
        let warnings = warnings(plan, &run, &rows, class_count);
        let name = |path: &Path| {
            path.file_name()
                .map_or_else(String::new, |n| n.to_string_lossy().into_owned())
        };
        let of = [name(&plan.dataset.root), name(&plan.model.path)];
        Self {
            run,
            warnings,
            findings,
            decisions,
            rows,
            of,
        }
    }

    /// `summary.json`: the figures that depend on plan, model and dataset only, so that equal audits give equal bytes.
    pub fn to_json(&self) -> String {
        let run = &self.run;
        let value: Value = json!({
            "schema_version": run.schema_version,
            "tool_version": run.tool_version,
            "audit_id": run.audit_id,
            "pipeline": run.pipeline,
            "counts": run.counts,
            "limit": run.limit,
            "dataset": self.of[0],
            "model_file": self.of[1],
            "top1_accuracy": run.top1_accuracy,
            "invariant_error_max": run.invariant_error_max,
            "model": run.model,
            "model_hash": run.model_hash,
            "pipeline_hash": run.pipeline_hash,
            "dataset_fingerprint": run.dataset_fingerprint,
            "engine": run.engine,
            "warnings": self.warnings,
            "verdicts": run.verdicts,
            "findings": self.findings,
            "decisions": self.decisions,
            "heat": self.rows,
        });
        serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
    }

    /// One sentence with the counts.
    pub fn headline(&self) -> String {
        let c = &self.run.counts;
        let reasons: Vec<String> = c
            .skipped_by_reason
            .iter()
            .map(|(reason, n)| format!("{n} {reason}"))
            .collect();
        let skips = match c.skipped {
            0 => String::new(),
            n => format!(", {n} skipped ({})", reasons.join(", ")),
        };
        let trial = self
            .run
            .limit
            .map_or(String::new(), |n| format!(" (at most {n} of each label)"));
        let accuracy = 100.0 * self.run.top1_accuracy;
        format!(
            "{}: {} of {} images scored{trial}{skips}; top-1 {accuracy:.1} %",
            self.run.pipeline, c.scored, c.found
        )
    }

    /// The table for a terminal of 80 columns or more.
    pub fn to_terminal(&self, width: u16) -> String {
        let mut table = Table::new();
        table
            .load_style(STYLE)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        table.set_header(self.header());
        self.shown().iter().for_each(|r| {
            table.add_row(self.cells(r));
        });
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let findings: String = self
            .told()
            .map(|f| {
                let severity = f
                    .severity
                    .as_ref()
                    .map_or(String::new(), |s| format!(" ({s})"));
                let head = format!(
                    "{}{severity}: {} / {}\n",
                    f.verdict,
                    printable(&f.label),
                    printable(&f.region)
                );
                let text = wrap(&printable(&f.sentence), usize::from(width) - 2);
                head + &text
                    .lines()
                    .map(|line| format!("  {line}\n"))
                    .collect::<String>()
            })
            .collect();
        let gap = if findings.is_empty() { "" } else { "\n" };
        format!(
            "{findings}{gap}{table}\n{}",
            wrap(&self.footnote(), usize::from(width))
        )
    }

    /// What came of it: open findings, what could not be judged, warnings.
    pub fn upshot(&self) -> String {
        let worst = self.told().next().map(|f| f.verdict.replace('_', " "));
        let mut out = match (self.at_or_above(verdict::DATA_RISK), worst) {
            (0, _) | (_, None) => "no open finding".to_owned(),
            (1, Some(worst)) => format!("1 open finding, {worst}"),
            (n, Some(worst)) => format!("{n} open findings, the most serious {worst}"),
        };
        let unjudged = self
            .run
            .verdicts
            .get(verdict::INSUFFICIENT)
            .copied()
            .unwrap_or(0);
        if unjudged > 0 {
            let pairs = self.run.verdicts.values().sum::<usize>();
            out += &format!(
                "; {unjudged} of {pairs} pairs of class and region have too few images to judge"
            );
        }
        match self.warnings.len() {
            0 => out,
            1 => out + "; 1 warning",
            n => format!("{out}; {n} warnings"),
        }
    }

    /// Findings of a verdict or worse.
    pub fn at_or_above(&self, verdict: &str) -> usize {
        verdict::at_or_above(&self.findings, verdict)
    }

    /// The findings that a reader is told of.
    fn told(&self) -> impl Iterator<Item = &FindingRow> {
        let serious =
            |f: &&FindingRow| f.open && !verdict::more_serious(verdict::DATA_RISK, &f.verdict);
        self.findings.iter().filter(serious).take(ROWS_MAX)
    }

    /// `summary.md`, short enough for a comment.
    pub fn to_markdown(&self) -> String {
        let escape = |cell: String| markdown(&cell);
        let line = |cells: Vec<String>| {
            format!(
                "| {} |\n",
                cells
                    .into_iter()
                    .map(escape)
                    .collect::<Vec<_>>()
                    .join(" | ")
            )
        };
        let header = self.header();
        let mut out = format!(
            "**{}**\n\n{}.\n\n",
            escape(self.headline()),
            escape(self.upshot())
        );
        self.warnings
            .iter()
            .for_each(|w| out += &format!("- warning: {}\n", escape(w.clone())));
        self.told()
            .for_each(|f| out += &format!("- **{}**: {}\n", f.verdict, escape(f.sentence.clone())));
        if !out.ends_with("\n\n") {
            out.push('\n');
        }
        out += &line(header.iter().map(|h| (*h).to_owned()).collect());
        out += &format!(
            "|{}\n",
            ["---", "---"]
                .into_iter()
                .chain(vec!["---:"; header.len() - 2])
                .map(|c| format!("{c}|"))
                .collect::<String>()
        );
        self.shown()
            .iter()
            .for_each(|r| out += &line(self.cells(r)));
        let odd = self
            .run
            .counts
            .annotation_problems
            .iter()
            .map(|(code, n)| format!("{n} {code}"));
        let odd = odd.collect::<Vec<_>>().join(", ");
        if !odd.is_empty() {
            out += &format!(
                "\nOddities of the annotations: {} (problems.parquet).\n",
                escape(odd)
            );
        }
        out + "\n" + &self.footnote() + "\n"
    }

    /// The most conspicuous rows that have a share.
    fn shown(&self) -> &[Line] {
        let with_share = self.rows.iter().take_while(|r| r.share.is_some()).count();
        &self.rows[..with_share.min(ROWS_MAX)]
    }

    fn has_objects(&self) -> bool {
        self.rows.iter().any(|r| r.object_share.is_some())
    }

    fn header(&self) -> Vec<&'static str> {
        let mut header = vec!["class", "region", "images", "top-1", "heat", "area", "lift"];
        if self.has_objects() {
            header.push("on object");
        }
        header
    }

    fn cells(&self, r: &Line) -> Vec<String> {
        let percent = |v: Option<f64>| v.map_or("-".to_owned(), |v| format!("{:.1} %", 100.0 * v));
        let images = r
            .present
            .map_or(r.images.to_string(), |p| format!("{p}/{}", r.images));
        let mut cells = vec![printable(&r.label), printable(&r.region), images];
        let lift = r.lift.map_or("-".to_owned(), |v| format!("{v:.1}"));
        cells.extend([percent(r.accuracy), percent(r.share), percent(r.area), lift]);
        if self.has_objects() {
            cells.push(percent(r.object_share));
        }
        cells
    }

    fn footnote(&self) -> String {
        let left = self.rows.len() - self.shown().len();
        let more = if left > 0 {
            format!(" {left} more rows in classes.parquet.")
        } else {
            String::new()
        };
        let untold = self.at_or_above(verdict::DATA_RISK) - self.told().count();
        let more = if untold > 0 {
            format!("{more} {untold} more findings in findings.parquet.")
        } else {
            more
        };
        let heat = "Heat is the mean share of the class's positive evidence inside the region.";
        format!("{heat} It screens; it does not prove use.{more}")
    }
}

fn line(r: &ClassRow, object: Option<&ClassRow>) -> Line {
    Line {
        label: r.label.clone(),
        region: r.region.clone(),
        kind: r.kind.clone(),
        images: r.images,
        accuracy: (r.images > 0).then(|| f64::from(r.correct) / f64::from(r.images)),
        present: r.present,
        measured: r.measured,
        share: r.share_mean,
        share_counts: r.share_counts.clone(),
        area: r.area_mean,
        lift: r.lift,
        specificity: r.specificity_mean,
        visible: r.visible_mean,
        object_share: object.and_then(|o| o.share_mean),
        object_lift: object.and_then(|o| o.lift),
    }
}

/// Breaks a paragraph at spaces.
fn wrap(text: &str, width: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 {
            let fits = column + 1 + length <= width;
            out.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        out += word;
        column += length;
    }
    out
}

/// Text from files inside Markdown: no links, mentions, tags or tables of its own.
fn markdown(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text).chars() {
        match c {
            '\u{fffd}' => out.push(' '),
            '<' => out += "&lt;",
            '&' => out += "&amp;",
            '@' => out += "&#64;",
            // An entity where a backslash would still leave a link that is found in plain text.
            ':' => out += "&#58;",
            '.' if out.to_lowercase().ends_with("www") => out += "&#46;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '|' | '#' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Names from files as they are, but for what commands a terminal, turns the text around or hides in it.
pub fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if hidden(c) { '\u{fffd}' } else { c })
        .collect()
}

fn warnings(plan: &Plan, run: &RunRecord, rows: &[Line], class_count: usize) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(n) = run.counts.annotation_problems.get("bad_file") {
        let what = "could not be read to their end; what they hold behind the break is not counted (bad_file in problems.parquet)";
        out.push(format!("{n} annotation files or shards {what}"));
    }
    if let Some(n) = run.counts.annotation_problems.get("bad_row") {
        let rows = if *n == 1 { "row" } else { "rows" };
        out.push(format!(
            "{n} {rows} of the annotations could not be used (bad_row in problems.parquet)"
        ));
    }
    out.extend(accuracy_warning(
        run.top1_accuracy,
        class_count,
        plan.model.expected_accuracy,
    ));
    for region in &plan.regions {
        let of = || rows.iter().filter(|r| r.region == region.name);
        let seen: Vec<f64> = of().filter_map(|r| r.visible).collect();
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        if 1.0 - mean > UNSEEN_WARNING {
            out.push(format!(
                "the model never sees {:.0} % of region {:?}: the training transform cuts it off",
                100.0 * (1.0 - mean),
                region.name
            ));
        }
        let told = !matches!(region.presence, Presence::Annotated);
        if told && of().all(|r| r.present == Some(0)) && of().next().is_some() {
            out.push(format!("region {:?} was found on no image", region.name));
        }
    }
    out
}

/// A wrong class order or preprocessing passes every invariant; the accuracy gives it away. Warns below five times chance
/// (at most one half, for few classes) or half of the expected accuracy.
pub fn accuracy_warning(
    accuracy: f64,
    class_count: usize,
    expected: Option<f64>,
) -> Option<String> {
    let chance = 1.0 / class_count.max(1) as f64;
    let percent = |v: f64| format!("{:.1} %", 100.0 * v);
    let reason = match expected {
        Some(e) if accuracy < e / 2.0 => format!("under half of the expected {}", percent(e)),
        _ if accuracy < (5.0 * chance).min(0.5) => format!("near chance ({})", percent(chance)),
        _ => return None,
    };
    Some(format!(
        "top-1 accuracy {} is {reason}: check the order of model.classes and [preprocess]",
        percent(accuracy)
    ))
}
