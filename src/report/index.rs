//! One page over all pipelines of a folder: the latest night of each, the most serious first.

use super::html::Night;
use super::template::INDEX;
use super::{diff, nights};
use crate::error::{Error, Result};
use crate::record::FindingRow;
use crate::verdict;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Context {
    lines: Vec<Line>,
    scored: u64,
    open: usize,
}

/// The last run of one pipeline.
#[derive(Serialize)]
struct Line {
    pipeline: String,
    /// To its report, relative to the page.
    link: String,
    when: String,
    scored: u64,
    skipped: u64,
    accuracy: Option<f64>,
    /// Open findings by verdict, the most serious first.
    verdicts: Vec<(String, usize)>,
    /// Against the run before, in a sentence; `None` for the first.
    since: Option<String>,
    warnings: usize,
    /// Why the run's files cannot be read.
    broken: Option<String>,
}

/// Makes the page for the pipelines whose runs lie in `folder/PIPELINE/`.
///
/// # Errors
/// When there is no finished run below the folder.
pub fn page(folder: &Path) -> Result<String> {
    let entries =
        std::fs::read_dir(folder).map_err(Error::cause(format!("read {}", folder.display())))?;
    let homes = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.is_dir());
    let mut lines: Vec<Line> = homes
        .filter_map(|home| Some(line(&home, &last(&home)?)))
        .collect();
    if lines.is_empty() {
        let message =
            "there is no finished run below it; a pipeline's runs lie in reports/PIPELINE";
        return Err(Error::new(format!("{}: {message}", folder.display())));
    }
    let worst = |l: &Line| {
        (
            l.broken.is_none(),
            l.verdicts
                .first()
                .map_or(usize::MAX, |(v, _)| verdict::rank(v)),
        )
    };
    lines.sort_by(|a, b| {
        worst(a)
            .cmp(&worst(b))
            .then_with(|| a.pipeline.cmp(&b.pipeline))
    });
    let open = lines.iter().flat_map(|l| &l.verdicts).map(|(_, n)| n).sum();
    let scored = lines.iter().map(|l| l.scored).sum();
    INDEX.render(
        &format!("Audits: {open} open findings"),
        Context {
            lines,
            scored,
            open,
        },
    )
}

/// The run that `latest` names: the last that was no trial. The last of all where there is no such link.
fn last(home: &Path) -> Option<PathBuf> {
    let mut runs = nights::finished(home);
    let latest = home.join("latest").canonicalize().ok();
    let named = runs
        .iter()
        .position(|run| latest.is_some() && run.canonicalize().ok() == latest);
    let last = named.or(runs.len().checked_sub(1))?;
    Some(runs.swap_remove(last))
}

/// What a run says of itself; of one whose files are damaged, that they are.
fn line(home: &Path, run: &Path) -> Line {
    let name = |path: &Path| {
        path.file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let mut broken = None;
    let mut read = |file: &str| {
        let text = std::fs::read_to_string(run.join(file)).map_err(|e| e.to_string());
        text.and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string()))
            .unwrap_or_else(|e| {
                broken.get_or_insert(format!("not readable: {file}: {e}"));
                Value::Null
            })
    };
    let (record, summary) = (read("run.json"), read("summary.json"));
    let night: Night = serde_json::from_value(read("changes.json")).unwrap_or_default();
    let refused = record["refused"] == true;
    let told = |f: &FindingRow| f.open && !verdict::more_serious(verdict::DATA_RISK, &f.verdict);
    let mut verdicts: BTreeMap<usize, (String, usize)> = BTreeMap::new();
    for f in nights::findings(run).into_iter().filter(told) {
        verdicts
            .entry(verdict::rank(&f.verdict))
            .or_insert((f.verdict, 0))
            .1 += 1;
    }
    Line {
        pipeline: name(home),
        link: format!(
            "{}/{}/report.html",
            encoded(&name(home)),
            encoded(&name(run))
        ),
        when: nights::when(run),
        scored: record["counts"]["scored"].as_u64().unwrap_or(0),
        skipped: record["counts"]["skipped"].as_u64().unwrap_or(0),
        accuracy: record["top1_accuracy"].as_f64(),
        verdicts: verdicts.into_values().collect(),
        since: night
            .previous
            .is_some()
            .then(|| diff::headline(&night.differences, &night.changes)),
        warnings: summary["warnings"].as_array().map_or(0, Vec::len),
        broken: broken.or_else(|| {
            refused.then(|| {
                "too many images were skipped; what was found is not to be relied on".into()
            })
        }),
    }
}

/// A folder's name as part of a link: what is not plain is written as `%20`.
fn encoded(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    name.bytes()
        .map(|b| {
            if plain(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
