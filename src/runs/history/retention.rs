//! Which runs may be removed.

use super::list::{complete, run_id};
use crate::plan::{Retention, parse_run_id};
use crate::runs::clock;
use crate::runs::latest::latest;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};
use std::path::{Path, PathBuf};

/// Runs that have to agree on the time before it removes others: two runs of a wrong clock remove
/// nothing.
const WITNESSES: usize = 3;

/// The runs with complete rows that the retention policy allows to remove, the oldest first.
///
/// The newest run and the run that `latest` names are always kept.
pub fn expired(home: &Path, policy: &Retention) -> Vec<PathBuf> {
    let latest = latest(home);
    let runs = complete(home);
    let too_old = match policy.days {
        Some(days) => too_old(&starts(&runs), clock_time(), days),
        None => vec![false; runs.len()],
    };

    let mut expired = Vec::new();
    let mut total_bytes: u64 = 0;
    let newest_first = runs.into_iter().zip(too_old).rev();
    for (newer_runs, (run, is_too_old)) in newest_first.enumerate() {
        total_bytes = total_bytes.saturating_add(dir_size(&run));
        let is_surplus = newer_runs >= policy.runs;
        let is_too_large = total_bytes > policy.bytes;

        let is_protected = newer_runs == 0 || run.canonicalize().ok() == latest;
        if !is_protected && (is_surplus || is_too_large || is_too_old) {
            expired.push(run);
        }
    }

    expired.reverse();
    expired
}

fn clock_time() -> DateTime {
    clock::now().to_zoned(TimeZone::UTC).datetime()
}

/// When the runs started, in their order.
fn starts(runs: &[PathBuf]) -> Vec<DateTime> {
    let ids = runs.iter().map(|run| run_id(run));
    ids.filter_map(|id| parse_run_id(&id).map(|(start, _)| start))
        .collect()
}

/// Which runs started more than so many days ago; `starts` are in the order of the runs.
///
/// The days count back from the clock where the last [`WITNESSES`] runs confirm it, which is where
/// so many lie within these days (two where there are three runs). Else they count back from the
/// start of the last run but two (one). No run counts as older than a run before it, and a start
/// in the future is not believed.
fn too_old(starts: &[DateTime], now: DateTime, days: u32) -> Vec<bool> {
    let keeps_all = vec![false; starts.len()];
    let witnesses = starts.len().saturating_sub(1).clamp(2, WITNESSES);
    let Some(witness) = starts.len().checked_sub(witnesses) else {
        return keeps_all;
    };

    let tomorrow = |time: DateTime| time.saturating_add(SignedDuration::from_hours(24));
    let Some(cutoff) = days_before(now, days) else {
        return keeps_all;
    };
    let is_recent = |start: &&DateTime| cutoff <= **start && **start <= tomorrow(now);
    let is_confirmed = starts.iter().filter(is_recent).count() >= witnesses;
    let counted_from = if is_confirmed { now } else { starts[witness] };
    let Some(cutoff) = days_before(counted_from, days) else {
        return keeps_all;
    };

    let future = tomorrow(counted_from);
    let mut youngest: Option<DateTime> = None;
    let mut too_old = Vec::new();
    for start in starts {
        if *start <= future {
            youngest = youngest.max(Some(*start));
        }
        too_old.push(youngest.is_some_and(|start| start < cutoff));
    }
    too_old
}

/// `None` before the first day of the calendar.
fn days_before(time: DateTime, days: u32) -> Option<DateTime> {
    let span = Span::new().try_days(i64::from(days)).ok()?;
    time.checked_sub(span).ok()
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn day(days_ago: i64) -> DateTime {
        let last_night = date(2026, 11, 26).at(2, 15, 0, 0);
        last_night.saturating_sub(SignedDuration::from_hours(24 * days_ago))
    }

    /// What the clock said in the nights after forty regular ones, and how many of the forty go
    /// after the last of them.
    #[test]
    fn a_wrong_clock_removes_no_history() {
        let future = |night: i8| date(2029, 3, night).at(2, 15, 0, 0);
        let past = |night: i8| date(1970, 1, night).at(0, 0, 7, 0);
        let year_9999 = date(9999, 12, 30).at(22, 0, 0, 0);
        let table = [
            ("regular nights", vec![day(-1)], 10),
            ("one night of the future", vec![future(1)], 8),
            ("two nights of the future", vec![future(1), future(2)], 9),
            ("the future, and back", vec![future(1), day(-2)], 11),
            ("the last year", vec![year_9999], 8),
            ("the last year, and back", vec![year_9999, day(-2)], 11),
            ("one night of the past", vec![past(1)], 8),
            ("two nights of the past", vec![past(1), past(2)], 9),
            ("the past, and back", vec![past(1), day(-2)], 11),
            ("a long pause", vec![day(-300)], 8),
            (
                "a long pause, and three nights",
                vec![day(-300), day(-301), day(-302)],
                40,
            ),
        ];
        for (case, nights, expected) in table {
            let mut starts: Vec<DateTime> = (0..40).rev().map(day).collect();
            starts.extend(&nights);
            let now = nights[nights.len() - 1];
            let too_old = too_old(&starts, now, 30);
            let removed = too_old.iter().filter(|old| **old).count();
            assert_eq!(removed, expected, "{case}");
            assert!(too_old[..removed].iter().all(|old| *old), "{case}");
        }
    }

    #[test]
    fn few_runs_are_removed_by_the_word_of_two() {
        let (long_ago, now) = (day(900), day(0));
        assert_eq!(too_old(&[], now, 30), [false; 0]);
        assert_eq!(too_old(&[long_ago], now, 30), [false]);
        assert_eq!(too_old(&[long_ago, now], now, 30), [false; 2]);
        assert_eq!(
            too_old(&[long_ago, day(1), now], now, 30),
            [true, false, false]
        );
    }
}
