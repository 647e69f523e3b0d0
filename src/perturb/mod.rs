//! Photos changed on purpose: a patch cut out of one and pasted on another, a region filled in, or
//! the whole written in another way.
//!
//! Everything happens in the pixels of the upright photo, before the training transform.

mod consensus;
mod file_change;
mod fill;
mod paste;
mod patch;
mod rng;
mod synthetic;

pub use consensus::PatchStack;
pub use file_change::{FileChange, HostFile, WrittenFile};
pub use fill::impute;
pub use patch::{Patch, thumbnail};
pub use rng::SeededRng;
