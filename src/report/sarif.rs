//! A run as SARIF 2.1.0: one result for each class and region.

use super::anchor::{anchor, encoded};
use super::headline::refusal;
use super::sarif_document::{
    ArtifactLocation, AutomationDetails, Driver, Invocation, Kind, Level, Location,
    LogicalLocation, Message, Notification, PhysicalLocation, Properties, Rule, SCHEMA, SarifLog,
    SarifResult, SarifRun, Suppression, Tool, VERSION,
};
use super::tested_run::{TestedRun, card_address, decided, figures, line};
use super::text::printable;
use crate::error::{Error, Result};
use crate::finding::{FindingKind, ReviewDecision, Verdict};
use crate::runs::TestedPair;
use std::collections::BTreeMap;

/// Makes the document.
///
/// # Errors
/// When the document cannot be written as JSON.
pub fn sarif(run: &TestedRun<'_>) -> Result<String> {
    let failing = run.failing_pairs();
    let uri = file_uri(&run.record.identity.pipeline_file);
    let mut results = Vec::new();
    for pair in run.pairs {
        let fails = failing.contains(&(pair.label.as_str(), pair.region.as_str()));
        results.push(result(pair, fails, &uri));
    }

    let mut facts = Properties::new();
    for (name, value) in run.facts() {
        facts.insert(name, printable(&value).into());
    }
    let log = SarifLog {
        schema: SCHEMA,
        version: VERSION,
        runs: [SarifRun {
            tool: tool(&run.summary.tool_version),
            automation_details: AutomationDetails {
                id: format!("camaudit/{}/", encoded(&run.summary.pipeline)),
            },
            invocations: [invocation(run)],
            results,
            properties: facts,
        }],
    };
    let text =
        serde_json::to_string_pretty(&log).map_err(Error::cause("write the findings as SARIF"))?;
    Ok(text + "\n")
}

fn tool(version: &str) -> Tool {
    let mut rules = Vec::new();
    for &kind in FindingKind::ALL {
        rules.push(Rule {
            id: kind,
            short_description: message(description(kind)),
        });
    }
    Tool {
        driver: Driver {
            name: "camaudit",
            version: version.to_owned(),
            rules,
        },
    }
}

fn description(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Confounder => "A region goes with a class, and the class is predicted by it.",
        FindingKind::Overlay => "A picture laid over images raises a class.",
        FindingKind::Surroundings => "A class is predicted without its objects.",
        FindingKind::Property => "A property of the files goes with a class.",
    }
}

fn message(text: &str) -> Message {
    Message {
        text: text.to_owned(),
    }
}

fn invocation(run: &TestedRun<'_>) -> Invocation {
    let refusal = refusal(run.summary);
    let mut notifications = Vec::new();
    if let Some(refusal) = &refusal {
        notifications.push(Notification {
            level: Level::Error,
            message: message(&printable(refusal)),
        });
    }
    for warning in &run.summary.warnings {
        notifications.push(Notification {
            level: Level::Warning,
            message: message(&printable(warning)),
        });
    }
    Invocation {
        execution_successful: refusal.is_none(),
        exit_code: run.exit_code,
        tool_execution_notifications: notifications,
    }
}

fn result(pair: &TestedPair, fails: bool, uri: &str) -> SarifResult {
    let name = anchor(&pair.label, &pair.region);
    let kind = kind(pair.verdict);
    SarifResult {
        rule_id: pair.kind,
        rule_index: pair.kind as usize,
        kind,
        level: level(pair.verdict, fails),
        message: message(&format!(
            "{} / {}: {}",
            printable(&pair.label),
            printable(&pair.region),
            line(pair)
        )),
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation {
                    uri: uri.to_owned(),
                },
            },
            logical_locations: [LogicalLocation {
                name: printable(&pair.region),
                fully_qualified_name: name.clone(),
            }],
        }],
        partial_fingerprints: BTreeMap::from([("classAndRegion/v1", name)]),
        suppressions: suppression(pair).into_iter().collect(),
        properties: properties(pair, fails),
    }
}

fn kind(verdict: Verdict) -> Kind {
    match verdict {
        Verdict::Confirmed | Verdict::ModelShortcut | Verdict::Candidate | Verdict::DataRisk => {
            Kind::Fail
        }
        Verdict::SalientOnly => Kind::Informational,
        Verdict::Insufficient => Kind::Open,
        Verdict::Cleared | Verdict::None => Kind::Pass,
    }
}

/// What `--fail-on` names is an error; else the verdict decides.
fn level(verdict: Verdict, fails: bool) -> Level {
    match verdict {
        _ if fails => Level::Error,
        Verdict::Confirmed | Verdict::ModelShortcut => Level::Error,
        Verdict::Candidate => Level::Warning,
        Verdict::DataRisk => Level::Note,
        _ => Level::None,
    }
}

/// A finding that a reviewer decided to be no shortcut, as long as the decision holds.
fn suppression(pair: &TestedPair) -> Option<Suppression> {
    let is_no_shortcut = match pair.decision? {
        ReviewDecision::LegitimateContext
        | ReviewDecision::ObjectPart
        | ReviewDecision::AnnotationError
        | ReviewDecision::NotAShortcut => true,
        ReviewDecision::Confirm | ReviewDecision::Unsure => false,
    };
    (is_no_shortcut && !pair.open).then(|| Suppression {
        kind: "external",
        status: "accepted",
        justification: decided(pair).unwrap_or_default(),
    })
}

fn properties(pair: &TestedPair, fails: bool) -> Properties {
    let mut properties = Properties::from([
        ("class", printable(&pair.label).into()),
        ("region", printable(&pair.region).into()),
        ("verdict", pair.verdict.name().into()),
        ("open", pair.open.into()),
        ("fails", fails.into()),
        ("card", card_address(pair).into()),
    ]);
    let texts = [
        ("severity", pair.severity_words()),
        ("decision", decided(pair)),
        ("notTested", pair.not_tested.as_deref().map(printable)),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            properties.insert(name, text.into());
        }
    }
    for (name, value) in figures(pair) {
        properties.insert(name, value.into());
    }
    properties
}

/// The pipeline file, which declares the regions, as an address.
fn file_uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let parts: Vec<String> = path.split('/').map(encoded).collect();
    let path = parts.join("/");
    if path.starts_with('/') {
        format!("file://{path}")
    } else {
        path
    }
}
