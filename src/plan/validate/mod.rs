//! File types -> [`Plan`](super::Plan): defaults filled in, ranges checked, files found.
//!
//! All problems are collected; none stops the validation.

mod checker;
mod dataset;
mod discovery;
mod format;
mod hash;
mod model;
mod pipeline;
mod place;
mod policy;
mod preprocess;
mod presence;
mod region;
mod run;

pub use pipeline::plan;
pub use preprocess::transform;
