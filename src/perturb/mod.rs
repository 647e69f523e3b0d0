//! Photos changed on purpose: a patch cut out of one and pasted on another, or a region filled in.
//!
//! Everything happens in the pixels of the upright photo, before the training transform.

mod consensus;
mod fill;
mod paste;
mod patch;
mod rng;
mod synthetic;

pub use consensus::PatchStack;
pub use fill::impute;
pub use patch::{Patch, thumbnail};
pub use rng::SeededRng;
