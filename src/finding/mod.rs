//! What an audit can find: the closed sets of names, the measured evidence, and a finding made of
//! both.
//!
//! These are plain data. `evidence/` computes the evidence, `verdict/` decides, `tables` makes rows
//! of it and `report/` sentences and pictures.

mod evidence;
mod names;
mod record;

pub use evidence::{
    Association, ConfounderEvidence, Contrast, ContrastBaseline, Estimate, GroupCount,
    Intervention, InterventionEffect, OVERLAY_HOSTS, OverlayEvidence, OverlayThresholds,
    PresenceCounts, RegionHeat, SurroundingsEvidence,
};
pub use names::{
    ChangeState, EffectUnit, FigureRole, FindingKind, InsertionControl, MapTarget, OverlayControl,
    RemovalFill, ReopenReason, ReviewDecision, RunPart, Severity, Verdict,
};
pub use record::{Finding, FindingEvidence, NotTested, ReviewState, SURROUNDINGS};
