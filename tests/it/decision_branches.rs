//! A row for every branch of the decision about a declared region.

use crate::decision::{
    associated, association, both, consensus, defaults, heat_only, insertion, nothing, removal,
    screened, strong, uncertain, weak, without_contrast, without_place_control,
};
use crate::support::{estimate, intervention};
use camaudit::finding::Verdict::{
    self, Candidate, Cleared, Confirmed, DataRisk, Insufficient, SalientOnly,
};
use camaudit::finding::{Association, Consensus, ContrastMissing, Intervention};
use camaudit::verdict::{ConfounderFacts, decide};

type Facts = ConfounderFacts<'static>;

/// A name, facts without C, and the verdict.
type Row = (&'static str, Facts, Verdict);

/// A name, facts, C, and the verdict.
type RowWithC = (&'static str, Facts, Intervention, Verdict);

fn check(rows: Vec<Row>) {
    for (name, facts, expected) in rows {
        assert_eq!(decide(&facts, &defaults()), expected, "{name}");
    }
}

fn check_with_c(rows: Vec<RowWithC>) {
    for (name, facts, intervention, expected) in rows {
        let facts = ConfounderFacts {
            intervention: Some(&intervention),
            ..facts
        };
        assert_eq!(decide(&facts, &defaults()), expected, "{name}");
    }
}

#[test]
fn insertion_confirms_where_the_patch_cannot_show_the_class_itself() {
    let apart = |side| without_place_control(Some(consensus(0.8, Some(0.3), side)));
    let mut elsewhere = apart(strong());
    if let Some(effect) = elsewhere.consensus.as_mut().and_then(|c| c.effect.as_mut()) {
        effect.largest_shift = false;
    }
    let mut not_pasted = apart(strong());
    not_pasted.consensus = not_pasted
        .consensus
        .map(|c| Consensus { effect: None, ..c });
    let with_place = both(strong(), uncertain());

    check_with_c(vec![
        (
            "A, B, the place control",
            screened(),
            with_place.clone(),
            Confirmed,
        ),
        (
            "A, the place control",
            associated(),
            with_place.clone(),
            Confirmed,
        ),
        (
            "no B, the place control",
            without_contrast(),
            with_place,
            Confirmed,
        ),
        (
            "the consensus supports",
            screened(),
            apart(strong()),
            Confirmed,
        ),
        (
            "the same without B",
            without_contrast(),
            apart(strong()),
            Confirmed,
        ),
        (
            "the consensus has no effect",
            screened(),
            apart(weak()),
            Candidate,
        ),
        (
            "the same without B",
            without_contrast(),
            apart(weak()),
            DataRisk,
        ),
        (
            "the consensus moves another class",
            screened(),
            elsewhere.clone(),
            Candidate,
        ),
        (
            "the same without B",
            without_contrast(),
            elsewhere,
            DataRisk,
        ),
        (
            "the consensus was not pasted",
            screened(),
            not_pasted.clone(),
            Candidate,
        ),
        (
            "the same without B",
            without_contrast(),
            not_pasted,
            DataRisk,
        ),
    ]);
}

/// Insertion has an effect, perhaps by the object in the patch: a candidate, with B or without.
#[test]
fn a_consensus_that_cannot_tell_object_and_region_apart_leaves_a_candidate() {
    let consensuses = [
        (
            "too little coverage",
            Some(consensus(0.4, Some(0.1), strong())),
        ),
        (
            "neighbours agree as well",
            Some(consensus(0.8, Some(0.5), strong())),
        ),
        ("no neighbour fits", Some(consensus(0.8, None, strong()))),
        ("no donor could be read", None),
    ];
    for (name, consensus) in consensuses {
        let inseparable = without_place_control(consensus);
        let mut without_effect = inseparable.clone();
        without_effect.insertion = Some(insertion(uncertain()));
        let mut with_removal = inseparable.clone();
        with_removal.removal = Some(removal(strong()));
        with_removal.untagged_filled = 10;

        check_with_c(vec![
            (name, screened(), inseparable.clone(), Candidate),
            (name, without_contrast(), inseparable, Candidate),
            (name, screened(), without_effect.clone(), Candidate),
            (name, without_contrast(), without_effect, DataRisk),
            (name, without_contrast(), with_removal, Confirmed),
        ]);
    }
}

#[test]
fn removal_confirms_only_against_untagged_images_of_the_class() {
    let filled = |untagged_filled| Intervention {
        untagged_filled,
        ..both(uncertain(), strong())
    };
    let alone = Intervention {
        insertion: None,
        ..filled(10)
    };
    check_with_c(vec![
        ("enough untagged images", screened(), filled(10), Confirmed),
        (
            "the same without B",
            without_contrast(),
            filled(10),
            Confirmed,
        ),
        ("insertion was not run", screened(), alone, Confirmed),
        ("too few untagged images", screened(), filled(9), Candidate),
        (
            "the same without B",
            without_contrast(),
            filled(9),
            DataRisk,
        ),
        ("no untagged image", without_contrast(), filled(0), DataRisk),
    ]);
}

/// The p-value of one side and the rate of the other are no proof.
#[test]
fn each_side_confirms_by_its_own_p_value_and_its_own_rate() {
    let facts = |insertion_q, removal_q| ConfounderFacts {
        insertion_q: Some(insertion_q),
        removal_q: Some(removal_q),
        ..screened()
    };
    let [margin, _] = strong();
    let [_, uncertain_rate] = uncertain();
    let steady = [margin, uncertain_rate];
    let by_insertion = || both(strong(), steady);
    let by_removal = || both(steady, strong());
    let mut elsewhere = both(strong(), strong());
    if let (Some(insertion), Some(removal)) = (&mut elsewhere.insertion, &mut elsewhere.removal) {
        insertion.largest_shift = false;
        removal.largest_shift = false;
    }

    check_with_c(vec![
        ("insertion", facts(1e-5, 0.5), by_insertion(), Confirmed),
        (
            "its rate, the other's p",
            facts(0.5, 1e-5),
            by_insertion(),
            Candidate,
        ),
        ("removal", facts(0.5, 1e-5), by_removal(), Confirmed),
        (
            "its rate, the other's p",
            facts(1e-5, 0.5),
            by_removal(),
            Candidate,
        ),
        (
            "another class moves more",
            facts(1e-5, 1e-5),
            elsewhere,
            Candidate,
        ),
    ]);
}

#[test]
fn a_region_is_cleared_where_both_sides_ran_and_all_upper_bounds_are_low() {
    let [low_margin, low_rate] = weak();
    let [open_margin, open_rate] = uncertain();
    let (open_margin, open_rate) = ([open_margin, low_rate], [low_margin, open_rate]);
    let inserted = intervention(Some(insertion(weak())), None);
    let removed = intervention(None, Some(removal(weak())));
    let neither = intervention(None, None);

    check_with_c(vec![
        ("all are low", screened(), both(weak(), weak()), Cleared),
        (
            "all are low, without B",
            without_contrast(),
            both(weak(), weak()),
            Cleared,
        ),
        ("insertion alone", screened(), inserted.clone(), Candidate),
        (
            "insertion alone, without B",
            without_contrast(),
            inserted,
            DataRisk,
        ),
        ("removal alone", screened(), removed, Candidate),
        ("neither side", screened(), neither, Candidate),
        (
            "margin of insertion",
            screened(),
            both(open_margin, weak()),
            Candidate,
        ),
        (
            "margin of removal",
            screened(),
            both(weak(), open_margin),
            Candidate,
        ),
        (
            "rate of insertion",
            screened(),
            both(open_rate, weak()),
            Candidate,
        ),
        (
            "rate of removal",
            screened(),
            both(weak(), open_rate),
            Candidate,
        ),
        (
            "both uncertain, without B",
            without_contrast(),
            both(uncertain(), uncertain()),
            DataRisk,
        ),
    ]);
}

#[test]
fn with_an_association_the_verdict_is_a_candidate_or_a_risk() {
    let missing = |reason| ConfounderFacts {
        contrast_missing: Some(reason),
        ..without_contrast()
    };
    let few = ContrastMissing::FewWithRegion {
        groups: 9,
        needed: 10,
    };
    let few_without = ContrastMissing::FewWithoutRegion {
        groups: 9,
        needed: 10,
    };
    let out_of_view = ConfounderFacts {
        visible: Some(0.1),
        ..without_contrast()
    };
    check(vec![
        ("A and B", screened(), Candidate),
        ("B is negative", associated(), DataRisk),
        ("few groups with the region", missing(few), DataRisk),
        ("few groups without it", missing(few_without), DataRisk),
        (
            "no mirror image",
            missing(ContrastMissing::NoMirrorImage),
            DataRisk,
        ),
        (
            "too small for a place",
            missing(ContrastMissing::SubCell),
            DataRisk,
        ),
        ("out of view", out_of_view, DataRisk),
    ]);
}

#[test]
fn without_an_association_few_groups_are_no_all_clear() {
    let tagged = |tagged| ConfounderFacts {
        tagged: Some(tagged),
        association_q: None,
        ..nothing()
    };
    let with = |p, high| ConfounderFacts {
        association: Some(Association {
            difference: estimate(0.0, -0.02, high),
            p,
            ..association()
        }),
        ..nothing()
    };
    let few_groups = ConfounderFacts {
        tagged: Some(0),
        ..with(1.0, 0.3)
    };
    let heat = |lift, excess| ConfounderFacts {
        lift: Some(lift),
        excess: Some(excess),
        ..nothing()
    };
    let heat_alone = ConfounderFacts {
        lift: Some(9.0),
        excess: Some(0.5),
        ..heat_only()
    };
    let out_of_view = ConfounderFacts {
        visible: Some(0.1),
        ..heat(3.0, 0.1)
    };
    let low_mass = ConfounderFacts {
        low_mass: 50,
        ..heat(3.0, 0.1)
    };
    check(vec![
        ("one tagged group", tagged(1), Insufficient),
        ("nine tagged groups", tagged(9), Insufficient),
        (
            "significant before adjusting",
            with(0.03, 0.05),
            Insufficient,
        ),
        ("the difference may be large", with(0.6, 0.2), Insufficient),
        ("no tagged group, of few", few_groups, Insufficient),
        ("out of view", out_of_view, Insufficient),
        ("little heat", low_mass, Insufficient),
        ("heat alone", heat(3.0, 0.1), SalientOnly),
        ("no presence information, heat", heat_alone, SalientOnly),
        ("lift without excess", heat(3.0, 0.0), Verdict::None),
        ("excess without lift", heat(1.0, 0.1), Verdict::None),
        ("nothing", nothing(), Verdict::None),
        ("no tagged group, of many", tagged(0), Verdict::None),
        ("no presence information", heat_only(), Verdict::None),
    ]);
}
