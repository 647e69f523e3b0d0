//! C: re-reads the selected photos, edits them and records the model's predictions: `confounder`
//! for a declared region of one class (`donors` has the photos that it is cut from, `insertion` and
//! `removal` the two sides, `consensus` what the donors have in common, `both_sides` runs them),
//! `overlay` for a picture of its own, `surroundings` for everything but the objects. `pictures`
//! keeps a few of the edited photos for the report.

mod both_sides;
mod confounder;
mod consensus;
mod donors;
mod insertion;
mod overlay;
mod pictures;
mod readable;
mod removal;
mod runner;
mod surroundings;
mod template_hits;

pub use runner::InterventionRunner;
pub use surroundings::{ObjectsRemoved, remove_objects};
