//! Builds the summary of a run: reported findings in full, the most conspicuous of the others.

use super::reported::{ModelClasses, Reported};
use super::warnings::warnings;
use crate::aggregate::{BORDER, OBJECT};
use crate::finding::{Finding, FindingEvidence, Verdict};
use crate::plan::{Place, Plan};
use crate::runs::documents::{ClassSummary, HeatRow, RateThresholds, RunRecord, Summary};
use crate::runs::review::Decision;
use crate::tables::ClassRow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

/// Summarises a run.
///
/// `findings` are sorted, the most serious first.
pub fn summary(
    plan: &Plan,
    record: &RunRecord,
    classes: &[ClassRow],
    findings: &[Finding],
    decisions: Vec<Decision>,
    of_model: &ModelClasses,
) -> Summary {
    let heat_rows = sorted_heat_rows(classes);
    let objects = object_rows(classes);
    let reported = Reported::of(findings, &of_model.pooled);

    let warnings = warnings(plan, record, &heat_rows, of_model.count);
    let (heat, heat_omitted) = listed_heat(&heat_rows, &objects, &reported);
    let (classes, classes_omitted) = listed_classes(&heat_rows, &objects, findings, &reported);
    let nothing_declared = is_nothing_declared(plan, findings);
    let (findings, findings_omitted) = listed_findings(findings);

    Summary {
        warnings,
        nothing_declared,
        findings,
        findings_omitted,
        decisions,
        heat,
        heat_omitted,
        classes,
        classes_omitted,
        ..facts(plan, record)
    }
}

/// Whether the pipeline declares no region whose presence is known, searches for none, and the set
/// has no objects: no finding can come of heat alone.
fn is_nothing_declared(plan: &Plan, findings: &[Finding]) -> bool {
    let is_declared = plan.regions.iter().any(|region| {
        let place = &region.place;
        matches!(place, Place::Annotation { .. } | Place::Overlay { .. })
    });
    let has_evidence = findings.iter().any(|finding| match &finding.evidence {
        FindingEvidence::Confounder(evidence) => evidence.counts.present.is_some(),
        FindingEvidence::Overlay(_)
        | FindingEvidence::Surroundings(_)
        | FindingEvidence::Property(_) => true,
    });
    !is_declared && !has_evidence && plan.discovery.is_none()
}

/// The summary without its lists.
fn facts(plan: &Plan, record: &RunRecord) -> Summary {
    let identity = &record.identity;
    let facts = &record.facts;
    Summary {
        schema_version: record.schema_version,
        tool_version: record.tool_version.clone(),
        audit_id: identity.audit_id.clone(),
        pipeline: identity.pipeline.clone(),
        counts: facts.counts.clone(),
        limit: facts.limit,
        dataset: file_name(&plan.dataset.root),
        model_file: file_name(&plan.model.path),
        top1_accuracy: record.top1_accuracy,
        invariant_error_max: facts.invariant_error_max,
        model: facts.model.clone(),
        model_hash: facts.model_hash.clone(),
        pipeline_hash: identity.pipeline_hash.clone(),
        dataset_fingerprint: facts.dataset_fingerprint.clone(),
        engine: facts.engine.clone(),
        verdicts: record.verdicts.clone(),
        thresholds: Some(RateThresholds {
            association: plan.verdict.prevalence_margin,
            intervention: plan.verdict.causal_rate,
            kept: plan.verdict.context_kept,
        }),
        warnings: Vec::new(),
        scope: Vec::new(),
        refused: facts.counts.refusal(plan.run.max_skipped),
        nothing_declared: false,
        findings: Vec::new(),
        findings_omitted: 0,
        decisions: Vec::new(),
        heat: Vec::new(),
        heat_omitted: 0,
        classes: Vec::new(),
        classes_omitted: 0,
        splits: Vec::new(),
    }
}

/// All required items and the first [`Summary::OTHERS_MAX`] of the others, in order; and the number
/// of omitted items.
fn listed<T>(items: impl Iterator<Item = T>, is_required: impl Fn(&T) -> bool) -> (Vec<T>, usize) {
    let mut listed = Vec::new();
    let mut others = 0;
    let mut omitted = 0;

    for item in items {
        if is_required(&item) {
            listed.push(item);
        } else if others < Summary::OTHERS_MAX {
            others += 1;
            listed.push(item);
        } else {
            omitted += 1;
        }
    }
    (listed, omitted)
}

fn listed_findings(findings: &[Finding]) -> (Vec<Finding>, usize) {
    let candidates = findings.iter().filter(|f| f.verdict != Verdict::None);
    let (chosen, omitted) = listed(candidates, |f| f.verdict.is_reported());
    (chosen.into_iter().cloned().collect(), omitted)
}

fn listed_heat(
    heat_rows: &[&ClassRow],
    objects: &BTreeMap<&str, &ClassRow>,
    reported: &Reported<'_>,
) -> (Vec<HeatRow>, usize) {
    let rows = heat_rows.iter().copied();
    let (chosen, omitted) = listed(rows, |row| reported.has_pair(row));

    let mut heat = Vec::new();
    for row in chosen {
        let object = objects.get(row.label.as_str()).copied();
        heat.push(heat_row(row, object));
    }
    (heat, omitted)
}

fn listed_classes(
    heat_rows: &[&ClassRow],
    objects: &BTreeMap<&str, &ClassRow>,
    findings: &[Finding],
    reported: &Reported<'_>,
) -> (Vec<ClassSummary>, usize) {
    let verdicts = most_serious_verdicts(findings);
    let mut first_rows: BTreeMap<&str, &ClassRow> = BTreeMap::new();
    for row in heat_rows {
        first_rows.entry(row.label.as_str()).or_insert(row);
    }

    let mut rows = Vec::new();
    for (label, row) in first_rows {
        let verdict = verdicts.get(reported.class_of(label)).copied();
        let verdict = verdict.unwrap_or(Verdict::None);
        rows.push((verdict, row));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| by_lift(a.1, b.1)));

    let (chosen, omitted) = listed(rows.into_iter(), |(_, row)| reported.has_label(row));
    let mut classes = Vec::new();
    for (verdict, row) in chosen {
        let object = objects.get(row.label.as_str()).copied();
        let class = reported.pooled.get(&row.label).cloned();
        classes.push(ClassSummary {
            class: class.unwrap_or_default(),
            ..class_summary(row, object, verdict)
        });
    }
    (classes, omitted)
}

fn most_serious_verdicts(findings: &[Finding]) -> BTreeMap<&str, Verdict> {
    let mut verdicts = BTreeMap::new();
    for finding in findings {
        let verdict = verdicts.entry(finding.label.as_str());
        let verdict = verdict.or_insert(finding.verdict);
        *verdict = finding.verdict.min(*verdict);
    }
    verdicts
}

fn is_object(row: &ClassRow) -> bool {
    row.region == OBJECT && row.kind == OBJECT
}

/// The rows of the objects, by label.
pub fn object_rows(classes: &[ClassRow]) -> BTreeMap<&str, &ClassRow> {
    let rows = classes.iter().filter(|row| is_object(row));
    rows.map(|row| (row.label.as_str(), row)).collect()
}

/// Rows of regions, the largest excess first.
///
/// The view's border is measured in every run, but listed only where no region is declared.
fn sorted_heat_rows(classes: &[ClassRow]) -> Vec<&ClassRow> {
    let mut rows: Vec<&ClassRow> = classes.iter().filter(|row| !is_object(row)).collect();
    if rows.iter().any(|row| row.kind != BORDER) {
        rows.retain(|row| row.kind != BORDER);
    }

    rows.sort_by(|a, b| {
        let by_excess = excess(b).total_cmp(&excess(a));
        by_excess.then_with(|| (&a.label, &a.region).cmp(&(&b.label, &b.region)))
    });
    rows
}

fn excess(row: &ClassRow) -> f64 {
    match (row.share_mean, row.area_mean) {
        (Some(share), Some(area)) => share - area,
        _ => f64::NEG_INFINITY,
    }
}

fn by_lift(a: &ClassRow, b: &ClassRow) -> Ordering {
    let (a, b) = (a.lift.unwrap_or(0.0), b.lift.unwrap_or(0.0));
    b.total_cmp(&a)
}

/// The part of the images that are predicted as their label.
pub fn accuracy(row: &ClassRow) -> Option<f64> {
    (row.images > 0).then(|| f64::from(row.correct) / f64::from(row.images))
}

fn heat_row(row: &ClassRow, object: Option<&ClassRow>) -> HeatRow {
    HeatRow {
        label: row.label.clone(),
        region: row.region.clone(),
        kind: row.kind.clone(),
        images: row.images,
        accuracy: accuracy(row),
        present: row.present,
        measured: row.measured,
        share: row.share_mean,
        share_counts: row.share_counts.clone(),
        area: row.area_mean,
        lift: row.lift,
        relative_contribution: row.relative_contribution_mean,
        visible: row.visible_mean,
        object_share: object.and_then(|object| object.share_mean),
        object_lift: object.and_then(|object| object.lift),
    }
}

fn class_summary(row: &ClassRow, object: Option<&ClassRow>, verdict: Verdict) -> ClassSummary {
    ClassSummary {
        label: row.label.clone(),
        class: String::new(),
        images: row.images,
        accuracy: accuracy(row),
        region: row.region.clone(),
        share: row.share_mean,
        share_counts: row.share_counts.clone(),
        lift: row.lift,
        object_share: object.and_then(|object| object.share_mean),
        verdict,
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    #[test]
    fn reported_findings_and_their_rows_are_never_omitted() {
        let mut classes = Vec::new();
        let mut findings = Vec::new();
        for i in 0..300 {
            let label = format!("class {i:03}");
            // The reported ones have the smallest excess.
            classes.push(fabricated::class_row(
                &label,
                "tag",
                0.9 - 0.001 * f64::from(i),
            ));
            findings.push(fabricated::with_verdict(
                &label,
                "tag",
                Verdict::SalientOnly,
            ));
        }
        for finding in &mut findings[290..] {
            finding.verdict = Verdict::Candidate;
        }
        findings[0].verdict = Verdict::None;
        findings.sort_by_key(|finding| finding.verdict);

        let summary = fabricated::summary_of(&classes, &findings);
        assert_eq!(
            (summary.findings.len(), summary.findings_omitted),
            (210, 89)
        );
        assert_eq!((summary.heat.len(), summary.heat_omitted), (210, 90));
        assert_eq!((summary.classes.len(), summary.classes_omitted), (210, 90));

        assert_eq!(summary.heat[0].label, "class 000");
        assert_eq!(summary.heat[209].label, "class 299");
        assert_eq!(summary.classes[0].verdict, Verdict::Candidate);
    }

    #[test]
    fn labels_of_one_class_have_its_verdict_and_its_name() {
        let rows = [
            fabricated::class_row("pony", "tag", 0.5),
            fabricated::class_row("stallion", "tag", 0.25),
            fabricated::class_row("car", "tag", 0.125),
        ];
        let pooled = ["pony", "stallion"].map(|label| (label.to_owned(), "horse".to_owned()));
        let findings = [fabricated::confirmed("horse", "tag")];
        let summary = fabricated::pooled_summary_of(&rows, &findings, &BTreeMap::from(pooled));
        let listed: Vec<(&str, &str, Verdict)> = summary
            .classes
            .iter()
            .map(|class| (class.label.as_str(), class.class_name(), class.verdict))
            .collect();
        assert_eq!(listed.len(), 3);
        for label in ["pony", "stallion"] {
            assert!(
                listed.contains(&(label, "horse", Verdict::Confirmed)),
                "{listed:?}"
            );
        }
        assert!(
            listed.contains(&("car", "car", Verdict::None)),
            "{listed:?}"
        );
    }

    #[test]
    fn the_border_is_listed_only_without_other_regions() {
        let border = ClassRow {
            kind: BORDER.into(),
            ..fabricated::class_row("horse", BORDER, 0.9)
        };
        let tag = fabricated::class_row("horse", "tag", 0.1);
        let object = ClassRow {
            kind: OBJECT.into(),
            ..fabricated::class_row("horse", OBJECT, 0.4)
        };

        let summary = fabricated::summary_of(&[border.clone(), tag, object.clone()], &[]);
        let regions: Vec<&str> = summary.heat.iter().map(|row| row.region.as_str()).collect();
        assert_eq!(regions, ["tag"]);
        assert_eq!(summary.heat[0].object_share, Some(0.4));
        assert_eq!(summary.classes[0].object_share, Some(0.4));

        let summary = fabricated::summary_of(&[border, object], &[]);
        assert_eq!(summary.heat[0].region, BORDER);
    }
}
