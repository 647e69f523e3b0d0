//! Evidence about one class and one region, from the measurements of a run: is the confounder
//! associated with the class (`association`, A), and does the model's evidence for the class rise
//! with it (`contrast`, B)? A uses all groups, B one half of them. On the other half the pixels are
//! changed (`intervention`, C; `overlay` and `surroundings` for regions that need no tagged
//! images). `cohorts` and `sampling` choose the images by hash.
//!
//! Kept per map: 48 bytes, and 12 for each region that can be present or absent; per image without
//! a group: 48.

mod association;
mod clusters;
mod cohorts;
mod contrast;
pub mod discovery;
mod duplicates;
mod examples;
mod halves;
mod intervention;
mod observations;
mod overlay;
mod pairs;
mod sampling;
mod statistics;
mod surroundings;

pub use cohorts::Cohorts;
pub use examples::Example;
pub use halves::screening_group;
pub use intervention::{
    InsertionOutcomes, Outcome, OutcomePair, RemovalOutcomes, Target, insertion_effect,
    min_causal_effect, removal_effect,
};
pub use observations::Evidence;
pub use overlay::{OverlaidHost, OverlayEffect, overlay_effects};
pub use pairs::Pair;
pub use sampling::Sampled;
pub use statistics::{benjamini_hochberg, paired_difference};
pub use surroundings::{FilledImage, ObjectImages, surroundings_evidence};
