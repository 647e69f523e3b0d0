//! Run folders: written, locked, listed, read back and compared.
//!
//! A run is a folder `HOME/RUN_ID/`, where HOME is the folder of one pipeline. `run.json` is
//! written last: its presence means that the run is finished. `latest` in HOME names the last
//! finished run.

mod cells;
mod change;
mod class_heat;
pub mod clock;
pub mod concepts;
mod contents;
pub mod diff;
pub mod documents;
mod figures;
pub mod patterns;
mod files;
mod finished;
pub mod folder;
pub mod history;
mod holder;
pub mod images;
mod latest;
pub mod lock;
mod parquet;
pub mod review;
mod review_csv;
pub mod review_merge;
mod splits;
mod tested;
mod verdicts;

#[cfg(test)]
mod tests;

pub use cells::escape;
pub use class_heat::{ClassHeat, class_heat};
pub use contents::content_hashes;
pub use files::write_file;
pub use finished::{RunDocuments, identity, open_finished};
pub use folder::RunFolder;
pub use images::{FoundImage, Measure};
pub use latest::{latest, run_folder};
pub use lock::Lock;
pub use parquet::parts;
pub use tested::{TestedPair, tested};
pub use verdicts::{AuditedPair, verdicts};
