use super::super::build_summary::summary;
use super::super::fabricated;
use super::super::reported::ModelClasses;
use super::*;
use crate::finding::{ReviewDecision, Verdict};
use crate::runs::review::Decision;
use std::time::{Duration, Instant};

fn rendered(summary: &Summary, changes: &Changes) -> String {
    let figures = fabricated::figures();
    let input = PageInput {
        summary,
        changes,
        figures: &figures,
        patterns: &[],
        concepts: &ShownConcepts::default(),
        started_at: "2026-11-23 02:15 UTC",
        pipeline_file: "/set/demo.toml",
        pictures: &|_| Some(b"jpeg".to_vec()),
        picture_bytes_max: 1000,
    };
    page(&input).expect("a page")
}

fn assert_contains(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text}\n{page}");
    }
}

/// The document that the scripts are given.
fn document(page: &str) -> serde_json::Value {
    let start = "<script type=\"application/json\" id=\"document\">";
    let (_, rest) = page.split_once(start).expect("a document");
    let (text, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn every_reported_finding_has_a_line_and_a_card() {
    let page = rendered(&fabricated::summary(), &fabricated::changes());

    assert_eq!(page.matches("<li id=").count(), 5);
    let cards = document(&page)["cards"].clone();
    for (i, (anchor, verdict, effect, unit)) in [
        ("horse/tag", "confirmed", "0.85", "fraction"),
        ("horse/stamp", "model_shortcut", "1.2", "logit"),
        ("car/tag", "candidate", "0.62", "logit"),
        ("train/surroundings", "candidate", "0.75", "fraction"),
        ("horse/corner", "data_risk", "null", "fraction"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_contains(&page, &[&format!("<li id=\"{anchor}\">")]);
        let card = &cards[i];
        assert_eq!(
            (&card["anchor"], &card["verdict"]),
            (&anchor.into(), &verdict.into())
        );
        let number = (card["effect"].to_string(), &card["effect_unit"]);
        assert_eq!(number, (effect.to_owned(), &unit.into()), "{anchor}");
    }
    assert_contains(
        &page,
        &[
            "<title>demo: 5 open findings</title>",
            "pasted on 20 images of other classes, 18 are predicted as horse",
            "<span class=\"severity s-critical\">critical</span>",
            "<span class=\"kind\">context</span>",
            "<span class=\"number\">85 % flip</span>",
            "fewer than 5 photos to cut the region from",
            "Based on heat and counts alone",
            "The model sees 90 % of the region on average",
            "The region covers 0.5 cells of the map",
            "Other results, no action needed",
            "<span class=\"state\">worse</span>",
            "the effect is larger",
            "0.0,14.8 100.0,1.0",
            "Compared with run 20261122T021500Z: 1 worse.",
            "1,200",
        ],
    );
}

#[test]
fn pictures_come_from_the_run_folder_alone() {
    let page = rendered(&fabricated::summary(), &fabricated::changes());
    assert_contains(
        &page,
        &["<script type=\"application/json\" id=\"pictures\">[\"anBlZw==\"]</script>"],
    );
    assert_contains(&page, &["1 pictures are no longer there"]);
}

#[test]
fn pictures_over_the_budget_are_counted() {
    let figures = fabricated::figures();
    let input = PageInput {
        summary: &fabricated::summary(),
        changes: &fabricated::changes(),
        figures: &figures,
        patterns: &[],
        concepts: &ShownConcepts::default(),
        started_at: "",
        pipeline_file: "",
        pictures: &|_| Some(b"jpeg".to_vec()),
        picture_bytes_max: 3,
    };
    let page = page(&input).expect("a page");
    assert_contains(&page, &["id=\"pictures\">[]</script>"]);
    assert_contains(&page, &["1 pictures are beyond the budget"]);
}

#[test]
fn decided_findings_are_folded_and_their_decisions_exported() {
    let mut summary = fabricated::summary();
    summary.findings[0].review.open = false;
    summary.decisions = vec![Decision {
        class: "horse".into(),
        region: "tag".into(),
        decision: ReviewDecision::Confirm,
        note: "known, \"really\"".into(),
        verdict: None,
        effect: None,
        unit: None,
        declared: String::new(),
        expires: String::new(),
        reviewer: String::new(),
        decided_at: String::new(),
    }];
    let page = rendered(&summary, &fabricated::changes());
    assert_contains(&page, &["1 decided earlier", r#"known, \"really\""#]);

    let (first, decided) = (
        page.find("<li id=\"horse/stamp\">"),
        page.find("<li id=\"horse/tag\">"),
    );
    assert!(first.is_some() && first < decided);
}

#[test]
fn omitted_classes_and_findings_are_counted() {
    let mut summary = fabricated::summary();
    summary.classes_omitted = 4800;
    summary.findings_omitted = 12;
    let page = rendered(&summary, &fabricated::changes());
    assert_contains(
        &page,
        &[
            "4,800 more in <code>classes.parquet</code>",
            "12 more in <code>findings.parquet</code>",
        ],
    );
}

#[test]
fn nothing_to_compare_is_said() {
    let summary = fabricated::summary_of(&[], &[]);
    let mut changes = fabricated::changes();
    changes.previous = None;
    assert_contains(
        &rendered(&summary, &changes),
        &["The first run of this pipeline", "No open finding."],
    );

    changes.unreadable = Some("summary.json: damaged".into());
    assert_contains(
        &rendered(&summary, &changes),
        &["The last run could not be read, so no finding can be compared: summary.json: damaged."],
    );
}

#[test]
fn hostile_names_are_text() {
    let mut summary = fabricated::summary();
    summary.pipeline = "</script><b>".into();
    summary.findings[0].label = "<img src=x onerror=alert(1)>".into();
    summary.findings[1].region = "x\u{202e}gnp".into();
    summary.classes[0].label = "a\"b'c&d".into();
    let page = rendered(&summary, &fabricated::changes());
    assert_contains(&page, &["&lt;img src=x onerror=alert(1)&gt;"]);
    assert_contains(&page, &["\\u003cimg src=x onerror=alert(1)>"]);
    for raw in ["<img src=x", "</script><b>", "a\"b"] {
        assert!(!page.contains(raw), "{raw}");
    }
}

#[test]
fn many_classes_and_regions_make_a_small_page_quickly() {
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    for class in 0..5000 {
        let label = format!("class {class:04}");
        for region in 0..50 {
            let share = f64::from((class * 50 + region) % 997) / 1000.0;
            let region = format!("region {region:02}");
            rows.push(fabricated::class_row(&label, &region, share));
            findings.push(fabricated::with_verdict(&label, &region, Verdict::Cleared));
        }
    }
    for finding in &mut findings[..20] {
        *finding = fabricated::confirmed(&finding.label, &finding.region);
    }
    let plan = fabricated::plan();
    let record = fabricated::record();
    let changes = fabricated::changes();

    let start = Instant::now();
    let of_model = ModelClasses {
        count: 5000,
        ..ModelClasses::default()
    };
    let summary = summary(&plan, &record, &rows, &findings, vec![], &of_model);
    let page = rendered(&summary, &changes);
    let elapsed = start.elapsed();

    let lists = (
        summary.findings.len(),
        summary.heat.len(),
        summary.classes.len(),
    );
    assert_eq!(lists, (220, 220, 201));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
}
