//! Decisions: every reason that reopens a finding, and every message about a line.

use super::{finding, with_effect};
use crate::finding::ReopenReason::{EffectGrown, Expired, MoreSerious, Redeclared};
use crate::finding::ReviewDecision::{Confirm, LegitimateContext, Unsure};
use crate::finding::Verdict::{Candidate, Confirmed, DataRisk};
use crate::finding::{EffectUnit, Finding, ReviewDecision};
use crate::runs::review::{Decision, apply, read, write};

const MARGIN: f64 = 0.25;

fn decision(decision: ReviewDecision) -> Decision {
    Decision {
        class: "horse".into(),
        region: "tag".into(),
        decision,
        note: String::new(),
        verdict: None,
        effect: None,
        unit: None,
        declared: String::new(),
        expires: String::new(),
        reviewer: String::new(),
        decided_at: String::new(),
    }
}

fn expires(day: &str) -> Decision {
    Decision {
        expires: day.into(),
        reviewer: String::new(),
        decided_at: String::new(),
        ..decision(Confirm)
    }
}

fn about(verdict: crate::finding::Verdict) -> Decision {
    Decision {
        verdict: Some(verdict),
        ..decision(Confirm)
    }
}

fn measured(effect: f64, unit: Option<EffectUnit>) -> Decision {
    Decision {
        effect: Some(effect),
        unit,
        ..decision(Confirm)
    }
}

fn declared(declaration: &str) -> Decision {
    Decision {
        declared: declaration.into(),
        ..decision(Confirm)
    }
}

#[test]
fn a_decided_finding_is_closed_until_a_reason_reopens_it() {
    let fraction = Some(EffectUnit::Fraction);
    let logit = Some(EffectUnit::Logit);
    let region = |declaration: &str| Finding {
        declared: Some(declaration.into()),
        ..finding(Candidate)
    };
    let every_reason = Decision {
        expires: "2020-01-31".into(),
        reviewer: String::new(),
        decided_at: String::new(),
        effect: Some(0.1),
        verdict: Some(DataRisk),
        ..declared("other")
    };

    let table = [
        (
            "nothing changed",
            finding(Candidate),
            decision(Confirm),
            None,
        ),
        ("same declaration", region("tag"), declared("tag"), None),
        (
            "redeclared",
            region("tag"),
            declared("other"),
            Some(Redeclared),
        ),
        (
            "not declared any more",
            finding(Candidate),
            declared("other"),
            None,
        ),
        ("last day", finding(Candidate), expires("2026-11-23"), None),
        (
            "day after",
            finding(Candidate),
            expires("2026-11-22"),
            Some(Expired),
        ),
        ("same verdict", finding(Candidate), about(Candidate), None),
        ("less serious", finding(DataRisk), about(Candidate), None),
        (
            "more serious",
            finding(Confirmed),
            about(Candidate),
            Some(MoreSerious),
        ),
        (
            "within the margin",
            with_effect(Candidate, 0.5),
            measured(0.4, fraction),
            None,
        ),
        (
            "beyond the margin",
            with_effect(Candidate, 0.51),
            measured(0.4, fraction),
            Some(EffectGrown),
        ),
        (
            "a decision without a unit",
            with_effect(Candidate, 0.51),
            measured(0.4, None),
            Some(EffectGrown),
        ),
        (
            "other unit",
            with_effect(Candidate, 0.9),
            measured(0.4, logit),
            None,
        ),
        (
            "below zero, equal",
            with_effect(Candidate, -0.7),
            measured(-0.7, fraction),
            None,
        ),
        (
            "below zero, grown",
            with_effect(Candidate, -0.7),
            measured(-1.2, fraction),
            Some(EffectGrown),
        ),
        (
            "no effect now",
            finding(Candidate),
            measured(0.4, fraction),
            None,
        ),
        (
            "the first reason counts",
            region("tag"),
            every_reason,
            Some(Redeclared),
        ),
    ];

    let today = jiff::civil::date(2026, 11, 23);
    for (case, finding, decision, reopened) in table {
        let mut findings = [finding];
        apply(&mut findings, &[decision], MARGIN, today);
        let review = &findings[0].review;
        assert_eq!(review.reopened, reopened, "{case}");
        assert_eq!(review.open, reopened.is_some(), "{case}");
        assert_eq!(review.decision, Some(Confirm), "{case}");
    }
}

#[test]
fn an_unsure_decision_leaves_the_finding_open() {
    let today = jiff::civil::date(2026, 11, 23);
    let mut findings = [finding(Candidate), finding(Candidate)];
    findings[1].region = "border".into();
    let unsure = Decision {
        note: "ask the photographer".into(),
        ..decision(Unsure)
    };
    apply(&mut findings, &[unsure], MARGIN, today);

    assert!(findings[0].review.open && findings[0].review.reopened.is_none());
    assert_eq!(
        findings[0].review.note.as_deref(),
        Some("ask the photographer")
    );
    assert_eq!(findings[1].review.decision, None, "another region");
}

#[test]
fn decisions_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    assert!(read(&file).expect("no file").is_empty());

    let mut decisions = [
        Decision {
            class: "=HYPERLINK(\"http://x\")".into(),
            region: "'quoted".into(),
            note: "-1+1".into(),
            ..decision(LegitimateContext)
        },
        Decision {
            note: "known, \"really\"".into(),
            verdict: Some(Confirmed),
            effect: Some(0.9),
            unit: Some(EffectUnit::Fraction),
            declared: "0123".into(),
            expires: "2027-01-31".into(),
            reviewer: String::new(),
            decided_at: String::new(),
            ..decision(Confirm)
        },
    ];
    write(&file, &mut decisions).expect("written");
    assert_eq!(read(&file).expect("read"), decisions);

    let text = std::fs::read_to_string(&file).expect("text");
    let header = "class,region,decision,note,verdict,effect,unit,declared,expires,reviewer,\
                  decided_at\n";
    assert!(text.starts_with(header), "{text}");
    for formula in ["\n\"=", ",=", ",-"] {
        assert!(!text.contains(formula), "{text}");
    }
}

#[test]
fn the_last_line_about_a_finding_counts_and_columns_may_be_missing() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    let text = "class,region,decision\nhorse,tag,unsure\nhorse,tag,confirm\n";
    std::fs::write(&file, text).expect("file");
    assert_eq!(read(&file).expect("read"), [decision(Confirm)]);
}

#[test]
fn a_line_that_is_not_understood_is_refused() {
    let table = [
        (
            "class,region,decision\nhorse,tag,confirm\nhorse,tag,maybe\n",
            "review.csv:3: found decision \"maybe\", expected one of confirm, legitimate-context",
        ),
        (
            "class,region,decision,verdict\nhorse,tag,confirm,certain\n",
            "review.csv:2: found verdict \"certain\", expected one of confirmed, model_shortcut",
        ),
        (
            "class,region,decision,unit\nhorse,tag,confirm,percent\n",
            "review.csv:2: found unit \"percent\", expected one of fraction, logit",
        ),
        (
            "class,region,decision,expires\nhorse,tag,confirm,tomorrow\n",
            "review.csv:2: found expires \"tomorrow\", expected a day as 2027-01-31",
        ),
        (
            "class,region,decision,effect\nhorse,tag,confirm,much\n",
            "review.csv:2: ",
        ),
        (
            "class,region\nhorse,tag\n",
            "review.csv:1: there is no column decision",
        ),
    ];

    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    for (text, expected) in table {
        std::fs::write(&file, text).expect("file");
        let error = read(&file).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
}
