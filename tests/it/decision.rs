//! The decision as a table: a row for every branch, and a row on either side of every threshold of
//! `[verdict]`.

use crate::support::{demo_text, plan};
use camaudit::dataset::ImageId;
use camaudit::evidence::{Evidence, Pair};
use camaudit::finding::{
    Association, Contrast, ContrastBaseline, Estimate, Finding, GroupCount, InsertionControl,
    Intervention, InterventionEffect, MapTarget, NotTested, RemovalFill, Severity,
    SurroundingsEvidence, Verdict,
};
use camaudit::geometry::Size;
use camaudit::plan::Verdicts as Policy;
use camaudit::region::Kind;
use camaudit::score::{
    ImageFacts, MapMeasurement, Measurement, RegionMeasurement, RegionPlace, RegionScores,
};
use camaudit::tables::ClassRow;
use camaudit::verdict::{ConfounderFacts, candidates, decide, findings, surroundings_findings};

/// The documented defaults of `[verdict]`.
fn defaults() -> Policy {
    let folder = tempfile::tempdir().expect("folder");
    plan(folder.path(), "defaults", &demo_text("shortcut.onnx"), &[]).verdict
}

fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate { value, low, high }
}

/// A holds with these numbers.
fn association() -> Association {
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

/// B holds with these numbers.
fn contrast() -> Contrast {
    Contrast {
        present: 20,
        absent: 80,
        difference: estimate(2.0, 1.5, 2.5),
        min_effect: 0.15,
        baseline: ContrastBaseline::Label,
        p: 1e-6,
    }
}

fn effect<Control>(
    control: Control,
    margin: Estimate,
    rate: Estimate,
) -> InterventionEffect<Control> {
    InterventionEffect {
        images: 100,
        margin,
        rate,
        predicted: [50, 5],
        control,
        largest_shift: true,
        p: 1e-6,
    }
}

/// Both sides of C with the same margin and rate.
fn intervention(margin: Estimate, rate: Estimate) -> Intervention {
    Intervention {
        insertion: Some(effect(InsertionControl::SyntheticPatch, margin, rate)),
        removal: Some(effect(RemovalFill::Imputed, margin, rate)),
        min_effect: 0.5,
        scrambled_flips: 0,
        donors: 32,
        forwards: 1000,
        cut_short: false,
        photos_lost: 0,
        p: 1e-6,
    }
}

fn strong() -> Intervention {
    intervention(estimate(3.0, 2.5, 3.5), estimate(0.45, 0.35, 0.55))
}

fn weak() -> Intervention {
    intervention(estimate(0.1, 0.0, 0.2), estimate(0.0, -0.01, 0.01))
}

fn uncertain() -> Intervention {
    intervention(estimate(0.4, -0.2, 1.0), estimate(0.01, -0.02, 0.05))
}

/// A and B hold, C was not run.
fn screened() -> ConfounderFacts<'static> {
    ConfounderFacts {
        tagged: Some(40),
        association: Some(association()),
        association_q: Some(1e-5),
        contrast: Some(contrast()),
        screening_q: Some(1e-5),
        visible: Some(1.0),
        images: 100,
        lift: Some(1.0),
        excess: Some(0.0),
        ..ConfounderFacts::default()
    }
}

/// A holds, B does not.
fn associated() -> ConfounderFacts<'static> {
    ConfounderFacts {
        screening_q: Some(0.9),
        ..screened()
    }
}

/// Neither holds.
fn nothing() -> ConfounderFacts<'static> {
    ConfounderFacts {
        association_q: Some(0.9),
        ..associated()
    }
}

#[test]
fn every_branch_of_the_decision() {
    let policy = defaults();
    let (strong, weak, uncertain) = (strong(), weak(), uncertain());
    let insertion_only = Intervention {
        removal: None,
        ..weak.clone()
    };
    let with = |intervention| ConfounderFacts {
        intervention: Some(intervention),
        confirming_q: Some(1e-5),
        ..screened()
    };
    let rows: [(&str, ConfounderFacts<'_>, Verdict); 17] = [
        ("A, B and C", with(&strong), Verdict::Confirmed),
        (
            "A, B, and C under the smallest effect",
            with(&weak),
            Verdict::Cleared,
        ),
        (
            "A, B, and C says neither",
            with(&uncertain),
            Verdict::Candidate,
        ),
        (
            "one side of C was not run: not cleared",
            with(&insertion_only),
            Verdict::Candidate,
        ),
        ("A and B", screened(), Verdict::Candidate),
        ("A alone", associated(), Verdict::DataRisk),
        ("neither", nothing(), Verdict::None),
        (
            "heat alone",
            ConfounderFacts {
                lift: Some(3.0),
                excess: Some(0.1),
                ..nothing()
            },
            Verdict::SalientOnly,
        ),
        (
            "lift without excess",
            ConfounderFacts {
                lift: Some(3.0),
                excess: Some(0.0),
                ..nothing()
            },
            Verdict::None,
        ),
        (
            "no presence information",
            ConfounderFacts {
                images: 100,
                ..ConfounderFacts::default()
            },
            Verdict::None,
        ),
        (
            "no presence information, heat",
            ConfounderFacts {
                images: 100,
                lift: Some(9.0),
                excess: Some(0.5),
                ..ConfounderFacts::default()
            },
            Verdict::SalientOnly,
        ),
        (
            "no group shows it: not insufficient",
            ConfounderFacts {
                tagged: Some(0),
                ..nothing()
            },
            Verdict::None,
        ),
        (
            "too few groups",
            ConfounderFacts {
                tagged: Some(3),
                ..screened()
            },
            Verdict::Insufficient,
        ),
        (
            "out of view",
            ConfounderFacts {
                visible: Some(0.1),
                ..screened()
            },
            Verdict::Insufficient,
        ),
        (
            "no heat",
            ConfounderFacts {
                low_mass: 50,
                ..screened()
            },
            Verdict::Insufficient,
        ),
        (
            "too small, without C",
            ConfounderFacts {
                sub_cell: 30,
                ..screened()
            },
            Verdict::Insufficient,
        ),
        (
            "too small, with C",
            ConfounderFacts {
                sub_cell: 30,
                screening_q: Some(0.9),
                ..with(&strong)
            },
            Verdict::Confirmed,
        ),
    ];
    for (name, facts, expected) in rows {
        assert_eq!(decide(&facts, &policy), expected, "{name}");
    }
}

/// For each key: the facts on the threshold that still count, and the nearest ones that do not.
#[test]
fn either_side_of_every_threshold_of_the_decision() {
    let policy = Policy {
        tagged_min: 12,
        prevalence_margin: 0.05,
        screening_q: 0.08,
        lift_min: 1.7,
        excess_min: 0.03,
        low_mass_max: 0.3,
        causal_rate: 0.06,
        confirming_q: 0.04,
        visible_min: 0.6,
        ..defaults()
    };
    let rated = |low: f64| intervention(estimate(3.0, 2.5, 3.5), estimate(0.5, low, 0.6));
    let (at_rate, under_rate) = (rated(0.06), rated(0.0599));
    let capped = |high: f64| intervention(estimate(0.1, 0.0, high), estimate(0.0, -0.1, 0.0));
    let (under_effect, at_effect) = (capped(0.4999), capped(0.5));
    let with = |intervention, q| ConfounderFacts {
        intervention: Some(intervention),
        confirming_q: Some(q),
        ..screened()
    };
    let margin = |low: f64| ConfounderFacts {
        association: Some(Association {
            difference: estimate(0.2, low, 0.3),
            ..association()
        }),
        ..associated()
    };
    let tagged = |n: u32| ConfounderFacts {
        tagged: Some(n),
        ..screened()
    };
    let heat = |lift: f64, excess: f64| ConfounderFacts {
        lift: Some(lift),
        excess: Some(excess),
        ..nothing()
    };
    let rows: [(&str, ConfounderFacts<'_>, ConfounderFacts<'_>, [Verdict; 2]); 11] = [
        (
            "tagged_min",
            tagged(12),
            tagged(11),
            [Verdict::Candidate, Verdict::Insufficient],
        ),
        (
            "prevalence_margin",
            margin(0.05),
            margin(0.0499),
            [Verdict::DataRisk, Verdict::None],
        ),
        (
            "screening_q of A",
            ConfounderFacts {
                association_q: Some(0.08),
                ..associated()
            },
            ConfounderFacts {
                association_q: Some(0.0801),
                ..associated()
            },
            [Verdict::DataRisk, Verdict::None],
        ),
        (
            "screening_q of B",
            ConfounderFacts {
                screening_q: Some(0.08),
                ..screened()
            },
            ConfounderFacts {
                screening_q: Some(0.0801),
                ..screened()
            },
            [Verdict::Candidate, Verdict::DataRisk],
        ),
        (
            "lift_min",
            heat(1.7, 0.5),
            heat(1.69, 0.5),
            [Verdict::SalientOnly, Verdict::None],
        ),
        (
            "excess_min",
            heat(5.0, 0.03),
            heat(5.0, 0.0299),
            [Verdict::SalientOnly, Verdict::None],
        ),
        (
            "low_mass_max",
            ConfounderFacts {
                low_mass: 30,
                ..screened()
            },
            ConfounderFacts {
                low_mass: 31,
                ..screened()
            },
            [Verdict::Candidate, Verdict::Insufficient],
        ),
        (
            "visible_min",
            ConfounderFacts {
                visible: Some(0.6),
                ..screened()
            },
            ConfounderFacts {
                visible: Some(0.5999),
                ..screened()
            },
            [Verdict::Candidate, Verdict::Insufficient],
        ),
        (
            "causal_rate",
            with(&at_rate, 1e-5),
            with(&under_rate, 1e-5),
            [Verdict::Confirmed, Verdict::Candidate],
        ),
        (
            "confirming_q",
            with(&at_rate, 0.04),
            with(&at_rate, 0.0401),
            [Verdict::Confirmed, Verdict::Candidate],
        ),
        (
            "smallest causal effect",
            with(&under_effect, 0.9),
            with(&at_effect, 0.9),
            [Verdict::Cleared, Verdict::Candidate],
        ),
    ];
    for (key, at, beyond, [expected_at, expected_beyond]) in rows {
        assert_eq!(decide(&at, &policy), expected_at, "{key}, on the threshold");
        assert_eq!(
            decide(&beyond, &policy),
            expected_beyond,
            "{key}, beyond it"
        );
    }
}

/// Each side of C can confirm by itself, and only for the class that moves most.
#[test]
fn one_side_confirms_and_only_the_class_that_moves_most() {
    let policy = defaults();
    let strong = strong();
    let insertion = Intervention {
        removal: None,
        ..strong.clone()
    };
    let removal = Intervention {
        insertion: None,
        ..strong.clone()
    };
    let mut elsewhere = strong.clone();
    if let (Some(insertion), Some(removal)) = (&mut elsewhere.insertion, &mut elsewhere.removal) {
        insertion.largest_shift = false;
        removal.largest_shift = false;
    }
    for (name, intervention, expected) in [
        ("insertion", &insertion, Verdict::Confirmed),
        ("removal", &removal, Verdict::Confirmed),
        ("another class moves more", &elsewhere, Verdict::Candidate),
    ] {
        let facts = ConfounderFacts {
            intervention: Some(intervention),
            confirming_q: Some(1e-5),
            ..screened()
        };
        assert_eq!(decide(&facts, &policy), expected, "{name}");
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
fn case(label: &str, tagged: u32, contrast_low: f64) -> (ClassRow, Pair) {
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
        sub_cell: 0,
        association: Some(association()),
        contrast: Some(Contrast {
            difference: estimate(2.0, contrast_low, 2.5),
            ..contrast()
        }),
        tested: false,
        intervention: None,
    };
    (row, pair)
}

fn finding_of(row: &ClassRow, pair: &Pair, policy: &Policy) -> Finding {
    let mut found = findings(
        std::slice::from_ref(row),
        std::slice::from_ref(pair),
        policy,
    );
    found.pop().expect("a finding")
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
    let cases = [
        case("a", 25, 0.5),
        case("b", 24, 0.9),
        case("c", 40, 0.7),
        case("d", 40, 0.6),
    ];
    let (rows, mut pairs): (Vec<ClassRow>, Vec<Pair>) = cases.into_iter().unzip();
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
    let mut cut_short = strong();
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

/// One image under the map of one class, with one region.
fn measurement(id: u128, class: usize, target: usize, present: bool, contrast: f64) -> Measurement {
    let region = RegionMeasurement {
        region: "tag".into(),
        kind: Kind::Confounder,
        present: Some(present),
        place: Some(RegionPlace {
            area: 0.1,
            visible: 1.0,
            s_max: 1.0,
            sub_cell: false,
        }),
        scores: RegionScores::default(),
        contrast: Some(contrast),
    };
    let map = |target: MapTarget, class: usize| MapMeasurement {
        target,
        class,
        logit: 8.0,
        centred_logit: 8.0,
        margin: 4.0,
        bias: 0.0,
        positive_mass: 1.0,
        negative_mass: 0.0,
        low_mass: false,
        object: None,
        border_share: None,
        entropy: None,
        cells: [1, 1],
        cam: vec![8.0],
        regions: vec![region.clone()],
    };
    let mut maps = vec![map(MapTarget::Label, class)];
    if target != class {
        maps.push(map(MapTarget::Baseline, target));
    }
    Measurement {
        image: ImageFacts {
            id: ImageId(id),
            path: format!("{id}.jpg"),
            label: format!("class {class}"),
            class,
            split: None,
            group: None,
            size: Size::new(8, 8),
            predicted: class,
            predicted_name: format!("class {class}"),
            content_hash: String::new(),
            fingerprint: None,
        },
        maps,
    }
}

/// baseline_min, contrast_logits and contrast_fraction: what B compares with, and its smallest
/// effect.
#[test]
fn the_baseline_and_the_smallest_contrast() {
    let mut evidence = Evidence::new(0);
    let mut id = 0;
    for (class, present, images) in [(0, true, 60), (0, false, 24), (1, false, 80)] {
        for _ in 0..images {
            let contrast = f64::from(u8::from(present)) + (id % 7) as f64 * 0.01;
            evidence.add(&measurement(id, class, 0, present, contrast), true);
            id += 1;
        }
    }
    let contrast = |policy: &Policy| {
        let pairs = evidence.pairs(policy);
        let pair = pairs.iter().find(|pair| pair.class == 0).expect("the pair");
        pair.contrast.expect("B")
    };
    let policy = defaults();
    let absent = contrast(&Policy {
        baseline_min: 1,
        ..policy
    })
    .absent;
    for (baseline_min, expected) in [
        (absent, ContrastBaseline::Label),
        (absent + 1, ContrastBaseline::OtherClasses),
    ] {
        let found = contrast(&Policy {
            baseline_min,
            ..policy
        });
        assert_eq!(
            found.baseline, expected,
            "baseline_min = {baseline_min} of {absent}"
        );
    }
    for (contrast_logits, contrast_fraction, expected) in
        [(0.3, 0.01, 0.3), (0.3, 0.05, 0.4), (0.3, 0.0375, 0.3)]
    {
        let found = contrast(&Policy {
            contrast_logits,
            contrast_fraction,
            ..policy
        });
        let what = format!("{contrast_logits}, {contrast_fraction}");
        assert!(
            (found.min_effect - expected).abs() < 1e-12,
            "{what}: {}",
            found.min_effect
        );
    }
}
