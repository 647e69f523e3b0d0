//! How many workers the memory holds.

use crate::error::{Error, Result};
use crate::model::{Model, probe};
use crate::plan::Run;
use std::num::NonZero;
use std::path::{Path, PathBuf};

/// What a worker holds beside the network's tensors: the bytes of a photo of twelve megapixels, its pixels, and a copy.
const PHOTO: u64 = 96 << 20;
/// What a session takes where it cannot be measured, and the least that is believed where it can.
const SESSION: u64 = 96 << 20;
const SESSION_MIN: u64 = 16 << 20;
/// Part of the limit that is planned with; the rest is for what nobody foresees.
const PLANNED: f64 = 0.8;

/// The number of workers, and what is to be said of it.
///
/// # Errors
/// When the pipeline's own limit does not hold one worker.
pub fn workers(run: &Run, model: &Model) -> Result<(usize, Option<String>)> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let wanted = if run.jobs == 0 { cores } else { run.jobs };
    let (limit, whose) = match (run.memory, cgroup()) {
        (Some(limit), _) => (limit, "--memory (run.memory_gb)"),
        (None, Some(limit)) => (limit, "the container's memory limit"),
        (None, None) => return Ok((wanted, None)),
    };
    let (base, session) = session(model)?;
    let worker = session + PHOTO;
    let room = ((limit as f64 * PLANNED) as u64).saturating_sub(base);
    let fitting = usize::try_from(room / worker).unwrap_or(wanted);
    let mib = |bytes: u64| bytes >> 20;
    match fitting {
        0 if run.memory.is_some() => Err(Error::new(format!(
            "{whose} is {} MiB, and one worker wants about {} MiB; allow more",
            mib(limit),
            mib(((base + worker) as f64 / PLANNED) as u64)
        ))),
        n if n < wanted => {
            let n = n.max(1);
            let message = format!(
                "{n} of {wanted} workers: {whose} is {} MiB, and each wants about {} MiB",
                mib(limit),
                mib(worker)
            );
            Ok((n, Some(message)))
        }
        _ => Ok((wanted, None)),
    }
}

/// What the process has with the model loaded, and what a session takes beside another one: at the peak of a run, in a thread
/// of its own, so that nothing of what earlier ones gave back is used again.
fn session(model: &Model) -> Result<(u64, u64)> {
    let image = probe(&model.facts.input_shape);
    let mut first = model.session()?;
    first.run(&image)?;
    let before = status("VmRSS");
    // Begins the peak anew; where that is not allowed, nothing was measured.
    let reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let second = || {
        model
            .session()
            .and_then(|mut s| s.run(&image).map(|_| status("VmHWM").filter(|_| reset)))
    };
    let died = || Err(Error::new("the thread that measures a session died"));
    let peak = std::thread::scope(|scope| scope.spawn(second).join().unwrap_or_else(|_| died()))?;
    let taken = before.zip(peak).map_or(SESSION, |(before, peak)| {
        peak.saturating_sub(before).max(SESSION_MIN)
    });
    Ok((before.unwrap_or(SESSION), taken))
}

/// A figure of this process, in bytes.
fn status(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The tightest limit of the control groups that this process is in, where there is one.
fn cgroup() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = PathBuf::from(
        own.lines()
            .find_map(|l| l.strip_prefix("0::/"))
            .unwrap_or_default(),
    );
    let root = Path::new("/sys/fs/cgroup");
    let nested = own
        .ancestors()
        .map(|part| root.join(part).join("memory.max"));
    let files = nested.chain([root.join("memory/memory.limit_in_bytes")]);
    let read = |file: PathBuf| {
        std::fs::read_to_string(file)
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    };
    // Without a limit the old kind names a number that no machine has.
    files
        .filter_map(read)
        .filter(|limit| *limit < 1 << 50)
        .min()
}
