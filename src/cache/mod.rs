//! Inference results by content: an unchanged image costs no inference in the next run, and a run
//! that was killed repeats at most its open shard.

mod database;
mod inference;

pub use database::Cache;
pub use inference::{CachedInference, ClassMaps};
