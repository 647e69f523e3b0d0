use super::*;
use crate::finding::FindingKind;
use crate::report::fabricated;

const HOSTILE: &str = "<img src=x>\u{202e}";

fn pair(label: &str, verdict: Verdict, sentence: &str) -> TestedPair {
    TestedPair {
        label: label.into(),
        region: "tag".into(),
        kind: FindingKind::Confounder,
        verdict,
        severity: None,
        severity_at_least: false,
        sentence: sentence.into(),
        effect: Some(0.5),
        effect_unit: Some(EffectUnit::Fraction),
        decision: None,
        note: None,
        open: true,
        reopened: None,
        not_tested: None,
        figures: Vec::new(),
    }
}

fn heat(label: &str, share: f64) -> ClassHeat {
    ClassHeat {
        label: label.into(),
        region: "tag".into(),
        images: 10,
        correct: 9,
        share: Some(share),
        lift: Some(2.0),
    }
}

fn figure(label: &str, region: &str, file: &str) -> Figure {
    let mut figure = fabricated::figures().figures.remove(0);
    figure.label = label.into();
    figure.region = region.into();
    figure.role = FigureRole::Mean;
    figure.panels.truncate(1);
    figure.panels[0].file = file.into();
    figure
}

fn figures(figures: Vec<Figure>) -> Figures {
    Figures {
        schema_version: 0,
        figures,
    }
}

/// The page of two runs: the new model learned one class, unlearned another, kept a third.
fn page(differences: &[RunPart]) -> String {
    let summary = fabricated::summary();
    let old_pairs = [
        pair(HOSTILE, Verdict::DataRisk, "in the old run"),
        pair("boat", Verdict::Confirmed, "boats in the old run"),
        pair("car", Verdict::Candidate, "kept"),
    ];
    let new_pairs = [
        pair(HOSTILE, Verdict::Confirmed, "in the <new> run"),
        pair("boat", Verdict::Cleared, "boats in the new run"),
        pair("car", Verdict::Candidate, "kept"),
    ];
    let old_figures = figures(vec![figure("boat", "tag", "pictures/00000.jpg")]);
    let new_figures = figures(vec![figure("boat", "", "pictures/00000.jpg")]);
    let changes = [
        fabricated::change(HOSTILE, "tag", ChangeState::Worse),
        fabricated::change("boat", "tag", ChangeState::Gone),
        fabricated::change("car", "tag", ChangeState::Unchanged),
    ];
    let (old_heat, new_heat) = ([heat("boat", 0.25)], [heat("boat", 0.125)]);
    let run = |pairs, figures, heat, picture| ComparedRun {
        summary: &summary,
        figures,
        pairs,
        heat,
        run_id: "1",
        started_at: "",
        pictures: picture,
    };
    comparison_page(&ComparisonInput {
        runs: [
            run(&old_pairs, &old_figures, &old_heat, &|_| {
                Some(b"old".to_vec())
            }),
            run(&new_pairs, &new_figures, &new_heat, &|_| {
                Some(b"new".to_vec())
            }),
        ],
        differences,
        changes: &changes,
        picture_bytes_max: 1000,
    })
    .expect("a page")
}

/// The text behind a title, up to the next section of findings.
fn section<'p>(page: &'p str, title: &str) -> &'p str {
    let start = page
        .find(title)
        .unwrap_or_else(|| panic!("no {title}: {page}"));
    let rest = &page[start..];
    rest.split("<div class=\"bar\">").next().unwrap_or_default()
}

#[test]
fn findings_are_listed_by_what_the_new_model_did() {
    let page = page(&[RunPart::Model]);
    let learned = section(&page, "Learned by the new model");
    assert!(learned.contains("in the old run") && learned.contains("in the &lt;new&gt; run"));
    let unlearned = section(&page, "Unlearned by the new model");
    assert!(unlearned.contains("v-confirmed") && unlearned.contains("v-cleared"));
    assert!(section(&page, "Kept by the new model").contains("car"));
    assert!(!page.contains("not of the same images"));
}

#[test]
fn other_differences_are_no_learning() {
    let page = page(&[RunPart::Model, RunPart::Dataset]);
    assert!(page.contains("New or worse") && !page.contains("Learned by"));
    assert!(page.contains("not of the same images"));
}

#[test]
fn both_runs_show_their_pictures_and_names_stay_text() {
    let page = page(&[RunPart::Model]);
    // "old" and "new" in base64.
    assert!(page.contains("base64,b2xk\"") && page.contains("base64,bmV3\""));
    assert!(page.contains("these are of the class as a whole"));
    assert!(page.contains("-12.5 points"), "{page}");
    assert!(!page.contains("<img src=x>") && !page.contains('\u{202e}'));
}
