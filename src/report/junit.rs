//! A run as JUnit XML: one test case for each class and region.

use super::headline::refusal;
use super::tested_run::{TestedRun, card_address, decided, figures, line};
use super::text::printable;
use crate::error::{Error, Result};
use crate::finding::Verdict;
use crate::runs::TestedPair;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

/// Makes the document. The class name of a test case is the label, its name the region.
///
/// # Errors
/// When the document cannot be written as XML.
pub fn junit(run: &TestedRun<'_>) -> Result<String> {
    let mut suite = TestSuite::new(printable(&run.summary.pipeline));
    for (name, value) in run.facts() {
        suite.add_property(Property::new(name, printable(&value)));
    }
    if !run.summary.warnings.is_empty() {
        suite.set_system_err(printable_lines(&run.summary.warnings));
    }

    if let Some(refusal) = refusal(run.summary) {
        suite.add_test_case(refused(&refusal));
    }
    let failing = run.failing_pairs();
    for pair in run.pairs {
        let fails = failing.contains(&(pair.label.as_str(), pair.region.as_str()));
        suite.add_test_case(test_case(pair, fails));
    }

    let mut report = Report::new("camaudit");
    report.add_test_suite(suite);
    report
        .to_string()
        .map_err(Error::cause("write the findings as JUnit XML"))
}

fn printable_lines(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| printable(line)).collect();
    lines.join("\n")
}

/// The run itself, which must not be relied on.
fn refused(refusal: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("refused").set_message(printable(refusal));
    let mut case = TestCase::new("the run", status);
    case.set_classname("camaudit");
    case
}

fn test_case(pair: &TestedPair, fails: bool) -> TestCase {
    let line = line(pair);
    let mut case = TestCase::new(printable(&pair.region), status(pair, &line, fails));
    case.set_classname(printable(&pair.label));

    case.add_property(Property::new("verdict", pair.verdict.name()));
    case.add_property(Property::new("kind", pair.kind.name()));
    if let Some(severity) = pair.severity_words() {
        case.add_property(Property::new("severity", severity));
    }
    if let Some(decided) = decided(pair) {
        case.add_property(Property::new("decision", decided));
    }
    if let Some(reason) = &pair.not_tested {
        case.add_property(Property::new("not_tested", printable(reason)));
    }
    for (name, value) in figures(pair) {
        case.add_property(Property::new(name, value.to_string()));
    }
    case.set_system_out(line);
    case
}

/// Too few images are a test that was not run.
fn status(pair: &TestedPair, line: &str, fails: bool) -> TestCaseStatus {
    if fails {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status
            .set_type(pair.verdict.name())
            .set_message(line)
            .set_description(card_address(pair));
        return status;
    }
    if pair.verdict == Verdict::Insufficient {
        let mut status = TestCaseStatus::skipped();
        status.set_message(line);
        return status;
    }
    TestCaseStatus::success()
}
