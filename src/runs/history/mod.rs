//! The runs of one pipeline: listed, compared with the runs before them, and removed.

mod compare;
mod list;
mod retention;

pub use compare::compare;
pub use list::{
    RUN_ID, complete, finished, finished_before, next_run_id, remove, remove_incomplete, run_id,
    same_limit, started_at, unfinished,
};
pub use retention::{dir_size, expired};
