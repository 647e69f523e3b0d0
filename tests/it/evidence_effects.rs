//! C in numbers: the effects of insertion and removal, from outcomes made by hand and from the
//! reference in `fixtures/make_statistics.py` (NumPy, SciPy, statsmodels).

use crate::evidence::{check_estimate, check_number};
use crate::support::{estimate, fixtures, json};
use camaudit::evidence::{
    InsertionOutcomes, Outcome, OutcomePair, RemovalOutcomes, Target, insertion_effect,
    min_causal_effect, removal_effect,
};
use camaudit::finding::{InsertionControl, InterventionEffect, RemovalFill};
use serde_json::Value;

/// An outcome for class 2 of three.
fn outcome(margin: f64, predicts_class: bool) -> Outcome {
    Outcome {
        margin,
        predicts_class,
        logits: vec![0.0, 0.0, margin as f32],
    }
}

fn pair(difference: f64, [first, second]: [bool; 2], donor: u32) -> OutcomePair {
    OutcomePair {
        first: outcome(4.0 + difference, first),
        second: outcome(4.0, second),
        donor,
    }
}

fn list(value: &Value) -> Vec<f64> {
    let values = value.as_array().expect("a list").iter();
    values.map(|v| v.as_f64().expect("a number")).collect()
}

/// The pairs of a reference: `donors` is missing where images are independent.
fn pairs_of(value: &Value) -> Vec<OutcomePair> {
    let differences = list(&value["differences"]);
    let flag = |key: &str, i: usize| value[key][i].as_bool().expect("a flag");
    let pairs = differences.iter().enumerate().map(|(i, difference)| {
        let donor = value["donors"][i].as_u64().unwrap_or(0) as u32;
        pair(*difference, [flag("first", i), flag("second", i)], donor)
    });
    pairs.collect()
}

fn check_effect<Control: Copy + PartialEq + std::fmt::Debug>(
    effect: InterventionEffect<Control>,
    controls: &[Control],
    expected: &Value,
    name: &str,
) {
    let triple = |key: &str| -> [f64; 3] { list(&expected[key]).try_into().expect("three") };
    check_estimate(effect.margin, triple("margin"), &format!("{name}, margin"));
    check_estimate(effect.rate, triple("rate"), &format!("{name}, rate"));
    check_number(
        effect.p,
        expected["p"].as_f64().expect("p"),
        &format!("{name}, p"),
    );
    assert_eq!(expected["images"], effect.images, "{name}");
    assert_eq!(
        list(&expected["predicted"]),
        effect.predicted.map(f64::from),
        "{name}"
    );
    let control = expected["control"].as_u64().expect("a control") as usize;
    assert_eq!(effect.control, controls[control], "{name}");
    assert!(effect.largest_shift, "{name}: no other logit changes");
}

/// The larger of the errors by host and by donor; the lower of Newcombe's bound and the one by
/// donor; Student's donors - 1 degrees of freedom.
#[test]
fn insertion_is_that_of_the_reference() {
    let golden = json(&fixtures().join("golden/statistics.json"));
    let cases = golden["insertion"].as_array().expect("cases");
    assert_eq!(cases.len(), 6);
    for (i, case) in cases.iter().enumerate() {
        let mut controls = Vec::new();
        let given = case["controls"].as_array().expect("controls");
        for (control, outcomes) in InsertionControl::ALL.iter().zip(given) {
            controls.push(InsertionOutcomes {
                control: *control,
                pairs: pairs_of(outcomes),
            });
        }
        let least = case["least"].as_f64().expect("the least effect");
        let effect = insertion_effect(&controls, Target::alone(2), least).expect("an effect");
        check_effect(
            effect,
            InsertionControl::ALL,
            &case["expected"],
            &format!("case {i}"),
        );

        // The order of the controls and of the hosts has no influence.
        controls.reverse();
        for outcomes in &mut controls {
            outcomes.pairs.reverse();
        }
        let again = insertion_effect(&controls, Target::alone(2), least).expect("an effect");
        check_effect(
            again,
            InsertionControl::ALL,
            &case["expected"],
            &format!("case {i} again"),
        );
    }
}

/// Welch on the differences of tagged and untagged images, and the interval of the difference of
/// their two paired rates; without untagged images Student's and Newcombe's.
#[test]
fn removal_is_that_of_the_reference() {
    let golden = json(&fixtures().join("golden/statistics.json"));
    let cases = golden["removal"].as_array().expect("cases");
    assert_eq!(cases.len(), 4);
    for (i, case) in cases.iter().enumerate() {
        let mut fills = Vec::new();
        let given = case["fills"].as_array().expect("fills");
        for (fill, outcomes) in RemovalFill::ALL.iter().zip(given) {
            let untagged = Some(&outcomes["untagged"]).filter(|pairs| !pairs.is_null());
            fills.push(RemovalOutcomes {
                fill: *fill,
                tagged: pairs_of(&outcomes["tagged"]),
                untagged: untagged.map(pairs_of).unwrap_or_default(),
            });
        }
        let least = case["least"].as_f64().expect("the least effect");
        let effect = removal_effect(&fills, Target::alone(2), least).expect("an effect");
        check_effect(
            effect,
            RemovalFill::ALL,
            &case["expected"],
            &format!("case {i}"),
        );
    }
}

/// Every host has a donor of its own; the class is predicted in the first few of each side.
fn with_control(
    control: InsertionControl,
    differences: &[f64],
    predicted: [usize; 2],
) -> InsertionOutcomes<InsertionControl> {
    let mut pairs = Vec::new();
    for (i, difference) in differences.iter().enumerate() {
        pairs.push(pair(
            *difference,
            predicted.map(|count| i < count),
            i as u32,
        ));
    }
    InsertionOutcomes { control, pairs }
}

/// A control counts with at least half as many hosts as the control that has most.
#[test]
fn a_control_with_few_hosts_does_not_decide() {
    let many = || {
        let differences = [2.0, 1.0, 3.0, 1.5, 2.5, 2.0];
        with_control(InsertionControl::OtherPatch, &differences, [4, 1])
    };
    let weak = [0.5, 0.25, 0.0, 0.25];
    for (hosts, expected) in [
        (4, InsertionControl::SamePlace),
        (3, InsertionControl::SamePlace),
        (2, InsertionControl::OtherPatch),
    ] {
        let few = with_control(InsertionControl::SamePlace, &weak[..hosts], [0, 0]);
        let effect = insertion_effect(&[many(), few], Target::alone(2), 0.5).expect("an effect");
        assert_eq!(effect.control, expected, "{hosts} of 6 hosts");
        let rate_of_few = hosts >= 3;
        assert_eq!(
            effect.predicted == [0, 0],
            rate_of_few,
            "{hosts} of 6 hosts"
        );
        assert_eq!(
            effect.p > 0.5,
            rate_of_few,
            "{hosts} of 6 hosts: {}",
            effect.p
        );
    }

    let fill = |fill, images: usize, difference: f64| RemovalOutcomes {
        fill,
        tagged: (0..images)
            .map(|i| pair(difference + i as f64, [true, false], 0))
            .collect(),
        untagged: Vec::new(),
    };
    for (images, expected) in [(3, RemovalFill::Copied), (2, RemovalFill::Imputed)] {
        let fills = [
            fill(RemovalFill::Imputed, 6, 1.0),
            fill(RemovalFill::Copied, images, -5.0),
        ];
        let effect = removal_effect(&fills, Target::alone(2), 0.5).expect("an effect");
        assert_eq!(effect.control, expected, "{images} of 6 images");
    }
}

#[test]
fn an_effect_needs_hosts_of_two_donors() {
    let one_donor = |control| InsertionOutcomes {
        control,
        pairs: vec![pair(1.0, [true, false], 3); 5],
    };
    let none: [InsertionOutcomes<InsertionControl>; 0] = [];
    assert!(insertion_effect(&none, Target::alone(2), 0.5).is_none());
    let same_place = one_donor(InsertionControl::SamePlace);
    assert!(insertion_effect(&[same_place], Target::alone(2), 0.5).is_none());

    let two_donors = with_control(InsertionControl::OtherPatch, &[1.0, 2.0, 1.5], [1, 0]);
    let controls = [one_donor(InsertionControl::SamePlace), two_donors];
    let effect = insertion_effect(&controls, Target::alone(2), 0.5).expect("an effect");
    assert_eq!(
        (effect.control, effect.images),
        (InsertionControl::OtherPatch, 3)
    );

    let nothing: [RemovalOutcomes<RemovalFill>; 0] = [];
    assert!(removal_effect(&nothing, Target::alone(2), 0.5).is_none());
}

/// Without spread the margin is certain: the effect is larger than the smallest that counts or not.
#[test]
fn an_effect_without_spread_has_no_interval() {
    for (min_effect, expected) in [(0.5, 0.0), (1.0, 1.0), (1.5, 1.0)] {
        let patch = with_control(InsertionControl::OtherPatch, &[1.0, 1.0], [2, 0]);
        let effect = insertion_effect(&[patch], Target::alone(2), min_effect).expect("an effect");
        assert_eq!(effect.margin, estimate(1.0, 1.0, 1.0));
        check_number(effect.p, expected, &format!("p of more than {min_effect}"));
    }
}

type Logits = [f32; 3];

/// Two photos with logits under the first change and under the second.
fn with_logits(photos: &[(Logits, Logits); 2]) -> Vec<OutcomePair> {
    let with = |logits: &Logits, margin| Outcome {
        margin,
        predicts_class: false,
        logits: logits.to_vec(),
    };
    let pairs = (0..)
        .zip(photos)
        .map(|(donor, (first, second))| OutcomePair {
            first: with(first, 1.0),
            second: with(second, 0.0),
            donor,
        });
    pairs.collect()
}

const TO_CLASS_2: [(Logits, Logits); 2] = [
    ([9.0, 1.0, 3.0], [9.0, 1.0, 1.0]),
    ([9.0, 2.0, 2.0], [9.0, 1.0, 1.0]),
];
const TO_CLASS_1: [(Logits, Logits); 2] = [
    ([9.0, 5.0, 3.0], [9.0, 1.0, 1.0]),
    ([9.0, 2.0, 3.0], [9.0, 1.0, 1.0]),
];
const TO_BOTH: [(Logits, Logits); 2] = [
    ([9.0, 2.0, 3.0], [9.0, 1.0, 1.0]),
    ([9.0, 2.0, 1.0], [9.0, 1.0, 1.0]),
];
const DOWN: [(Logits, Logits); 2] = [
    ([1.0, -1.0, -1.0], [9.0, 1.0, 0.0]),
    ([2.0, 0.0, 0.0], [9.0, 1.0, 0.0]),
];

#[test]
fn the_class_must_shift_most_against_every_control() {
    let shifts_most = |photos: &[&[(Logits, Logits); 2]], class| {
        let mut controls = Vec::new();
        for (control, photos) in InsertionControl::ALL.iter().zip(photos) {
            controls.push(InsertionOutcomes {
                control: *control,
                pairs: with_logits(photos),
            });
        }
        insertion_effect(&controls, Target::alone(class), 0.5)
            .expect("an effect")
            .largest_shift
    };
    for (name, photos, expected) in [
        ("class 2 rises most", &TO_CLASS_2, [false, false, true]),
        ("class 1 rises most", &TO_CLASS_1, [false, true, false]),
        ("both rise alike: the first", &TO_BOTH, [false, true, false]),
        ("all fall, class 2 least", &DOWN, [false, false, true]),
    ] {
        let found = [0, 1, 2].map(|class| shifts_most(&[photos], class));
        assert_eq!(found, expected, "{name}");
    }
    assert!(shifts_most(&[&TO_CLASS_2, &TO_CLASS_2], 2));
    assert!(!shifts_most(&[&TO_CLASS_2, &TO_CLASS_1], 2));
}

/// A class that is associated with the region as well may shift more.
#[test]
fn classes_that_share_the_region_are_no_rivals() {
    for (name, photos, class, sharing, expected) in [
        (
            "class 2 rises most, and shares it",
            &TO_CLASS_2,
            1,
            &[2][..],
            true,
        ),
        (
            "class 2 rises most, class 0 shares it",
            &TO_CLASS_2,
            1,
            &[0],
            false,
        ),
        ("both rise alike, and share it", &TO_BOTH, 2, &[1], true),
        (
            "all fall, class 2 least, and shares it",
            &DOWN,
            0,
            &[2],
            false,
        ),
    ] {
        let controls = [InsertionOutcomes {
            control: InsertionControl::SyntheticPatch,
            pairs: with_logits(photos),
        }];
        let target = Target { class, sharing };
        let effect = insertion_effect(&controls, target, 0.5).expect("an effect");
        assert_eq!(effect.largest_shift, expected, "{name}");
    }
}

/// What the same fill does to untagged images is no effect of the region.
#[test]
fn the_shifts_of_untagged_images_are_subtracted() {
    for (name, untagged, expected) in [
        ("no baseline", None, [false, true, false]),
        (
            "the baseline shifts class 1 as much",
            Some(TO_CLASS_1),
            [true, false, false],
        ),
        (
            "the baseline shifts class 2",
            Some(TO_CLASS_2),
            [false, true, false],
        ),
    ] {
        let fills = [RemovalOutcomes {
            fill: RemovalFill::Imputed,
            tagged: with_logits(&TO_CLASS_1),
            untagged: untagged.iter().flat_map(with_logits).collect(),
        }];
        let found = [0, 1, 2].map(|class| {
            let effect = removal_effect(&fills, Target::alone(class), 0.5).expect("an effect");
            effect.largest_shift
        });
        assert_eq!(found, expected, "{name}");
    }
}

/// The standard deviation (n - 1) of 0, 30 and 60 is 30; nothing absolute is added.
#[test]
fn the_smallest_causal_effect_is_a_part_of_the_spread_of_the_hosts() {
    let clean = [0.0, 30.0, 60.0].map(|margin| outcome(margin, false));
    for (fraction, hosts, expected) in [
        (0.1, &clean[..], 3.0),
        (0.5, &clean[..], 15.0),
        (0.1, &clean[..2], 0.1 * 450.0_f64.sqrt()),
        (0.1, &clean[..1], 0.0),
        (0.1, &[], 0.0),
    ] {
        let effect = min_causal_effect(fraction, hosts);
        check_number(
            effect,
            expected,
            &format!("{fraction}, {} hosts", hosts.len()),
        );
    }
}

/// Multiplying the head by a constant changes no p-value and no rate, and scales the rest.
#[test]
fn the_scale_of_the_head_has_no_influence_on_an_effect() {
    let differences = [2.0, 1.0, 3.0, 1.5, 2.5, 2.0, 0.5, 1.25];
    let under = |scale: f64| {
        let scaled: Vec<f64> = differences.iter().map(|d| scale * d).collect();
        let controls = [with_control(InsertionControl::OtherPatch, &scaled, [6, 1])];
        let clean = differences.map(|d| outcome(scale * 7.0 * d, false));
        let min_effect = min_causal_effect(0.1, &clean);
        let effect = insertion_effect(&controls, Target::alone(2), min_effect).expect("an effect");
        (min_effect, effect)
    };
    let (min_effect, effect) = under(1.0);
    assert!(effect.p > 1e-6 && effect.p < 0.05, "{}", effect.p);
    for scale in [0.1, 10.0, 1e-4, 1e4] {
        let (scaled_min, scaled) = under(scale);
        assert!(
            (scaled.p - effect.p).abs() < 1e-9,
            "{scale}: {} {}",
            scaled.p,
            effect.p
        );
        assert_eq!(scaled.rate, effect.rate, "{scale}");
        assert!((scaled_min / scale - min_effect).abs() < 1e-9, "{scale}");
        assert!(
            (scaled.margin.high / scale - effect.margin.high).abs() < 1e-9,
            "{scale}"
        );
    }
}
