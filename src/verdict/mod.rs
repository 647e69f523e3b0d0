//! Evidence -> findings, ranked, with the false-discovery rate controlled. Heat alone is never a
//! finding of use.

mod candidates;
mod confounder;
mod decision;
mod overlay;
mod property;
mod ranking;
mod surroundings;
mod unmet;

pub use candidates::{Candidates, candidates};
pub use confounder::findings;
pub use decision::{ConfounderFacts, decide};
pub use overlay::overlay_findings;
pub use property::{property_finding, property_verdict};
pub use ranking::{count_verdicts, sort};
pub use surroundings::{least_on_objects, surroundings_findings};
