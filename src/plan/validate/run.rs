//! `[run]`: resources, random choices and outputs.

use super::checker::Checker;
use crate::plan::file::RunFile;
use crate::plan::types::Run;
use std::path::PathBuf;
use std::time::Duration;

pub fn run(file: &RunFile, check: &mut Checker<'_>) -> Run {
    let shard_size = check.count("run.shard_size", file.shard_size.unwrap_or(512), 1..=65_536);
    let jobs = check.count("run.jobs", file.jobs.unwrap_or(0), 0..=1024);
    let limit = file
        .limit
        .map(|limit| check.count("run.limit", limit, 1..=u32::MAX));
    let max_skipped = file.max_skipped.unwrap_or(0.1);
    let max_skipped = check.number("run.max_skipped", max_skipped, 0.0..=1.0);
    let max_drop = check.number("run.max_drop", file.max_drop.unwrap_or(0.1), 0.0..=1.0);

    let seconds = file.image_seconds.unwrap_or(60.0);
    let seconds = check.number("run.image_seconds", seconds, 1e-3..=1e5);
    let memory = file
        .memory_gb
        .map(|gb| check.gigabytes("run.memory_gb", gb));
    let cache_bytes_max = check.gigabytes("run.cache_gb", file.cache_gb.unwrap_or(20.0));

    let out = match &file.out {
        Some(out) => check.path(out),
        None => PathBuf::from("reports"),
    };
    Run {
        shard_size: shard_size as usize,
        jobs: jobs as usize,
        seed: file.seed.unwrap_or(0),
        limit: limit.map(|limit| limit as usize),
        trial: false,
        max_skipped,
        max_drop,
        decode_timeout: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        memory,
        cache_bytes_max,
        metrics: file.metrics.as_ref().map(|file| check.path(file)),
        on_finish: file.on_finish.clone().unwrap_or_default(),
        verify_cache: false,
        out,
    }
}
