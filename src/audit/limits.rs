//! How many workers the memory holds, and how much of it one picture may take.

use crate::error::{Error, Result};
use crate::input::PictureMemory;
use crate::model::{Model, probe};
use crate::plan::Run;
use std::num::NonZero;
use std::path::Path;

/// Memory of a worker for pictures that do not wait for their turn: the bytes of a photo of twelve
/// megapixels, and its pixels.
const PHOTO: u64 = 48 << 20;
/// Most memory for one picture where no limit is set.
const PICTURE_UNLIMITED: u64 = 2 << 30;
/// Part of the limit that one picture may take.
const PICTURE_PART: f64 = 0.4;
/// Memory of a session where it cannot be measured, and the smallest measured value that is used.
const SESSION: u64 = 96 << 20;
const SESSION_MIN: u64 = 16 << 20;
/// Part of the limit that is planned with; the rest is a reserve.
const PLANNED: f64 = 0.8;

/// A memory limit, and who set it.
struct Limit {
    bytes: u64,
    name: &'static str,
}

/// How many workers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Workers that compute at a time.
    pub jobs: usize,
    /// Threads: more where several images run at once, because most of them wait.
    pub threads: usize,
}

/// Threads for each image of a batch: one image runs while another is prepared.
const THREADS_PER_IMAGE: usize = 2;

/// The workers that the memory holds, and a message where there are fewer than wanted.
///
/// # Errors
/// When the pipeline's own limit does not hold one worker.
pub fn workers(run: &Run, model: &Model) -> Result<(Workers, Option<String>)> {
    let (jobs, fewer) = jobs(run, model)?;
    let waiting = match model.batch() {
        1 => 0,
        batch => THREADS_PER_IMAGE * batch,
    };
    let held = limit(run).map_or(waiting, |limit| {
        let free = (limit.bytes as f64 * PLANNED) as u64;
        usize::try_from(free.saturating_sub(limit.picture()) / PHOTO).unwrap_or(waiting)
    });
    let threads = waiting.min(held).max(jobs);
    Ok((Workers { jobs, threads }, fewer))
}

fn jobs(run: &Run, model: &Model) -> Result<(usize, Option<String>)> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let wanted = if run.jobs == 0 { cores } else { run.jobs };
    let Some(limit) = limit(run) else {
        return Ok((wanted, None));
    };

    let (base, session) = session_memory(model)?;
    let worker = session + PHOTO;
    let planned = ((limit.bytes as f64 * PLANNED) as u64).saturating_sub(limit.picture());
    let fitting = planned.saturating_sub(base) / worker;
    let fitting = usize::try_from(fitting).unwrap_or(wanted);
    if fitting == 0 && run.memory.is_some() {
        let needed = ((base + worker) as f64 / (PLANNED - PICTURE_PART)) as u64;
        return Err(Error::new(format!(
            "{} is {} MiB, but one worker needs about {} MiB; allow more",
            limit.name,
            mib(limit.bytes),
            mib(needed)
        )));
    }
    if fitting >= wanted {
        return Ok((wanted, None));
    }
    let jobs = fitting.max(1);
    let message = format!(
        "{jobs} of {wanted} workers: {} is {} MiB, and each worker needs about {} MiB",
        limit.name,
        mib(limit.bytes),
        mib(worker)
    );
    Ok((jobs, Some(message)))
}

/// The memory for pictures: a part of the limit, which does not depend on the number of workers.
pub fn pictures(run: &Run) -> PictureMemory {
    match limit(run) {
        Some(limit) => PictureMemory {
            largest: limit.picture(),
            unshared: PHOTO.min(limit.picture()),
            cause: format!(
                "{:.0} % of {}, which is {} MiB; allow more memory, or make the picture smaller",
                100.0 * PICTURE_PART,
                limit.name,
                mib(limit.bytes)
            ),
        },
        None => PictureMemory {
            largest: PICTURE_UNLIMITED,
            unshared: PICTURE_UNLIMITED,
            cause: "allow more with --memory (run.memory_gb), or make the picture smaller".into(),
        },
    }
}

impl Limit {
    /// Most bytes for one picture.
    fn picture(&self) -> u64 {
        (self.bytes as f64 * PICTURE_PART) as u64
    }
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}

fn limit(run: &Run) -> Option<Limit> {
    if let Some(bytes) = run.memory {
        let name = "--memory (run.memory_gb)";
        return Some(Limit { bytes, name });
    }
    let name = "the container's memory limit";
    cgroup_limit().map(|bytes| Limit { bytes, name })
}

/// Memory of the process with the model loaded, and of one more session. The second session runs
/// in a thread of its own, so that it does not reuse memory that the first has freed.
fn session_memory(model: &Model) -> Result<(u64, u64)> {
    let image = probe(&model.facts.input_shape);
    let mut first = model.session()?;
    first.run(&image)?;

    let before = process_memory("VmRSS");
    // Resets the recorded peak; without the right to do so there is no measurement.
    let reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let peak = std::thread::scope(|scope| {
        let second = scope.spawn(|| peak_of_session(model, &image));
        let died = |_| Err(Error::new("the thread that measures a session died"));
        second.join().unwrap_or_else(died)
    })?;

    let session = match (before, peak.filter(|_| reset)) {
        (Some(before), Some(peak)) => peak.saturating_sub(before).max(SESSION_MIN),
        _ => SESSION,
    };
    Ok((before.unwrap_or(SESSION), session))
}

fn peak_of_session(model: &Model, image: &[f32]) -> Result<Option<u64>> {
    let mut session = model.session()?;
    session.run(image)?;
    Ok(process_memory("VmHWM"))
}

/// A figure of this process, in bytes.
fn process_memory(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// The smallest limit of the control groups that this process is in.
fn cgroup_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let root = Path::new("/sys/fs/cgroup");

    let mut files = vec![root.join("memory/memory.limit_in_bytes")];
    for group in groups.lines() {
        if let Some(own) = group.strip_prefix("0::/") {
            let parts = Path::new(own).ancestors();
            files.extend(parts.map(|part| root.join(part).join("memory.max")));
        } else if let Some((_, own)) = group.split_once(":memory:/") {
            let parts = Path::new(own).ancestors();
            let root = root.join("memory");
            files.extend(parts.map(|part| root.join(part).join("memory.limit_in_bytes")));
        }
    }
    // cgroup v1 reports a huge value when there is no limit.
    let limits = files.iter().filter_map(|file| read_limit(file));
    limits.filter(|limit| *limit < 1 << 50).min()
}

fn read_limit(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}
