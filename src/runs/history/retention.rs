//! Which runs may be removed.

use super::list::{RUN_ID, complete, run_id};
use crate::plan::Retention;
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};

/// The runs with complete rows that the retention policy allows to remove, the oldest first.
///
/// The newest run and the run that `latest` links to are always kept.
pub fn expired(home: &Path, policy: &Retention) -> Vec<PathBuf> {
    let latest = home.join("latest").canonicalize().ok();
    let cutoff = policy.days.and_then(run_id_days_ago);

    let mut expired = Vec::new();
    let mut total_bytes: u64 = 0;
    for (newer_runs, run) in complete(home).into_iter().rev().enumerate() {
        total_bytes = total_bytes.saturating_add(dir_size(&run));
        let is_surplus = newer_runs >= policy.runs;
        let is_too_large = total_bytes > policy.bytes;
        let is_too_old = cutoff.as_ref().is_some_and(|cutoff| run_id(&run) < *cutoff);

        let is_protected = newer_runs == 0 || run.canonicalize().ok() == latest;
        if !is_protected && (is_surplus || is_too_large || is_too_old) {
            expired.push(run);
        }
    }

    expired.reverse();
    expired
}

/// The run id of a run that started so many days ago; `None` before the first year.
fn run_id_days_ago(days: u32) -> Option<String> {
    let age = SignedDuration::from_hours(24 * i64::from(days));
    let start = Timestamp::now().checked_sub(age).ok()?;
    Some(start.strftime(RUN_ID).to_string())
}

/// Bytes of all files below a folder.
pub fn dir_size(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(folder).into_iter().flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => bytes += metadata.len(),
            _ => {}
        }
    }
    bytes
}
