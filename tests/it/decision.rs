//! The decision: a row on either side of every threshold of `[verdict]`, and what C is run for.

use crate::support::{Insertion, Removal, demo_text, effect, estimate, intervention, plan};
use camaudit::evidence::Pair;
use camaudit::finding::{
    Association, Consensus, ConsensusControl, Contrast, ContrastBaseline, ContrastMissing,
    Estimate, Finding, GroupCount, InsertionControl, Intervention, InterventionEffect, NotTested,
    RemovalFill, Severity, SurroundingsEvidence, Verdict,
};
use camaudit::plan::Verdicts as Policy;
use camaudit::tables::ClassRow;
use camaudit::verdict::{ConfounderFacts, candidates, decide, findings, surroundings_findings};

/// The documented defaults of `[verdict]`.
pub fn defaults() -> Policy {
    let folder = tempfile::tempdir().expect("folder");
    plan(folder.path(), "defaults", &demo_text("shortcut.onnx"), &[]).verdict
}

/// A holds with these numbers.
pub fn association() -> Association {
    Association {
        in_class: GroupCount {
            present: 20,
            groups: 100,
        },
        in_others: GroupCount {
            present: 0,
            groups: 200,
        },
        difference: estimate(0.2, 0.13, 0.29),
        worst_other: 0.0,
        p: 1e-6,
    }
}

/// A does not hold, and there are enough groups to say so.
pub fn no_association() -> Association {
    Association {
        difference: estimate(0.0, -0.02, 0.03),
        p: 0.6,
        ..association()
    }
}

/// B holds with these numbers.
pub fn contrast() -> Contrast {
    Contrast {
        present: 20,
        absent: 80,
        difference: estimate(2.0, 1.5, 2.5),
        min_effect: 0.15,
        baseline: ContrastBaseline::Label,
        p: 1e-6,
    }
}

/// One side of C that has an effect, that has none, and of which neither can be said: margin and
/// rate.
pub type Side = [Estimate; 2];

pub fn strong() -> Side {
    [estimate(3.0, 2.5, 3.5), estimate(0.45, 0.35, 0.55)]
}

pub fn weak() -> Side {
    [estimate(0.1, 0.0, 0.2), estimate(0.0, -0.01, 0.01)]
}

pub fn uncertain() -> Side {
    [estimate(0.4, -0.2, 1.0), estimate(0.01, -0.02, 0.06)]
}

pub fn insertion([margin, rate]: Side) -> Insertion {
    effect(InsertionControl::SyntheticPatch, margin, rate)
}

pub fn removal([margin, rate]: Side) -> Removal {
    effect(RemovalFill::Imputed, margin, rate)
}

pub fn both(insertion_side: Side, removal_side: Side) -> Intervention {
    intervention(Some(insertion(insertion_side)), Some(removal(removal_side)))
}

pub fn consensus(coverage: f64, neighbours: Option<f64>, [margin, rate]: Side) -> Consensus {
    Consensus {
        coverage,
        neighbours,
        effect: Some(effect(ConsensusControl::OtherMedian, margin, rate)),
    }
}

/// Insertion has an effect, removal is uncertain, and no untagged image of the class was a control.
pub fn without_place_control(consensus: Option<Consensus>) -> Intervention {
    Intervention {
        has_place_control: false,
        consensus,
        untagged_filled: 0,
        ..both(strong(), uncertain())
    }
}

/// A and B hold. The p-values of C are small, but it was not run.
pub fn screened() -> ConfounderFacts<'static> {
    ConfounderFacts {
        tagged: Some(40),
        association: Some(association()),
        association_q: Some(1e-5),
        contrast: Some(contrast()),
        screening_q: Some(1e-5),
        insertion_q: Some(1e-5),
        removal_q: Some(1e-5),
        visible: Some(1.0),
        images: 100,
        lift: Some(1.0),
        excess: Some(0.0),
        ..ConfounderFacts::default()
    }
}

/// A holds, B does not.
pub fn associated() -> ConfounderFacts<'static> {
    ConfounderFacts {
        screening_q: Some(0.9),
        ..screened()
    }
}

/// A holds, B could not be had.
pub fn without_contrast() -> ConfounderFacts<'static> {
    ConfounderFacts {
        contrast: None,
        contrast_missing: Some(ContrastMissing::NoMirrorImage),
        screening_q: Some(1.0),
        ..screened()
    }
}

/// Neither holds.
pub fn nothing() -> ConfounderFacts<'static> {
    ConfounderFacts {
        association: Some(no_association()),
        association_q: Some(0.9),
        ..associated()
    }
}

/// No presence information: heat is all that is known.
pub fn heat_only() -> ConfounderFacts<'static> {
    ConfounderFacts {
        images: 100,
        visible: Some(1.0),
        ..ConfounderFacts::default()
    }
}

/// The policy of the tests on thresholds: none of the values is a default.
fn unusual() -> Policy {
    Policy {
        tagged_min: 12,
        baseline_min: 13,
        prevalence_margin: 0.05,
        screening_q: 0.08,
        lift_min: 1.7,
        excess_min: 0.03,
        low_mass_max: 0.3,
        causal_rate: 0.06,
        cleared_rate: 0.07,
        confirming_q: 0.04,
        visible_min: 0.6,
        ..defaults()
    }
}

/// For each key: the facts on the threshold that still count, and the nearest ones that do not.
#[test]
fn either_side_of_every_threshold_without_an_intervention() {
    let with = |difference, p| ConfounderFacts {
        association: Some(Association {
            difference,
            p,
            ..association()
        }),
        ..associated()
    };
    let bound = |low| with(estimate(0.2, low, 0.3), 1e-6);
    let undecided = |high, p| ConfounderFacts {
        association_q: Some(0.9),
        ..with(estimate(0.0, -0.1, high), p)
    };
    let association_q = |q| ConfounderFacts {
        association_q: Some(q),
        ..associated()
    };
    let screening_q = |q| ConfounderFacts {
        screening_q: Some(q),
        ..screened()
    };
    let tagged = |tagged| ConfounderFacts {
        tagged: Some(tagged),
        ..nothing()
    };
    let heat = |lift, excess| ConfounderFacts {
        lift: Some(lift),
        excess: Some(excess),
        ..nothing()
    };
    let low_mass = |low_mass| ConfounderFacts {
        low_mass,
        ..nothing()
    };
    let visible = |visible| ConfounderFacts {
        visible: Some(visible),
        ..nothing()
    };
    use Verdict::{Candidate, DataRisk, Insufficient, None, SalientOnly};
    let rows = [
        ("tagged_min", [tagged(12), tagged(11)], [None, Insufficient]),
        (
            "prevalence_margin",
            [bound(0.05), bound(0.0499)],
            [DataRisk, Insufficient],
        ),
        (
            "screening_q of A",
            [0.08, 0.0801].map(association_q),
            [DataRisk, Insufficient],
        ),
        (
            "screening_q of B",
            [0.08, 0.0801].map(screening_q),
            [Candidate, DataRisk],
        ),
        (
            "lift_min",
            [heat(1.7, 0.5), heat(1.69, 0.5)],
            [SalientOnly, None],
        ),
        (
            "excess_min",
            [heat(5.0, 0.03), heat(5.0, 0.0299)],
            [SalientOnly, None],
        ),
        (
            "low_mass_max",
            [low_mass(30), low_mass(31)],
            [None, Insufficient],
        ),
        (
            "visible_min",
            [visible(0.6), visible(0.5999)],
            [None, Insufficient],
        ),
        (
            "p of 0.05",
            [undecided(0.05, 0.0501), undecided(0.05, 0.05)],
            [None, Insufficient],
        ),
        (
            "ten points",
            [undecided(0.1, 0.6), undecided(0.1001, 0.6)],
            [None, Insufficient],
        ),
    ];
    for (key, facts, expected) in rows {
        let found = facts.map(|facts| decide(&facts, &unusual()));
        assert_eq!(found, expected, "{key}: on the threshold, and beyond it");
    }
}

/// The same for C. Where one side is tested, the other is uncertain.
#[test]
fn either_side_of_every_threshold_of_an_intervention() {
    let rated = |low| [estimate(3.0, 2.5, 3.5), estimate(0.5, low, 0.6)];
    let margin_below = |high| [estimate(0.1, 0.0, high), estimate(0.0, -0.1, 0.01)];
    let rate_below = |high| [estimate(0.1, 0.0, 0.2), estimate(0.0, -0.1, high)];
    let by_insertion = |low| both(rated(low), uncertain());
    let by_removal = |low| both(uncertain(), rated(low));
    let filled = |untagged_filled| Intervention {
        untagged_filled,
        ..by_removal(0.5)
    };
    let agreed = |coverage, neighbours, low| {
        without_place_control(Some(consensus(coverage, Some(neighbours), rated(low))))
    };
    use Verdict::{Candidate, Cleared, Confirmed};
    let confirmed = [Confirmed, Candidate];
    let cleared = [Cleared, Candidate];
    let rows = [
        (
            "causal_rate of insertion",
            [0.06, 0.0599].map(by_insertion),
            confirmed,
        ),
        (
            "causal_rate of removal",
            [0.06, 0.0599].map(by_removal),
            confirmed,
        ),
        (
            "causal_rate of the consensus",
            [0.06, 0.0599].map(|r| agreed(0.8, 0.1, r)),
            confirmed,
        ),
        ("baseline_min", [filled(13), filled(12)], confirmed),
        (
            "coverage",
            [0.5, 0.4999].map(|coverage| agreed(coverage, 0.1, 0.5)),
            confirmed,
        ),
        (
            "neighbours",
            [0.3, 0.3001].map(|beside| agreed(0.6, beside, 0.5)),
            confirmed,
        ),
        (
            "least effect of insertion",
            [0.4999, 0.5].map(|m| both(margin_below(m), weak())),
            cleared,
        ),
        (
            "least effect of removal",
            [0.4999, 0.5].map(|m| both(weak(), margin_below(m))),
            cleared,
        ),
        (
            "cleared_rate of insertion",
            [0.0699, 0.07].map(|r| both(rate_below(r), weak())),
            cleared,
        ),
        (
            "cleared_rate of removal",
            [0.0699, 0.07].map(|r| both(weak(), rate_below(r))),
            cleared,
        ),
    ];
    for (key, interventions, expected) in rows {
        let found = interventions.map(|intervention| {
            let facts = ConfounderFacts {
                intervention: Some(&intervention),
                ..screened()
            };
            decide(&facts, &unusual())
        });
        assert_eq!(found, expected, "{key}: on the threshold, and beyond it");
    }
}

#[test]
fn either_side_of_the_adjusted_p_value_of_an_intervention() {
    let (by_insertion, by_removal) = (both(strong(), uncertain()), both(uncertain(), strong()));
    for (q, expected) in [(0.04, Verdict::Confirmed), (0.0401, Verdict::Candidate)] {
        let insertion = ConfounderFacts {
            intervention: Some(&by_insertion),
            insertion_q: Some(q),
            removal_q: None,
            ..screened()
        };
        assert_eq!(decide(&insertion, &unusual()), expected, "insertion, {q}");
        let removal = ConfounderFacts {
            intervention: Some(&by_removal),
            insertion_q: None,
            removal_q: Some(q),
            ..screened()
        };
        assert_eq!(decide(&removal, &unusual()), expected, "removal, {q}");
    }
}

#[test]
fn severity_by_its_lower_bound() {
    for (low, expected) in [
        (0.2, Severity::Critical),
        (0.1999, Severity::High),
        (0.1, Severity::High),
        (0.0999, Severity::Medium),
        (0.05, Severity::Medium),
        (0.0499, Severity::Low),
        (-1.0, Severity::Low),
    ] {
        assert_eq!(Severity::of_lower_bound(low), expected, "{low}");
    }
}

/// A class row and a pair for which A and B hold.
pub fn case(label: &str, tagged: u32, contrast_low: f64) -> (ClassRow, Pair) {
    let row = ClassRow {
        label: label.into(),
        label_index: 0,
        region: "tag".into(),
        kind: "confounder".into(),
        images: 100,
        correct: 90,
        low_mass: 0,
        present: Some(tagged),
        measured: 100,
        share_mean: Some(0.1),
        share_counts: vec![0; 10],
        area_mean: Some(0.1),
        lift: Some(1.0),
        excess_mean: Some(0.0),
        relative_contribution_mean: None,
        visible_mean: Some(1.0),
        unseen: 0,
    };
    let pair = Pair {
        label: label.into(),
        class: 0,
        region: "tag".into(),
        tagged,
        association: Some(association()),
        contrast: Some(Contrast {
            difference: estimate(2.0, contrast_low, 2.5),
            ..contrast()
        }),
        contrast_missing: None,
        tested: false,
        intervention: None,
    };
    (row, pair)
}

/// The finding about one class of one label.
pub fn finding_of(row: &ClassRow, pair: &Pair, policy: &Policy) -> Finding {
    let rows = std::slice::from_ref(row);
    let mut found = findings(rows, rows, std::slice::from_ref(pair), policy);
    found.pop().expect("a finding")
}

/// Cases of one class each, in the order given.
fn of_classes(cases: Vec<(ClassRow, Pair)>) -> (Vec<ClassRow>, Vec<Pair>) {
    let (mut rows, mut pairs): (Vec<ClassRow>, Vec<Pair>) = cases.into_iter().unzip();
    for ((class, row), pair) in (0..).zip(&mut rows).zip(&mut pairs) {
        row.label_index = class;
        pair.class = class;
    }
    (rows, pairs)
}

/// proof_min, max_candidates, donors_min and max_forwards: what C is run for, and why it was not.
#[test]
fn the_candidates_and_why_others_are_not_tested() {
    let policy = Policy {
        proof_min: 25,
        max_candidates: 2,
        donors_min: 9,
        max_forwards: 70,
        ..defaults()
    };
    let (rows, mut pairs) = of_classes(vec![
        case("a", 25, 0.5),
        case("b", 24, 0.9),
        case("c", 40, 0.7),
        case("d", 40, 0.6),
    ]);
    let chosen = candidates(&rows, &pairs, &policy);
    assert_eq!(
        chosen.tested,
        [2, 3],
        "the largest contrasts of those with enough groups"
    );
    assert_eq!(chosen.associated, [0, 1, 2, 3]);
    let all = Policy {
        max_candidates: 9,
        ..policy
    };
    assert_eq!(
        candidates(&rows, &pairs, &all).tested,
        [2, 3, 0],
        "25 groups are enough, 24 are not"
    );

    pairs[2].tested = true;
    let mut cut_short = both(strong(), strong());
    cut_short.cut_short = true;
    pairs[3].tested = true;
    pairs[3].intervention = Some(Box::new(cut_short));
    let reasons = [
        Some(NotTested::CandidateLimit { max_candidates: 2 }),
        Some(NotTested::TooFewGroups { needed: 25 }),
        Some(NotTested::TooFewPhotos { donors_min: 9 }),
        Some(NotTested::PassLimit { max_forwards: 70 }),
    ];
    for (i, expected) in reasons.into_iter().enumerate() {
        assert_eq!(
            finding_of(&rows[i], &pairs[i], &policy).not_tested,
            expected,
            "{i}"
        );
    }
}

/// Without a contrast the lower bound of the association ranks; both lists take turns.
#[test]
fn pairs_without_a_contrast_are_tested_in_turn_with_the_others() {
    let without = |label, tagged, low| {
        let (row, mut pair) = case(label, tagged, 0.0);
        pair.contrast = None;
        pair.contrast_missing = Some(ContrastMissing::SubCell);
        pair.association = Some(Association {
            difference: estimate(0.5, low, 0.6),
            ..association()
        });
        (row, pair)
    };
    // The smallest contrast that counts is 0.5; an interval that holds it decides nothing.
    let insignificant = |label, high| {
        let (row, mut pair) = case(label, 40, 0.1);
        pair.contrast = Some(Contrast {
            difference: estimate(0.2, 0.1, high),
            min_effect: 0.5,
            p: 0.9,
            ..contrast()
        });
        (row, pair)
    };
    let (rows, pairs) = of_classes(vec![
        without("small", 40, 0.2),
        case("contrast", 40, 0.5),
        without("large", 40, 0.4),
        case("larger contrast", 40, 0.7),
        without("middle", 40, 0.3),
        without("few groups", 29, 0.45),
        without("not associated", 40, 0.005),
        insignificant("B excludes an effect", 0.49),
        insignificant("B is undecided", 0.5),
    ]);
    for (max_candidates, expected) in [
        (9, &[3, 2, 1, 4, 8, 0][..]),
        (3, &[3, 2, 1]),
        (2, &[3, 2]),
        (1, &[3]),
        (0, &[]),
    ] {
        let policy = Policy {
            max_candidates,
            ..defaults()
        };
        let chosen = candidates(&rows, &pairs, &policy);
        assert_eq!(chosen.tested, expected, "max_candidates = {max_candidates}");
        assert_eq!(chosen.associated, [0, 1, 2, 3, 4, 5, 7, 8]);
    }

    let mut out_of_view = rows.clone();
    out_of_view[3].visible_mean = Some(0.4);
    let chosen = candidates(&out_of_view, &pairs, &defaults());
    assert_eq!(
        chosen.tested,
        [1, 2, 8, 4, 0],
        "what the model does not see is not tested"
    );
}

/// The consensus must support insertion too: the larger p-value of both counts. Where it cannot
/// tell region and object apart, its p-value says nothing.
#[test]
fn both_sides_of_all_pairs_are_adjusted_together() {
    let with = |label: &str, insertion_p, removal_p, of_consensus: Option<(f64, f64)>| {
        let (row, mut pair) = case(label, 40, 0.5);
        let mut tested = both(strong(), strong());
        if let (Some(insertion), Some(removal)) = (&mut tested.insertion, &mut tested.removal) {
            insertion.p = insertion_p;
            removal.p = removal_p;
        }
        tested.consensus = of_consensus.map(|(coverage, p)| {
            let mut consensus = consensus(coverage, Some(0.1), strong());
            consensus.effect = consensus.effect.map(|e| InterventionEffect { p, ..e });
            consensus
        });
        pair.intervention = Some(Box::new(tested));
        (row, pair)
    };
    let (rows, mut pairs) = of_classes(vec![
        with("place control", 0.01, 0.02, None),
        with("apart", 0.001, 0.5, Some((0.8, 0.03))),
        with("not apart", 0.001, 0.04, Some((0.4, 0.9))),
        with("weaker consensus", 0.2, 0.3, Some((0.8, 0.1))),
    ]);
    pairs[0].intervention.as_mut().expect("C").removal = None;

    // By hand: 0.001, 0.01, 0.03, 0.04, 0.2, 0.3 and 0.5, times seven over the rank.
    let expected = [
        (Some(0.01 * 7.0 / 2.0), None),
        (Some(0.03 * 7.0 / 3.0), Some(0.5)),
        (Some(0.001 * 7.0), Some(0.04 * 7.0 / 4.0)),
        (Some(0.2 * 7.0 / 5.0), Some(0.3 * 7.0 / 6.0)),
    ];
    let found = findings(&rows, &rows, &pairs, &defaults());
    for (finding, (insertion_q, removal_q)) in found.iter().zip(expected) {
        let evidence = finding.confounder().expect("a confounder");
        for (q, expected) in [
            (evidence.insertion_q, insertion_q),
            (evidence.removal_q, removal_q),
        ] {
            assert_eq!(q.is_some(), expected.is_some(), "{}", finding.label);
            let error = (q.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs();
            assert!(
                error < 1e-12,
                "{}: {q:?}, expected {expected:?}",
                finding.label
            );
        }
    }
}

/// context_kept and tagged_min.
#[test]
fn either_side_of_every_threshold_of_surroundings() {
    let policy = Policy {
        context_kept: 0.4,
        tagged_min: 12,
        ..defaults()
    };
    let (mut row, _) = case("train", 0, 0.0);
    row.label_index = 7;
    let verdict_of = |images, low, net: Option<f64>| {
        let evidence = SurroundingsEvidence {
            images,
            kept: images,
            rate: Some(estimate(0.9, low, 1.0)),
            net: net.map(|low| estimate(0.5, low, 0.9)),
            ..SurroundingsEvidence::default()
        };
        let found = surroundings_findings(&[(7, evidence)], std::slice::from_ref(&row), &policy);
        found[0].verdict
    };
    assert_eq!(verdict_of(12, 0.4, Some(0.2)), Verdict::Candidate);
    assert_eq!(
        verdict_of(11, 0.4, Some(0.2)),
        Verdict::Insufficient,
        "tagged_min"
    );
    assert_eq!(
        verdict_of(12, 0.3999, Some(0.2)),
        Verdict::None,
        "context_kept"
    );
    assert_eq!(
        verdict_of(12, 0.4, Some(0.1999)),
        Verdict::None,
        "half of context_kept, net"
    );
    assert_eq!(
        verdict_of(12, 0.4, None),
        Verdict::None,
        "no other class to compare with"
    );
}
