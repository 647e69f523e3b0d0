//! Every state and reason of a change.

use super::{finding, record, tested, with_effect};
use crate::finding::ChangeState::{Better, Gone, New, NotComparable, Unchanged, Worse};
use crate::finding::Verdict::{
    Candidate, Cleared, Confirmed, DataRisk, Insufficient, ModelShortcut, None as NoVerdict,
    SalientOnly,
};
use crate::finding::{ChangeState, EffectUnit, Finding, RunPart, Verdict};
use crate::runs::AuditedPair;
use crate::runs::diff::{Change, ChangeReason, changes, differences, headline};
use std::collections::BTreeMap;

fn declared(verdict: Verdict, declaration: &str) -> Finding {
    Finding {
        declared: Some(declaration.into()),
        ..finding(verdict)
    }
}

fn in_logits(verdict: Verdict) -> Finding {
    Finding {
        effect_unit: EffectUnit::Logit,
        ..finding(verdict)
    }
}

#[test]
fn every_state_has_its_reason() {
    use ChangeReason as Reason;
    let rate = |rate: f64| tested(Confirmed, rate, 1.0, 0.01);
    let weaker = |margin: f64, q: f64| tested(Candidate, 0.3, margin, q);

    let table: [(&str, Option<Finding>, Option<Finding>, _); 24] = [
        (
            "first run",
            None,
            Some(finding(Confirmed)),
            Some((New, None)),
        ),
        (
            "was none",
            Some(finding(NoVerdict)),
            Some(finding(Candidate)),
            Some((New, None)),
        ),
        (
            "was cleared",
            Some(finding(Cleared)),
            Some(finding(DataRisk)),
            Some((New, None)),
        ),
        (
            "none twice",
            Some(finding(NoVerdict)),
            Some(finding(NoVerdict)),
            None,
        ),
        (
            "salient twice",
            Some(finding(SalientOnly)),
            Some(finding(SalientOnly)),
            None,
        ),
        (
            "cleared and not audited",
            Some(finding(Cleared)),
            None,
            None,
        ),
        (
            "graver",
            Some(finding(Candidate)),
            Some(finding(Confirmed)),
            Some((Worse, Some(Reason::Verdict))),
        ),
        (
            "graver by one",
            Some(finding(ModelShortcut)),
            Some(finding(Confirmed)),
            Some((Worse, Some(Reason::Verdict))),
        ),
        (
            "lighter",
            Some(finding(Confirmed)),
            Some(finding(Candidate)),
            Some((Better, Some(Reason::Verdict))),
        ),
        (
            "held",
            Some(finding(Confirmed)),
            Some(weaker(0.3, 0.08)),
            Some((Unchanged, Some(Reason::Held))),
        ),
        (
            "held at both limits",
            Some(finding(Confirmed)),
            Some(weaker(0.25, 0.10)),
            Some((Unchanged, Some(Reason::Held))),
        ),
        (
            "q too large",
            Some(finding(Confirmed)),
            Some(weaker(0.3, 0.11)),
            Some((Better, Some(Reason::Verdict))),
        ),
        (
            "effect too small",
            Some(finding(Confirmed)),
            Some(weaker(0.24, 0.08)),
            Some((Better, Some(Reason::Verdict))),
        ),
        (
            "only confirmed findings are held",
            Some(finding(ModelShortcut)),
            Some(weaker(0.3, 0.08)),
            Some((Better, Some(Reason::Verdict))),
        ),
        (
            "gone",
            Some(finding(Confirmed)),
            Some(finding(NoVerdict)),
            Some((Gone, Some(Reason::Verdict))),
        ),
        (
            "cleared",
            Some(finding(Candidate)),
            Some(finding(Cleared)),
            Some((Gone, Some(Reason::Verdict))),
        ),
        (
            "too little evidence",
            Some(finding(Confirmed)),
            Some(finding(Insufficient)),
            Some((NotComparable, Some(Reason::Insufficient))),
        ),
        (
            "not audited",
            Some(finding(Confirmed)),
            None,
            Some((NotComparable, Some(Reason::NotAudited))),
        ),
        (
            "redeclared, whatever the verdict",
            Some(declared(Candidate, "one")),
            Some(declared(Confirmed, "another")),
            Some((NotComparable, Some(Reason::Redeclared))),
        ),
        (
            "other unit",
            Some(finding(Candidate)),
            Some(in_logits(Candidate)),
            Some((Unchanged, Some(Reason::OtherUnit))),
        ),
        (
            "larger",
            Some(rate(0.3)),
            Some(rate(0.5)),
            Some((Worse, Some(Reason::LargerEffect))),
        ),
        (
            "smaller",
            Some(rate(0.5)),
            Some(rate(0.3)),
            Some((Better, Some(Reason::SmallerEffect))),
        ),
        (
            "intervals overlap",
            Some(rate(0.5)),
            Some(rate(0.55)),
            Some((Unchanged, None)),
        ),
        (
            "no interval",
            Some(finding(DataRisk)),
            Some(finding(DataRisk)),
            Some((Unchanged, None)),
        ),
    ];

    for (case, before, after, expected) in table {
        let before: Vec<Finding> = before.into_iter().collect();
        let after: Vec<Finding> = after.into_iter().collect();
        let changes = changes(&before, &after, &BTreeMap::new());

        let states: Vec<_> = changes.iter().map(|c| (c.state, c.reason)).collect();
        assert_eq!(states, Vec::from_iter(expected), "{case}");
        for change in &changes {
            let verdict = |list: &[Finding]| list.first().map(|finding| finding.verdict);
            assert_eq!(change.before, verdict(&before), "{case}");
            assert_eq!(change.after, verdict(&after), "{case}");
        }
    }
}

/// The later run's documents leave findings out that it no longer reports.
#[test]
fn a_finding_that_is_not_listed_is_looked_up_in_the_verdicts() {
    let audited = |verdict, declared: Option<&str>| AuditedPair {
        verdict,
        declared: declared.map(str::to_owned),
    };
    let table = [
        (audited(NoVerdict, None), Gone, ChangeReason::Verdict),
        (
            audited(SalientOnly, Some("one")),
            Gone,
            ChangeReason::Verdict,
        ),
        (
            audited(Insufficient, None),
            NotComparable,
            ChangeReason::Insufficient,
        ),
        (
            audited(NoVerdict, Some("another")),
            NotComparable,
            ChangeReason::Redeclared,
        ),
    ];

    for (pair, state, reason) in table {
        let key = ("horse".to_owned(), "tag".to_owned());
        let unlisted = BTreeMap::from([(key, pair.clone())]);
        let changes = changes(&[declared(Confirmed, "one")], &[], &unlisted);

        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].state, state, "{pair:?}");
        assert_eq!(changes[0].reason, Some(reason), "{pair:?}");
        assert_eq!(changes[0].after, Some(pair.verdict));
    }
}

#[test]
fn a_reason_is_a_sentence() {
    let change = |before: Finding, after: Finding| {
        let mut changes = changes(&[before], &[after], &BTreeMap::new());
        changes.remove(0).why()
    };
    assert_eq!(
        change(finding(Confirmed), finding(DataRisk)),
        "confirmed became data risk"
    );
    assert_eq!(
        change(declared(Confirmed, "one"), declared(Confirmed, "another")),
        "the region is declared differently"
    );
    assert_eq!(change(finding(NoVerdict), finding(Candidate)), "");
}

fn in_state(state: ChangeState) -> Change {
    Change {
        label: "horse".into(),
        region: "tag".into(),
        state,
        before: None,
        after: None,
        reason: None,
    }
}

#[test]
fn a_headline_counts_states() {
    let mixed = [New, New, Worse, Gone, NotComparable].map(in_state);
    assert_eq!(headline(&[], &[]), "no finding in either run");
    assert_eq!(
        headline(&[], &mixed),
        "2 new, 1 worse, 1 gone, 1 not comparable"
    );
    assert_eq!(
        headline(&[RunPart::Model, RunPart::Dataset], &mixed[..1]),
        "another model, another dataset: 1 new"
    );
    assert_eq!(
        headline(&[RunPart::Model], &mixed),
        "another model: the new model learned 3 (2 new, 1 worse), unlearned 1 (1 gone); \
         1 not comparable"
    );
    assert_eq!(
        headline(&[RunPart::Model], &[in_state(Better)]),
        "another model: the new model learned nothing, unlearned 1 (1 better)"
    );
}

#[test]
fn runs_differ_in_parts() {
    let one = record("20261123T021500Z");
    assert!(differences(&one, &record("20261124T021500Z")).is_empty());

    let mut other = one.clone();
    other.tool_version = "2.0.0".into();
    other.facts.content_fingerprint = "other".into();
    other.facts.dataset_fingerprint = "other".into();
    assert_eq!(
        differences(&one, &other),
        [RunPart::Version, RunPart::Dataset]
    );

    other = one.clone();
    other.facts.model_hash = "other".into();
    other.identity.pipeline_hash = "other".into();
    other.facts.engine = "onnxruntime".into();
    assert_eq!(
        differences(&one, &other),
        [RunPart::Model, RunPart::Pipeline, RunPart::Engine]
    );
}

#[test]
fn effects_without_an_interval_are_unchanged() {
    let changes = changes(
        &[with_effect(DataRisk, 0.1)],
        &[with_effect(DataRisk, 0.9)],
        &BTreeMap::new(),
    );
    assert_eq!(changes[0].state, Unchanged);
}
