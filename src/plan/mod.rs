//! The plan of one audit: `pipelines/*.toml` -> file types -> validated [`Plan`].
//!
//! * `file` is the pipeline as it is written: every key optional.
//! * `document` parses TOML and overrides and remembers the line of every key.
//! * `validate` fills in defaults, checks ranges and paths, and collects all problems.
//! * `types` is what the other rooms read.

mod document;
pub mod file;
mod load;
pub mod problems;
mod serde_message;
mod sources;
mod toml_tree;
mod types;
mod validate;

pub use document::Problem;
pub use file::{
    Activation, BoxCoordinates, Channels, ClassRef, Corner, Decode, Exif, Filter, Format,
    InputValue, LabelRule, Layout, Links, Pictures, ProblemAction, RegionKind, Unit,
};
pub use load::json_schema;
pub use types::{
    Dataset, Device, Engine, Model, Place, Plan, Preprocess, Presence, Region, Report, Retention,
    Review, Run, Scores, Step, Template, Verdicts,
};
