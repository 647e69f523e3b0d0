//! Watching a run on stderr: a bar for people, JSON lines for machines, or nothing but warnings.

use crate::audit::Observer;
use crate::error::Error;
use crate::record::SkipRow;
use crate::report::RunRecord;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

fn stderr(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A progress bar with images per second, time left and skips. Hidden where stderr is no terminal.
#[derive(Default)]
pub struct Bar {
    bar: OnceLock<ProgressBar>,
    skips: AtomicU64,
}

impl Observer for Bar {
    fn stage(&self, name: &str, total: Option<usize>) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
        let Some(total) = total else { return };
        let bar = ProgressBar::new(total as u64);
        let template = "{prefix} {wide_bar} {pos}/{len}  {rate} images/s  {eta} left{msg}";
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0}", state.per_sec());
        };
        bar.set_style(style.with_key("rate", rate));
        bar.set_prefix(name.to_owned());
        let _ = self.bar.set(bar);
    }

    fn image(&self, skipped: Option<&SkipRow>) {
        let Some(bar) = self.bar.get() else { return };
        bar.inc(1);
        if skipped.is_some() {
            bar.set_message(format!(
                "  {} skipped",
                self.skips.fetch_add(1, Ordering::Relaxed) + 1
            ));
        }
    }

    fn warning(&self, message: &str) {
        stderr(&format!("warning: {}", super::printable(message)));
    }

    fn stopped(&self) -> bool {
        super::signals::stopped()
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

/// One JSON object a line: `{"event": ..., ...}`.
pub struct JsonLog;

impl JsonLog {
    fn event(&self, mut value: Value) {
        value["time"] = Value::String(jiff::Timestamp::now().to_string());
        stderr(&value.to_string());
    }

    /// The last event: what was done, or why it was not.
    pub fn end(&self, result: Result<&RunRecord, &Error>) {
        self.event(match result {
            Ok(run) => {
                json!({"event": "finish", "run_id": run.run_id, "audit_id": run.audit_id, "counts": run.counts, "exit_code": 0})
            },
            Err(e) => json!({"event": "error", "message": e.to_string(), "exit_code": e.exit_code()}),
        });
    }
}

impl Observer for JsonLog {
    fn stage(&self, name: &str, total: Option<usize>) {
        self.event(json!({"event": "stage", "stage": name, "images": total}));
    }

    fn image(&self, skipped: Option<&SkipRow>) {
        if let Some(s) = skipped {
            self.event(
                json!({"event": "skip", "path": s.path, "stage": s.stage, "reason": s.reason, "message": s.message}),
            );
        }
    }

    fn warning(&self, message: &str) {
        self.event(json!({"event": "warning", "message": message}));
    }

    fn stopped(&self) -> bool {
        super::signals::stopped()
    }
}

/// Warnings only.
pub struct Quiet;

impl Observer for Quiet {
    fn stage(&self, _: &str, _: Option<usize>) {}

    fn image(&self, _: Option<&SkipRow>) {}

    fn warning(&self, message: &str) {
        stderr(&format!("warning: {}", super::printable(message)));
    }

    fn stopped(&self) -> bool {
        super::signals::stopped()
    }
}
