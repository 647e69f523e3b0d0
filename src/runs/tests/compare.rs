//! Which runs a run is compared with, and what it takes from them.

use super::{finding, no_changes, record, tested, with_effect, write_run};
use crate::finding::ChangeState::{NotComparable, Unchanged};
use crate::finding::Verdict::{Candidate, Confirmed};
use crate::finding::{Finding, RunPart, Verdict};
use crate::runs::diff::{Change, ChangeReason};
use crate::runs::documents::{Changes, Document};
use crate::runs::history::compare;

const CURRENT: &str = "20261123T021500Z";

#[test]
fn the_first_run_has_no_changes_and_everything_confirmed_is_new() {
    let home = tempfile::tempdir().expect("home");
    let current = [finding(Confirmed), finding(Candidate)];
    let (changes, warnings) = compare(home.path(), &record(CURRENT), &current);
    assert_eq!(changes, no_changes());
    assert!(warnings.is_empty());
    assert_eq!(changes.new_confirmed(&current), 1);
}

/// Later runs, runs of another limit and refused runs are left out.
#[test]
fn a_run_is_compared_with_the_comparable_run_before_it() {
    let home = tempfile::tempdir().expect("home");
    let mut last = record("20261120T021500Z");
    last.facts.model_hash = "other".into();
    let mut limited = record("20261121T021500Z");
    limited.facts.limit = Some(4);
    let mut refused = record("20261122T021500Z");
    refused.refused = true;
    let later = record("20261124T021500Z");

    write_run(home.path(), &last, &[with_effect(Confirmed, 0.4)]);
    for other in [limited, refused, record(CURRENT), later] {
        write_run(home.path(), &other, &[]);
    }

    let current = [with_effect(Confirmed, 0.5)];
    let (changes, warnings) = compare(home.path(), &record(CURRENT), &current);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(changes.previous.as_deref(), Some("20261120T021500Z"));
    assert_eq!(changes.differences, [RunPart::Model]);
    assert_eq!(changes.changes[0].state, Unchanged);
    assert_eq!(changes.trends["horse\ttag"], [Some(0.4), Some(0.5)]);
    assert_eq!(changes.new_confirmed(&current), 0);
}

#[test]
fn a_trend_goes_back_thirty_runs() {
    let home = tempfile::tempdir().expect("home");
    for minute in 0..40 {
        let run = record(&format!("20261101T02{minute:02}00Z"));
        let effect = f64::from(minute);
        write_run(home.path(), &run, &[with_effect(Candidate, effect)]);
    }
    let (changes, _) = compare(
        home.path(),
        &record(CURRENT),
        &[with_effect(Candidate, 40.0)],
    );
    let trend = &changes.trends["horse\ttag"];
    assert_eq!(trend.len(), 30);
    assert_eq!((trend[0], trend[29]), (Some(11.0), Some(40.0)));
}

#[test]
fn a_held_finding_counts_as_confirmed_in_the_next_run() {
    let home = tempfile::tempdir().expect("home");
    let weaker = tested(Candidate, 0.3, 0.3, 0.08);
    write_run(
        home.path(),
        &record("20261121T021500Z"),
        &[finding(Confirmed)],
    );

    let second = record("20261122T021500Z");
    let held = [weaker.clone()];
    let (changes, _) = compare(home.path(), &second, &held);
    assert_eq!(changes.changes[0].reason, Some(ChangeReason::Held));
    let run = write_run(home.path(), &second, &held);
    let json = changes.to_json().expect("json");
    std::fs::write(run.join(Changes::FILE), json).expect("written");

    let (changes, _) = compare(home.path(), &record(CURRENT), &held);
    assert_eq!(changes.changes[0].reason, Some(ChangeReason::Held));
    let confirmed = [Finding {
        verdict: Confirmed,
        ..weaker
    }];
    let (changes, _) = compare(home.path(), &record(CURRENT), &confirmed);
    assert_eq!(changes.changes[0].before, Some(Confirmed));
    assert_eq!(changes.new_confirmed(&confirmed), 0);
}

#[test]
fn a_redeclared_or_decided_finding_is_counted_by_what_it_is_now() {
    let change = |before: Verdict, state| Change {
        label: "horse".into(),
        region: "tag".into(),
        state,
        before: Some(before),
        after: Some(Confirmed),
        reason: None,
    };
    let new_confirmed = |change: Change, finding: Finding| {
        let changes = Changes {
            changes: vec![change],
            ..no_changes()
        };
        changes.new_confirmed(&[finding])
    };
    let mut decided = finding(Confirmed);
    decided.review.open = false;

    assert_eq!(
        new_confirmed(change(Confirmed, Unchanged), finding(Confirmed)),
        0
    );
    assert_eq!(
        new_confirmed(change(Candidate, Unchanged), finding(Confirmed)),
        1
    );
    assert_eq!(new_confirmed(change(Candidate, Unchanged), decided), 0);
    let redeclared = change(Confirmed, NotComparable);
    assert_eq!(new_confirmed(redeclared, finding(Confirmed)), 1);
}
