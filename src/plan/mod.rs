//! The plan of one audit: `pipelines/*.toml` -> file types -> validated [`Plan`].
//!
//! * `file` is the pipeline as it is written: every key optional.
//! * `document` parses TOML and overrides and remembers the line of every key.
//! * `validate` fills in defaults, checks ranges and paths, and collects all problems.
//! * `types` is what the other rooms read.

pub mod class_list;
mod document;
pub mod file;
mod load;
pub mod problems;
mod run_folder;
mod serde_message;
mod sources;
mod split_folders;
mod toml_tree;
mod types;
mod validate;

pub use document::Problem;
pub use file::{
    Activation, BoxCoordinates, Channels, ClassRef, Columns, Corner, Decode, Exif, Filter, Format,
    InputValue, LabelRule, Layout, Links, Pictures, ProblemAction, RegionKind, Unit, UnknownLabels,
};
pub use load::{json_schema, transform};
pub use run_folder::{RUN_ID, is_run_folder, parse_run_id};
pub use split_folders::{split_folders, split_of_folder};
pub use types::{
    Dataset, Device, Discovery, Engine, Model, Place, Plan, Preprocess, Presence, Region, Report,
    Retention, Review, Run, Scores, Step, Template, Verdicts,
};
