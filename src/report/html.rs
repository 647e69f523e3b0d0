//! `report.html`: one file, offline, from the files of a run folder alone, so that it can be made again.

use super::bars::{Bar, bars, spark};
use super::diff::{self, Change};
use super::exhibit::Exhibit;
use super::nights;
use super::review::DECISIONS;
use super::template::REPORT;
use crate::error::{Error, Result};
use crate::record::FindingRow;
use crate::verdict;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// What a night is compared with: `changes.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Night {
    /// Run id of the night before; `None` for the first.
    pub previous: Option<String>,
    /// What it was made of differently: `version`, `model`, `dataset`, `pipeline`, `engine`.
    #[serde(default)]
    pub differences: Vec<String>,
    pub changes: Vec<Change>,
    /// Label and region, joined by a tab -> effects of the last nights, the oldest first.
    pub trends: BTreeMap<String, Vec<Option<f64>>>,
}

/// Part of a region that is as good as all of it.
const WHOLLY_SEEN: f64 = 0.95;

/// Findings listed below those that want a decision.
const REST_MAX: usize = 200;

impl Night {
    /// Open findings that are confirmed and were not in the run before.
    pub fn new_confirmed(&self, findings: &[FindingRow]) -> usize {
        let held = |f: &FindingRow| {
            self.changes.iter().any(|c| {
                c.label == f.label
                    && c.region == f.region
                    && c.before == verdict::CONFIRMED
                    && c.state != "not_comparable"
            })
        };
        findings
            .iter()
            .filter(|f| f.open && f.verdict == verdict::CONFIRMED && !held(f))
            .count()
    }
}

/// What the template is given.
#[derive(Serialize)]
struct Context<'f> {
    summary: Value,
    open: Vec<Card<'f>>,
    closed: Vec<Card<'f>>,
    rest: Vec<&'f FindingRow>,
    rest_count: usize,
    classes: Vec<ClassLine>,
    gone: Vec<&'f Change>,
    previous: Option<&'f str>,
    /// What became of its findings, in a sentence.
    since: String,
    decisions: [(&'static str, &'static str); 5],
    /// The lines of `review.csv` as JSON.
    decided: String,
    /// Names what the page keeps in the browser: tonight's audit and decisions.
    state: String,
    missing: usize,
    over: usize,
    /// When the run started; empty where its folder's name does not tell.
    when: String,
    unjudged: usize,
    pairs: usize,
}

/// A finding with what is shown of it.
#[derive(Serialize)]
struct Card<'f> {
    number: usize,
    #[serde(flatten)]
    finding: &'f FindingRow,
    bars: Vec<Bar>,
    strips: Vec<Strip<'f>>,
    change: Option<&'f Change>,
    trend: Option<String>,
    /// What the figures cannot tell of this region.
    notes: Vec<String>,
}

/// Pictures of one kind.
#[derive(Serialize)]
struct Strip<'f> {
    title: &'static str,
    exhibits: Vec<Shown<'f>>,
}

#[derive(Serialize)]
struct Shown<'f> {
    path: &'f str,
    panels: Vec<ShownPanel<'f>>,
}

#[derive(Serialize)]
struct ShownPanel<'f> {
    caption: &'f str,
    /// A data URI; empty where the picture was left out.
    uri: String,
}

/// One class in the table.
#[derive(Serialize)]
struct ClassLine {
    label: String,
    images: u64,
    accuracy: Option<f64>,
    region: String,
    share: Option<f64>,
    /// Heights of the bars of its distribution over the images, 0 to 1.
    shares: Vec<f64>,
    lift: Option<f64>,
    object_share: Option<f64>,
    verdict: String,
    /// Place of the verdict in order of seriousness, for sorting.
    rank: usize,
}

/// Roles of exhibits and what they are called.
const STRIPS: [(&str, &str); 9] = [
    ("template", "What is looked for"),
    ("mean", "Where the evidence lies on average"),
    ("pasted", "Pasted on other images"),
    ("laid", "Laid over images"),
    ("filled", "Filled in"),
    ("strongest", "Strongest"),
    ("median", "Median"),
    ("random", "Random, with the region"),
    ("untagged", "Random, without the region"),
];

/// Makes the page from `summary.json`, `exhibits.json`, `changes.json` and the pictures of a run folder.
///
/// # Errors
/// When a file is missing or not what this version writes.
pub fn page(folder: &Path, pictures_max: usize) -> Result<String> {
    let summary: Value = json(folder, "summary.json")?;
    let findings: Vec<FindingRow> =
        serde_json::from_value(summary["findings"].clone()).map_err(|e| {
            Error::new(format!(
                "{}: findings: {e}",
                folder.join("summary.json").display()
            ))
        })?;
    let night: Night = json(folder, "changes.json").unwrap_or_default();
    let exhibits: Vec<Exhibit> = json(folder, "exhibits.json").unwrap_or_default();
    let mut album = Album {
        folder,
        left: pictures_max,
        missing: 0,
        over: 0,
    };
    let told = |f: &&FindingRow| !verdict::more_serious(verdict::DATA_RISK, &f.verdict);
    let mut serious: Vec<&FindingRow> = findings.iter().filter(told).collect();
    // What is decided comes last: the pictures are bounded.
    serious.sort_by_key(|f| !f.open);
    let cards: Vec<Card<'_>> = serious
        .iter()
        .enumerate()
        .map(|(i, f)| card(i + 1, f, &exhibits, (&night, &summary), &mut album))
        .collect();
    let (open, closed): (Vec<_>, Vec<_>) = cards.into_iter().partition(|c| c.finding.open);
    let rest: Vec<&FindingRow> = findings.iter().filter(|f| !told(f)).collect();
    let verdicts = |of: &'static str| {
        let counts = summary["verdicts"].as_object().into_iter().flatten();
        counts
            .filter(move |(v, _)| of.is_empty() || *v == of)
            .filter_map(|(_, n)| n.as_u64())
    };
    let context = Context {
        summary: without_bulk(&summary),
        open,
        closed,
        rest: rest.iter().copied().take(REST_MAX).collect(),
        rest_count: rest.len(),
        classes: classes(&summary, &findings),
        gone: gone(&night),
        previous: night.previous.as_deref(),
        since: diff::headline(&night.differences, &night.changes),
        decisions: DECISIONS,
        state: {
            let of = format!("{} {}", summary["audit_id"], summary["decisions"]);
            BASE64.encode(&Sha256::digest(of.as_bytes())[..12])
        },
        decided: summary["decisions"].to_string(),
        missing: album.missing,
        over: album.over,
        when: folder
            .canonicalize()
            .map_or_else(|_| String::new(), |folder| nights::when(&folder)),
        unjudged: verdicts(verdict::INSUFFICIENT).sum::<u64>() as usize,
        pairs: verdicts("").sum::<u64>() as usize,
    };
    let findings = if context.open.len() == 1 {
        "finding"
    } else {
        "findings"
    };
    let name = summary["pipeline"].as_str().unwrap_or_default();
    let title = format!("{name}: {} open {findings}", context.open.len());
    REPORT.render(&title, &context)
}

fn json<T: serde::de::DeserializeOwned>(folder: &Path, name: &str) -> Result<T> {
    let path = folder.join(name);
    let text =
        std::fs::read_to_string(&path).map_err(Error::cause(format!("read {}", path.display())))?;
    serde_json::from_str(&text).map_err(|e| Error::new(format!("{}: {e}", path.display())))
}

/// The summary without its long lists.
fn without_bulk(summary: &Value) -> Value {
    let mut summary = summary.clone();
    if let Some(map) = summary.as_object_mut() {
        map.retain(|key, _| !["heat", "findings", "decisions"].contains(&key.as_str()));
    }
    summary
}

/// Pictures within the budget.
struct Album<'a> {
    folder: &'a Path,
    left: usize,
    /// Pictures that are no longer there.
    missing: usize,
    /// Pictures that the budget left out.
    over: usize,
}

impl Album<'_> {
    fn uri(&mut self, file: &str) -> String {
        let own = file
            .strip_prefix("pictures/")
            .filter(|name| name.ends_with(".jpg") && !name.contains(['/', '\\']));
        let file = own.map(|name| self.folder.join("pictures").join(name));
        let Some(bytes) = file.and_then(|file| std::fs::read(file).ok()) else {
            self.missing += 1;
            return String::new();
        };
        let text = BASE64.encode(bytes);
        if text.len() > self.left {
            self.over += 1;
            return String::new();
        }
        self.left -= text.len();
        format!("data:image/jpeg;base64,{text}")
    }
}

fn card<'f>(
    number: usize,
    f: &'f FindingRow,
    exhibits: &'f [Exhibit],
    (night, summary): (&'f Night, &Value),
    album: &mut Album<'_>,
) -> Card<'f> {
    let own: Vec<&Exhibit> = exhibits
        .iter()
        .filter(|e| e.label == f.label && e.region == f.region)
        .collect();
    let mut strip = |(role, title): (&str, &'static str)| {
        let exhibits = own.iter().filter(|e| e.role == role).map(|e| Shown {
            path: &e.path,
            panels: e
                .panels
                .iter()
                .map(|p| ShownPanel {
                    caption: &p.caption,
                    uri: album.uri(&p.file),
                })
                .collect(),
        });
        Strip {
            title,
            exhibits: exhibits.collect(),
        }
    };
    let strips = STRIPS
        .into_iter()
        .map(&mut strip)
        .filter(|s| !s.exhibits.is_empty())
        .collect();
    let trend = night
        .trends
        .get(&format!("{}\t{}", f.label, f.region))
        .filter(|t| t.len() > 1);
    Card {
        number,
        finding: f,
        bars: bars(f),
        strips,
        change: night
            .changes
            .iter()
            .find(|c| c.label == f.label && c.region == f.region),
        trend: trend.map(|t| spark(t)),
        notes: notes(f, summary),
    }
}

/// What part of the region the model sees, how it compares with a cell of the map, and what was not proved.
fn notes(f: &FindingRow, summary: &Value) -> Vec<String> {
    let mut heat = summary["heat"].as_array().into_iter().flatten();
    let own =
        heat.find(|row| row["label"] == f.label.as_str() && row["region"] == f.region.as_str());
    let figure = |name: &str| own.and_then(|row| row[name].as_f64());
    let cells = summary["model"]["cells"].as_f64();
    let mut notes = Vec::new();
    if let Some(visible) = figure("visible").filter(|v| *v < WHOLLY_SEEN) {
        let percent = 100.0 * visible;
        notes.push(format!("The model sees {percent:.0} % of the region on average; the transform cuts the rest off."));
    }
    if let Some(taken) = figure("area")
        .zip(cells)
        .map(|(area, cells)| area * cells)
        .filter(|taken| *taken < 1.0)
    {
        notes.push(format!(
            "The region takes {taken:.1} cells of the map: heat cannot tell it from what lies beside it."
        ));
    }
    if f.kind == "confounder" && f.hosts.is_none() {
        notes.push("Heat and counts alone: a candidate is not proof.".into());
    }
    notes
}

/// One line per class: its most conspicuous region, and its most serious verdict.
fn classes(summary: &Value, findings: &[FindingRow]) -> Vec<ClassLine> {
    let mut verdicts: BTreeMap<&str, &str> = BTreeMap::new();
    for f in findings.iter().rev() {
        verdicts.insert(&f.label, &f.verdict);
    }
    let mut lines: BTreeMap<String, ClassLine> = BTreeMap::new();
    // The rows are sorted by excess: the first of a class is its most conspicuous.
    for row in summary["heat"].as_array().into_iter().flatten() {
        let label = row["label"].as_str().unwrap_or_default();
        let verdict = verdicts.get(label).copied().unwrap_or(verdict::NONE);
        lines.entry(label.to_owned()).or_insert_with(|| ClassLine {
            label: label.to_owned(),
            images: row["images"].as_u64().unwrap_or(0),
            accuracy: row["accuracy"].as_f64(),
            region: row["region"].as_str().unwrap_or_default().to_owned(),
            share: row["share"].as_f64(),
            shares: heights(&row["share_counts"]),
            lift: row["lift"].as_f64(),
            object_share: row["object_share"].as_f64(),
            verdict: verdict.to_owned(),
            rank: verdict::rank(verdict),
        });
    }
    let mut lines: Vec<ClassLine> = lines.into_values().collect();
    lines.sort_by(|a, b| {
        a.rank
            .cmp(&b.rank)
            .then(b.lift.unwrap_or(0.0).total_cmp(&a.lift.unwrap_or(0.0)))
    });
    lines
}

/// Counts as parts of the largest; empty where all are 0.
fn heights(counts: &Value) -> Vec<f64> {
    let counts: Vec<f64> = counts
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect();
    let most = counts.iter().copied().fold(0.0, f64::max);
    let height = |n: &f64| (n / most * 1000.0).round() / 1000.0;
    if most > 0.0 {
        counts.iter().map(height).collect()
    } else {
        Vec::new()
    }
}

/// Findings of the night before that are gone or can no longer be compared.
fn gone(night: &Night) -> Vec<&Change> {
    night
        .changes
        .iter()
        .filter(|c| c.state == "gone" || c.state == "not_comparable")
        .collect()
}
