//! The behaviour of camaudit from outside, on real files. One binary, because linking it is slow.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod cli;
mod contract;
mod exact;
mod formats;
mod input;
mod model;
mod pipeline;
mod report;
mod run;
mod shared;
mod support;
mod tidy;
mod told;
mod verdict;
mod unattended;
