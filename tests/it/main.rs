//! The behaviour of camaudit from outside, on real files. One binary, because linking it is slow.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod bombs;
mod bounds;
mod cli;
mod conclude;
mod contract;
mod damaged;
mod decision;
mod evidence;
mod exact;
mod formats;
mod input;
mod model;
mod odd_boxes;
mod odd_set;
mod odd_sets;
mod overlays;
mod pictures;
mod pipeline;
mod places;
mod reads;
mod refused;
mod history;
mod report;
mod reported;
mod reports_inside;
mod review;
mod run;
mod shared;
mod support;
mod surroundings;
mod trust;
mod tidy;
mod verdict;
mod unattended;
mod workplace;
