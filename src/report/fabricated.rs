//! Small documents for the unit tests of this room.

use super::build_summary::summary as build;
use super::reported::ModelClasses;
use crate::finding::{
    Association, ChangeState, ConfounderEvidence, Contrast, ContrastBaseline, EffectUnit, Estimate,
    FigureRole, Finding, FindingEvidence, FindingOrigin, GroupCount, InsertionControl,
    Intervention, InterventionEffect, NotTested, OverlayControl, OverlayEvidence,
    OverlayThresholds, PresenceCounts, RegionHeat, RemovalFill, ReviewState, SURROUNDINGS,
    Severity, SurroundingsEvidence, Verdict,
};
use crate::model::Facts;
use crate::plan::Plan;
use crate::runs::diff::{Change, ChangeReason};
use crate::runs::documents::{
    Changes, Counts, Figure, Figures, MeasuredFacts, Panel, RunIdentity, RunRecord, Summary,
};
use crate::tables::{ClassRow, SCHEMA_VERSION};
use std::collections::BTreeMap;
use std::path::Path;

fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate { value, low, high }
}

/// A finding with A and heat, without effect.
pub fn with_verdict(label: &str, region: &str, verdict: Verdict) -> Finding {
    let association = Association {
        in_class: GroupCount {
            present: 520,
            groups: 650,
        },
        in_others: GroupCount {
            present: 2,
            groups: 649_000,
        },
        difference: estimate(0.8, 0.77, 0.83),
        worst_other: 0.01,
        p: 1e-9,
    };
    let evidence = ConfounderEvidence {
        counts: PresenceCounts {
            present: Some(1040),
            images: 1300,
            others_present: 3,
            others_images: 1_298_700,
            unclear: 0,
            missed: 0,
        },
        heat: RegionHeat {
            share: Some(0.125),
            area: Some(0.04),
            visible: Some(0.9),
            ..RegionHeat::default()
        },
        tagged: Some(1040),
        association: Some(association),
        ..ConfounderEvidence::default()
    };
    Finding {
        label: label.into(),
        class: 1,
        region: region.into(),
        origin: FindingOrigin::Declared,
        verdict,
        severity: None,
        severity_at_least: false,
        evidence: FindingEvidence::Confounder(evidence),
        effect: None,
        effect_unit: EffectUnit::Fraction,
        not_tested: None,
        unmet: vec![],
        declared: Some("0123456789abcdef".into()),
        review: ReviewState::default(),
    }
}

pub fn data_risk(label: &str, region: &str) -> Finding {
    with_verdict(label, region, Verdict::DataRisk)
}

/// A candidate that was not tested.
pub fn candidate(label: &str, region: &str) -> Finding {
    let mut finding = with_verdict(label, region, Verdict::Candidate);
    finding.effect = Some(0.62);
    finding.effect_unit = EffectUnit::Logit;
    finding.not_tested = Some(NotTested::TooFewPhotos { donors_min: 5 });

    evidence_of(&mut finding).contrast = Some(Contrast {
        present: 500,
        absent: 120,
        difference: estimate(0.62, 0.4, 0.84),
        min_effect: 0.15,
        baseline: ContrastBaseline::Label,
        p: 1e-6,
    });
    finding
}

pub fn confirmed(label: &str, region: &str) -> Finding {
    let mut finding = candidate(label, region);
    finding.verdict = Verdict::Confirmed;
    finding.severity = Some(Severity::Critical);
    finding.effect = Some(0.85);
    finding.effect_unit = EffectUnit::Fraction;
    finding.not_tested = None;
    evidence_of(&mut finding).heat.area = Some(0.01);

    let insertion = InterventionEffect {
        images: 20,
        margin: estimate(3.1, 2.5, 3.7),
        rate: estimate(0.85, 0.6, 0.95),
        predicted: [18, 1],
        control: InsertionControl::OtherPatch,
        largest_shift: true,
        p: 1e-7,
    };
    evidence_of(&mut finding).intervention = Some(Box::new(Intervention {
        insertion: Some(insertion),
        removal: Some(removal_effect()),
        min_effect: 0.5,
        scrambled_flips: 3,
        donors: 12,
        forwards: 160,
        cut_short: false,
        photos_lost: 2,
        has_place_control: true,
        consensus: None,
        template_hits: None,
        untagged_filled: 12,
        hosts_trained_on: false,
    }));
    finding
}

pub fn removal_effect() -> InterventionEffect<RemovalFill> {
    InterventionEffect {
        images: 16,
        margin: estimate(1.2, 0.8, 1.6),
        rate: estimate(0.0, -0.1, 0.1),
        predicted: [16, 16],
        control: RemovalFill::Imputed,
        largest_shift: false,
        p: 0.2,
    }
}

pub fn overlay(label: &str, region: &str) -> Finding {
    let evidence = OverlayEvidence {
        hosts: 150,
        rise: estimate(1.2, 0.9, 1.5),
        control: OverlayControl::Synthetic,
        z: 6.2,
        p: 1e-8,
        q: 1e-5,
        top_k: Some(5),
        entries: [24, 3],
        rate: estimate(0.14, 0.08, 0.2),
        predicted: [8, 1],
        detectable_rate: Some(0.06),
        min_effect: 0.25,
        thresholds: OverlayThresholds {
            q: 0.05,
            z: Some(4.0),
            rate: 0.02,
        },
        rank: 1,
        classes: 1000,
    };
    Finding {
        severity: Some(Severity::Medium),
        severity_at_least: false,
        evidence: FindingEvidence::Overlay(evidence),
        effect: Some(1.2),
        effect_unit: EffectUnit::Logit,
        ..with_verdict(label, region, Verdict::ModelShortcut)
    }
}

pub fn surroundings(label: &str) -> Finding {
    let evidence = SurroundingsEvidence {
        images: 16,
        kept: 12,
        rate: Some(estimate(0.75, 0.5, 0.9)),
        net: Some(estimate(0.5, 0.2, 0.7)),
        object_share: Some(0.31),
        measured: 40,
        with_confounder: 0,
    };
    Finding {
        evidence: FindingEvidence::Surroundings(evidence),
        effect: Some(0.75),
        declared: None,
        ..with_verdict(label, SURROUNDINGS, Verdict::Candidate)
    }
}

/// The evidence of a confounder, to be changed.
pub fn evidence_of(finding: &mut Finding) -> &mut ConfounderEvidence {
    match &mut finding.evidence {
        FindingEvidence::Confounder(evidence) => evidence,
        _ => panic!("no confounder"),
    }
}

pub fn class_row(label: &str, region: &str, share: f64) -> ClassRow {
    ClassRow {
        label: label.into(),
        region: region.into(),
        kind: "confounder".into(),
        images: 1300,
        correct: 1040,
        present: Some(1040),
        measured: 1300,
        share_mean: Some(share),
        share_counts: vec![10, 20, 40, 20, 10, 0, 0, 0, 0, 0],
        area_mean: Some(0.01),
        lift: Some(share / 0.01),
        visible_mean: Some(0.9),
        ..ClassRow::default()
    }
}

pub fn plan() -> Plan {
    let pipeline = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/demo.toml");
    Plan::load(&pipeline, &[]).expect("the pipeline of the demo")
}

pub fn record() -> RunRecord {
    let identity = RunIdentity {
        run_id: "20261123T021500Z".into(),
        sequence: 0,
        audit_id: "0".repeat(32),
        pipeline: "demo".into(),
        pipeline_hash: "1".repeat(64),
        pipeline_file: "/set/demo.toml".into(),
        overrides: vec![],
    };
    let facts = MeasuredFacts {
        engine: "tract".into(),
        instruction_set: "avx2".into(),
        model_hash: "2".repeat(64),
        model: Facts {
            features_shape: vec![1, 512, 7, 7],
            cells: 49,
            pool_node: "pool".into(),
            ..Facts::default()
        },
        dataset_fingerprint: "3".repeat(64),
        content_fingerprint: "4".repeat(64),
        counts: Counts {
            found: 1200,
            scored: 1200,
            ..Counts::default()
        },
        limit: None,
        invariant_error_max: 1.2e-6,
        stages_ms: BTreeMap::new(),
        slowest_image: String::new(),
        slowest_image_ms: 0.0,
        measure_s: 10.0,
    };
    let verdicts = [
        (Verdict::Confirmed, 1),
        (Verdict::ModelShortcut, 1),
        (Verdict::Candidate, 2),
        (Verdict::DataRisk, 1),
        (Verdict::SalientOnly, 1),
        (Verdict::None, 6),
    ];
    RunRecord {
        schema_version: SCHEMA_VERSION,
        tool_version: "0.1.0".into(),
        identity,
        facts,
        rows_of: None,
        refused: false,
        verdicts: verdicts.into_iter().collect(),
        top1_accuracy: 0.915,
        wall_s: 12.0,
        images_per_s: 100.0,
        decisions: None,
    }
}

/// A summary with a finding of each kind and one that is not reported.
pub fn summary() -> Summary {
    let mut object = class_row("horse", "object", 0.4);
    object.kind = "object".into();
    let classes = [
        class_row("horse", "tag", 0.6),
        class_row("horse", "corner", 0.125),
        class_row("car", "tag", 0.3),
        object,
    ];
    let findings = [
        confirmed("horse", "tag"),
        overlay("horse", "stamp"),
        candidate("car", "tag"),
        surroundings("train"),
        data_risk("horse", "corner"),
        with_verdict("car", "corner", Verdict::SalientOnly),
    ];
    let mut summary = summary_of(&classes, &findings);
    summary.warnings = vec!["a label that no image has: \"hors\"".into()];
    summary
}

pub fn summary_of(classes: &[ClassRow], findings: &[Finding]) -> Summary {
    pooled_summary_of(classes, findings, &BTreeMap::new())
}

/// The summary where some labels are one class: label -> class.
pub fn pooled_summary_of(
    classes: &[ClassRow],
    findings: &[Finding],
    pooled: &BTreeMap<String, String>,
) -> Summary {
    let of_model = ModelClasses {
        count: 2,
        pooled: pooled.clone(),
    };
    build(&plan(), &record(), classes, findings, vec![], &of_model)
}

pub fn change(label: &str, region: &str, state: ChangeState) -> Change {
    Change {
        label: label.into(),
        region: region.into(),
        state,
        before: None,
        after: None,
        reason: None,
    }
}

pub fn changes() -> Changes {
    let mut worse = change("horse", "tag", ChangeState::Worse);
    worse.reason = Some(ChangeReason::LargerEffect);
    let trend = vec![Some(0.2), None, Some(0.85)];
    Changes {
        schema_version: SCHEMA_VERSION,
        previous: Some("20261122T021500Z".into()),
        unreadable: None,
        differences: vec![],
        drops: vec![],
        changes: vec![worse],
        trends: BTreeMap::from([("horse\ttag".to_owned(), trend)]),
    }
}

/// Two figures of the confirmed finding; the second names a file outside of the run folder.
pub fn figures() -> Figures {
    let files = [
        (FigureRole::Strongest, "pictures/00000.jpg"),
        (FigureRole::Pasted, "../../secret.jpg"),
    ];
    let figures = files.map(|(role, file)| Figure {
        label: "horse".into(),
        region: "tag".into(),
        role,
        path: "horse/1.jpg".into(),
        panels: vec![Panel {
            caption: "predicted horse".into(),
            file: file.into(),
            ..Panel::default()
        }],
    });
    Figures {
        schema_version: SCHEMA_VERSION,
        figures: figures.to_vec(),
    }
}
