//! The progress of a run on stderr: a bar for people, JSON lines for machines, or warnings only.

use super::exit_code::ExitCode;
use super::output::{eprint, printable, warn};
use super::signals;
use crate::audit::Observer;
use crate::error::Error;
use crate::runs::clock;
use crate::tables::SkipRow;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two pictures of a spinner.
const TICK: Duration = Duration::from_millis(200);

/// How a run reports its progress.
#[derive(Args)]
pub struct ProgressArgs {
    /// Print the result only, no progress
    #[arg(long, conflicts_with = "log")]
    quiet: bool,
    /// How to log on stderr
    #[arg(long, value_enum, default_value_t = Log::Text)]
    log: Log,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// A progress bar and warnings
    Text,
    /// One JSON object per event
    Json,
}

impl ProgressArgs {
    pub fn observer(&self) -> Box<dyn Observer> {
        match (self.log, self.quiet) {
            (Log::Json, _) => Box::new(JsonLog),
            (Log::Text, true) => Box::new(Quiet),
            (Log::Text, false) => Box::new(Bar::default()),
        }
    }

    pub fn is_json(&self) -> bool {
        self.log == Log::Json
    }
}

/// A progress bar with images per second, time left and skips; for a stage of unknown length the
/// number of photos worked on, and the time. Hidden where stderr is no terminal.
#[derive(Default)]
struct Bar {
    current: Mutex<Option<Stage>>,
    skips: AtomicU64,
}

/// The bar of one stage.
struct Stage {
    bar: ProgressBar,
    /// Steps are counted: the length is not known.
    is_open: bool,
}

impl Stage {
    fn new(name: &str, total: Option<usize>) -> Self {
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total as u64),
                "{prefix} {wide_bar} {pos}/{len}  {rate} images/s  {eta} left{msg}",
            ),
            None => {
                let bar = ProgressBar::new_spinner();
                bar.enable_steady_tick(TICK);
                (bar, "{prefix} {spinner} {pos} photos  {elapsed}")
            }
        };
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.with_key("rate", write_rate));
        bar.set_prefix(name.to_owned());
        Self {
            bar,
            is_open: total.is_none(),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Bar {
    fn current(&self) -> MutexGuard<'_, Option<Stage>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Bar {
    fn stage(&self, name: &str, total: Option<usize>) {
        let mut current = self.current();
        // The bar before it is cleared first.
        *current = None;
        *current = Some(Stage::new(name, total));
    }

    fn step(&self) {
        if let Some(stage) = self.current().as_ref().filter(|stage| stage.is_open) {
            stage.bar.inc(1);
        }
    }

    fn image(&self, skipped: Option<&SkipRow>) {
        let current = self.current();
        let Some(stage) = current.as_ref() else {
            return;
        };
        stage.bar.inc(1);
        if skipped.is_some() {
            let skips = self.skips.fetch_add(1, Ordering::Relaxed) + 1;
            stage.bar.set_message(format!("  {skips} skipped"));
        }
    }

    fn warning(&self, message: &str) {
        // A line in the middle of a bar would be torn.
        match self.current().as_ref() {
            Some(stage) => stage.bar.suspend(|| warn(message)),
            None => warn(message),
        }
    }

    fn stopped(&self) -> bool {
        signals::stopped()
    }
}

fn write_rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let _ = write!(out, "{:.0}", state.per_sec());
}

/// One JSON object a line: `{"event": ..., ...}`.
struct JsonLog;

/// Writes an event with the time.
pub fn log_event(mut event: Value) {
    event["time"] = Value::String(clock::now().to_string());
    eprint(&event.to_string());
}

/// Writes the event of an error that ends the program; returns its exit code.
pub fn log_error(error: &Error) -> ExitCode {
    let code = if error.is_interruption() {
        ExitCode::Interrupted
    } else {
        ExitCode::Failure
    };
    log_event(json!({
        "event": "error",
        "message": error.to_string(),
        "exit_code": code.number(),
    }));
    code
}

impl Observer for JsonLog {
    fn stage(&self, name: &str, total: Option<usize>) {
        log_event(json!({"event": "stage", "stage": name, "images": total}));
    }

    fn image(&self, skipped: Option<&SkipRow>) {
        if let Some(row) = skipped {
            log_event(json!({
                "event": "skip",
                "path": row.path,
                "stage": row.stage,
                "reason": row.reason,
                "message": row.message,
            }));
        }
    }

    fn warning(&self, message: &str) {
        log_event(json!({"event": "warning", "message": printable(message)}));
    }

    fn stopped(&self) -> bool {
        signals::stopped()
    }
}

/// Warnings only.
struct Quiet;

impl Observer for Quiet {
    fn stage(&self, _: &str, _: Option<usize>) {}

    fn image(&self, _: Option<&SkipRow>) {}

    fn warning(&self, message: &str) {
        warn(message);
    }

    fn stopped(&self) -> bool {
        signals::stopped()
    }
}
