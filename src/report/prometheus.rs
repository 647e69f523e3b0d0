//! A run as a Prometheus text file, for the textfile collector of the node exporter.

use crate::finding::Verdict;
use crate::runs::documents::RunRecord;

/// What happened to a run after its documents were written.
#[derive(Debug, Clone, Copy)]
pub struct RunOutcome {
    /// Open findings with the verdict candidate or a more serious one.
    pub open_findings: usize,
    pub exit_code: u8,
    /// Unix time.
    pub finished_at_s: i64,
}

/// The metrics of a run.
///
/// Every verdict has a line: when the last finding of a verdict is gone, its metric becomes 0.
pub fn prometheus(record: &RunRecord, outcome: RunOutcome) -> String {
    let counts = &record.facts.counts;
    let mut metrics = Metrics::new(&record.identity.pipeline);

    metrics.gauge(
        "images_found",
        "Images of the dataset.",
        counts.found as f64,
    );
    metrics.gauge(
        "images_skipped",
        "Images that could not be scored.",
        counts.skipped as f64,
    );
    metrics.gauge(
        "top1_accuracy",
        "Fraction of the images predicted as their label.",
        record.top1_accuracy,
    );
    metrics.gauge(
        "open_findings",
        "Undecided findings at or above candidate.",
        outcome.open_findings as f64,
    );
    metrics.gauge(
        "refused",
        "1 where too many images were skipped: the findings must not be relied on.",
        f64::from(u8::from(record.refused)),
    );
    metrics.verdicts(record);
    metrics.gauge(
        "exit_code",
        "0 no findings, 1 findings at or above --fail-on, 3 too many images skipped.",
        f64::from(outcome.exit_code),
    );
    metrics.gauge("wall_seconds", "Duration of the run.", record.wall_s);
    metrics.gauge(
        "finished_timestamp_seconds",
        "When the run was finished.",
        outcome.finished_at_s as f64,
    );
    metrics.text
}

struct Metrics {
    /// `pipeline="name"`.
    label: String,
    text: String,
}

impl Metrics {
    fn new(pipeline: &str) -> Self {
        let escaped = pipeline
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        Self {
            label: format!("pipeline=\"{escaped}\""),
            text: String::new(),
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, help);
        let label = &self.label;
        self.text += &format!("camaudit_{name}{{{label}}} {value}\n");
    }

    fn verdicts(&mut self, record: &RunRecord) {
        self.head("findings", "Findings by verdict.");
        let label = &self.label;
        for verdict in Verdict::ALL.iter().filter(|v| **v != Verdict::None) {
            let count = record.verdicts.get(verdict).copied().unwrap_or(0);
            self.text += &format!("camaudit_findings{{{label},verdict=\"{verdict}\"}} {count}\n");
        }
    }

    fn head(&mut self, name: &str, help: &str) {
        self.text += &format!("# HELP camaudit_{name} {help}\n# TYPE camaudit_{name} gauge\n");
    }
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    #[test]
    fn every_verdict_has_a_line() {
        let mut record = fabricated::record();
        record.identity.pipeline = "a\"b".into();
        let text = prometheus(
            &record,
            RunOutcome {
                open_findings: 4,
                exit_code: 1,
                finished_at_s: 1_764_000_000,
            },
        );
        assert_eq!(text.matches("camaudit_findings{").count(), 7);
        for line in [
            "camaudit_findings{pipeline=\"a\\\"b\",verdict=\"confirmed\"} 1",
            "camaudit_findings{pipeline=\"a\\\"b\",verdict=\"cleared\"} 0",
            "camaudit_images_found{pipeline=\"a\\\"b\"} 1200",
            "camaudit_finished_timestamp_seconds{pipeline=\"a\\\"b\"} 1764000000",
            "# TYPE camaudit_exit_code gauge",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
