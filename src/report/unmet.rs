//! Why a verdict is not a more serious one, in words: the condition, its figure and its threshold.

use super::text::percent;
use crate::finding::{ContrastMissing, InterventionSide, Unmet};

/// One condition that does not hold, without a full stop.
pub fn unmet_text(unmet: &Unmet) -> String {
    match unmet {
        Unmet::FewTagged { groups, needed } => {
            format!("only {groups} groups show the region; {needed} are needed")
        }
        Unmet::AssociationQ { q, max } => format!(
            "the association is not significant: adjusted p-value {q:.3}, at most {max} is needed"
        ),
        Unmet::AssociationBound { low, min } => format!(
            "the region is perhaps not more frequent with this class: lower bound of the \
             difference {:.1} points, at least {:.1} are needed",
            100.0 * low,
            100.0 * min
        ),
        Unmet::OutOfView { visible, min } => format!(
            "the model sees {} of the region; {} are needed",
            percent(*visible),
            percent(*min)
        ),
        Unmet::ContrastQ { q, max } => format!(
            "the evidence at the place of the region does not rise significantly: adjusted p-value \
             {q:.3}, at most {max} is needed"
        ),
        Unmet::ContrastMissing(missing) => contrast_missing(*missing),
        Unmet::NotRun(InterventionSide::Insertion) => {
            "the region could not be pasted on other images".to_owned()
        }
        Unmet::NotRun(InterventionSide::Removal) => {
            "the region could not be filled in: it has no free mirror image".to_owned()
        }
        Unmet::EffectQ { side, q, max } => format!(
            "{side}: the effect on the margin is not significant, adjusted p-value {q:.3}, at most \
             {max} is needed"
        ),
        Unmet::EffectRate { side, low, min } => format!(
            "{side}: lower bound of the net rate {:.1} %, at least {:.1} % is needed",
            100.0 * low,
            100.0 * min
        ),
        Unmet::OtherClassMoves(side) => {
            format!("{side}: the logit of a class that does not share the region moves more")
        }
        Unmet::FewUntagged { images, needed } => format!(
            "removal: {images} images of the class without the region could be filled for \
             comparison; {needed} are needed"
        ),
        Unmet::ConsensusCoverage { coverage, min } => format!(
            "object and region cannot be told apart: nearly all images of the class show the \
             region, and the photos agree about {} of it; {} are needed",
            percent(*coverage),
            percent(*min)
        ),
        Unmet::ConsensusNeighbours {
            coverage: Some(coverage),
            max,
        } => format!(
            "object and region cannot be told apart: nearly all images of the class show the \
             region, and the photos agree about {} of a place beside it as well; at most {} is \
             allowed",
            percent(*coverage),
            percent(*max)
        ),
        Unmet::ConsensusNeighbours { coverage: None, .. } => {
            "object and region cannot be told apart: nearly all images of the class show the \
             region, and no place beside it fits into the photos"
                .to_owned()
        }
        Unmet::ConsensusRate { low, min } => format!(
            "what the photos have in common in the region has no effect by itself: lower bound of \
             the net rate {:.1} %, at least {:.1} % is needed",
            100.0 * low,
            100.0 * min
        ),
        Unmet::OnObjects { part, max } => format!(
            "the picture lies on the annotated objects ({} of it; at most {} is allowed): it may \
             be what the class looks like, and pasting it pastes the object",
            percent(*part),
            percent(*max)
        ),
        Unmet::ConsensusShift => "what the photos have in common in the region moves the logit of \
                                  a class more that does not share the region"
            .to_owned(),
    }
}

/// Why B could not be had.
pub fn contrast_missing(missing: ContrastMissing) -> String {
    match missing {
        ContrastMissing::FewWithRegion { groups, needed } => format!(
            "the evidence could not be compared: it is counted on the screening half of the \
             groups, of which {groups} show the region; {needed} are needed"
        ),
        ContrastMissing::FewWithoutRegion { groups, needed } => format!(
            "the evidence could not be compared: it is counted on the screening half of the \
             groups, of which {groups} lack the region; {needed} are needed"
        ),
        ContrastMissing::NoMirrorImage => "the evidence could not be compared: the mirror images \
                                           of the region meet the region itself or an object"
            .to_owned(),
        ContrastMissing::SubCell => "the evidence could not be compared: the region is smaller \
                                     than a quarter of a cell of the map"
            .to_owned(),
    }
}
