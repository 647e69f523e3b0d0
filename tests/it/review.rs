//! What reviewers decide, and what becomes of it in the next run.

use crate::support::{audit, demo_text, finding, fixtures, parquet, plan, texts};
use camaudit::audit::Outcome;
use camaudit::finding::{ChangeState, EffectUnit, Finding, ReviewDecision, RunPart, Verdict};
use camaudit::report::open_at_or_above;
use camaudit::runs::diff::{self, ChangeReason};
use camaudit::runs::documents::Changes;
use camaudit::runs::review::{self, Decision};
use camaudit::tables::SCHEMA_VERSION;
use std::collections::BTreeMap;
use std::path::Path;

/// Open findings that are candidates or more.
fn open_candidates(outcome: &Outcome) -> usize {
    open_at_or_above(&outcome.summary.findings, Verdict::Candidate)
}

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
    }
}

#[test]
fn a_decided_finding_is_folded_and_comes_back_when_the_evidence_grows() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    let run = |set: &[&str]| {
        let text = demo_text("shortcut.onnx") + &format!("[review]\ndecisions = {file:?}\n");
        audit(&plan(folder.path(), "review", &text, set))
    };
    let first = run(&[]);
    assert_eq!(
        (open_candidates(&first), first.new_confirmed),
        (1, 1),
        "open without a decision"
    );
    let findings = parquet(&first.folder.join("findings.parquet"));
    assert_eq!(texts(&findings, "verdict")[0], "confirmed");
    let mut decided = vec![Decision {
        class: "horse".into(),
        region: "source-tag".into(),
        decision: ReviewDecision::Confirm,
        note: "known, \"really\"".into(),
        verdict: Some(Verdict::Confirmed),
        effect: Some(0.9),
        unit: Some(EffectUnit::Fraction),
        declared: texts(&findings, "declared")[0].clone(),
        expires: String::new(),
    }];
    review::write(&file, &mut decided).expect("written");
    assert_eq!(review::read(&file).expect("read"), decided);
    let second = run(&[]);
    assert_eq!(
        (open_candidates(&second), second.new_confirmed),
        (0, 0),
        "decided"
    );
    let page = std::fs::read_to_string(second.folder.join("report.html")).expect("page");
    assert!(page.contains("1 decided earlier") && page.contains(r"known, \&quot;really\&quot;"));
    decided[0].effect = Some(0.5);
    review::write(&file, &mut decided).expect("written");
    assert_eq!(open_candidates(&run(&[])), 1, "the effect has grown");
    decided[0].effect = Some(0.9);
    decided[0].expires = "2020-01-31".into();
    review::write(&file, &mut decided).expect("written");
    assert_eq!(open_candidates(&run(&[])), 1, "expired");
    decided[0].expires = String::new();
    decided[0].declared = "0123456789abcdef".into();
    review::write(&file, &mut decided).expect("written");
    let other = run(&[]);
    assert_eq!(open_candidates(&other), 1, "declared differently");
    let why = texts(
        &parquet(&other.folder.join("findings.parquet")),
        "came_back",
    )[0]
    .clone();
    assert_eq!(why, "the region is declared differently");
}

/// What a decision was about: the place, and the picture itself, whatever the files are called.
#[test]
fn a_region_is_declared_differently_when_its_place_or_picture_changes() {
    let folder = tempfile::tempdir().expect("folder");
    let tag = image::open(fixtures().join("tag.png")).expect("tag");
    let hash = |name: &str, width: f64, picture: &image::DynamicImage| {
        let file = folder.path().join(format!("{name}.png"));
        picture.save(&file).expect("picture");
        let corner = format!("corner = {{ at = \"bottom-left\", width = {width}, height = 0.3 }}");
        let region =
            format!("[[region]]\nname = {name:?}\n{corner}\ntemplate = {{ picture = {file:?} }}\n");
        let plan = plan(
            folder.path(),
            "declared",
            &(demo_text("shortcut.onnx") + &region),
            &[],
        );
        plan.regions.last().expect("region").hash.clone()
    };
    let first = hash("stamp", 0.4, &tag);
    assert_eq!(
        first,
        hash("seal", 0.4, &tag),
        "another name, another file of the same picture"
    );
    assert_ne!(first, hash("stamp", 0.5, &tag), "another place");
    assert_ne!(first, hash("stamp", 0.4, &tag.fliph()), "another picture");

    let declared = |hash: &str| Finding {
        declared: Some(hash.into()),
        ..finding(Verdict::Confirmed, 0.5)
    };
    let changes = diff::changes(&[declared("one")], &[declared("another")], &BTreeMap::new());
    assert_eq!(
        (changes[0].state, changes[0].reason),
        (ChangeState::NotComparable, Some(ChangeReason::Redeclared))
    );
    assert_eq!(changes[0].why(), "the region is declared differently");
    let changes = Changes {
        schema_version: SCHEMA_VERSION,
        previous: None,
        unreadable: None,
        differences: vec![],
        drops: vec![],
        changes,
        trends: BTreeMap::new(),
    };
    assert_eq!(
        changes.new_confirmed(&[declared("another")]),
        1,
        "what was confirmed was another region"
    );
    let both = [RunPart::Model, RunPart::Dataset];
    assert_eq!(
        diff::headline(&both, &changes.changes),
        "another model, another dataset: 1 not comparable"
    );
}

#[test]
fn a_decision_that_is_none_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    std::fs::write(
        &file,
        "class,region,decision\nhorse,tag,confirm\nhorse,tag,maybe\n",
    )
    .expect("file");
    let error = review::read(&file).expect_err("refused").to_string();
    assert!(
        error.contains("review.csv:3") && error.contains("legitimate-context"),
        "{error}"
    );
    assert!(
        review::read(Path::new("/nowhere/review.csv"))
            .expect("none")
            .is_empty()
    );
}

#[test]
fn a_decision_on_an_effect_below_zero_holds() {
    let mut found = [Finding {
        effect_unit: EffectUnit::Logit,
        ..finding(Verdict::DataRisk, -0.7)
    }];
    let decided = |effect, unit| Decision {
        verdict: Some(Verdict::DataRisk),
        effect: Some(effect),
        unit: Some(unit),
        ..decision(ReviewDecision::LegitimateContext)
    };
    let today = jiff::civil::date(2026, 11, 23);
    let mut open = |d| {
        review::apply(&mut found, &[d], 0.25, today);
        found[0].review.open
    };
    assert!(
        !open(decided(-0.7, EffectUnit::Logit)),
        "nothing has changed"
    );
    assert!(open(decided(-1.2, EffectUnit::Logit)), "it has grown");
    assert!(
        !open(decided(-1.2, EffectUnit::Fraction)),
        "another measure is no growth"
    );
}

/// An apostrophe keeps a spreadsheet from reading names and notes as formulas, and comes off again.
#[test]
fn formulas_in_decisions_are_text() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    let mut decided = [Decision {
        class: "=HYPERLINK(\"http://x\")".into(),
        region: "'quoted".into(),
        note: "-1+1".into(),
        ..decision(ReviewDecision::Unsure)
    }];
    review::write(&file, &mut decided).expect("written");
    let text = std::fs::read_to_string(&file).expect("text");
    assert!(
        !text.contains("\n\"=") && !text.contains(",=") && !text.contains(",-"),
        "{text}"
    );
    assert_eq!(review::read(&file).expect("read"), decided);
}
