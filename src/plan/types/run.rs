//! How a run is carried out.

use std::path::PathBuf;
use std::time::Duration;

/// Resources, random choices and outputs of a run.
#[derive(Debug, Clone)]
pub struct Run {
    pub shard_size: usize,
    /// Worker threads; 0 for one per core.
    pub jobs: usize,
    pub seed: u64,
    /// Maximum number of images per class.
    pub limit: Option<usize>,
    /// Whether an override set the limit, which marks a run that differs from the regular ones.
    pub trial: bool,
    pub max_skipped: f64,
    /// Part of the images found, or of a class's, that the last run may have had more.
    pub max_drop: f64,
    /// Maximum time for decoding one image.
    pub decode_timeout: Duration,
    /// Maximum bytes of memory, if the pipeline sets a limit.
    pub memory: Option<u64>,
    /// Maximum bytes of cached inference; 0 disables the cache.
    pub cache_bytes_max: u64,
    /// Prometheus text file that is written when the run is finished.
    pub metrics: Option<PathBuf>,
    /// Program and arguments that are started when the run is finished.
    pub on_finish: Vec<String>,
    /// Re-run cached inferences and fail on a mismatch.
    pub verify_cache: bool,
    pub out: PathBuf,
}
