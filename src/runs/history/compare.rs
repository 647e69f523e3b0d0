//! A run against the finished runs before it: `changes.json`.

use super::drops::drops;
use super::list;
use crate::error::Result;
use crate::finding::{ChangeState, Finding, Verdict};
use crate::runs::change::{Change, ChangeReason};
use crate::runs::diff;
use crate::runs::documents::{Changes, Document, RunRecord, Summary};
use crate::tables::{ClassRow, SCHEMA_VERSION};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Runs that a trend goes back, the current one included.
const TREND_RUNS_MAX: usize = 30;

/// A finished run before the current one that it may be compared with.
struct EarlierRun {
    path: PathBuf,
    record: Result<RunRecord>,
}

/// Compares a run with the finished runs before it in the pipeline's folder `home`.
///
/// Runs with another limit of images per label are left out, refused ones, and conclusions from the
/// rows of another run: their thresholds may be a trial. `current` are all findings of the run. The
/// second value are warnings: where the last run cannot be read, every reported finding is
/// `not_comparable`. An older run that cannot be read is a gap in the trends.
pub fn compare(home: &Path, record: &RunRecord, current: &[Finding]) -> (Changes, Vec<String>) {
    let earlier = earlier_runs(home, record);
    let mut result = Changes {
        schema_version: SCHEMA_VERSION,
        previous: None,
        unreadable: None,
        differences: vec![],
        changes: vec![],
        drops: vec![],
        trends: BTreeMap::new(),
    };
    let mut warnings = Vec::new();

    let Some(last) = earlier.last() else {
        return (result, warnings);
    };
    result.previous = Some(list::run_id(&last.path));
    if let Ok(last_record) = &last.record {
        result.differences = diff::differences(last_record, record);
    }

    match last.findings() {
        Ok(before) => result.changes = diff::changes(&before, current, &BTreeMap::new()),
        Err(cause) => {
            warnings.push(format!("no finding is compared with the last run: {cause}"));
            result.unreadable = Some(cause);
            result.changes = not_comparable(current);
        }
    }

    result.trends = trends(&earlier, &result.changes, current);
    (result, warnings)
}

/// The images that the last comparable run had and this one has not; a sentence each.
pub fn lost_images(
    home: &Path,
    record: &RunRecord,
    classes: &[ClassRow],
    max_drop: f64,
) -> Vec<String> {
    match earlier_runs(home, record).pop() {
        Some(EarlierRun {
            path,
            record: Ok(last),
        }) => drops(&path, &last, record, classes, max_drop),
        _ => Vec::new(),
    }
}

/// The runs that a run is compared with, the oldest first.
///
/// A run whose record cannot be read is among them: its limit is unknown, and it may be the last
/// run.
fn earlier_runs(home: &Path, record: &RunRecord) -> Vec<EarlierRun> {
    let mut earlier = Vec::new();
    let finished = list::finished_before(home, &record.identity);
    for path in finished.into_iter().rev() {
        let run = EarlierRun {
            record: RunRecord::read(&path),
            path,
        };
        if run.is_comparable(record) {
            earlier.push(run);
        }
        if earlier.len() + 1 == TREND_RUNS_MAX {
            break;
        }
    }
    earlier.reverse();
    earlier
}

impl EarlierRun {
    fn is_comparable(&self, record: &RunRecord) -> bool {
        match &self.record {
            Ok(earlier) => {
                !earlier.refused
                    && earlier.rows_of.is_none()
                    && earlier.facts.limit == record.facts.limit
            }
            Err(_) => true,
        }
    }

    /// The findings that the run lists; one that it held as confirmed counts as confirmed. The
    /// error names the file that cannot be read, and the cause.
    fn findings(&self) -> Result<Vec<Finding>, String> {
        if let Err(e) = &self.record {
            return Err(e.to_string());
        }
        let summary = Summary::read(&self.path).map_err(|e| e.to_string())?;
        let changes = Changes::read(&self.path).map_err(|e| e.to_string())?;

        let mut findings = summary.findings;
        for finding in &mut findings {
            if changes.holds(finding) {
                finding.verdict = Verdict::Confirmed;
            }
        }
        Ok(findings)
    }
}

/// The changes of a run whose last run cannot be read.
fn not_comparable(current: &[Finding]) -> Vec<Change> {
    let mut changes = Vec::new();
    for finding in current {
        if finding.verdict.is_reported() {
            changes.push(Change {
                label: finding.label.clone(),
                region: finding.region.clone(),
                state: ChangeState::NotComparable,
                before: None,
                after: Some(finding.verdict),
                reason: Some(ChangeReason::LastRunUnreadable),
            });
        }
    }
    changes
}

/// Effects of the findings with a change, of the earlier runs and the current one.
fn trends(
    earlier: &[EarlierRun],
    changes: &[Change],
    current: &[Finding],
) -> BTreeMap<String, Vec<Option<f64>>> {
    let mut trends = BTreeMap::new();
    for change in changes {
        trends.insert(key(&change.label, &change.region), vec![]);
    }
    // A finding of the last run only has no effect now.
    let now = effects(current);
    trends.retain(|key, _| now.contains_key(key));

    // One summary at a time: a summary may be large.
    for run in earlier {
        let summary = Summary::read(&run.path);
        let then = summary.map_or_else(|_| BTreeMap::new(), |summary| effects(&summary.findings));
        push_effects(&mut trends, &then);
    }
    push_effects(&mut trends, &now);
    trends
}

type Effects = BTreeMap<String, Option<f64>>;

fn effects(findings: &[Finding]) -> Effects {
    let mut effects = BTreeMap::new();
    for finding in findings {
        effects.insert(key(&finding.label, &finding.region), finding.effect);
    }
    effects
}

fn push_effects(trends: &mut BTreeMap<String, Vec<Option<f64>>>, effects: &Effects) {
    for (key, trend) in trends {
        trend.push(effects.get(key).copied().flatten());
    }
}

/// The key of a trend.
fn key(label: &str, region: &str) -> String {
    format!("{label}\t{region}")
}

impl Changes {
    /// The number of [`Self::newly_confirmed`] findings.
    pub fn new_confirmed(&self, findings: &[Finding]) -> usize {
        self.newly_confirmed(findings).len()
    }

    /// Open findings that are confirmed and were not confirmed in the last run; none where that run
    /// could not be read.
    pub fn newly_confirmed<'f>(&self, findings: &'f [Finding]) -> Vec<&'f Finding> {
        let mut confirmed = Vec::new();
        if self.unreadable.is_some() {
            return confirmed;
        }

        for finding in findings {
            let is_confirmed = finding.review.open && finding.verdict == Verdict::Confirmed;
            if is_confirmed && !self.was_confirmed(finding) {
                confirmed.push(finding);
            }
        }
        confirmed
    }

    /// Whether the last run confirmed this finding. A finding that is not comparable, as its region
    /// is declared differently, was another one.
    fn was_confirmed(&self, finding: &Finding) -> bool {
        self.changes.iter().any(|change| {
            change.is_of(finding)
                && change.before == Some(Verdict::Confirmed)
                && change.state != ChangeState::NotComparable
        })
    }

    /// Whether this run counts the finding as confirmed although its evidence is weaker.
    fn holds(&self, finding: &Finding) -> bool {
        self.changes
            .iter()
            .any(|change| change.is_of(finding) && change.reason == Some(ChangeReason::Held))
    }

    /// The comparison in a sentence; see [`diff::headline`].
    pub fn headline(&self) -> String {
        if self.unreadable.is_some() {
            return "not comparable: the last run could not be read".to_owned();
        }
        diff::headline(&self.differences, &self.changes)
    }
}
