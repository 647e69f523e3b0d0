//! The validated pipeline that the other rooms read.

mod dataset;
mod discovery;
mod model;
mod policy;
mod preprocess;
mod region;
mod run;

pub use dataset::Dataset;
pub use discovery::Discovery;
pub use model::{Device, Engine, Model};
pub use policy::{Report, Retention, Review, Scores, Verdicts};
pub use preprocess::{Preprocess, Step};
pub use region::{Place, Presence, Region, Template};
pub use run::Run;

use std::path::PathBuf;

/// A validated pipeline: every file that it names exists, every number is in range.
///
/// Paths are absolute or relative to the current folder.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The pipeline's name: its file name without `.toml`.
    pub name: String,
    /// The pipeline file as an absolute path.
    pub file: PathBuf,
    /// The overrides that were applied to the file, as `key=value`.
    pub overrides: Vec<String>,
    /// What the user should change although the pipeline is valid, such as a renamed key.
    pub warnings: Vec<String>,
    /// BLAKE3 of everything that decides a result: all keys but those that change none.
    pub hash: String,
    /// BLAKE3 of what decides the measured rows: dataset, model, preprocess, regions, scores and
    /// the keys of `[run]` that choose or skip images.
    ///
    /// Pipelines that differ only in `[verdict]`, `[discovery]`, `[report]`, `[review]` or
    /// `[retention]` share it.
    pub measure_hash: String,
    pub dataset: Dataset,
    pub model: Model,
    pub preprocess: Preprocess,
    pub regions: Vec<Region>,
    pub scores: Scores,
    pub verdict: Verdicts,
    /// `None`: only declared regions are looked at.
    pub discovery: Option<Discovery>,
    pub report: Report,
    pub review: Review,
    pub retention: Retention,
    pub run: Run,
}
