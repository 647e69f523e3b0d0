//! One finding: what was found about one class and one region.

use super::evidence::{ConfounderEvidence, OverlayEvidence, SurroundingsEvidence};
use super::names::{
    EffectUnit, FindingKind, FindingOrigin, ReopenReason, ReviewDecision, Severity, Verdict,
};
use super::property_evidence::PropertyEvidence;
use super::unmet::Unmet;
use serde::{Deserialize, Serialize};

/// The region name of findings about everything but the objects.
pub const SURROUNDINGS: &str = "surroundings";

/// What was found about one class and one region, and what reviewers decided about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The label in the dataset. Where several labels are one class, and for an overlay, the
    /// class's name.
    pub label: String,
    /// Index of the class in the model.
    pub class: u32,
    pub region: String,
    /// How the region is known.
    #[serde(default)]
    pub origin: FindingOrigin,
    pub verdict: Verdict,
    /// `None` where no effect was shown.
    pub severity: Option<Severity>,
    /// The severity is a lower bound: a template misses some of the regions.
    pub severity_at_least: bool,
    pub evidence: FindingEvidence,
    /// The effect by which runs are compared.
    pub effect: Option<f64>,
    pub effect_unit: EffectUnit,
    /// Why C was not run, or not on all images.
    pub not_tested: Option<NotTested>,
    /// Conditions of a more serious verdict that do not hold.
    pub unmet: Vec<Unmet>,
    /// Hash of the region's declaration, its pictures included; `None` for a region that is not
    /// declared.
    pub declared: Option<String>,
    pub review: ReviewState,
}

/// The evidence by kind of finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingEvidence {
    Confounder(ConfounderEvidence),
    Overlay(OverlayEvidence),
    Surroundings(SurroundingsEvidence),
    Property(Box<PropertyEvidence>),
}

/// Why C was not run for a candidate, or not on all images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotTested {
    PassLimit { max_forwards: u32 },
    TooFewGroups { needed: u32 },
    TooFewPhotos { donors_min: u32 },
    CandidateLimit { max_candidates: u32 },
}

/// What reviewers decided about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewState {
    pub decision: Option<ReviewDecision>,
    pub note: Option<String>,
    /// Counts for `--fail-on`: not decided, or reopened.
    pub open: bool,
    pub reopened: Option<ReopenReason>,
}

impl Default for ReviewState {
    fn default() -> Self {
        Self {
            decision: None,
            note: None,
            open: true,
            reopened: None,
        }
    }
}

impl std::fmt::Display for NotTested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PassLimit { max_forwards } => {
                write!(f, "max_forwards = {max_forwards} left images out")
            }
            Self::TooFewGroups { needed } => write!(f, "fewer than {needed} tagged groups"),
            Self::TooFewPhotos { donors_min } => write!(
                f,
                "fewer than {donors_min} photos to cut the region from, or none to paste it on"
            ),
            Self::CandidateLimit { max_candidates } => {
                write!(f, "beyond max_candidates = {max_candidates}")
            }
        }
    }
}

impl Finding {
    pub fn kind(&self) -> FindingKind {
        match self.evidence {
            FindingEvidence::Confounder(_) => FindingKind::Confounder,
            FindingEvidence::Overlay(_) => FindingKind::Overlay,
            FindingEvidence::Surroundings(_) => FindingKind::Surroundings,
            FindingEvidence::Property(_) => FindingKind::Property,
        }
    }

    /// The severity in words.
    pub fn severity_words(&self) -> Option<String> {
        let severity = self.severity?;
        Some(severity.words(self.severity_at_least))
    }

    pub fn confounder(&self) -> Option<&ConfounderEvidence> {
        match &self.evidence {
            FindingEvidence::Confounder(evidence) => Some(evidence),
            _ => None,
        }
    }

    pub fn overlay(&self) -> Option<&OverlayEvidence> {
        match &self.evidence {
            FindingEvidence::Overlay(evidence) => Some(evidence),
            _ => None,
        }
    }

    pub fn surroundings(&self) -> Option<&SurroundingsEvidence> {
        match &self.evidence {
            FindingEvidence::Surroundings(evidence) => Some(evidence),
            _ => None,
        }
    }

    pub fn property(&self) -> Option<&PropertyEvidence> {
        match &self.evidence {
            FindingEvidence::Property(evidence) => Some(evidence),
            _ => None,
        }
    }

    /// Whether a reviewer is asked to decide: reported, and not decided yet.
    pub fn needs_decision(&self) -> bool {
        self.review.open && self.verdict.is_reported()
    }

    /// Whether both findings are about the same class and region.
    pub fn is_about(&self, label: &str, region: &str) -> bool {
        self.label == label && self.region == region
    }

    /// The interval of the effect by which runs are compared: net flips, else the contrast in
    /// logits; for a property the difference of its rates.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let estimate = match &self.evidence {
            FindingEvidence::Overlay(overlay) => Some(overlay.rate),
            FindingEvidence::Surroundings(_) => None,
            FindingEvidence::Property(evidence) => Some(evidence.association.difference),
            FindingEvidence::Confounder(evidence) => {
                let insertion = evidence.intervention.as_ref().and_then(|c| c.insertion);
                let flips = insertion.map(|effect| effect.rate);
                flips.or(evidence.contrast.map(|contrast| contrast.difference))
            }
        };
        estimate.map(|estimate| (estimate.low, estimate.high))
    }
}
