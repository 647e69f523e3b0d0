//! The runs of one pipeline: listed, compared with the runs before them, and removed.

mod compare;
mod drops;
mod list;
mod order;
mod retention;

pub use crate::plan::RUN_ID;
pub use compare::{compare, lost_images};
pub use list::{
    complete, finished, finished_before, next_run, remove, remove_incomplete, run_id, same_limit,
    started_at, unfinished,
};
pub use retention::{dir_size, expired};
