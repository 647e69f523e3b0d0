//! The files for continuous integration, read back as their readers would.

use crate::support::{camaudit, demo_text, json, parquet, root, stderr, texts};
use quick_junit::{Report, TestCaseStatus};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A folder with the demo's pipeline, and where its files go.
struct Audit {
    folder: tempfile::TempDir,
}

impl Audit {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("demo.toml"), demo_text("shortcut.onnx")).expect("file");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command with both files; returns the exit code.
    fn command(&self, name: &str, arguments: &[&str]) -> Option<i32> {
        let junit = self.path(&format!("{name}.xml")).display().to_string();
        let sarif = self.path(&format!("{name}.sarif")).display().to_string();
        let mut all = arguments.to_vec();
        all.extend(["--junit", junit.as_str(), "--sarif", sarif.as_str()]);
        let output = camaudit(&all);
        assert_ne!(output.status.code(), Some(2), "{:?}", stderr(&output));
        output.status.code()
    }

    fn junit(&self, name: &str) -> Report {
        let file = std::fs::File::open(self.path(&format!("{name}.xml"))).expect("JUnit");
        Report::deserialize(std::io::BufReader::new(file)).unwrap_or_else(|e| panic!("{e}"))
    }

    fn sarif(&self, name: &str) -> Value {
        let log = json(&self.path(&format!("{name}.sarif")));
        check_sarif(&log);
        log
    }

    fn latest(&self) -> PathBuf {
        camaudit::runs::run_folder(self.path("reports/demo/latest"))
    }
}

/// What SARIF 2.1.0 demands of the objects that are used here.
fn check_sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "camaudit");
    let rules = driver["rules"].as_array().expect("rules");
    for rule in rules {
        assert!(rule["shortDescription"]["text"].is_string(), "{rule}");
    }
    let invocation = &run["invocations"][0];
    assert!(invocation["executionSuccessful"].is_boolean());
    for notification in array(&invocation["toolExecutionNotifications"]) {
        assert!(notification["message"]["text"].is_string());
    }

    for result in array(&run["results"]) {
        assert!(result["message"]["text"].is_string(), "{result}");
        let rule = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        let (kind, level) = (text(&result["kind"]), text(&result["level"]));
        let kinds = ["fail", "pass", "open", "informational"];
        assert!(kinds.contains(&kind), "{kind}");
        let levels = ["error", "warning", "note"];
        // A level belongs to failures only.
        assert_eq!(levels.contains(&level), kind == "fail", "{result}");
        assert!(level == "none" || kind == "fail", "{result}");

        let location = &result["locations"][0];
        let uri = text(&location["physicalLocation"]["artifactLocation"]["uri"]);
        assert!(
            uri.starts_with("file:///") && uri.ends_with("demo.toml"),
            "{uri}"
        );
        // Where one result has suppressions, all must.
        for suppression in array(&result["suppressions"]) {
            assert_eq!(suppression["kind"], "external");
            assert_eq!(suppression["status"], "accepted");
        }
    }
}

fn array(value: &Value) -> &Vec<Value> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn result<'v>(log: &'v Value, name: &str) -> &'v Value {
    let results = array(&log["runs"][0]["results"]).iter();
    let mut named = results.filter(|r| r["partialFingerprints"]["classAndRegion/v1"] == name);
    named.next().unwrap_or_else(|| panic!("no result {name}"))
}

/// The class and region of the failed test cases.
fn failures(report: &Report) -> Vec<String> {
    let mut failures = Vec::new();
    for case in &report.test_suites[0].test_cases {
        if matches!(case.status, TestCaseStatus::NonSuccess { .. }) {
            let class = case.classname.as_ref().map_or("", |name| name.as_str());
            failures.push(format!("{class}/{}", case.name.as_str()));
        }
    }
    failures
}

fn names(run: &Path) -> Vec<String> {
    let findings = parquet(&run.join("findings.parquet"));
    let (labels, regions) = (texts(&findings, "label"), texts(&findings, "region"));
    let pairs = labels.into_iter().zip(regions);
    pairs
        .map(|(label, region)| format!("{label}/{region}"))
        .collect()
}

#[test]
fn files_for_ci_follow_the_exit_code_and_the_decisions() {
    let audit = Audit::new();
    let pipeline = audit.path("demo.toml").display().to_string();
    let out = audit.path("reports").display().to_string();
    let run = ["run", &pipeline, "--out", &out, "--quiet"];

    let fails = [&run[..], &["--fail-on", "confirmed"]].concat();
    assert_eq!(audit.command("found", &fails), Some(1));
    let found = audit.junit("found");
    assert_eq!(failures(&found), ["horse/source-tag"]);
    let cases = &found.test_suites[0].test_cases;
    let mut listed = Vec::new();
    for case in cases {
        let class = case.classname.as_ref().map_or("", |name| name.as_str());
        listed.push(format!("{class}/{}", case.name.as_str()));
    }
    assert_eq!(
        listed,
        names(&audit.latest()),
        "a case for every row of the table"
    );
    let log = audit.sarif("found");
    assert_eq!(array(&log["runs"][0]["results"]).len(), cases.len());
    let finding = result(&log, "horse/source-tag");
    assert_eq!(finding["level"], "error");
    assert_eq!(finding["properties"]["fails"], true);
    assert_eq!(array(&finding["suppressions"]).len(), 0);
    assert_eq!(log["runs"][0]["invocations"][0]["exitCode"], 1);

    // The run folder alone gives the same files.
    let latest = audit.latest().display().to_string();
    let again = ["report", &latest, "--fail-on", "confirmed"];
    assert_eq!(audit.command("again", &again), Some(1));
    for kind in ["xml", "sarif"] {
        let bytes = |name: &str| std::fs::read(audit.path(&format!("{name}.{kind}"))).expect(kind);
        assert!(bytes("found") == bytes("again"), "{kind}");
    }
    assert_eq!(audit.command("never", &["report", &latest]), Some(0));
    assert!(failures(&audit.junit("never")).is_empty());

    let decisions = audit.path("review.csv").display().to_string();
    let decided = camaudit(&[
        "review",
        &latest,
        "--class",
        "horse",
        "--region",
        "source-tag",
        "--decision",
        "not-a-shortcut",
        "--note",
        "looked <at>",
        "--file",
        &decisions,
    ]);
    assert!(decided.status.success(), "{:?}", stderr(&decided));
    let read = format!("review.decisions={decisions:?}");
    let conclude = [
        "conclude",
        &latest,
        "--quiet",
        "--set",
        &read,
        "--fail-on",
        "confirmed",
    ];
    assert_eq!(audit.command("decided", &conclude), Some(0));
    assert!(failures(&audit.junit("decided")).is_empty());
    let log = audit.sarif("decided");
    let suppressions = array(&result(&log, "horse/source-tag")["suppressions"]);
    assert_eq!(suppressions.len(), 1);
    let why = text(&suppressions[0]["justification"]);
    assert!(
        why.starts_with("not-a-shortcut") && why.ends_with(": looked <at>"),
        "{why}"
    );
}

#[test]
fn a_run_without_result_leaves_no_file_of_an_earlier_one() {
    let audit = Audit::new();
    let old = audit.path("old.xml");
    std::fs::write(&old, "of last night").expect("file");
    let old_name = old.display().to_string();
    let missing = audit.path("missing.toml").display().to_string();
    let output = camaudit(&["run", &missing, "--quiet", "--junit", &old_name]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!old.exists());

    let same = camaudit(&["run", &missing, "--junit", &old_name, "--sarif", &old_name]);
    assert!(
        stderr(&same)[0].contains("name two files"),
        "{:?}",
        stderr(&same)
    );
    let folder = root().display().to_string();
    let folder = camaudit(&["run", &missing, "--junit", &folder]);
    assert!(
        stderr(&folder)[0].contains("a folder; name a file"),
        "{:?}",
        stderr(&folder)
    );
}
