//! Tests of the texts about a finding: what a verdict does not say, and why it is not a more
//! serious one.

use super::fabricated::{
    candidate, confirmed, data_risk, evidence_of, removal_effect, with_verdict,
};
use super::sentences::sentence;
use super::unmet::unmet_text;
use crate::finding::{
    Consensus, ConsensusControl, ContrastMissing, Estimate, Finding, InterventionEffect,
    InterventionSide, LabelCount, NotTested, TemplateHits, Unmet, Verdict,
};

/// The last part of the sentence.
fn ending(finding: &Finding) -> String {
    let text = sentence(finding);
    text.rsplit("; ").next().unwrap_or_default().to_owned()
}

/// A tested finding with the upper bounds of the rates of insertion and removal.
fn with_bounds(verdict: Verdict, insertion: f64, removal: f64) -> Finding {
    let mut finding = Finding {
        verdict,
        ..confirmed("horse", "tag")
    };
    if let Some(c) = &mut evidence_of(&mut finding).intervention {
        c.photos_lost = 0;
        c.insertion = c.insertion.map(|effect| InterventionEffect {
            rate: Estimate {
                high: insertion,
                ..effect.rate
            },
            ..effect
        });
        c.removal = c.removal.map(|effect| InterventionEffect {
            rate: Estimate {
                high: removal,
                ..effect.rate
            },
            ..effect
        });
    }
    finding
}

#[test]
fn a_risk_in_the_data_names_the_bound_or_the_reason() {
    let untested = |not_tested| Finding {
        not_tested: Some(not_tested),
        ..data_risk("horse", "tag")
    };
    let groups = NotTested::TooFewGroups { needed: 30 };
    let negative = Finding {
        not_tested: None,
        verdict: Verdict::DataRisk,
        ..candidate("horse", "tag")
    };
    let tested = |insertion, removal| with_bounds(Verdict::DataRisk, insertion, removal);
    for (finding, expected) in [
        (
            tested(0.031, 0.012),
            "it changes at most 3.1 % of the predictions",
        ),
        (
            tested(0.012, 0.031),
            "it changes at most 3.1 % of the predictions",
        ),
        (
            tested(1.2, 0.5),
            "it changes at most 100.0 % of the predictions",
        ),
        (
            tested(-0.1, -0.2),
            "it changes at most 0.0 % of the predictions",
        ),
        (
            untested(groups),
            "no image was edited to test it, fewer than 30 tagged groups",
        ),
        (negative, "the evidence there rises by at most 0.84 logits"),
        (data_risk("horse", "tag"), "no image was edited to test it"),
    ] {
        let expected = format!("use by this model not shown: {expected}");
        assert_eq!(ending(&finding), expected);
        assert!(
            sentence(&finding).contains("; in the data; use by"),
            "{}",
            sentence(&finding)
        );
        assert!(
            !sentence(&finding).contains("not used"),
            "{}",
            sentence(&finding)
        );
    }
}

#[test]
fn every_other_verdict_says_what_it_does_not_show() {
    let with_difference = |verdict, high| {
        let mut finding = with_verdict("horse", "tag", verdict);
        if let Some(association) = &mut evidence_of(&mut finding).association {
            association.difference.high = high;
        }
        finding
    };
    let mut unknown = with_verdict("horse", "tag", Verdict::None);
    evidence_of(&mut unknown).association = None;
    for (finding, expected) in [
        (
            with_bounds(Verdict::Candidate, 0.1, 0.1),
            "that it changes the prediction is not shown",
        ),
        (
            with_bounds(Verdict::Cleared, 0.03, 0.04),
            "it changes at most 4.0 % of the predictions",
        ),
        (
            with_difference(Verdict::None, 0.0123),
            "it is at most 1.2 points more frequent with this class",
        ),
        (
            with_difference(Verdict::Insufficient, 0.3),
            "it is at most 30.0 points more frequent with this class",
        ),
        (
            with_difference(Verdict::None, -0.01),
            "it is less frequent with this class",
        ),
        (
            unknown,
            "tag in 1,040 of 1,300 horse images and 3 of 1,298,700 others",
        ),
    ] {
        assert_eq!(ending(&finding), expected, "{}", finding.verdict);
    }
}

#[test]
fn labels_of_one_class_are_counted_one_by_one() {
    let mut finding = data_risk("horse", "tag");
    for (label, present) in [("pony", Some(1040)), ("stallion", None)] {
        evidence_of(&mut finding).labels.push(LabelCount {
            label: label.into(),
            present,
            images: 1200,
        });
    }
    let text = sentence(&finding);
    let expected = "; by label: 1,040 of 1,200 pony, 0 of 1,200 stallion; in the data";
    assert!(text.contains(expected), "{text}");
}

/// What the photos have in common, and what a template misses.
#[test]
fn the_limits_of_an_intervention_are_told() {
    let consensus = |coverage, neighbours| Consensus {
        coverage,
        neighbours,
        effect: Some(InterventionEffect {
            images: 20,
            predicted: [15, 2],
            control: ConsensusControl::OtherMedian,
            margin: removal_effect().margin,
            rate: removal_effect().rate,
            largest_shift: true,
            p: 0.01,
        }),
    };
    let not_pasted = Consensus {
        effect: None,
        ..consensus(0.8, Some(0.1))
    };
    let hits = |found, tried| Some(TemplateHits { found, tried });
    let of_consensus = "with the pixelwise median of the pasted patches, 15 (control 2); the \
                        photos agree about 80.0 % of the region, so that the object of horse";
    let of_template = "the template finds about 50.0 % of such regions, so that the effect may be \
                       larger";
    for (consensus, hits, expected) in [
        (None, None, String::new()),
        (
            Some(consensus(0.8, Some(0.1))),
            None,
            format!("; {of_consensus} cannot be part of the effect"),
        ),
        (
            Some(consensus(0.8, None)),
            None,
            format!("; {of_consensus} may be part of the effect"),
        ),
        (Some(not_pasted), None, String::new()),
        (None, hits(19, 20), String::new()),
        (None, hits(10, 20), format!("; {of_template}")),
    ] {
        let mut finding = confirmed("horse", "tag");
        if let Some(c) = &mut evidence_of(&mut finding).intervention {
            (c.consensus, c.template_hits) = (consensus, hits);
            (c.photos_lost, c.removal) = (0, None);
        }
        let text = sentence(&finding);
        let (_, after) = text.split_once("+2.50 to +3.70)").unwrap_or_default();
        assert_eq!(after, expected, "{text}");
    }
}

#[test]
fn every_condition_has_its_text() {
    let (insertion, removal) = (InterventionSide::Insertion, InterventionSide::Removal);
    let (groups, needed) = (7, 10);
    let (low, min) = (0.0123, 0.02);
    let (q, max) = (0.2, 0.05);
    let beside = |coverage| Unmet::ConsensusNeighbours {
        coverage,
        max: 0.35,
    };
    let table = [
        (
            Unmet::FewTagged { groups, needed },
            "only 7 groups show the region; 10 are needed",
        ),
        (
            Unmet::AssociationQ { q, max },
            "the association is not significant: adjusted p-value 0.200, at most 0.05 is needed",
        ),
        (
            Unmet::AssociationBound { low, min },
            "the region is perhaps not more frequent with this class: lower bound of the \
             difference 1.2 points, at least 2.0 are needed",
        ),
        (
            Unmet::OutOfView {
                visible: 0.3,
                min: 0.5,
            },
            "the model sees 30.0 % of the region; 50.0 % are needed",
        ),
        (
            Unmet::ContrastQ { q, max },
            "the evidence at the place of the region does not rise significantly: adjusted \
             p-value 0.200, at most 0.05 is needed",
        ),
        (
            Unmet::ContrastMissing(ContrastMissing::FewWithRegion { groups, needed }),
            "the evidence could not be compared: it is counted on the screening half of the \
             groups, of which 7 show the region; 10 are needed",
        ),
        (
            Unmet::ContrastMissing(ContrastMissing::FewWithoutRegion { groups, needed }),
            "the evidence could not be compared: it is counted on the screening half of the \
             groups, of which 7 lack the region; 10 are needed",
        ),
        (
            Unmet::ContrastMissing(ContrastMissing::NoMirrorImage),
            "the evidence could not be compared: the mirror images of the region meet the region \
             itself or an object",
        ),
        (
            Unmet::ContrastMissing(ContrastMissing::SubCell),
            "the evidence could not be compared: the region is smaller than a quarter of a cell \
             of the map",
        ),
        (
            Unmet::NotRun(insertion),
            "the region could not be pasted on other images",
        ),
        (
            Unmet::NotRun(removal),
            "the region could not be filled in: it has no free mirror image",
        ),
        (
            Unmet::EffectQ {
                side: insertion,
                q,
                max,
            },
            "insertion: the effect on the margin is not significant, adjusted p-value 0.200, at \
             most 0.05 is needed",
        ),
        (
            Unmet::EffectRate {
                side: removal,
                low,
                min,
            },
            "removal: lower bound of the net rate 1.2 %, at least 2.0 % is needed",
        ),
        (
            Unmet::OtherClassMoves(removal),
            "removal: the logit of a class that does not share the region moves more",
        ),
        (
            Unmet::FewUntagged { images: 7, needed },
            "removal: 7 images of the class without the region could be filled for comparison; 10 \
             are needed",
        ),
        (
            Unmet::ConsensusCoverage {
                coverage: 0.3,
                min: 0.5,
            },
            "object and region cannot be told apart: nearly all images of the class show the \
             region, and the photos agree about 30.0 % of it; 50.0 % are needed",
        ),
        (
            beside(Some(0.6)),
            "object and region cannot be told apart: nearly all images of the class show the \
             region, and the photos agree about 60.0 % of a place beside it as well; at most \
             35.0 % is allowed",
        ),
        (
            beside(None),
            "object and region cannot be told apart: nearly all images of the class show the \
             region, and no place beside it fits into the photos",
        ),
        (
            Unmet::ConsensusRate { low, min },
            "what the photos have in common in the region has no effect by itself: lower bound of \
             the net rate 1.2 %, at least 2.0 % is needed",
        ),
        (
            Unmet::ConsensusShift,
            "what the photos have in common in the region moves the logit of a class more that \
             does not share the region",
        ),
    ];
    for (unmet, expected) in table {
        assert_eq!(unmet_text(&unmet), expected);
    }
}
