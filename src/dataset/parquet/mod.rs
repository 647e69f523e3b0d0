//! Parquet files as data frames. `footer` and `pages` check what a file claims before it is read.

pub mod frames;
mod footer;
mod pages;
