//! One run after the other: what is new, which runs are kept, which run is compared with.

use crate::support::{audit, camaudit, demo_text, finding, fixtures, json, plan, stderr, tested};
use camaudit::finding::{ChangeState, Finding, Verdict};
use camaudit::plan::Retention;
use camaudit::runs::documents::{Changes, Summary};
use camaudit::runs::{RunFolder, diff, history};
use camaudit::tables::SCHEMA_VERSION;
use std::collections::BTreeMap;

#[test]
fn two_runs_differ_in_what_is_new_worse_better_gone_and_unchanged() {
    let state = |before: &[Finding], after: &[Finding]| {
        let changes = diff::changes(before, after, &BTreeMap::new());
        assert_eq!(changes.len(), 1);
        changes[0].state
    };
    let none = finding(Verdict::None, 0.0);
    assert_eq!(
        state(
            std::slice::from_ref(&none),
            &[finding(Verdict::Candidate, 0.3)]
        ),
        ChangeState::New
    );
    assert_eq!(
        state(&[], &[finding(Verdict::Confirmed, 0.3)]),
        ChangeState::New
    );
    assert_eq!(
        state(
            &[finding(Verdict::Candidate, 0.3)],
            &[finding(Verdict::Confirmed, 0.3)]
        ),
        ChangeState::Worse
    );
    assert_eq!(
        state(
            &[finding(Verdict::Confirmed, 0.3)],
            &[finding(Verdict::Confirmed, 0.5)]
        ),
        ChangeState::Worse
    );
    assert_eq!(
        state(
            &[finding(Verdict::Confirmed, 0.5)],
            &[finding(Verdict::Confirmed, 0.3)]
        ),
        ChangeState::Better
    );
    assert_eq!(
        state(
            &[finding(Verdict::Confirmed, 0.5)],
            &[finding(Verdict::Confirmed, 0.55)]
        ),
        ChangeState::Unchanged
    );
    assert_eq!(
        state(
            &[finding(Verdict::Confirmed, 0.5)],
            std::slice::from_ref(&none)
        ),
        ChangeState::Gone
    );
    assert_eq!(
        state(&[finding(Verdict::Confirmed, 0.5)], &[]),
        ChangeState::NotComparable
    );
    let unreported = std::slice::from_ref(&none);
    assert!(diff::changes(unreported, unreported, &BTreeMap::new()).is_empty());

    // Evidence that is a little weaker in one run does not make the finding come and go.
    let weaker = |q: f64| tested(Verdict::Candidate, 0.3, 0.6, Some(q));
    assert_eq!(
        state(&[finding(Verdict::Confirmed, 0.3)], &[weaker(0.08)]),
        ChangeState::Unchanged
    );
    assert_eq!(
        state(&[finding(Verdict::Confirmed, 0.3)], &[weaker(0.2)]),
        ChangeState::Better
    );
}

#[test]
fn old_runs_go_and_the_newest_stays() {
    let folder = tempfile::tempdir().expect("folder");
    let run =
        |set: &[&str]| audit(&plan(folder.path(), "old", &demo_text("clean.onnx"), set)).folder;
    let first = run(&["run.limit=4"]);
    let second = run(&["run.limit=4"]);
    let third = run(&["run.limit=4", "retention.runs=2"]);
    assert_eq!(
        (first.exists(), second.exists(), third.exists()),
        (false, true, true)
    );
    let home = third.parent().expect("home");
    let all = Retention {
        runs: usize::MAX,
        days: None,
        bytes: u64::MAX,
    };
    assert_eq!(
        history::expired(home, &Retention { runs: 1, ..all }),
        std::slice::from_ref(&second)
    );
    let old = home.join("20200131T020000Z");
    std::fs::create_dir(&old).expect("an old run");
    std::fs::copy(second.join("run.json"), old.join("run.json")).expect("run.json");
    assert_eq!(
        history::expired(
            home,
            &Retention {
                days: Some(400),
                ..all
            }
        ),
        [old]
    );
    assert!(history::expired(home, &all).is_empty());
    std::fs::create_dir(home.join("20200131T030000Z")).expect("an incomplete run");
    assert_eq!(history::unfinished(home), [home.join("20200131T030000Z")]);
    let fourth = run(&["run.limit=4", "retention.gb=0"]);
    assert_eq!(history::finished(home), [fourth]);
}

/// Only folders that are named as runs, and that were killed before their rows were complete.
#[test]
fn only_incomplete_runs_are_removed() {
    let home = tempfile::tempdir().expect("folder");
    let names = [
        "ToyZebra",
        "20261123T021500Z",
        "20261123T021500Z-2",
        "20261124T021500Z",
        "20261123T021500Z-old",
        "20261125T021500Z",
    ];
    for name in names {
        std::fs::create_dir_all(home.path().join(name).join("images")).expect("folder");
    }
    std::fs::write(home.path().join("20261124T021500Z/run.json"), "{}").expect("a finished run");
    std::fs::write(home.path().join("20261125T021500Z/measured.json"), "{}").expect("rows");
    history::remove_incomplete(home.path());
    let left: Vec<bool> = names
        .iter()
        .map(|name| home.path().join(name).exists())
        .collect();
    assert_eq!(left, [true, false, false, true, true, true]);
}

/// The same pipeline and photos, and a model file that is another in a later run.
#[test]
fn a_new_model_is_compared_by_what_it_learned_and_unlearned() {
    let folder = tempfile::tempdir().expect("folder");
    let model = folder.path().join("model.onnx");
    let text = demo_text("shortcut.onnx").replace(
        &fixtures()
            .join("models/shortcut.onnx")
            .display()
            .to_string(),
        &model.display().to_string(),
    );
    std::fs::copy(fixtures().join("models/shortcut.onnx"), &model).expect("model");
    let plan = plan(folder.path(), "models", &text, &[]);
    let runs = std::cell::RefCell::new(Vec::new());
    let run = |of: &str| {
        std::fs::copy(fixtures().join("models").join(of), &model).expect("model");
        let folder = audit(&plan).folder;
        let page = std::fs::read_to_string(folder.join("report.html")).expect("page");
        let changes = json(&folder.join("changes.json"));
        runs.borrow_mut().push(folder.display().to_string());
        (changes["differences"].clone(), page)
    };
    let compares = |page: &str, what: &str| {
        let line = page.lines().find(|l| l.contains("Compared with run"));
        assert!(line.is_some_and(|l| l.contains(what)), "{what}: {line:?}");
    };
    assert_eq!(
        run("shortcut.onnx").0,
        serde_json::json!([]),
        "the first run"
    );
    let (same, page) = run("shortcut.onnx");
    assert_eq!(same, serde_json::json!([]));
    compares(&page, ": 1 unchanged.");
    let (another, page) = run("clean.onnx");
    assert_eq!(another, serde_json::json!(["model"]));
    compares(
        &page,
        ": another model: the new model learned nothing, unlearned 1 (1 better).",
    );
    let (_, page) = run("shortcut.onnx");
    compares(
        &page,
        ": another model: the new model learned 1 (1 worse), unlearned nothing.",
    );

    // Both models side by side, with the pictures of both.
    let runs = runs.into_inner();
    let file = folder.path().join("diff.html");
    let file_name = file.display().to_string();
    let output = camaudit(&["diff", &runs[1], &runs[2], "--html", &file_name]);
    assert!(output.status.success(), "{:?}", stderr(&output));
    let page = std::fs::read_to_string(&file).expect("page");
    assert!(page.contains("Unlearned by the new model"));
    assert!(page.contains("v-confirmed\">") && page.contains("v-data_risk\">"));
    let sides: Vec<&str> = page.split("<section aria-label=").skip(1).collect();
    assert_eq!(sides.len(), 2, "one finding in two runs");
    for side in sides {
        assert!(side.contains("Mean maps") && side.contains("base64,/9j/"));
    }
}

/// A clock that was wrong for one night must not hide later runs, nor name them.
#[test]
fn the_last_run_is_the_newest_whatever_the_clock_said() {
    let folder = tempfile::tempdir().expect("folder");
    let run = |set: &[&str]| {
        let set = [&["run.limit=4"], set].concat();
        audit(&plan(
            folder.path(),
            "clock",
            &demo_text("shortcut.onnx"),
            &set,
        ))
    };
    let first = run(&[]).folder;
    let home = first.parent().expect("home").to_path_buf();
    let future = home.join("20990101T000000Z");
    std::fs::rename(&first, &future).expect("a run of the future");

    let second = run(&["retention.days=30"]);
    assert!(history::run_id(&second.folder).starts_with("202"));
    assert_eq!(
        history::finished(&home),
        [future.clone(), second.folder.clone()]
    );
    assert_eq!(
        camaudit::runs::latest(&home),
        second.folder.canonicalize().ok()
    );
    let changes = json(&second.folder.join("changes.json"));
    assert_eq!(changes["previous"], "20990101T000000Z");

    let third = run(&["retention.runs=1"]).folder;
    let changes = json(&third.join("changes.json"));
    assert_eq!(changes["previous"], history::run_id(&second.folder));
    assert_eq!(history::finished(&home), [third]);
}

/// Evidence that is weaker in one run and as strong as before in the next is no new finding; a run
/// that was refused is not compared with.
#[test]
fn what_was_held_is_not_new_when_it_is_confirmed_again() {
    let folder = tempfile::tempdir().expect("folder");
    let pipeline = plan(
        folder.path(),
        "template",
        &demo_text("shortcut.onnx"),
        &["run.limit=4"],
    );
    let template = audit(&pipeline);
    let home = folder.path().join("home");
    let earlier = |run_id: &str, found: Finding, refused: bool, held: bool| {
        let mut record = template.record.clone();
        record.identity.run_id = run_id.to_owned();
        record.refused = refused;
        let change = diff::Change {
            label: "horse".into(),
            region: "tag".into(),
            state: ChangeState::Unchanged,
            before: Some(Verdict::Confirmed),
            after: Some(Verdict::Candidate),
            reason: held.then_some(diff::ChangeReason::Held),
        };
        let run = RunFolder::create(&home.join(run_id), "audit").expect("folder");
        run.document(&Summary {
            findings: vec![found],
            ..template.summary.clone()
        })
        .expect("summary");
        run.document(&Changes {
            schema_version: SCHEMA_VERSION,
            previous: None,
            unreadable: None,
            differences: vec![],
            drops: vec![],
            changes: vec![change],
            trends: BTreeMap::new(),
        })
        .expect("changes");
        run.document(&record).expect("record");
    };

    let mut record = template.record.clone();
    record.identity.run_id = "20261104T020000Z".into();
    let current = [finding(Verdict::Confirmed, 0.3)];
    let compared = || {
        let (changes, warnings) = history::compare(&home, &record, &current);
        assert!(warnings.is_empty(), "{warnings:?}");
        (
            changes.previous.clone(),
            changes.changes[0].state,
            changes.new_confirmed(&current),
        )
    };
    let candidate = || finding(Verdict::Candidate, 0.3);
    let [first, second, third] = ["20261101T020000Z", "20261102T020000Z", "20261103T020000Z"];

    earlier(first, candidate(), false, false);
    assert_eq!(compared(), (Some(first.into()), ChangeState::Worse, 1));
    earlier(second, candidate(), false, true);
    assert_eq!(compared(), (Some(second.into()), ChangeState::Unchanged, 0));
    earlier(third, finding(Verdict::None, 0.0), true, false);
    assert_eq!(compared(), (Some(second.into()), ChangeState::Unchanged, 0));
}
