//! Documents that cannot be read: the last run is not comparable, and commands end with the cause.

use super::{finding, no_changes, record, tested, with_effect, write_run};
use crate::finding::ChangeState::NotComparable;
use crate::finding::Verdict::{Candidate, Confirmed, None as NoVerdict};
use crate::runs::diff::ChangeReason;
use crate::runs::history::compare;
use crate::runs::open_finished;
use crate::tables::SCHEMA_VERSION;
use std::path::Path;

struct Damage {
    case: &'static str,
    file: &'static str,
    change: fn(&Path),
    /// A part of the cause.
    cause: &'static str,
}

const DAMAGES: [Damage; 7] = [
    Damage {
        case: "cut short",
        file: "summary.json",
        change: cut_to_2000_bytes,
        cause: "EOF while parsing",
    },
    Damage {
        case: "a number made a text",
        file: "summary.json",
        change: number_to_text,
        cause: "invalid type: string",
    },
    Damage {
        case: "a number made a text in the record",
        file: "run.json",
        change: number_to_text,
        cause: "invalid type: string",
    },
    Damage {
        case: "other schema version",
        file: "summary.json",
        change: to_last_schema_version,
        cause: "run the pipeline again",
    },
    Damage {
        case: "other schema version of the record",
        file: "run.json",
        change: to_last_schema_version,
        cause: "run the pipeline again",
    },
    Damage {
        case: "no summary",
        file: "summary.json",
        change: remove,
        cause: "No such file",
    },
    Damage {
        case: "no changes",
        file: "changes.json",
        change: remove,
        cause: "No such file",
    },
];

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("text");
    let edited = text.replacen(from, to, 1);
    assert_ne!(text, edited, "{} has no {from}", file.display());
    std::fs::write(file, edited).expect("written");
}

fn cut_to_2000_bytes(file: &Path) {
    let bytes = std::fs::read(file).expect("bytes");
    assert!(bytes.len() > 2000);
    std::fs::write(file, &bytes[..2000]).expect("written");
}

fn number_to_text(file: &Path) {
    edit(
        file,
        "\"top1_accuracy\": 0.875",
        "\"top1_accuracy\": \"0.875\"",
    );
}

fn to_last_schema_version(file: &Path) {
    let line = |version: u32| format!("\"schema_version\": {version}");
    edit(file, &line(SCHEMA_VERSION), &line(SCHEMA_VERSION - 1));
}

fn remove(file: &Path) {
    std::fs::remove_file(file).expect("removed");
}

#[test]
fn nothing_is_new_where_the_last_run_cannot_be_read() {
    for damage in DAMAGES {
        let home = tempfile::tempdir().expect("home");
        let confirmed = tested(Confirmed, 0.5, 1.0, 0.01);
        let first = record("20261121T021500Z");
        let second = record("20261122T021500Z");
        write_run(home.path(), &first, &[with_effect(Confirmed, 0.4)]);
        let last = write_run(home.path(), &second, std::slice::from_ref(&confirmed));
        (damage.change)(&last.join(damage.file));

        let mut none = finding(NoVerdict);
        none.region = "border".into();
        let current = [confirmed, none];
        let (changes, warnings) = compare(home.path(), &record("20261123T021500Z"), &current);

        let case = damage.case;
        let cause = changes.unreadable.as_deref().expect(case);
        assert!(cause.contains(damage.file), "{case}: {cause}");
        assert!(cause.contains(damage.cause), "{case}: {cause}");
        assert_eq!(warnings.len(), 1, "{case}");
        assert!(warnings[0].contains(cause), "{case}: {warnings:?}");

        assert_eq!(changes.previous.as_deref(), Some("20261122T021500Z"));
        assert_eq!(changes.changes.len(), 1, "{case}: only the reported one");
        assert_eq!(changes.changes[0].state, NotComparable, "{case}");
        assert_eq!(
            changes.changes[0].reason,
            Some(ChangeReason::LastRunUnreadable)
        );
        assert_eq!(changes.new_confirmed(&current), 0, "{case}");
        assert!(changes.headline().contains("could not be read"));

        let trend = &changes.trends["horse\ttag"];
        assert_eq!(trend.len(), 3, "{case}");
        assert_eq!((trend[0], trend[2]), (Some(0.4), Some(0.5)), "{case}");
        let is_gap = damage.file == "summary.json";
        assert_eq!(trend[1].is_none(), is_gap, "{case}");
    }
}

#[test]
fn an_older_run_that_cannot_be_read_is_a_gap() {
    for damage in DAMAGES {
        let home = tempfile::tempdir().expect("home");
        let older = record("20261121T021500Z");
        let last = record("20261122T021500Z");
        let damaged = write_run(home.path(), &older, &[with_effect(Candidate, 0.4)]);
        write_run(home.path(), &last, &[with_effect(Candidate, 0.5)]);
        (damage.change)(&damaged.join(damage.file));

        let current = [with_effect(Candidate, 0.6)];
        let (changes, warnings) = compare(home.path(), &record("20261123T021500Z"), &current);
        assert_eq!(changes.unreadable, None, "{}", damage.case);
        assert!(warnings.is_empty(), "{warnings:?}");

        let effect = (damage.file != "summary.json").then_some(0.4);
        assert_eq!(
            changes.trends["horse\ttag"],
            [effect, Some(0.5), Some(0.6)],
            "{}",
            damage.case
        );
    }
}

#[test]
fn a_damaged_run_is_not_opened() {
    for damage in DAMAGES {
        let home = tempfile::tempdir().expect("home");
        let run = write_run(
            home.path(),
            &record("20261123T021500Z"),
            &[finding(Confirmed)],
        );
        let opened = open_finished(&run).expect("opened");
        assert_eq!(opened.summary.findings, [finding(Confirmed)]);
        assert_eq!(opened.changes().expect("changes"), no_changes());

        (damage.change)(&run.join(damage.file));
        let error = match open_finished(&run) {
            Ok(opened) => opened.changes().expect_err(damage.case),
            Err(error) => error,
        };
        let message = error.to_string();
        assert!(message.contains(damage.file), "{message}");
        assert!(message.contains(damage.cause), "{message}");
    }
}

#[test]
fn a_folder_without_a_record_is_not_a_finished_run() {
    let folder = tempfile::tempdir().expect("folder");
    let error = open_finished(folder.path()).expect_err("refused");
    assert!(
        error.to_string().contains("is not a finished run"),
        "{error}"
    );

    let run = write_run(folder.path(), &record("20261123T021500Z"), &[]);
    let figures = open_finished(&run).expect("opened").figures();
    let error = figures.expect_err("there are no figures").to_string();
    assert!(error.contains("figures.json"), "{error}");
}
