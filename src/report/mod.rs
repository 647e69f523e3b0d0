//! What a run tells people and machines: the run record, the summary, overlays of single images.

mod bars;
pub mod diff;
mod exhibit;
pub mod gallery;
mod html;
pub mod index;
mod metrics;
pub mod nights;
pub mod overlay;
mod record;
pub mod review;
mod summary;
mod template;

pub use exhibit::{Exhibit, Panel, number};
pub use html::{Night, page};
pub use metrics::prometheus;
pub use record::{Counts, RunRecord, run_id, verdict_counts};
pub use summary::{Summary, accuracy_warning, printable};
