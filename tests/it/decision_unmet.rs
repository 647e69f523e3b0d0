//! Which conditions of a more serious verdict a finding lists: from the facts, through `findings`.

use crate::decision::{
    association, both, case, consensus, contrast, defaults, finding_of, no_association, strong,
    uncertain, weak, without_place_control,
};
use crate::support::{estimate, intervention};
use camaudit::evidence::Pair;
use camaudit::finding::{
    Association, Consensus, Contrast, ContrastMissing, Intervention, InterventionSide, Unmet,
    Verdict,
};
use camaudit::plan::Verdicts as Policy;

const INSERTION: InterventionSide = InterventionSide::Insertion;
const REMOVAL: InterventionSide = InterventionSide::Removal;

/// A and B hold, and C was not run.
fn screened() -> Pair {
    case("horse", 40, 1.5).1
}

fn with_c(intervention: Intervention) -> Pair {
    Pair {
        tested: true,
        intervention: Some(Box::new(intervention)),
        ..screened()
    }
}

/// A name, the pair, how much of the region the model sees, the verdict, and the conditions.
type Row = (&'static str, Pair, f64, Verdict, Vec<Unmet>);

fn check(rows: Vec<Row>) {
    let policy = defaults();
    for (name, pair, visible, verdict, expected) in rows {
        let (mut row, _) = case("horse", pair.tagged, 0.0);
        row.visible_mean = Some(visible);
        let finding = finding_of(&row, &pair, &policy);
        assert_eq!(finding.verdict, verdict, "{name}");
        assert_eq!(finding.unmet, expected, "{name}");
    }
}

#[test]
fn without_an_association_its_own_conditions_are_listed() {
    let with = |tagged, difference, p| Pair {
        tagged,
        association: Some(Association {
            difference,
            p,
            ..association()
        }),
        ..screened()
    };
    let min = 0.01;
    let (q, max) = (0.6, 0.1);
    let not_at_all = Pair {
        association: Some(no_association()),
        ..screened()
    };
    let unknown = Pair {
        association: None,
        ..screened()
    };
    check(vec![
        (
            "few groups",
            with(9, estimate(0.2, 0.1, 0.3), 1e-6),
            1.0,
            Verdict::Insufficient,
            vec![Unmet::FewTagged {
                groups: 9,
                needed: 10,
            }],
        ),
        (
            "the p-value",
            with(40, estimate(0.05, 0.02, 0.08), 0.6),
            1.0,
            Verdict::None,
            vec![Unmet::AssociationQ { q, max }],
        ),
        (
            "the lower bound",
            with(40, estimate(0.05, 0.0099, 0.08), 0.1),
            1.0,
            Verdict::None,
            vec![Unmet::AssociationBound { low: 0.0099, min }],
        ),
        (
            "both; what the model sees does not matter",
            not_at_all,
            0.1,
            Verdict::Insufficient,
            vec![
                Unmet::AssociationQ { q, max },
                Unmet::AssociationBound { low: -0.02, min },
            ],
        ),
        ("no other class", unknown, 1.0, Verdict::None, vec![]),
    ]);
}

#[test]
fn with_an_association_the_conditions_of_contrast_are_listed() {
    let unavailable = |missing| Pair {
        contrast: None,
        contrast_missing: Some(missing),
        ..screened()
    };
    let few = ContrastMissing::FewWithRegion {
        groups: 7,
        needed: 10,
    };
    let negative = Pair {
        contrast: Some(Contrast {
            p: 0.4,
            ..contrast()
        }),
        ..screened()
    };
    let (visible, min) = (0.3, 0.5);
    let out_of_view = Unmet::OutOfView { visible, min };
    let missing = Unmet::ContrastMissing;
    check(vec![
        ("A and B", screened(), 1.0, Verdict::Candidate, vec![]),
        (
            "B is negative",
            negative,
            1.0,
            Verdict::DataRisk,
            vec![Unmet::ContrastQ { q: 0.4, max: 0.1 }],
        ),
        (
            "few groups",
            unavailable(few),
            1.0,
            Verdict::DataRisk,
            vec![missing(few)],
        ),
        (
            "too small, and out of view",
            unavailable(ContrastMissing::SubCell),
            visible,
            Verdict::DataRisk,
            vec![out_of_view, missing(ContrastMissing::SubCell)],
        ),
    ]);
}

#[test]
fn the_conditions_of_an_intervention_are_listed_by_side() {
    let max = 0.05;
    let mut by_p = both(strong(), weak());
    if let (Some(insertion), Some(removal)) = (&mut by_p.insertion, &mut by_p.removal) {
        insertion.p = 0.2;
        removal.p = 0.3;
        removal.largest_shift = false;
    }
    let few_untagged = Intervention {
        untagged_filled: 9,
        ..both(uncertain(), strong())
    };
    let rate = |side, low| Unmet::EffectRate {
        side,
        low,
        min: 0.02,
    };
    // Benjamini and Hochberg over two: the smaller p-value doubles, unless that exceeds the other.
    let q = |side| Unmet::EffectQ { side, q: 0.3, max };
    check(vec![
        (
            "confirmed: nothing is listed",
            with_c(both(strong(), uncertain())),
            1.0,
            Verdict::Confirmed,
            vec![],
        ),
        (
            "p-values and a rate",
            with_c(by_p),
            1.0,
            Verdict::Candidate,
            vec![
                q(INSERTION),
                q(REMOVAL),
                rate(REMOVAL, -0.01),
                Unmet::OtherClassMoves(REMOVAL),
            ],
        ),
        (
            "removal without its control",
            with_c(few_untagged),
            1.0,
            Verdict::Candidate,
            vec![
                rate(INSERTION, -0.02),
                Unmet::FewUntagged {
                    images: 9,
                    needed: 10,
                },
            ],
        ),
        (
            "no side was run",
            with_c(intervention(None, None)),
            1.0,
            Verdict::Candidate,
            vec![Unmet::NotRun(INSERTION), Unmet::NotRun(REMOVAL)],
        ),
        (
            "cleared",
            with_c(both(weak(), weak())),
            1.0,
            Verdict::Cleared,
            vec![],
        ),
    ]);
}

#[test]
fn the_conditions_of_the_consensus_are_listed() {
    let listed = |consensus: Option<Consensus>| {
        let mut tested = without_place_control(consensus);
        tested.removal = None;
        let pair = with_c(tested);
        let (row, _) = case("horse", 40, 0.0);
        let mut unmet = finding_of(&row, &pair, &defaults()).unmet;
        assert_eq!(unmet.pop(), Some(Unmet::NotRun(REMOVAL)));
        unmet
    };
    let mut elsewhere = consensus(0.8, Some(0.1), strong());
    if let Some(effect) = &mut elsewhere.effect {
        effect.largest_shift = false;
    }
    let without_effect = Consensus {
        effect: None,
        ..elsewhere
    };

    let coverage = |coverage| Unmet::ConsensusCoverage { coverage, min: 0.5 };
    let beside = |coverage| Unmet::ConsensusNeighbours { coverage, max: 0.4 };
    let (low, min) = (-0.02, 0.02);
    for (name, consensus, expected) in [
        ("none", None, coverage(0.0)),
        (
            "coverage",
            Some(consensus(0.4, Some(0.1), strong())),
            coverage(0.4),
        ),
        (
            "neighbours",
            Some(consensus(0.8, Some(0.5), strong())),
            beside(Some(0.5)),
        ),
        (
            "no neighbour",
            Some(consensus(0.8, None, strong())),
            beside(None),
        ),
        ("not pasted", Some(without_effect), Unmet::NotRun(INSERTION)),
        (
            "no effect",
            Some(consensus(0.8, Some(0.1), uncertain())),
            Unmet::ConsensusRate { low, min },
        ),
        ("another class", Some(elsewhere), Unmet::ConsensusShift),
    ] {
        assert_eq!(listed(consensus), [expected], "{name}");
    }
    let apart = without_place_control(Some(consensus(0.8, Some(0.1), strong())));
    let (row, _) = case("horse", 40, 0.0);
    let confirmed = finding_of(&row, &with_c(apart), &defaults());
    assert_eq!(
        (confirmed.verdict, confirmed.unmet),
        (Verdict::Confirmed, vec![])
    );
}

/// The thresholds are those of the pipeline.
#[test]
fn a_condition_names_the_threshold_of_the_pipeline() {
    let policy = Policy {
        tagged_min: 50,
        ..defaults()
    };
    let (row, pair) = case("horse", 40, 1.5);
    let expected = Unmet::FewTagged {
        groups: 40,
        needed: 50,
    };
    assert_eq!(finding_of(&row, &pair, &policy).unmet, [expected]);

    let policy = Policy {
        confirming_q: 0.0,
        causal_rate: 0.5,
        ..defaults()
    };
    let pair = with_c(both(strong(), uncertain()));
    let mut expected = Vec::new();
    for (side, low) in [(INSERTION, 0.35), (REMOVAL, -0.02)] {
        expected.push(Unmet::EffectQ {
            side,
            q: 1e-6,
            max: 0.0,
        });
        expected.push(Unmet::EffectRate {
            side,
            low,
            min: 0.5,
        });
    }
    assert_eq!(finding_of(&row, &pair, &policy).unmet, expected);
}
