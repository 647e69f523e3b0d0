//! `[run]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the run is carried out. `jobs`, `memory_gb`, `cache_gb`, `metrics`, `on_finish` and `out`
/// never change a result.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunFile {
    /// Images held in memory at once, and rows of one Parquet part. Default 512.
    pub shard_size: Option<u32>,
    /// Worker threads, 0 = all cores (default).
    pub jobs: Option<u32>,
    /// Seed of every random choice. Default 0.
    pub seed: Option<u64>,
    /// Maximum number of images per class, chosen by hash. Default: all.
    pub limit: Option<u32>,
    /// Fraction of skipped images above which the run ends with exit code 3. Default 0.1.
    pub max_skipped: Option<f64>,
    // Skipped if absent: the hash of a pipeline that does not use the key stays as it was.
    /// Fraction by which the images found, or those of a class, may drop against the last run
    /// without a warning. Default 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_drop: Option<f64>,
    /// Maximum seconds for decoding one image; an image that takes longer is skipped. Default 60.
    pub image_seconds: Option<f64>,
    /// Maximum gigabytes of memory; the number of workers is reduced to fit, and a picture that
    /// needs more than 40 % of it is skipped. Default: the limit of the container.
    pub memory_gb: Option<f64>,
    /// Maximum gigabytes of inference results cached for later runs; 0 disables the cache.
    /// Default 20.
    pub cache_gb: Option<f64>,
    /// Prometheus text file to write when the run is finished, for the textfile collector of the
    /// node exporter.
    pub metrics: Option<String>,
    /// Program and arguments to start when the run is finished, without a shell. Its environment
    /// holds the run's folder in CAMAUDIT_RUN, the number of open findings at or above candidate
    /// in CAMAUDIT_OPEN, the headline in CAMAUDIT_HEADLINE, the outcome in CAMAUDIT_UPSHOT and the
    /// run's exit code in CAMAUDIT_EXIT.
    pub on_finish: Option<Vec<String>>,
    /// Folder of the reports. Default `reports` in the current folder.
    pub out: Option<String>,
}
