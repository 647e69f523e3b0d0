//! Run folders: written, locked, listed, read back and compared.
//!
//! A run is a folder `HOME/RUN_ID/`, where HOME is the folder of one pipeline. `run.json` is
//! written last: its presence means that the run is finished. `latest` in HOME links to the last
//! finished run.

mod change;
mod contents;
pub mod diff;
pub mod documents;
mod files;
mod finished;
pub mod folder;
pub mod history;
pub mod images;
pub mod lock;
mod parquet;
pub mod review;
mod verdicts;

#[cfg(test)]
mod tests;

pub use contents::content_hashes;
pub use files::{make_readable, write_file};
pub use finished::{RunDocuments, identity, open_finished};
pub use folder::RunFolder;
pub use images::{FoundImage, Measure};
pub use lock::Lock;
pub use parquet::parts;
pub use verdicts::{AuditedPair, verdicts};
