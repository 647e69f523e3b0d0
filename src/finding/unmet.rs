//! Why a verdict is not a more serious one: the conditions that failed, each with its figure and
//! its threshold.

use super::evidence::ContrastMissing;
use super::names::InterventionSide;
use serde::{Deserialize, Serialize};

/// A condition of a more serious verdict that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmet {
    /// A: fewer tagged groups than a test needs.
    FewTagged { groups: u32, needed: u32 },
    /// A: the adjusted p-value is too large.
    AssociationQ { q: f64, max: f64 },
    /// A: the lower bound of the difference of the rates is too small.
    AssociationBound { low: f64, min: f64 },
    /// The model sees too little of the region.
    OutOfView { visible: f64, min: f64 },
    /// B: the larger adjusted p-value of A and B is too large.
    ContrastQ { q: f64, max: f64 },
    /// B could not be had.
    ContrastMissing(ContrastMissing),
    /// One side of C has no result: no photo could be changed that way.
    NotRun(InterventionSide),
    /// C: the adjusted p-value of one side is too large.
    EffectQ {
        side: InterventionSide,
        q: f64,
        max: f64,
    },
    /// C: the lower bound of the net rate of one side is too small.
    EffectRate {
        side: InterventionSide,
        low: f64,
        min: f64,
    },
    /// C: the logit of a class that is not associated with the region moves more.
    OtherClassMoves(InterventionSide),
    /// Removal: too few images of the class without the region, which are its control.
    FewUntagged { images: u32, needed: u32 },
    /// The donors agree about too small a part of the region to tell it from the object.
    ConsensusCoverage { coverage: f64, min: f64 },
    /// The donors agree about the places beside the region as well; `None`: no such place fits into
    /// the photos.
    ConsensusNeighbours { coverage: Option<f64>, max: f64 },
    /// The consensus of the donors has no effect by itself.
    ConsensusRate { low: f64, min: f64 },
    /// Under the consensus of the donors, the logit of such a class moves more.
    ConsensusShift,
    /// A found picture lies on the annotated objects: the class may look like it.
    OnObjects { part: f64, max: f64 },
}
