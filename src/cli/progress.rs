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

/// A progress bar: with images per second and time left where the number of images is known; else
/// with the photos that are known to be ahead, or with the parts of the stage. Hidden where stderr
/// is no terminal.
#[derive(Default)]
struct Bar {
    current: Mutex<Option<Stage>>,
    skips: AtomicU64,
}

/// What the bar of a stage counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Images,
    /// Photos; more of them may come ahead.
    Photos,
    /// Parts of many photos each.
    Parts,
}

/// The bar of one stage.
struct Stage {
    bar: ProgressBar,
    counted: Counted,
    /// Photos done, and known ahead, since the parts began.
    photos: [usize; 2],
    /// What the parts are.
    unit: &'static str,
}

const IMAGES: &str = "{prefix} {wide_bar} {pos}/{len}  {rate} images/s  {eta} left{msg}";
const NOTHING_YET: &str = "{prefix} {spinner} {elapsed}";
const PHOTOS: &str = "{prefix} {wide_bar} {pos}/{len} photos  {elapsed}";
const PARTS: &str = "{prefix} {wide_bar} {pos}/{len} {msg}  {elapsed}";

impl Stage {
    fn new(name: &str, total: Option<usize>) -> Self {
        let bar = match total {
            Some(total) => ProgressBar::new(total as u64),
            None => ProgressBar::new_spinner(),
        };
        let counted = match total {
            Some(_) => Counted::Images,
            None => Counted::Photos,
        };
        bar.set_style(style(match counted {
            Counted::Images => IMAGES,
            _ => NOTHING_YET,
        }));
        bar.set_prefix(name.to_owned());
        if counted == Counted::Photos {
            bar.set_length(0);
            bar.enable_steady_tick(TICK);
        }
        Self {
            bar,
            counted,
            photos: [0, 0],
            unit: "",
        }
    }

    fn ahead(&mut self, items: usize) {
        self.photos[1] += items;
        if self.counted == Counted::Photos && items > 0 {
            self.bar.set_style(style(PHOTOS));
            self.bar.inc_length(items as u64);
        }
    }

    fn step(&mut self) {
        self.photos[0] += 1;
        match self.counted {
            Counted::Images => {}
            Counted::Photos => self.bar.inc(1),
            Counted::Parts => {
                let [done, ahead] = self.photos;
                let message = format!("{}  {done}/{ahead} photos", self.unit);
                self.bar.set_message(message);
            }
        }
    }

    fn parts(&mut self, total: usize, unit: &'static str) {
        self.counted = Counted::Parts;
        self.unit = unit;
        self.photos = [0, 0];
        self.bar.set_message(unit);
        self.bar.set_style(style(PARTS));
        self.bar.set_position(0);
        self.bar.set_length(total as u64);
    }
}

fn style(template: &str) -> ProgressStyle {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", write_rate)
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

    fn ahead(&self, items: usize) {
        if let Some(stage) = self.current().as_mut() {
            stage.ahead(items);
        }
    }

    fn step(&self) {
        if let Some(stage) = self.current().as_mut() {
            stage.step();
        }
    }

    fn parts(&self, total: usize, unit: &'static str) {
        if let Some(stage) = self.current().as_mut() {
            stage.parts(total, unit);
        }
    }

    fn part_done(&self) {
        let current = self.current();
        if let Some(stage) = current.as_ref().filter(|s| s.counted == Counted::Parts) {
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
