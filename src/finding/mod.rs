//! What an audit can find: the closed sets of names, the measured evidence, and a finding made of
//! both.
//!
//! These are plain data. `evidence/` computes the evidence, `verdict/` decides, `tables` makes rows
//! of it and `report/` sentences and pictures.

mod evidence;
mod names;
mod property;
mod property_evidence;
mod record;
mod unmet;

pub use evidence::{
    Association, ConfounderEvidence, Consensus, Contrast, ContrastBaseline, ContrastMissing,
    Estimate, GroupCount, Intervention, InterventionEffect, LabelCount, OVERLAY_HOSTS,
    OverlayEvidence, OverlayThresholds, PresenceCounts, RegionHeat, SurroundingsEvidence,
    TemplateHits,
};
pub use names::{
    ChangeState, ConceptOrder, ConsensusControl, EffectUnit, FigureRole, FindingKind,
    FindingOrigin, InsertionControl, InterventionSide, MapTarget, OverlayControl, RemovalFill,
    ReopenReason, ReviewDecision, RunPart, Severity, Verdict,
};
pub use property::{FileProperty, Property, PropertyFamily, PropertyRule, PropertyValue};
pub use property_evidence::{
    PropertyAlso, PropertyAssociation, PropertyBar, PropertyDistribution, PropertyEvidence,
    PropertyNotTested, PropertyTrial, PropertyUnmet, PropertyUsage, ShamChange, ShamComparison,
};
pub use record::{Finding, FindingEvidence, NotTested, ReviewState, SURROUNDINGS};
pub use unmet::Unmet;
