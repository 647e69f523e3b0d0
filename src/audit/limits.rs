//! How many workers the memory holds.

use crate::error::{Error, Result};
use crate::model::{Model, probe};
use crate::plan::Run;
use std::num::NonZero;

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
        (Some(limit), _) => (limit, "run.memory_gb"),
        (None, Some(limit)) => (limit, "the container's memory limit"),
        (None, None) => return Ok((wanted, None)),
    };
    let before = resident();
    // Measured while a session is alive that has run once.
    let mut session = model.session()?;
    session.run(&probe(&model.facts.input_shape))?;
    let after = resident();
    drop(session);
    let measured = before.zip(after).map_or(SESSION, |(before, after)| after.saturating_sub(before).max(SESSION_MIN));
    let (base, worker) = (before.unwrap_or(SESSION), measured + PHOTO);
    let room = ((limit as f64 * PLANNED) as u64).saturating_sub(base);
    let fitting = usize::try_from(room / worker).unwrap_or(wanted);
    let mib = |bytes: u64| bytes >> 20;
    match fitting {
        0 if run.memory.is_some() => Err(Error::new(format!(
            "run.memory_gb is {} MiB, and one worker wants about {} MiB; allow more",
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

/// Bytes of memory that this process has now.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// The limit of the control group that this process is in, where there is one.
fn cgroup() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|l| l.strip_prefix("0::")).unwrap_or("/");
    let files = [
        format!("/sys/fs/cgroup{}/memory.max", own.trim_end_matches('/')),
        "/sys/fs/cgroup/memory.max".into(),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".into(),
    ];
    let read = |file: &String| std::fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    // Without a limit the old kind names a number that no machine has.
    files.iter().find_map(read).filter(|limit| *limit < 1 << 50)
}
