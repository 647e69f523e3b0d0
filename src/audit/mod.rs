//! An audit: `measure` makes rows of images, `conclude` makes findings and documents of rows, `run`
//! is both. Start reading in `run`. The only room that names the thread pool.
//!
//! One image goes through `worker` (file -> inference) and `measure_image` (inference ->
//! measurement). Before, `prescan` reads the annotations, and `infer_ahead` saves a pass over
//! photos that stand beside their labels; afterwards, `experiments` chooses images,
//! `intervention` edits them, `discovery` searches for confounders that nobody declared, and
//! `figures` shows some.

mod class_figures;
mod comparison;
mod concept_region;
mod concept_run;
mod auditor;
mod conclude;
mod contact_sheet;
mod context;
mod discover_run;
mod discovery;
mod enlarge;
mod experiments;
mod figures;
mod footprints;
mod infer_ahead;
mod intervention;
mod limits;
mod measure;
mod measure_image;
mod measurer;
mod observer;
mod pool;
mod photo_frames;
mod prescan;
mod presence;
mod rows;
mod run;
mod shown;
mod shards;
mod splits;
mod totals;
mod view;
mod worker;

pub use auditor::{Auditor, GivenImage, GivenRows, content_key};
pub use comparison::runs_page;
pub use concept_region::{ConceptRegion, concept_region};
pub use concept_run::concept_usage;
pub use conclude::{Outcome, report_page};
pub use contact_sheet::tiles;
pub use context::{AuditContext, load_model};
pub use discover_run::{DiscoveredRun, discover_run};
pub use limits::{pictures as picture_memory, workers};
pub use measure_image::{Failure, Measured, measure_image};
pub use observer::Observer;
pub use photo_frames::check_boxes;
pub use prescan::Prescan;
pub use presence::{annotate, search};
pub use run::{conclude_run, measure_only, run};
pub use shards::{ShardWorker, Shards, measure_shards};
pub use view::{ModelView, PredictedView, view};
pub use worker::{Inferred, Timings, Worker};
