//! Audits labeled image datasets for Clever-Hans shortcuts with class activation maps.
//!
//! The rooms stand in the order the data travels; a room uses only rooms declared before it.

pub mod error;
pub mod bounded;
pub mod geometry;
pub mod finding;
pub mod grid;
pub mod plan;
pub mod dataset;
pub mod input;
pub mod model;
pub mod cam;
pub mod region;
pub mod perturb;
pub mod score;
pub mod tables;
pub mod cache;
pub mod runs;
pub mod aggregate;
pub mod evidence;
pub mod verdict;
pub mod report;
pub mod audit;
pub mod init;
pub mod cli;
