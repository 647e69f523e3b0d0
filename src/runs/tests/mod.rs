//! Tests of the room. The helpers make small findings and run folders.

mod compare;
mod damaged;
mod diff;
mod folder;
mod history;
mod review;

use super::RunFolder;
use super::documents::{Changes, Counts, MeasuredFacts, RunIdentity, RunRecord, Summary};
use crate::finding::{
    ConfounderEvidence, EffectUnit, Estimate, Finding, FindingEvidence, FindingOrigin,
    InsertionControl, Intervention, InterventionEffect, ReviewState, Verdict,
};
use crate::model::Facts;
use crate::tables::SCHEMA_VERSION;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A finding about horses and the region `tag`, without evidence.
fn finding(verdict: Verdict) -> Finding {
    Finding {
        label: "horse".into(),
        class: 1,
        region: "tag".into(),
        origin: FindingOrigin::Declared,
        verdict,
        severity: None,
        severity_at_least: false,
        evidence: FindingEvidence::Confounder(ConfounderEvidence::default()),
        effect: None,
        effect_unit: EffectUnit::Fraction,
        not_tested: None,
        unmet: vec![],
        declared: None,
        review: ReviewState::default(),
    }
}

fn with_effect(verdict: Verdict, effect: f64) -> Finding {
    Finding {
        effect: Some(effect),
        ..finding(verdict)
    }
}

/// A finding with an intervention: the interval of its flip rate is `rate` +- 0.05.
fn tested(verdict: Verdict, rate: f64, margin: f64, q: f64) -> Finding {
    let estimate = |value: f64| Estimate {
        value,
        low: value - 0.05,
        high: value + 0.05,
    };
    let insertion = InterventionEffect {
        images: 100,
        margin: estimate(margin),
        rate: estimate(rate),
        predicted: [50, 0],
        control: InsertionControl::OtherPatch,
        largest_shift: true,
        p: 0.001,
    };
    let intervention = Intervention {
        insertion: Some(insertion),
        removal: None,
        min_effect: 0.5,
        scrambled_flips: 0,
        donors: 10,
        forwards: 300,
        cut_short: false,
        photos_lost: 0,
        has_place_control: true,
        consensus: None,
        template_hits: None,
        untagged_filled: 0,
        hosts_trained_on: false,
    };

    Finding {
        effect: Some(rate),
        evidence: FindingEvidence::Confounder(ConfounderEvidence {
            intervention: Some(Box::new(intervention)),
            insertion_q: Some(q),
            ..ConfounderEvidence::default()
        }),
        ..finding(verdict)
    }
}

fn record(run_id: &str) -> RunRecord {
    RunRecord {
        schema_version: SCHEMA_VERSION,
        tool_version: "1.0.0".into(),
        identity: RunIdentity {
            run_id: run_id.into(),
            sequence: 0,
            audit_id: "audit".into(),
            pipeline: "demo".into(),
            pipeline_hash: "pipeline".into(),
            pipeline_file: "/pipelines/demo.toml".into(),
            overrides: vec![],
        },
        facts: facts(),
        rows_of: None,
        refused: false,
        verdicts: BTreeMap::new(),
        top1_accuracy: 0.875,
        wall_s: 1.0,
        images_per_s: 10.0,
        decisions: None,
    }
}

fn facts() -> MeasuredFacts {
    MeasuredFacts {
        engine: "tract".into(),
        instruction_set: "avx2".into(),
        model_hash: "model".into(),
        model: Facts::default(),
        dataset_fingerprint: "dataset".into(),
        content_fingerprint: "content".into(),
        counts: Counts::default(),
        limit: None,
        invariant_error_max: 0.0,
        stages_ms: BTreeMap::new(),
        slowest_image: String::new(),
        slowest_image_ms: 0.0,
        measure_s: 1.0,
    }
}

fn summary(findings: &[Finding]) -> Summary {
    Summary {
        thresholds: None,
        schema_version: SCHEMA_VERSION,
        tool_version: "1.0.0".into(),
        audit_id: "audit".into(),
        pipeline: "demo".into(),
        counts: Counts::default(),
        limit: None,
        dataset: "photos".into(),
        model_file: "model.onnx".into(),
        top1_accuracy: 0.875,
        invariant_error_max: 0.0,
        model: Facts::default(),
        model_hash: "model".into(),
        pipeline_hash: "pipeline".into(),
        dataset_fingerprint: "dataset".into(),
        engine: "tract".into(),
        // Long enough to be cut.
        scope: vec![],
        warnings: vec!["x".repeat(2000)],
        refused: None,
        nothing_declared: false,
        verdicts: BTreeMap::new(),
        findings: findings.to_vec(),
        findings_omitted: 0,
        decisions: vec![],
        heat: vec![],
        heat_omitted: 0,
        classes: vec![],
        classes_omitted: 0,
        splits: vec![],
    }
}

fn no_changes() -> Changes {
    Changes {
        schema_version: SCHEMA_VERSION,
        previous: None,
        unreadable: None,
        differences: vec![],
        drops: vec![],
        changes: vec![],
        trends: BTreeMap::new(),
    }
}

/// Writes a finished run.
fn write_run(home: &Path, record: &RunRecord, findings: &[Finding]) -> PathBuf {
    let path = home.join(&record.identity.run_id);
    let run = RunFolder::create(&path, "audit").expect("created");
    run.document(&summary(findings)).expect("summary");
    run.document(&no_changes()).expect("changes");
    run.document(record).expect("record");
    path
}
