//! What the files for continuous integration are made of.

use super::anchor::anchor;
use super::text::printable;
use crate::finding::EffectUnit;
use crate::runs::TestedPair;
use crate::runs::documents::{RunRecord, Summary};
use std::collections::BTreeSet;
use std::path::Path;

/// A finished run with every class and region that it tested.
pub struct TestedRun<'a> {
    pub folder: &'a Path,
    pub record: &'a RunRecord,
    pub summary: &'a Summary,
    /// The most serious first.
    pub pairs: &'a [TestedPair],
    /// Label and region of the findings that `--fail-on` names.
    pub failing: &'a [(String, String)],
    /// The value of `--fail-on`.
    pub fail_on: &'a str,
    pub exit_code: u8,
}

impl TestedRun<'_> {
    /// The findings that `--fail-on` names, to be looked up.
    pub fn failing_pairs(&self) -> BTreeSet<(&str, &str)> {
        let pairs = self.failing.iter();
        pairs.map(|(l, r)| (l.as_str(), r.as_str())).collect()
    }

    /// What the run is of, by name.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let identity = &self.record.identity;
        let report = self.folder.join("report.html");
        vec![
            ("pipeline", identity.pipeline.clone()),
            ("run_id", identity.run_id.clone()),
            ("audit_id", identity.audit_id.clone()),
            ("dataset", self.summary.dataset.clone()),
            ("model", self.summary.model_file.clone()),
            ("model_hash", self.summary.model_hash.clone()),
            ("fail_on", self.fail_on.to_owned()),
            ("report", report.display().to_string()),
        ]
    }
}

/// Where the card of a finding is: `report.html#class/region`.
pub fn card_address(pair: &TestedPair) -> String {
    format!("report.html#{}", anchor(&pair.label, &pair.region))
}

/// Verdict, severity and sentence in one line.
pub fn line(pair: &TestedPair) -> String {
    let mut line = pair.verdict.words();
    if let Some(severity) = pair.severity_words() {
        line += &format!(", severity {severity}");
    }
    printable(&format!("{line}: {}", pair.sentence))
}

/// The decision with the note, and why it no longer holds.
pub fn decided(pair: &TestedPair) -> Option<String> {
    let decision = pair.decision?;
    let mut text = format!("{decision} ({})", decision.meaning());
    if let Some(note) = &pair.note {
        text += &format!(": {note}");
    }
    if let Some(reason) = &pair.reopened {
        text += &format!("; open again: {reason}");
    }
    Some(printable(&text))
}

/// The figures of a pair by name.
pub fn figures(pair: &TestedPair) -> Vec<(&'static str, f64)> {
    let mut figures = Vec::new();
    if let Some(effect) = pair.effect {
        let name = match pair.effect_unit {
            Some(EffectUnit::Logit) => "effect_logit",
            _ => "effect_fraction",
        };
        figures.push((name, effect));
    }
    figures.extend_from_slice(&pair.figures);
    figures
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::super::{junit, sarif};
    use super::*;
    use crate::finding::{FindingKind, ReviewDecision, Severity, Verdict};

    fn pair(label: &str, region: &str, verdict: Verdict) -> TestedPair {
        TestedPair {
            label: label.into(),
            region: region.into(),
            kind: FindingKind::Confounder,
            verdict,
            severity: Some(Severity::High),
            severity_at_least: true,
            sentence: "a <sentence> & \u{1b}[31mmore\u{202e}".into(),
            effect: Some(0.5),
            effect_unit: Some(EffectUnit::Logit),
            decision: None,
            note: None,
            open: true,
            reopened: None,
            not_tested: None,
            figures: vec![("contrast_low", 0.25)],
        }
    }

    /// Both documents of a run with these pairs.
    fn documents(pairs: &[TestedPair], refused: bool) -> (String, serde_json::Value) {
        let mut summary = fabricated::summary();
        if refused {
            summary.refused = Some("9 of 10 images were skipped".into());
        }
        let run = TestedRun {
            folder: Path::new("reports/demo/1"),
            record: &fabricated::record(),
            summary: &summary,
            pairs,
            failing: &[("a\"b".to_owned(), "<r>".to_owned())],
            fail_on: "candidate",
            exit_code: 1,
        };
        let xml = junit(&run).expect("JUnit");
        let json = sarif(&run).expect("SARIF");
        (xml, serde_json::from_str(&json).expect("JSON"))
    }

    #[test]
    fn hostile_names_stay_text() {
        let (xml, log) = documents(&[pair("a\"b", "<r>", Verdict::Candidate)], false);
        let document = roxmltree::Document::parse(&xml).expect("XML");
        let mut cases = document
            .descendants()
            .filter(|n| n.has_tag_name("testcase"));
        let case = cases.next().expect("a case");
        assert_eq!(case.attribute("classname"), Some("a\"b"));
        assert_eq!(case.attribute("name"), Some("<r>"));
        assert!(case.children().any(|n| n.has_tag_name("failure")));
        assert!(!xml.contains(['\u{1b}', '\u{202e}']), "{xml}");

        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["level"], "error", "--fail-on names it");
        assert_eq!(result["properties"]["effect_logit"], 0.5);
        assert_eq!(
            result["partialFingerprints"]["classAndRegion/v1"],
            "a%22b/%3Cr%3E"
        );
    }

    #[test]
    fn kind_and_level_follow_the_verdict() {
        let table = [
            (Verdict::Confirmed, "fail", "error"),
            (Verdict::ModelShortcut, "fail", "error"),
            (Verdict::Candidate, "fail", "warning"),
            (Verdict::DataRisk, "fail", "note"),
            (Verdict::SalientOnly, "informational", "none"),
            (Verdict::Insufficient, "open", "none"),
            (Verdict::Cleared, "pass", "none"),
            (Verdict::None, "pass", "none"),
        ];
        let pairs: Vec<TestedPair> = table.iter().map(|row| pair("c", "r", row.0)).collect();
        let (xml, log) = documents(&pairs, false);
        for (index, (verdict, kind, level)) in table.into_iter().enumerate() {
            let result = &log["runs"][0]["results"][index];
            assert_eq!(result["kind"], kind, "{verdict}");
            assert_eq!(result["level"], level, "{verdict}");
        }
        assert!(
            xml.contains("tests=\"8\" skipped=\"1\" failures=\"0\" errors=\"0\""),
            "{xml}"
        );
    }

    #[test]
    fn a_decision_suppresses_while_it_holds_and_denies_the_shortcut() {
        let decided = |decision, open| {
            let mut pair = pair("c", "r", Verdict::Confirmed);
            pair.decision = Some(decision);
            pair.open = open;
            pair
        };
        let pairs = [
            decided(ReviewDecision::NotAShortcut, false),
            decided(ReviewDecision::NotAShortcut, true),
            decided(ReviewDecision::Confirm, false),
            decided(ReviewDecision::Unsure, true),
            decided(ReviewDecision::AnnotationError, false),
        ];
        let (_, log) = documents(&pairs, false);
        let results = log["runs"][0]["results"].as_array().expect("results");
        let counts: Vec<usize> = results
            .iter()
            .map(|result| result["suppressions"].as_array().map_or(9, Vec::len))
            .collect();
        assert_eq!(counts, [1, 0, 0, 0, 1]);
    }

    #[test]
    fn a_run_that_must_not_be_relied_on_is_an_error() {
        let (xml, log) = documents(&[], true);
        assert!(
            xml.contains("errors=\"1\"") && xml.contains("9 of 10 images"),
            "{xml}"
        );
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(
            invocation["toolExecutionNotifications"][0]["level"],
            "error"
        );
    }
}
