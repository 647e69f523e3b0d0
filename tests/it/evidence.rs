//! The numbers behind the verdicts, from measurements made by hand.
//!
//! Statistics were computed with SciPy 1.17 and NumPy 2.4: `binomtest(k, n).proportion_ci` with
//! `method="wilson"` for rates, Newcombe's formula on these for differences of rates,
//! `fisher_exact`, `ttest_ind(equal_var=False)` and `ttest_1samp`, one-sided, with their
//! `confidence_interval(0.95)`. Orders by hash were computed with the Python package `blake3` 1.0:
//! `blake3(seed.to_bytes(8, "little") + id.to_bytes(16, "big"))`.

use camaudit::dataset::ImageId;
use camaudit::evidence::{
    Evidence, Example, FilledImage, Outcome, Pair, PairedOutcomes, benjamini_hochberg, combined_p,
    intervention_effect, min_causal_effect, screening_group, surroundings_evidence,
};
use camaudit::finding::{
    Association, ConfounderEvidence, Contrast, ContrastBaseline, EffectUnit, Estimate, FigureRole,
    Finding, FindingEvidence, GroupCount, InsertionControl, Intervention, InterventionEffect,
    MapTarget, NotTested, RemovalFill, ReviewState, Severity, SurroundingsEvidence, Verdict,
};
use camaudit::geometry::Size;
use camaudit::plan::Verdicts as Policy;
use camaudit::region::Kind;
use camaudit::score::{
    ImageFacts, MapMeasurement, Measurement, ObjectMeasurement, RegionMeasurement, RegionPlace,
    RegionScores,
};
use camaudit::tables::ClassRow;
use camaudit::verdict::{
    at_or_above, candidates, count_verdicts, findings, least_on_objects, sort,
};
use std::collections::BTreeMap;

/// The seed of every order by hash in this file.
const SEED: u64 = 7;

/// Thresholds with round numbers; tests change what they depend on.
const POLICY: Policy = Policy {
    tagged_min: 10,
    baseline_min: 1,
    prevalence_margin: 0.01,
    contrast_logits: 0.15,
    contrast_fraction: 0.0,
    screening_q: 0.1,
    lift_min: 2.0,
    excess_min: 0.02,
    low_mass_max: 0.2,
    proof_min: 30,
    donors_min: 8,
    hosts_max: 200,
    max_candidates: 10,
    max_forwards: 1500,
    causal_logits: 0.5,
    causal_fraction: 0.1,
    causal_rate: 0.02,
    confirming_q: 0.05,
    shortcut_z: 4.0,
    context_kept: 0.5,
    visible_min: 0.5,
};

fn check_number(actual: f64, expected: f64, name: &str) {
    let tolerance = 1e-9 * expected.abs().max(1.0);
    let close = (actual - expected).abs() <= tolerance;
    assert!(close, "{name}: {actual}, expected {expected}");
}

/// Compares an estimate with `[value, low, high]`.
fn check_estimate(actual: Estimate, expected: [f64; 3], name: &str) {
    check_number(actual.value, expected[0], name);
    check_number(actual.low, expected[1], &format!("{name}, low"));
    check_number(actual.high, expected[2], &format!("{name}, high"));
}

fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate { value, low, high }
}

/// A photo that the model predicts correctly, without the region `tag`, and the map of its class.
fn photo(id: u128, class: usize) -> Measurement {
    let region = RegionMeasurement {
        region: "tag".into(),
        kind: Kind::Confounder,
        present: Some(false),
        place: None,
        scores: RegionScores::default(),
        contrast: Some(0.0),
    };
    let map = MapMeasurement {
        target: MapTarget::Label,
        class,
        logit: 0.0,
        centred_logit: 0.0,
        margin: 0.0,
        bias: 0.0,
        positive_mass: 1.0,
        negative_mass: 0.0,
        low_mass: false,
        object: None,
        border_share: None,
        entropy: None,
        cells: [1, 1],
        cam: vec![0.0],
        regions: vec![region],
    };
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
        maps: vec![map],
    }
}

fn in_group(mut photo: Measurement, group: &str) -> Measurement {
    photo.image.group = Some(group.to_owned());
    photo
}

fn mispredicted(mut photo: Measurement) -> Measurement {
    photo.image.predicted += 1;
    photo
}

/// The photo with the region in it.
fn tagged(mut photo: Measurement) -> Measurement {
    for map in &mut photo.maps {
        map.regions[0].present = Some(true);
        map.regions[0].place = Some(RegionPlace {
            area: 0.1,
            visible: 1.0,
            s_max: 1.0,
            sub_cell: false,
        });
    }
    photo
}

/// The photo with the region smaller than a quarter of a cell.
fn tagged_sub_cell(photo: Measurement) -> Measurement {
    let mut photo = tagged(photo);
    if let Some(place) = &mut photo.maps[0].regions[0].place {
        place.sub_cell = true;
    }
    photo
}

fn with_contrast(mut photo: Measurement, contrast: Option<f64>) -> Measurement {
    for map in &mut photo.maps {
        map.regions[0].contrast = contrast;
    }
    photo
}

/// The photo with one more map, of another class.
fn with_map(mut photo: Measurement, target: MapTarget, class: usize) -> Measurement {
    let mut map = photo.maps[0].clone();
    map.target = target;
    map.class = class;
    photo.maps.push(map);
    photo
}

/// Evidence of photos that the model was not trained on.
fn evidence_of(photos: &[Measurement]) -> Evidence {
    let mut evidence = Evidence::new(SEED);
    for photo in photos {
        evidence.add(photo, false);
    }
    evidence
}

/// The pair of a class and the region `tag`.
fn pair_of(evidence: &Evidence, class: u32, policy: &Policy) -> Pair {
    let mut pairs = evidence.pairs(policy);
    pairs.retain(|pair| pair.class == class);
    pairs.pop().expect("the pair")
}

/// The first names of groups of one half, in the order of their numbers.
fn groups_of_half(screening: bool, count: usize) -> Vec<String> {
    let names = (0..1000).map(|i| format!("group {i}"));
    let of_half = names.filter(|name| screening_group(name).is_some() == screening);
    let mut of_half: Vec<String> = of_half.collect();
    assert!(
        of_half.len() >= count,
        "{} of {count} groups",
        of_half.len()
    );
    of_half.truncate(count);
    of_half
}

/// The first eight bytes of BLAKE3 of the name, read as little-endian; even keys are of the half
/// for A and B. By Python's `blake3`.
#[test]
fn groups_are_split_by_the_lowest_bit_of_their_hash() {
    assert_eq!(screening_group("group 0"), Some(0xbbaa_d32d_4ae1_7036));
    for name in ["barn", "film", "herd", "lake", "moor", "road"] {
        assert_eq!(screening_group(name), None, "{name}");
    }

    let screening = groups_of_half(true, 7).join(", ");
    assert_eq!(
        screening,
        "group 0, group 1, group 2, group 4, group 5, group 10, group 11"
    );
}

/// Class 0: 4 of 6 groups; class 1: 1 of 5; class 2: 4 of 8.
#[test]
fn association_counts_groups_of_the_screening_half() {
    let names = groups_of_half(true, 8);
    let testing = groups_of_half(false, 4);
    let mut photos = Vec::new();
    let mut id = 0;
    for (class, present, groups) in [(0, 4, 6), (1, 1, 5), (2, 4, 8)] {
        for (i, name) in names.iter().take(groups).enumerate() {
            // A second photo of the group, without the region, changes nothing.
            let first = in_group(photo(id, class), name);
            photos.push(if i < present { tagged(first) } else { first });
            photos.push(in_group(photo(id + 1, class), name));
            id += 2;
        }
    }
    for name in &testing {
        photos.push(in_group(tagged(photo(id, 1)), name));
        id += 1;
    }
    // The map of another class does not count as an image of that class.
    let other = in_group(tagged(photo(id, 1)), &names[0]);
    photos.push(with_map(other, MapTarget::Baseline, 0));

    let evidence = evidence_of(&photos);
    let pair = pair_of(&evidence, 0, &POLICY);
    let association = pair.association.expect("A");
    assert_eq!(
        association.in_class,
        GroupCount {
            present: 4,
            groups: 6
        }
    );
    assert_eq!(
        association.in_others,
        GroupCount {
            present: 5,
            groups: 13
        }
    );
    let expected = [
        0.282_051_282_051_282,
        -0.167_537_791_545_582_02,
        0.596_734_282_287_706_8,
    ];
    check_estimate(association.difference, expected, "difference");
    check_number(association.worst_other, 0.5, "worst other class");
    check_number(association.p, 0.258_513_931_888_544_9, "p");
    assert_eq!(
        pair_of(&evidence, 1, &POLICY).tagged,
        5,
        "groups of both halves"
    );
}

#[test]
fn association_needs_groups_of_the_class_and_of_others() {
    let screening = groups_of_half(true, 2);
    let testing = groups_of_half(false, 1);
    let mut photos = vec![in_group(tagged(photo(1, 0)), &screening[0])];
    let alone = pair_of(&evidence_of(&photos), 0, &POLICY);
    assert!(alone.association.is_none(), "no other class");

    photos.push(in_group(photo(2, 1), &testing[0]));
    let evidence = evidence_of(&photos);
    assert!(
        pair_of(&evidence, 0, &POLICY).association.is_none(),
        "others in the other half"
    );
    assert!(
        pair_of(&evidence, 1, &POLICY).association.is_none(),
        "class in the other half"
    );

    photos.push(in_group(photo(3, 1), &screening[0]));
    let both = pair_of(&evidence_of(&photos), 0, &POLICY);
    assert!(both.association.is_some(), "a group of each");
}

#[test]
fn a_pair_counts_tagged_groups_and_those_too_small_for_a_place() {
    let names = groups_of_half(true, 3);
    let testing = groups_of_half(false, 2);
    let photos = [
        in_group(tagged(photo(1, 0)), &names[0]),
        in_group(tagged(photo(2, 0)), &names[0]),
        in_group(tagged_sub_cell(photo(3, 0)), &names[1]),
        in_group(photo(4, 0), &names[2]),
        in_group(tagged(photo(5, 0)), &testing[0]),
        in_group(tagged(photo(6, 0)), &testing[1]),
        // Of another class, under the map of class 0.
        with_map(
            in_group(tagged(photo(7, 1)), "other"),
            MapTarget::Baseline,
            0,
        ),
    ];
    let pair = pair_of(&evidence_of(&photos), 0, &POLICY);
    assert_eq!((pair.tagged, pair.sub_cell), (4, 1));
}

/// The largest region of a group decides, whatever the order of its images.
#[test]
fn a_group_is_too_small_for_a_place_only_if_all_of_its_images_are() {
    let large = in_group(tagged(photo(1, 0)), "a");
    let small = in_group(tagged_sub_cell(photo(2, 0)), "a");
    let other_small = in_group(tagged_sub_cell(photo(3, 0)), "a");
    for (photos, expected) in [
        ([large.clone(), small.clone()], 0),
        ([small.clone(), large], 0),
        ([small, other_small], 1),
    ] {
        let pair = pair_of(&evidence_of(&photos), 0, &POLICY);
        assert_eq!((pair.tagged, pair.sub_cell), (1, expected));
    }
}

/// Photos of class 0 with a mean contrast of 2.5, 1.75 and 2.25 by group with the region, and of
/// 0.25, 0.5, -0.25 and 0.125 without it.
fn contrasts() -> Vec<Measurement> {
    let names = groups_of_half(true, 8);
    let testing = groups_of_half(false, 2);
    let mut photos = Vec::new();
    let with_region = [
        (&names[0], Some(2.0)),
        (&names[0], Some(3.0)),
        (&names[1], Some(1.75)),
        (&names[2], Some(2.25)),
        (&names[3], None),
        (&testing[0], Some(99.0)),
    ];
    let without_region = [
        (&names[4], Some(0.25)),
        (&names[5], Some(0.5)),
        (&names[6], Some(-0.25)),
        (&names[7], Some(0.125)),
        (&testing[1], Some(-99.0)),
    ];
    for (id, (name, contrast)) in (0..).zip(with_region) {
        photos.push(with_contrast(
            in_group(tagged(photo(id, 0)), name),
            contrast,
        ));
    }
    for (id, (name, contrast)) in (100..).zip(without_region) {
        photos.push(with_contrast(in_group(photo(id, 0), name), contrast));
    }
    photos
}

#[test]
fn contrast_compares_group_means_of_the_screening_half() {
    let evidence = evidence_of(&contrasts());
    let policy = Policy {
        baseline_min: 4,
        ..POLICY
    };
    let contrast = pair_of(&evidence, 0, &policy).contrast.expect("B");
    assert_eq!((contrast.present, contrast.absent), (3, 4));
    assert_eq!(contrast.baseline, ContrastBaseline::Label);
    let expected = [
        2.010_416_666_666_666_5,
        1.249_577_970_513_614_3,
        2.771_255_362_819_719,
    ];
    check_estimate(contrast.difference, expected, "difference");
    check_number(contrast.p, 0.001_323_376_929_237_441, "p");
}

/// Other classes are the baseline only where they have more groups than the class itself.
#[test]
fn contrast_of_a_class_with_few_untagged_groups() {
    let names = groups_of_half(true, 5);
    let policy = Policy {
        baseline_min: 5,
        ..POLICY
    };
    let mut photos = contrasts();
    for (id, name) in (200..).zip(&names[..4]) {
        let other = with_contrast(in_group(photo(id, 1), name), Some(1.0));
        photos.push(with_map(other, MapTarget::Baseline, 0));
    }
    // These maps count for nothing: with the region, or of the class predicted by mistake.
    let other_tagged = with_contrast(in_group(tagged(photo(300, 1)), &names[4]), Some(50.0));
    photos.push(with_map(other_tagged, MapTarget::Baseline, 0));
    let predicted = with_contrast(in_group(photo(301, 1), &names[4]), Some(50.0));
    photos.push(with_map(predicted, MapTarget::Predicted, 0));
    let contrast = pair_of(&evidence_of(&photos), 0, &policy)
        .contrast
        .expect("B");
    assert_eq!(
        (contrast.baseline, contrast.absent),
        (ContrastBaseline::Label, 4)
    );

    let fifth = with_contrast(in_group(photo(302, 1), &names[4]), Some(2.0));
    photos.push(with_map(fifth, MapTarget::Baseline, 0));
    let contrast = pair_of(&evidence_of(&photos), 0, &policy)
        .contrast
        .expect("B");
    assert_eq!(
        (contrast.baseline, contrast.absent),
        (ContrastBaseline::OtherClasses, 5)
    );
    // (2.5 + 1.75 + 2.25) / 3 - (4 * 1 + 2) / 5
    check_number(contrast.difference.value, 6.5 / 3.0 - 1.2, "difference");
}

/// One hundred groups a side, with an outlier at either end of one side.
/// `scipy.stats.mstats.winsorize` with limits of 1 %, then `ttest_ind`.
#[test]
fn the_outermost_hundredth_of_contrasts_is_winsorised() {
    let names = groups_of_half(true, 200);
    let mut photos = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let id = i as u128;
        let step = (i % 100) as f64;
        photos.push(match i {
            0 => with_contrast(in_group(tagged(photo(id, 0)), name), Some(-500.0)),
            99 => with_contrast(in_group(tagged(photo(id, 0)), name), Some(1000.0)),
            1..99 => with_contrast(in_group(tagged(photo(id, 0)), name), Some(step / 64.0)),
            _ => with_contrast(in_group(photo(id, 0), name), Some(step / 128.0)),
        });
    }
    let contrast = pair_of(&evidence_of(&photos), 0, &POLICY)
        .contrast
        .expect("B");
    let expected = [
        0.386_718_75,
        0.286_671_102_491_072_97,
        0.486_766_397_508_927_03,
    ];
    check_estimate(contrast.difference, expected, "difference");
    check_number(contrast.p, 3.303_024_055_313_223e-6, "p");
}

/// Photos for C on class 0. By hash of the seed and their ids, the photos are in the order
/// 5, 14, 3, 17, 8, 20, 2, 13, 22, 10, 1, 18, 12, 11, 21, 6, 9.
fn photos_for_c() -> Vec<Measurement> {
    let names = groups_of_half(false, 11);
    let screening = groups_of_half(true, 1);
    vec![
        in_group(tagged(photo(1, 0)), &names[0]),
        in_group(tagged(photo(2, 0)), &names[0]),
        in_group(tagged(photo(3, 0)), &names[1]),
        in_group(tagged(photo(5, 0)), &screening[0]),
        in_group(mispredicted(tagged(photo(6, 0))), &names[2]),
        in_group(photo(8, 0), &names[3]),
        in_group(photo(9, 0), &names[4]),
        in_group(photo(10, 0), &names[4]),
        in_group(photo(11, 0), &screening[0]),
        in_group(photo(12, 1), &names[5]),
        in_group(photo(13, 1), &names[6]),
        in_group(photo(14, 1), &names[6]),
        in_group(tagged(photo(15, 1)), &names[7]),
        in_group(mispredicted(photo(16, 1)), &names[8]),
        in_group(photo(17, 2), &names[0]),
        in_group(photo(18, 2), &names[9]),
        in_group(photo(20, 2), &names[10]),
        in_group(photo(21, 3), &names[1]),
        in_group(photo(22, 3), &names[2]),
        in_group(photo(23, 3), &screening[0]),
    ]
}

#[test]
fn cohorts_are_of_the_testing_half_one_image_per_group_in_order_of_hash() {
    let evidence = evidence_of(&photos_for_c());
    let cohorts = evidence.cohorts(&pair_of(&evidence, 0, &POLICY));
    assert_eq!(cohorts.tagged, [3, 2, 6]);
    assert_eq!(cohorts.untagged, [8, 10]);
    // The first of each class, then the second: [14, 12], [17, 20, 18] and [22, 21].
    assert_eq!(cohorts.hosts, [14, 17, 22, 20, 12, 21, 18]);

    let mut backwards = photos_for_c();
    backwards.reverse();
    let evidence = evidence_of(&backwards);
    let again = evidence.cohorts(&pair_of(&evidence, 0, &POLICY));
    assert_eq!(
        again.tagged, cohorts.tagged,
        "tagged, in another order of the set"
    );
    assert_eq!(
        again.untagged, cohorts.untagged,
        "untagged, in another order of the set"
    );
    assert_eq!(
        again.hosts, cohorts.hosts,
        "hosts, in another order of the set"
    );
}

#[test]
fn hosts_are_images_that_the_model_was_not_trained_on_where_there_are_any() {
    let all = &[14, 17, 22, 20, 12, 21, 18][..];
    let rows: [(&str, &[u128], &[u128]); 4] = [
        ("trained on all", &[], all),
        ("trained on all but two hosts", &[12, 18], &[18, 12]),
        ("trained on all but a photo of the class", &[3], all),
        (
            "trained on all but a tagged photo of another class",
            &[15],
            all,
        ),
    ];
    for (name, untrained, expected) in rows {
        let mut evidence = Evidence::new(SEED);
        for photo in photos_for_c() {
            evidence.add(&photo, !untrained.contains(&photo.image.id.0));
        }
        let cohorts = evidence.cohorts(&pair_of(&evidence, 0, &POLICY));
        assert_eq!(cohorts.hosts, expected, "{name}");
        assert_eq!(cohorts.tagged, [3, 2, 6], "{name}");
    }
}

fn examples_of(photos: &[Measurement]) -> Vec<(FigureRole, u128)> {
    let evidence = evidence_of(photos);
    let examples: Vec<Example> = evidence.examples(&pair_of(&evidence, 0, &POLICY));
    examples
        .iter()
        .map(|example| (example.role, example.image))
        .collect()
}

/// By hash of the seed and their ids: 5, 3, 7, 2, 4, 1, 6 with the region, 8, 10, 12, 11, 9
/// without it.
#[test]
fn examples_are_the_strongest_the_median_and_some_by_chance() {
    let contrasts = [
        (1, Some(0.5)),
        (2, Some(3.0)),
        (3, None),
        (4, Some(3.0)),
        (5, Some(-1.0)),
        (6, Some(1.0)),
        (7, Some(2.0)),
    ];
    let mut photos = Vec::new();
    for (id, contrast) in contrasts {
        photos.push(with_contrast(tagged(photo(id, 0)), contrast));
    }
    for id in 8..13 {
        photos.push(photo(id, 0));
    }
    photos.push(with_contrast(tagged(photo(20, 1)), Some(9.0)));
    // The map of another class does not count, whatever its contrast.
    photos[4] = with_map(photos[4].clone(), MapTarget::Baseline, 1);
    photos[4].maps[1].regions[0].contrast = Some(9.0);
    let expected = [
        (FigureRole::Strongest, 2),
        (FigureRole::Strongest, 4),
        (FigureRole::Median, 6),
        (FigureRole::Random, 5),
        (FigureRole::Random, 3),
        (FigureRole::Untagged, 8),
        (FigureRole::Untagged, 10),
    ];
    assert_eq!(examples_of(&photos), expected);
}

#[test]
fn an_image_is_an_example_once_and_one_without_a_contrast_is_the_weakest() {
    let photos = [
        with_contrast(tagged(photo(1, 0)), None),
        with_contrast(tagged(photo(2, 0)), Some(-2.0)),
        with_contrast(tagged(photo(3, 0)), Some(-3.0)),
    ];
    let expected = [
        (FigureRole::Strongest, 2),
        (FigureRole::Strongest, 3),
        // The median is 3 and the first two by hash are 3 and 2.
    ];
    assert_eq!(examples_of(&photos), expected);

    let of_another_map = with_map(photo(4, 0), MapTarget::Baseline, 1);
    let once = [(FigureRole::Untagged, 4)];
    assert_eq!(
        examples_of(&[of_another_map]),
        once,
        "an image without the region only"
    );
}

/// The order of the ids by hash, by Python: 44, 15, 95, 5, .., and 76, 130, 113, 90 as the last of
/// two hundred, whose sum is 26 245.
#[test]
fn two_hundred_images_of_a_class_are_sampled_whatever_their_order() {
    let orders: [(&str, Vec<u128>); 2] = [
        ("ascending", (1..251).collect()),
        ("descending", (1..251).rev().collect()),
    ];
    for (name, order) in orders {
        let mut photos = Vec::new();
        for id in order {
            photos.push(photo(id, 0));
        }
        let sampled = evidence_of(&photos).images.of_class(0);
        assert_eq!(sampled.len(), 200, "{name}");
        assert_eq!(sampled[..4], [44, 15, 95, 5], "{name}");
        assert_eq!(sampled[196..], [76, 130, 113, 90], "{name}");
        assert_eq!(sampled.iter().sum::<u128>(), 26_245, "{name}");
    }
}

/// Groups in order of hash: lake, farm, road. Ids in order of hash: 5, 3, 2, 4, 1, 6.
#[test]
fn one_image_of_a_group_is_sampled_and_classes_take_turns() {
    let groups = [
        (1, "farm"),
        (2, "farm"),
        (3, "road"),
        (4, "lake"),
        (5, "road"),
        (6, "farm"),
    ];
    let mut photos = Vec::new();
    for (id, group) in groups {
        photos.push(in_group(photo(id, 0), group));
    }
    photos.push(photo(15, 1));
    let sampled = evidence_of(&photos).images;
    assert_eq!(sampled.of_class(0), [4, 2, 5]);
    assert_eq!(sampled.of_class(1), [15]);
    assert!(sampled.of_class(2).is_empty());

    let in_turn: Vec<u128> = sampled.round_robin(SEED).collect();
    assert_eq!(in_turn, [15, 4, 2, 5]);
}

#[test]
fn objects_are_filled_in_where_predicted_and_annotated() {
    let object = ObjectMeasurement {
        visible: 1.0,
        share: None,
        area: None,
        localisation: None,
    };
    for (correct, annotated, present) in [
        (true, true, Some(false)),
        (true, true, None),
        (true, true, Some(true)),
        (true, false, Some(false)),
        (false, true, Some(false)),
        (false, false, Some(true)),
    ] {
        let mut photo = photo(1, 0);
        photo.image.predicted = usize::from(!correct);
        photo.maps[0].object = annotated.then_some(object);
        photo.maps[0].regions[0].present = present;
        let sampled = evidence_of(&[photo]).object_images.of_class(0, 1);
        let is_tagged = present == Some(true);
        let expected = (correct && annotated).then_some((1, is_tagged));
        assert_eq!(
            sampled,
            Vec::from_iter(expected),
            "{correct} {annotated} {present:?}"
        );
    }
}

/// A region without presence information, or of another kind, is not evidence.
#[test]
fn only_confounders_with_presence_information_make_pairs() {
    for (kind, present, expected) in [
        (Kind::Confounder, Some(false), 1),
        (Kind::Confounder, None, 0),
        (Kind::Overlay, Some(true), 0),
    ] {
        let mut photo = photo(1, 0);
        photo.maps[0].regions[0].kind = kind;
        photo.maps[0].regions[0].present = present;
        let pairs = evidence_of(&[photo]).pairs(&POLICY);
        assert_eq!(pairs.len(), expected, "{kind:?} {present:?}");
    }
}

/// The bits of a photo's fingerprint.
type Bits = [u64; 4];

/// Different bits for every number, about half of them ones (the mixer of SplitMix64).
fn bits_of(number: u64) -> Bits {
    let mut words = [0; 4];
    for (i, word) in (0..).zip(&mut words) {
        let mut z = (4 * number + i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        *word = z ^ (z >> 31);
    }
    words
}

fn flipped(mut bits: Bits, places: impl IntoIterator<Item = usize>) -> Bits {
    for place in places {
        bits[place / 64] ^= 1 << (place % 64);
    }
    bits
}

fn with_fingerprint(mut photo: Measurement, [a, b, c, d]: Bits) -> Measurement {
    photo.image.fingerprint = Some(format!("{a:016x}{b:016x}{c:016x}{d:016x}"));
    photo
}

/// Ids of near-duplicates and the ids of their groups. The photos get the ids 1, 2, 3, ..
fn duplicates_of(fingerprints: &[Bits]) -> Vec<(u128, u128)> {
    let mut evidence = Evidence::new(SEED);
    for (id, bits) in (1..).zip(fingerprints) {
        evidence.add(&with_fingerprint(photo(id, 0), *bits), false);
    }
    let id_of = |hex: &str| ImageId::parse(hex).expect("an id").0;
    let rows = evidence.group_duplicates();
    rows.iter()
        .map(|row| (id_of(&row.image_id), id_of(&row.group)))
        .collect()
}

#[test]
fn near_duplicates_differ_in_at_most_sixteen_bits() {
    let bits = bits_of(0);
    for (places, expected) in [(1, true), (15, true), (16, true), (17, false), (40, false)] {
        // Sixteen consecutive places leave the places 16, 33, 50, .. equal; more are added beside.
        let places = (0..places).map(|i| if i < 16 { i } else { i + 1 });
        let name = format!("{:?}", places.clone());
        let rows = duplicates_of(&[bits, flipped(bits, places)]);
        let expected: &[(u128, u128)] = if expected { &[(1, 1), (2, 1)] } else { &[] };
        assert_eq!(rows, expected, "{name}");
    }
}

/// Two photos that differ in sixteen bits are equal in one of the seventeen sets of every
/// seventeenth bit, whichever it is.
#[test]
fn near_duplicates_are_found_whichever_bits_differ() {
    for equal in 0..17 {
        let bits = bits_of(equal as u64);
        let mut places = Vec::new();
        for band in (0..17).filter(|band| *band != equal) {
            places.push(band + 17 * ((5 * band + equal) % 15));
        }
        let rows = duplicates_of(&[bits_of(99), flipped(bits, places), bits]);
        assert_eq!(rows, [(2, 2), (3, 2)], "equal in band {equal}");
    }
}

/// Among two thousand other photos, and far from each other in the order of their bits.
#[test]
fn near_duplicates_are_found_among_many_photos() {
    let mut fingerprints: Vec<Bits> = (0..2000).map(bits_of).collect();
    fingerprints.push(flipped(bits_of(7), [63]));
    fingerprints.push(flipped(bits_of(8), [63, 127, 191, 255]));
    let rows = duplicates_of(&fingerprints);
    assert_eq!(rows, [(8, 8), (9, 9), (2001, 8), (2002, 9)]);
}

/// 1 is near 2 and 2 is near 3, but 1 is not near 3; 4 and 5 are equal; 6 is like no other.
#[test]
fn chains_of_near_duplicates_are_one_group_named_by_its_smallest_id() {
    let start = bits_of(1);
    let near = flipped(start, 0..12);
    let far = flipped(start, 0..24);
    let rows = duplicates_of(&[start, near, far, bits_of(2), bits_of(2), bits_of(3)]);
    assert_eq!(rows, [(1, 1), (2, 1), (3, 1), (4, 4), (5, 4)]);
    let rows = duplicates_of(&[far, bits_of(2), start, bits_of(2), near, bits_of(3)]);
    assert_eq!(
        rows,
        [(1, 1), (2, 2), (3, 1), (4, 2), (5, 1)],
        "in another order"
    );
}

#[test]
fn fingerprints_with_few_bits_of_a_kind_identify_nothing() {
    for (ones, expected) in [(0, 0), (31, 0), (32, 2), (224, 2), (225, 0), (256, 0)] {
        let bits = flipped([0; 4], (0..ones).map(|i| (7 * i) % 256));
        assert_eq!(duplicates_of(&[bits, bits]).len(), expected, "{ones} ones");
    }

    let mut evidence = Evidence::new(SEED);
    for (id, text) in [(1, "f0"), (2, "f0"), (3, "no digits"), (4, "no digits")] {
        let mut photo = photo(id, 0);
        photo.image.fingerprint = Some(text.to_owned());
        evidence.add(&photo, false);
    }
    assert!(evidence.group_duplicates().is_empty());
}

/// Each photo is compared with the next 256 that are equal in a band, in the order of their bits.
#[test]
fn comparisons_with_neighbours_have_a_limit() {
    let mut first = bits_of(0);
    first[0] &= !(0b11 << 62);
    // Only the places 16, 33, 50, .. are equal; place 63 puts the last photo behind all others.
    let last = flipped(first, (0..16).map(|i| if i == 12 { 63 } else { i }));
    for (between, expected) in [(255, 2), (256, 0)] {
        let mut fingerprints = vec![first, last];
        for number in 0..between {
            let mut bits = bits_of(1000 + number);
            for place in (16..256).step_by(17) {
                let differs = (bits[place / 64] ^ first[place / 64]) >> (place % 64) & 1 == 1;
                bits = flipped(bits, differs.then_some(place));
            }
            // Between the two: larger than the first, and smaller than the last.
            bits[0] = first[0] | 1 << 62;
            fingerprints.push(bits);
        }
        assert_eq!(
            duplicates_of(&fingerprints).len(),
            expected,
            "{between} photos between"
        );
    }
}

#[test]
fn near_duplicates_without_a_group_are_one_piece_of_evidence() {
    let bits = bits_of(5);
    let mut photos = Vec::new();
    for id in 1..4 {
        photos.push(with_fingerprint(tagged(photo(id, 0)), bits));
    }
    photos.push(in_group(
        with_fingerprint(tagged(photo(4, 0)), bits),
        "road",
    ));
    photos.push(tagged(photo(5, 0)));

    let mut evidence = evidence_of(&photos);
    assert_eq!(pair_of(&evidence, 0, &POLICY).tagged, 5);
    let rows = evidence.group_duplicates();
    assert_eq!(rows.len(), 3, "not the photo that has a group");
    assert_eq!(pair_of(&evidence, 0, &POLICY).tagged, 3);
}

/// An outcome for class 2 of three.
fn outcome(margin: f64, predicts_class: bool) -> Outcome {
    Outcome {
        margin,
        predicts_class,
        logits: vec![0.0, 0.0, margin as f32],
    }
}

/// Pairs with these differences of margins; the class is predicted in the first few of each side.
fn paired_outcomes(
    control: InsertionControl,
    differences: &[f64],
    predicted: [usize; 2],
) -> PairedOutcomes<InsertionControl> {
    let mut pairs = Vec::new();
    for (i, difference) in differences.iter().enumerate() {
        let first = outcome(4.0 + difference, i < predicted[0]);
        pairs.push((first, outcome(4.0, i < predicted[1])));
    }
    PairedOutcomes { control, pairs }
}

const SIX_DIFFERENCES: [f64; 6] = [2.0, 1.0, 3.0, 1.5, 2.5, 2.0];

#[test]
fn an_effect_is_paired_by_photo() {
    let patch = paired_outcomes(InsertionControl::OtherPatch, &SIX_DIFFERENCES, [4, 1]);
    let effect = intervention_effect(&[patch], 2, 0.5).expect("an effect");
    assert_eq!((effect.images, effect.predicted), (6, [4, 1]));
    let expected = [2.0, 1.257_936_942_610_705_9, 2.742_063_057_389_294];
    check_estimate(effect.margin, expected, "margin");
    let expected = [0.5, -0.040_303_878_432_049_97, 0.773_175_284_282_635_6];
    check_estimate(effect.rate, expected, "rate");
    check_number(effect.p, 0.001_739_082_557_643_252_4, "p");
    assert!(effect.largest_shift);
}

/// Without spread the margin is certain: the effect is larger than the smallest that counts or not.
#[test]
fn an_effect_without_spread_has_no_interval() {
    for (min_effect, expected) in [(0.5, 0.0), (1.0, 1.0), (1.5, 1.0)] {
        let patch = paired_outcomes(InsertionControl::OtherPatch, &[1.0, 1.0], [2, 0]);
        let effect = intervention_effect(&[patch], 2, min_effect).expect("an effect");
        check_estimate(effect.margin, [1.0, 1.0, 1.0], "margin");
        check_number(effect.p, expected, &format!("p of more than {min_effect}"));
    }
}

/// The control with the smaller margin gives the margin, the one with the smaller rate the rate.
#[test]
fn of_two_controls_the_weaker_counts() {
    let patch = || paired_outcomes(InsertionControl::OtherPatch, &SIX_DIFFERENCES, [4, 1]);
    let synthetic = || {
        let differences = [0.5, 1.5, 2.5];
        paired_outcomes(InsertionControl::SyntheticPatch, &differences, [3, 0])
    };
    for controls in [[patch(), synthetic()], [synthetic(), patch()]] {
        let effect = intervention_effect(&controls, 2, 0.5).expect("an effect");
        assert_eq!(effect.control, InsertionControl::SyntheticPatch);
        assert_eq!(effect.images, 3);
        let expected = [1.5, -0.984_137_711_750_329_8, 3.984_137_711_750_33];
        check_estimate(effect.margin, expected, "margin");
        let expected = [0.5, -0.040_303_878_432_049_97, 0.773_175_284_282_635_6];
        check_estimate(effect.rate, expected, "rate");
        assert_eq!(effect.predicted, [4, 1]);
        check_number(effect.p, 0.112_701_665_379_258_33, "p");
        assert!(effect.largest_shift);
    }
}

/// A control with a steady effect has the smaller margin and also the smaller p-value.
#[test]
fn the_largest_p_value_of_all_controls_counts() {
    let steady = [1.5, 1.5, 1.25, 1.75, 1.5, 1.5];
    let controls = [
        paired_outcomes(InsertionControl::OtherPatch, &SIX_DIFFERENCES, [4, 1]),
        paired_outcomes(InsertionControl::SyntheticPatch, &steady, [4, 1]),
    ];
    let effect = intervention_effect(&controls, 2, 0.5).expect("an effect");
    assert_eq!(effect.control, InsertionControl::SyntheticPatch);
    check_number(effect.margin.value, 1.5, "margin");
    check_number(effect.p, 0.001_739_082_557_643_252_4, "p");
}

/// A control counts with at least half as many pairs as the control that has most.
#[test]
fn a_control_with_few_pairs_does_not_decide() {
    let weak = [0.5, 0.25, 0.0, 0.25];
    for (pairs, expected) in [
        (4, InsertionControl::SamePlace),
        (3, InsertionControl::SamePlace),
        (2, InsertionControl::OtherPatch),
    ] {
        let controls = [
            paired_outcomes(InsertionControl::OtherPatch, &SIX_DIFFERENCES, [4, 1]),
            paired_outcomes(InsertionControl::SamePlace, &weak[..pairs], [0, 0]),
        ];
        let effect = intervention_effect(&controls, 2, 0.5).expect("an effect");
        assert_eq!(effect.control, expected, "{pairs} of 6 pairs");
    }

    let one_pair = || paired_outcomes(InsertionControl::SamePlace, &[1.0], [1, 0]);
    assert!(intervention_effect(&[one_pair()], 2, 0.5).is_none());
    let none: [PairedOutcomes<InsertionControl>; 0] = [];
    assert!(intervention_effect(&none, 2, 0.5).is_none());
    let two = paired_outcomes(InsertionControl::OtherPatch, &[1.0, 2.0], [1, 0]);
    let effect = intervention_effect(&[one_pair(), two], 2, 0.5).expect("an effect");
    assert_eq!(effect.control, InsertionControl::OtherPatch);
}

#[test]
fn the_class_must_shift_most_against_every_control() {
    type Logits = [f32; 3];
    let shifted = |pairs: &[(Logits, Logits)], control: InsertionControl| {
        let mut outcomes = PairedOutcomes {
            control,
            pairs: Vec::new(),
        };
        for (first, second) in pairs {
            let with = |logits: &Logits, margin: f64| Outcome {
                margin,
                predicts_class: false,
                logits: logits.to_vec(),
            };
            outcomes.pairs.push((with(first, 1.0), with(second, 0.0)));
        }
        outcomes
    };
    let to_class_2 = [
        ([9.0, 1.0, 3.0], [9.0, 1.0, 1.0]),
        ([9.0, 2.0, 2.0], [9.0, 1.0, 1.0]),
    ];
    let to_class_1 = [
        ([9.0, 5.0, 3.0], [9.0, 1.0, 1.0]),
        ([9.0, 2.0, 3.0], [9.0, 1.0, 1.0]),
    ];
    let to_both = [
        ([9.0, 2.0, 3.0], [9.0, 1.0, 1.0]),
        ([9.0, 2.0, 1.0], [9.0, 1.0, 1.0]),
    ];
    let down = [
        ([1.0, -1.0, -1.0], [9.0, 1.0, 0.0]),
        ([2.0, 0.0, 0.0], [9.0, 1.0, 0.0]),
    ];
    for (name, pairs, expected) in [
        ("class 2 rises most", &to_class_2, [false, false, true]),
        ("class 1 rises most", &to_class_1, [false, true, false]),
        ("both rise alike: the first", &to_both, [false, true, false]),
        ("all fall, class 2 least", &down, [false, false, true]),
    ] {
        for (class, expected) in expected.into_iter().enumerate() {
            let controls = [shifted(pairs, InsertionControl::OtherPatch)];
            let effect = intervention_effect(&controls, class, 0.5).expect("an effect");
            assert_eq!(effect.largest_shift, expected, "{name}: class {class}");
        }
    }

    let both_controls = |second| {
        let controls = [
            shifted(&to_class_2, InsertionControl::OtherPatch),
            shifted(second, InsertionControl::SyntheticPatch),
        ];
        let effect = intervention_effect(&controls, 2, 0.5).expect("an effect");
        effect.largest_shift
    };
    assert!(both_controls(&to_class_2));
    assert!(!both_controls(&to_class_1));
}

/// The standard deviation (n - 1) of 0, 30 and 60 is 30.
#[test]
fn the_smallest_causal_effect_grows_with_the_spread_of_the_hosts() {
    let clean = [0.0, 30.0, 60.0].map(|margin| outcome(margin, false));
    for (causal_logits, hosts, expected) in [
        (0.5, &clean[..], 3.0),
        (5.0, &clean[..], 5.0),
        (0.5, &clean[..1], 0.5),
        (0.5, &[], 0.5),
    ] {
        let effect = min_causal_effect(causal_logits, hosts);
        check_number(
            effect,
            expected,
            &format!("{causal_logits}, {} hosts", hosts.len()),
        );
    }
}

#[test]
fn either_side_of_an_intervention_may_be_significant() {
    for (insertion, removal, expected) in [
        (None, None, 1.0),
        (Some(0.01), None, 0.02),
        (None, Some(0.01), 0.02),
        (Some(0.3), Some(0.02), 0.04),
        (Some(0.02), Some(0.3), 0.04),
        (Some(0.9), Some(0.8), 1.0),
    ] {
        let p = combined_p(insertion, removal);
        check_number(p, expected, &format!("{insertion:?}, {removal:?}"));
    }
}

/// Class 3: 3 of 5 kept, 1 of 4 others predicted as it. Class 6: 2 of 4 kept, 0 of 5 others.
#[test]
fn surroundings_are_compared_with_filled_images_of_other_classes() {
    let filled = |class, predicted: &[usize]| FilledImage {
        class,
        predicted: predicted.to_vec(),
        shows_confounder: predicted.len() == 2,
    };
    let images = [
        filled(6, &[6]),
        filled(3, &[3]),
        filled(3, &[0, 3]),
        filled(6, &[3, 6]),
        filled(3, &[0]),
        filled(3, &[3]),
        filled(6, &[]),
        filled(3, &[]),
        filled(6, &[0]),
    ];
    let evidence = surroundings_evidence(&images);
    let expected = [
        (
            3,
            5,
            3,
            [0.6, 0.230_724_281_276_012_97, 0.882_379_225_767_352_1],
        ),
        (
            6,
            4,
            2,
            [0.5, 0.150_038_989_152_149_53, 0.849_961_010_847_850_5],
        ),
    ];
    let expected_net = [
        [0.35, -0.231_624_715_840_769_7, 0.698_600_910_911_389_5],
        [0.5, -0.057_895_797_902_898_67, 0.849_961_010_847_850_5],
    ];
    assert_eq!(evidence.len(), 2);
    for (i, (class, images, kept, rate)) in expected.into_iter().enumerate() {
        let (actual_class, actual) = &evidence[i];
        assert_eq!(
            (*actual_class, actual.images, actual.kept),
            (class, images, kept)
        );
        assert_eq!(actual.with_confounder, 1, "class {class}");
        let found = actual.rate.expect("filled images");
        check_estimate(found, rate, &format!("class {class}"));
        let net = actual.net.expect("images of other classes");
        check_estimate(net, expected_net[i], &format!("class {class}, net"));
    }

    let alone = surroundings_evidence(&images[1..3]);
    assert!(alone[0].1.net.is_none(), "no other class");
    assert!(surroundings_evidence(&[]).is_empty());
}

/// By hand: p times the number of tests over the rank of p, and at most that of the next larger p.
#[test]
fn adjusted_p_values_keep_their_order() {
    let adjusted = benjamini_hochberg(&[0.04, 0.01, 0.9, 0.03]);
    let expected = [0.16 / 3.0, 0.04, 0.9, 0.16 / 3.0];
    for (i, expected) in expected.into_iter().enumerate() {
        check_number(adjusted[i], expected, &format!("{i}"));
    }
    assert!(benjamini_hochberg(&[]).is_empty());
}

/// The row of a label and a region in `classes.parquet`.
fn class_row(class: u32, region: &str, kind: &str) -> ClassRow {
    ClassRow {
        label: format!("class {class}"),
        label_index: class,
        region: region.into(),
        kind: kind.into(),
        images: 100,
        correct: 90,
        low_mass: 0,
        present: None,
        measured: 100,
        share_mean: None,
        share_counts: vec![0; 10],
        area_mean: None,
        lift: None,
        excess_mean: None,
        relative_contribution_mean: None,
        visible_mean: None,
        unseen: 0,
    }
}

#[test]
fn the_surroundings_of_classes_with_the_least_heat_on_objects_are_tested_first() {
    let with_share = |mut row: ClassRow, share: f64, measured: u32| {
        row.share_mean = Some(share);
        row.measured = measured;
        row
    };
    let rows = [
        with_share(class_row(0, "object", "object"), 0.4, 100),
        with_share(class_row(1, "object", "object"), 0.2, 10),
        with_share(class_row(2, "object", "object"), 0.1, 9),
        with_share(class_row(4, "object", "object"), 0.3, 50),
        with_share(class_row(3, "object", "object"), 0.3, 50),
        // Not of the object boxes: regions of that name or that kind.
        with_share(class_row(5, "object", "confounder"), 0.0, 100),
        with_share(class_row(6, "horse", "object"), 0.0, 100),
        with_share(class_row(7, "border", "border"), 0.0, 100),
    ];
    let mut policy = POLICY;
    assert_eq!(least_on_objects(&rows, &policy), [1, 3, 4, 0]);
    policy.max_candidates = 2;
    assert_eq!(least_on_objects(&rows, &policy), [1, 3]);
}

/// A finding about surroundings, whose rate does not count in the order.
fn surroundings_finding(label: &str, verdict: Verdict, rate_low: f64) -> Finding {
    let evidence = SurroundingsEvidence {
        images: 20,
        kept: 20,
        rate: Some(estimate(0.9, rate_low, 1.0)),
        ..SurroundingsEvidence::default()
    };
    finding(
        label,
        "surroundings",
        verdict,
        FindingEvidence::Surroundings(evidence),
    )
}

/// A finding with the contrast's lower bound as the only effect.
fn contrast_finding(label: &str, region: &str, verdict: Verdict, low: Option<f64>) -> Finding {
    let contrast = low.map(|low| contrast(estimate(2.0, low, 5.0)));
    let evidence = ConfounderEvidence {
        contrast,
        ..ConfounderEvidence::default()
    };
    finding(
        label,
        region,
        verdict,
        FindingEvidence::Confounder(evidence),
    )
}

fn finding(label: &str, region: &str, verdict: Verdict, evidence: FindingEvidence) -> Finding {
    Finding {
        label: label.into(),
        class: 0,
        region: region.into(),
        verdict,
        severity: None,
        evidence,
        effect: None,
        effect_unit: EffectUnit::Fraction,
        not_tested: None,
        declared: None,
        review: ReviewState::default(),
    }
}

fn contrast(difference: Estimate) -> Contrast {
    Contrast {
        present: 20,
        absent: 80,
        difference,
        min_effect: 0.15,
        baseline: ContrastBaseline::Label,
        p: 1e-6,
    }
}

#[test]
fn findings_are_sorted_by_verdict_then_effect_then_name() {
    let sorted = [
        contrast_finding("z", "tag", Verdict::Confirmed, None),
        contrast_finding("e", "tag", Verdict::Candidate, Some(1.5)),
        contrast_finding("d", "tag", Verdict::Candidate, Some(0.5)),
        contrast_finding("f", "tag", Verdict::Candidate, Some(-0.5)),
        contrast_finding("c", "tag", Verdict::Candidate, Some(-2.0)),
        contrast_finding("a", "logo", Verdict::Candidate, None),
        surroundings_finding("a", Verdict::Candidate, 0.9),
        contrast_finding("b", "corner", Verdict::Candidate, None),
        contrast_finding("a", "tag", Verdict::None, Some(9.0)),
    ];
    let mut findings = sorted.to_vec();
    findings.reverse();
    findings.swap(2, 5);
    sort(&mut findings);
    assert_eq!(findings, sorted);
}

#[test]
fn findings_are_counted_by_verdict_and_for_the_exit_code_where_open() {
    let mut findings = vec![
        contrast_finding("a", "tag", Verdict::Confirmed, None),
        contrast_finding("b", "tag", Verdict::Candidate, None),
        contrast_finding("c", "tag", Verdict::Candidate, None),
        contrast_finding("d", "tag", Verdict::Candidate, None),
        contrast_finding("e", "tag", Verdict::DataRisk, None),
        contrast_finding("f", "tag", Verdict::None, None),
    ];
    findings[3].review.open = false;
    for (verdict, expected) in [
        (Verdict::Confirmed, 1),
        (Verdict::ModelShortcut, 1),
        (Verdict::Candidate, 3),
        (Verdict::DataRisk, 4),
        (Verdict::None, 5),
    ] {
        assert_eq!(at_or_above(&findings, verdict), expected, "{verdict}");
    }

    let expected = BTreeMap::from([
        (Verdict::Confirmed, 1),
        (Verdict::Candidate, 3),
        (Verdict::DataRisk, 1),
        (Verdict::None, 1),
    ]);
    assert_eq!(count_verdicts(&findings), expected);
}

fn effect_of<Control>(control: Control, rate: Estimate) -> InterventionEffect<Control> {
    InterventionEffect {
        images: 100,
        margin: estimate(3.0, 2.5, 3.5),
        rate,
        predicted: [50, 5],
        control,
        largest_shift: true,
        p: 1e-6,
    }
}

/// C with the rates of insertion and removal.
fn intervention(insertion: Option<Estimate>, removal: Option<Estimate>) -> Intervention {
    Intervention {
        insertion: insertion.map(|rate| effect_of(InsertionControl::SyntheticPatch, rate)),
        removal: removal.map(|rate| effect_of(RemovalFill::Imputed, rate)),
        min_effect: 0.5,
        scrambled_flips: 0,
        donors: 32,
        forwards: 1000,
        cut_short: false,
        photos_lost: 0,
        p: 1e-6,
    }
}

/// A class that shows the region in a quarter of its groups.
fn tested_pair(intervention: Option<Intervention>) -> Pair {
    Pair {
        label: "class 0".into(),
        class: 0,
        region: "tag".into(),
        tagged: 40,
        sub_cell: 0,
        association: Some(Association {
            in_class: GroupCount {
                present: 20,
                groups: 80,
            },
            in_others: GroupCount {
                present: 0,
                groups: 200,
            },
            difference: estimate(0.25, 0.17, 0.35),
            worst_other: 0.0,
            p: 1e-6,
        }),
        contrast: Some(contrast(estimate(2.0, 1.5, 2.5))),
        tested: intervention.is_some(),
        intervention: intervention.map(Box::new),
    }
}

/// The larger rate is the effect; the severity is that of the larger lower bound of flips, or of
/// twice the loss times the part of the class with the region: here half the loss.
#[test]
fn effect_and_severity_of_an_intervention() {
    let flips = |value, low| Some(estimate(value, low, 1.0));
    let fraction = EffectUnit::Fraction;
    let row = class_row(0, "tag", "confounder");
    for (name, intervention, effect, severity) in [
        ("not run", None, (Some(2.0), EffectUnit::Logit), None),
        (
            "insertion",
            Some(intervention(flips(0.3, 0.1), None)),
            (Some(0.3), fraction),
            Some(Severity::High),
        ),
        (
            "removal",
            Some(intervention(None, flips(0.3, 0.2))),
            (Some(0.3), fraction),
            Some(Severity::High),
        ),
        (
            "removal, a little less",
            Some(intervention(None, flips(0.3, 0.198))),
            (Some(0.3), fraction),
            Some(Severity::Medium),
        ),
        (
            "insertion does more",
            Some(intervention(flips(0.4, 0.2), flips(0.3, 0.2))),
            (Some(0.4), fraction),
            Some(Severity::Critical),
        ),
        (
            "removal does more",
            Some(intervention(flips(0.1, 0.04), flips(0.9, 0.8))),
            (Some(0.9), fraction),
            Some(Severity::Critical),
        ),
        (
            "neither side",
            Some(intervention(None, None)),
            (Some(2.0), EffectUnit::Logit),
            Some(Severity::Low),
        ),
    ] {
        let pair = tested_pair(intervention);
        let findings = findings(
            std::slice::from_ref(&row),
            std::slice::from_ref(&pair),
            &POLICY,
        );
        let finding = &findings[0];
        assert_eq!((finding.effect, finding.effect_unit), effect, "{name}");
        assert_eq!(finding.severity, severity, "{name}");
    }
}

/// Rows of other kinds are no cases, and a case without a pair has no tests.
#[test]
fn findings_count_the_region_in_the_label_and_in_all_others() {
    let row = |class, present| ClassRow {
        present,
        images: 100 + class,
        ..class_row(class, "tag", "confounder")
    };
    let rows = [
        row(0, Some(40)),
        row(1, Some(3)),
        row(2, None),
        class_row(0, "object", "object"),
        ClassRow {
            present: Some(7),
            ..class_row(0, "logo", "confounder")
        },
    ];
    let findings = findings(&rows, &[tested_pair(None)], &POLICY);
    let mut counts = Vec::new();
    for finding in &findings {
        let counted = finding.confounder().expect("a confounder").counts;
        let others = (counted.others_present, counted.others_images);
        counts.push((
            finding.region.as_str(),
            counted.present,
            counted.images,
            others,
        ));
    }
    let expected = [
        ("tag", Some(40), 100, (3, 203)),
        ("tag", Some(3), 101, (40, 202)),
        ("tag", None, 102, (43, 201)),
        ("logo", Some(7), 100, (0, 0)),
    ];
    assert_eq!(counts, expected);

    let first = findings[0].confounder().expect("a confounder");
    assert_eq!((first.tagged, first.association_q), (Some(40), Some(1e-6)));
    let second = findings[1].confounder().expect("a confounder");
    assert_eq!(
        (second.tagged, second.association_q, second.screening_q),
        (None, None, None)
    );
}

/// A alone by its own p-value, A and B by the larger one; a missing one counts as 1. By hand:
/// p times the number of tests over the rank of p. Pairs with too few groups are not tested.
#[test]
fn p_values_are_adjusted_over_the_pairs_with_enough_groups() {
    let with_p = |class: u32, tagged: u32, a: Option<f64>, b: Option<f64>| {
        let mut pair = tested_pair(None);
        pair.label = format!("class {class}");
        pair.tagged = tagged;
        pair.association = pair.association.zip(a).map(|(a, p)| Association { p, ..a });
        pair.contrast = pair.contrast.zip(b).map(|(b, p)| Contrast { p, ..b });
        pair
    };
    let pairs = [
        with_p(0, 10, Some(0.01), Some(0.02)),
        with_p(1, 9, Some(0.5), Some(0.5)),
        with_p(2, 40, Some(0.04), Some(0.03)),
        with_p(3, 40, Some(0.2), None),
        with_p(4, 40, None, Some(0.001)),
    ];
    let rows: Vec<ClassRow> = (0..5)
        .map(|class| class_row(class, "tag", "confounder"))
        .collect();
    let findings = findings(&rows, &pairs, &POLICY);

    let expected = [
        (Some(0.01 * 4.0), Some(0.02 * 4.0)),
        (None, None),
        (Some(0.04 * 4.0 / 2.0), Some(0.04 * 4.0 / 2.0)),
        (Some(0.2 * 4.0 / 3.0), Some(1.0)),
        (Some(1.0), Some(1.0)),
    ];
    for (finding, (association_q, screening_q)) in findings.iter().zip(expected) {
        let evidence = finding.confounder().expect("a confounder");
        let check = |actual: Option<f64>, expected: Option<f64>, name: &str| {
            let name = format!("{name} of {}", finding.label);
            assert_eq!(actual.is_some(), expected.is_some(), "{name}");
            check_number(actual.unwrap_or(0.0), expected.unwrap_or(0.0), &name);
        };
        check(evidence.association_q, association_q, "A");
        check(evidence.screening_q, screening_q, "A and B");
    }
}

/// The median of the logits of the label's own images, 6, times 0.25. Maps of other classes have
/// larger logits, which do not count.
#[test]
fn the_smallest_contrast_depends_on_the_logits_of_the_labels_own_maps() {
    let policy = Policy {
        contrast_logits: 1.0,
        contrast_fraction: 0.25,
        ..POLICY
    };
    let names = groups_of_half(true, 4);
    let mut photos = Vec::new();
    for (id, (name, logit)) in (0..).zip(names.iter().zip([2.0, 4.0, 8.0, 10.0])) {
        let mut own = in_group(photo(id, 0), name);
        own.maps[0].centred_logit = logit;
        let mut both = with_map(own, MapTarget::Baseline, 1);
        both.maps[1].centred_logit = 100.0;
        photos.push(if id % 2 == 0 { tagged(both) } else { both });
    }
    let contrast = pair_of(&evidence_of(&photos), 0, &policy)
        .contrast
        .expect("B");
    check_number(contrast.min_effect, 1.5, "smallest effect");
}

/// A reason is given only where A and B hold and the groups are enough for a verdict.
#[test]
fn pairs_that_need_no_intervention_have_no_reason_for_its_absence() {
    let row = class_row(0, "tag", "confounder");
    let low_mass = ClassRow {
        low_mass: 50,
        ..row.clone()
    };
    let screened = tested_pair(None);
    let mut associated = screened.clone();
    associated.contrast = None;
    let limit = NotTested::CandidateLimit { max_candidates: 10 };
    for (name, row, pair, expected) in [
        ("A and B", &row, &screened, Some(limit)),
        ("A alone", &row, &associated, None),
        ("A and B, little heat", &low_mass, &screened, None),
    ] {
        let findings = findings(
            std::slice::from_ref(row),
            std::slice::from_ref(pair),
            &POLICY,
        );
        assert_eq!(findings[0].not_tested, expected, "{name}");
    }
}

/// A region is too small for B where it is so in more than half of its groups: then A alone is
/// enough for C, and without C there is no verdict.
#[test]
fn a_region_too_small_for_its_heat_needs_an_intervention() {
    let associated = |tagged: u32, sub_cell: u32| {
        let mut pair = tested_pair(None);
        (pair.tagged, pair.sub_cell, pair.contrast) = (tagged, sub_cell, None);
        pair
    };
    let row = class_row(0, "tag", "confounder");
    let low_mass = ClassRow {
        low_mass: 50,
        ..row.clone()
    };
    for (row, pair, tested, verdict) in [
        (&row, associated(40, 20), false, Verdict::DataRisk),
        (&row, associated(40, 21), true, Verdict::Insufficient),
        (&row, associated(30, 30), true, Verdict::Insufficient),
        (&row, associated(29, 29), false, Verdict::Insufficient),
        (&low_mass, associated(40, 21), false, Verdict::Insufficient),
        (&low_mass, tested_pair(None), false, Verdict::Insufficient),
        (&row, tested_pair(None), true, Verdict::Candidate),
    ] {
        let name = format!("{} of {}, {}", pair.sub_cell, pair.tagged, row.low_mass);
        let (rows, pairs) = (std::slice::from_ref(row), std::slice::from_ref(&pair));
        let chosen = candidates(rows, pairs, &POLICY);
        assert_eq!(chosen.tested.len(), usize::from(tested), "{name}");
        assert_eq!(findings(rows, pairs, &POLICY)[0].verdict, verdict, "{name}");
    }
}
