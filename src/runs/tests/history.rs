//! Listing, naming and removal of runs.

use super::{record, write_run};
use crate::plan::Retention;
use crate::runs::history::{
    RUN_ID, expired, finished, finished_before, next_run, remove, remove_incomplete, run_id,
    same_limit, started_at, unfinished,
};
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};

const UNLIMITED: Retention = Retention {
    runs: usize::MAX,
    days: None,
    bytes: u64::MAX,
};

fn days_ago(days: i64) -> String {
    let start = Timestamp::now() - SignedDuration::from_hours(24 * days);
    start.strftime(RUN_ID).to_string()
}

/// A finished run of so many bytes; its record cannot be read.
fn dummy_run(home: &Path, run_id: &str, bytes: usize) {
    let run = home.join(run_id);
    std::fs::create_dir(&run).expect("folder");
    std::fs::write(run.join("run.json"), vec![b' '; bytes]).expect("run.json");
}

#[test]
fn the_oldest_runs_expire_by_number_age_and_size() {
    let ids = [
        days_ago(30),
        days_ago(10),
        days_ago(10) + "-2",
        days_ago(10) + "-10",
        days_ago(1),
    ];
    let newest = |runs: usize| Retention { runs, ..UNLIMITED };
    let bytes = |bytes: u64| Retention { bytes, ..UNLIMITED };
    let days = |days: u32| Retention {
        days: Some(days),
        ..UNLIMITED
    };

    // Policy, the run that `latest` links to, number of expired runs among the oldest.
    let table = [
        ("no limit", UNLIMITED, 4, vec![]),
        ("more runs than there are", newest(6), 4, vec![]),
        ("as many runs as there are", newest(5), 4, vec![]),
        ("one too many", newest(4), 4, vec![0]),
        (
            "numbers are ordered as numbers",
            newest(2),
            4,
            vec![0, 1, 2],
        ),
        ("the newest stays", newest(0), 4, vec![0, 1, 2, 3]),
        ("latest stays", newest(1), 1, vec![0, 2, 3]),
        ("as many bytes as there are", bytes(500), 4, vec![]),
        ("exactly three runs", bytes(300), 4, vec![0, 1]),
        ("one byte too few", bytes(299), 4, vec![0, 1, 2]),
        ("the newest is too large", bytes(0), 4, vec![0, 1, 2, 3]),
        ("latest counts, but stays", bytes(300), 1, vec![0]),
        ("older than all", days(31), 4, vec![]),
        ("between", days(20), 4, vec![0]),
        (
            "no run is as young, so the last but two counts",
            days(0),
            4,
            vec![0],
        ),
        ("more days than the calendar has", days(u32::MAX), 4, vec![]),
    ];

    for (case, policy, latest, expected) in table {
        let home = tempfile::tempdir().expect("home");
        for id in &ids {
            dummy_run(home.path(), id, 100);
        }
        link(home.path(), &ids[latest]);

        let expired = expired(home.path(), &policy);
        let names: Vec<String> = expired.iter().map(|run| run_id(run)).collect();
        let expected: Vec<String> = expected
            .into_iter()
            .map(|i: usize| ids[i].clone())
            .collect();
        assert_eq!(names, expected, "{case}");
    }
}

fn link(home: &Path, run_id: &str) {
    std::os::unix::fs::symlink(run_id, home.join("latest")).expect("link");
}

#[test]
fn other_folders_and_measured_runs_are_not_removed() {
    let home = tempfile::tempdir().expect("home");
    let table = [
        ("ToyZebra", true),
        ("20261123T021500Z", false),
        ("20261123T021500Z-2", false),
        ("20261123T021500Z-old", true),
        ("20261124T021500Z", true),
        ("20261125T021500Z", true),
    ];
    for (name, _) in table {
        std::fs::create_dir_all(home.path().join(name).join("images")).expect("folder");
    }
    std::fs::write(home.path().join("20261124T021500Z/run.json"), "{}").expect("finished");
    std::fs::write(home.path().join("20261125T021500Z/measured.json"), "{}").expect("measured");

    remove_incomplete(home.path());
    for (name, stays) in table {
        assert_eq!(home.path().join(name).exists(), stays, "{name}");
    }
    assert_eq!(
        finished(home.path()),
        [home.path().join("20261124T021500Z")]
    );
    assert_eq!(
        unfinished(home.path()),
        [home.path().join("20261125T021500Z")]
    );

    remove(&home.path().join("20261124T021500Z")).expect("removed");
    assert!(finished(home.path()).is_empty());
    let error = remove(&home.path().join("20261124T021500Z")).expect_err("gone");
    assert!(error.to_string().contains("20261124T021500Z"), "{error}");
}

#[test]
fn runs_are_in_the_order_in_which_they_were_made() {
    let home = tempfile::tempdir().expect("home");
    let (first, sequence) = next_run(home.path());
    assert!(!first.contains('-') && sequence == 1, "{first} {sequence}");

    // The clock was ahead once, and behind once.
    let ids = [
        "20261123T021500Z",
        "29991231T235959Z",
        "20261125T021500Z",
        "19700101T000007Z",
        "20261126T021500Z",
    ];
    for (number, id) in (1..).zip(ids) {
        let mut record = record(id);
        record.identity.sequence = number;
        write_run(home.path(), &record, &[]);
    }
    let names =
        |runs: Vec<PathBuf>| -> Vec<String> { runs.iter().map(|run| run_id(run)).collect() };
    assert_eq!(names(finished(home.path())), ids);

    let mut third = record(ids[2]);
    third.identity.sequence = 3;
    assert_eq!(
        names(finished_before(home.path(), &third.identity)),
        ids[..2]
    );

    let (next, sequence) = next_run(home.path());
    assert_eq!(sequence, 6);
    assert!(!next.starts_with("2999"), "{next}");
}

/// A run of the future goes when the runs around it do.
#[test]
fn runs_of_a_wrong_clock_age_with_their_neighbours() {
    let home = tempfile::tempdir().expect("home");
    let ids = [
        days_ago(40),
        "29990101T000000Z".into(),
        "19700101T000007Z".into(),
    ];
    let recent = [days_ago(2), days_ago(1), days_ago(0)];
    for (number, id) in (1..).zip(ids.iter().chain(&recent)) {
        let mut record = record(id);
        record.identity.sequence = number;
        write_run(home.path(), &record, &[]);
    }
    let expired_after = |days: u32| {
        let policy = Retention {
            days: Some(days),
            ..UNLIMITED
        };
        let expired = expired(home.path(), &policy);
        expired
            .iter()
            .map(|run| run_id(run))
            .collect::<Vec<String>>()
    };
    assert_eq!(expired_after(30), ids);
    assert!(expired_after(50).is_empty());
}

#[test]
fn a_run_folder_says_when_the_run_started() {
    let started = |name: &str| started_at(Path::new(name));
    assert_eq!(started("demo/20261123T021500Z-2"), "2026-11-23 02:15 UTC");
    assert_eq!(started("demo/latest"), "");
}

#[test]
fn a_limited_run_replaces_only_a_run_of_the_same_limit() {
    let home = tempfile::tempdir().expect("home");
    assert!(same_limit(home.path(), Some(4)), "there is no latest run");

    let mut limited = record("20261123T021500Z");
    limited.facts.limit = Some(4);
    let run = write_run(home.path(), &limited, &[]);
    link(home.path(), "20261123T021500Z");
    assert!(same_limit(home.path(), Some(4)));
    assert!(!same_limit(home.path(), Some(5)));
    assert!(!same_limit(home.path(), None));

    std::fs::write(run.join("run.json"), "{").expect("damaged");
    assert!(!same_limit(home.path(), Some(4)));
    assert!(same_limit(home.path(), None));
}
