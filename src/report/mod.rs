//! What a run tells people and machines: the run record, the summary, overlays of single images.

pub mod overlay;
mod record;
mod summary;

pub use record::{Counts, RunRecord, run_id, verdict_counts};
pub use summary::{Summary, accuracy_warning, printable};
