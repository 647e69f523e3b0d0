//! The numbers behind the verdicts, from measurements made by hand.
//!
//! Statistics were computed with SciPy 1.17 and NumPy 2.4: `binomtest(k, n).proportion_ci` with
//! `method="wilson"` for rates, Newcombe's formula on these for differences of rates,
//! `fisher_exact`, `ttest_ind(equal_var=False)` and `ttest_1samp`, one-sided, with their
//! `confidence_interval(0.95)`. Orders by hash were computed with the Python package `blake3` 1.0:
//! `blake3(seed.to_bytes(8, "little") + id.to_bytes(16, "big"))`.

use crate::decision::finding_of;
use crate::support::{effect, estimate, finding_with, intervention};
use camaudit::dataset::ImageId;
use camaudit::evidence::{
    Evidence, Example, FilledImage, Pair, benjamini_hochberg, screening_group,
    surroundings_evidence,
};
use camaudit::finding::{
    Association, ConfounderEvidence, Contrast, ContrastBaseline, ContrastMissing, EffectUnit,
    Estimate, FigureRole, Finding, FindingEvidence, GroupCount, InsertionControl, Intervention,
    MapTarget, NotTested, RemovalFill, Severity, SurroundingsEvidence, Verdict,
};
use camaudit::geometry::Size;
use camaudit::plan::Verdicts as Policy;
use camaudit::region::Kind;
use camaudit::report::open_at_or_above;
use camaudit::score::{
    ImageFacts, MapMeasurement, Measurement, ObjectMeasurement, RegionMeasurement, RegionPlace,
    RegionScores,
};
use camaudit::tables::ClassRow;
use camaudit::verdict::{candidates, count_verdicts, findings, least_on_objects, sort};
use std::collections::BTreeMap;

/// The seed of every order by hash in this file.
pub const SEED: u64 = 7;

/// Thresholds with round numbers; tests change what they depend on.
pub const POLICY: Policy = Policy {
    tagged_min: 10,
    baseline_min: 1,
    prevalence_margin: 0.01,
    contrast_fraction: 0.05,
    screening_q: 0.1,
    lift_min: 2.0,
    excess_min: 0.02,
    low_mass_max: 0.2,
    proof_min: 30,
    donors_min: 8,
    hosts_max: 200,
    max_candidates: 10,
    max_forwards: 1500,
    causal_fraction: 0.1,
    causal_rate: 0.02,
    cleared_rate: 0.05,
    confirming_q: 0.05,
    shortcut_z: 4.0,
    context_kept: 0.5,
    visible_min: 0.5,
};

pub fn check_number(actual: f64, expected: f64, name: &str) {
    let tolerance = 1e-9 * expected.abs().max(1.0);
    let close = (actual - expected).abs() <= tolerance;
    assert!(close, "{name}: {actual}, expected {expected}");
}

/// Compares an estimate with `[value, low, high]`.
pub fn check_estimate(actual: Estimate, expected: [f64; 3], name: &str) {
    check_number(actual.value, expected[0], name);
    check_number(actual.low, expected[1], &format!("{name}, low"));
    check_number(actual.high, expected[2], &format!("{name}, high"));
}

/// A photo that the model predicts correctly, without the region `tag`, and the map of its class:
/// the smallest contrast that counts is 0.15 logits.
pub fn photo(id: u128, class: usize) -> Measurement {
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
        centred_logit: 3.0,
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

pub fn in_group(mut photo: Measurement, group: &str) -> Measurement {
    photo.image.group = Some(group.to_owned());
    photo
}

pub fn mispredicted(mut photo: Measurement) -> Measurement {
    photo.image.predicted += 1;
    photo
}

/// The photo with the region in it.
pub fn tagged(mut photo: Measurement) -> Measurement {
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
pub fn tagged_sub_cell(photo: Measurement) -> Measurement {
    let mut photo = tagged(photo);
    if let Some(place) = &mut photo.maps[0].regions[0].place {
        place.sub_cell = true;
    }
    photo
}

pub fn with_contrast(mut photo: Measurement, contrast: Option<f64>) -> Measurement {
    for map in &mut photo.maps {
        map.regions[0].contrast = contrast;
    }
    photo
}

/// The photo with one more map, of another class.
pub fn with_map(mut photo: Measurement, target: MapTarget, class: usize) -> Measurement {
    let mut map = photo.maps[0].clone();
    map.target = target;
    map.class = class;
    photo.maps.push(map);
    photo
}

/// Evidence of photos that the model was not trained on.
pub fn evidence_of(photos: &[Measurement]) -> Evidence {
    let mut evidence = Evidence::new(SEED);
    for photo in photos {
        evidence.add(photo, false);
    }
    evidence
}

/// The names of the classes in these tests.
pub fn names() -> BTreeMap<usize, String> {
    (0..9)
        .map(|class| (class, format!("class {class}")))
        .collect()
}

/// The pair of a class and the region `tag`.
pub fn pair_of(evidence: &Evidence, class: u32, policy: &Policy) -> Pair {
    let mut pairs = evidence.pairs(&names(), policy);
    pairs.retain(|pair| pair.class == class);
    pairs.pop().expect("the pair")
}

/// The first names of groups of one half, in the order of their numbers.
pub fn groups_of_half(screening: bool, count: usize) -> Vec<String> {
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

/// Photos for C on class 0. By hash of the seed and their ids, the photos are in the order
/// 5, 14, 3, 17, 8, 20, 2, 13, 22, 10, 1, 18, 12, 11, 21, 6, 9.
pub fn photos_for_c() -> Vec<Measurement> {
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
fn cohorts_are_one_image_per_group_that_b_does_not_use_in_order_of_hash() {
    let evidence = evidence_of(&photos_for_c());
    let cohorts = evidence.cohorts(&pair_of(&evidence, 0, &POLICY));
    assert_eq!(cohorts.tagged, [3, 2, 6]);
    assert_eq!(cohorts.untagged, [8, 10]);
    // The first of each class, then the second: [14, 12], [17, 20, 18] and [22, 21]; then the one
    // of the half of B, which saw no other class.
    assert_eq!(cohorts.hosts, [14, 17, 22, 20, 12, 21, 18, 23]);

    // Where B compared with other classes, its half gives no hosts.
    let mut compared = pair_of(&evidence, 0, &POLICY);
    compared.contrast = Some(Contrast {
        present: 10,
        absent: 10,
        difference: Estimate {
            value: 0.5,
            low: 0.4,
            high: 0.6,
        },
        min_effect: 0.1,
        baseline: ContrastBaseline::OtherClasses,
        p: 0.01,
    });
    let hosts = evidence.cohorts(&compared).hosts;
    assert_eq!(hosts, [14, 17, 22, 20, 12, 21, 18]);

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
        let pairs = evidence_of(&[photo]).pairs(&names(), &POLICY);
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
pub fn class_row(class: u32, region: &str, kind: &str) -> ClassRow {
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
    finding_with(
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
    finding_with(
        label,
        region,
        verdict,
        FindingEvidence::Confounder(evidence),
    )
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
        assert_eq!(open_at_or_above(&findings, verdict), expected, "{verdict}");
    }

    let expected = BTreeMap::from([
        (Verdict::Confirmed, 1),
        (Verdict::Candidate, 3),
        (Verdict::DataRisk, 1),
        (Verdict::None, 1),
    ]);
    assert_eq!(count_verdicts(&findings), expected);
}

/// C with the rates of insertion and removal.
fn with_rates(insertion: Option<Estimate>, removal: Option<Estimate>) -> Intervention {
    let margin = estimate(3.0, 2.5, 3.5);
    let synthetic = InsertionControl::SyntheticPatch;
    intervention(
        insertion.map(|rate| effect(synthetic, margin, rate)),
        removal.map(|rate| effect(RemovalFill::Imputed, margin, rate)),
    )
}

/// A class that shows the region in a quarter of its groups.
pub fn tested_pair(intervention: Option<Intervention>) -> Pair {
    Pair {
        label: "class 0".into(),
        class: 0,
        region: "tag".into(),
        tagged: 40,
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
        contrast_missing: None,
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
            Some(with_rates(flips(0.3, 0.1), None)),
            (Some(0.3), fraction),
            Some(Severity::High),
        ),
        (
            "removal",
            Some(with_rates(None, flips(0.3, 0.2))),
            (Some(0.3), fraction),
            Some(Severity::High),
        ),
        (
            "removal, a little less",
            Some(with_rates(None, flips(0.3, 0.198))),
            (Some(0.3), fraction),
            Some(Severity::Medium),
        ),
        (
            "insertion does more",
            Some(with_rates(flips(0.4, 0.2), flips(0.3, 0.2))),
            (Some(0.4), fraction),
            Some(Severity::Critical),
        ),
        (
            "removal does more",
            Some(with_rates(flips(0.1, 0.04), flips(0.9, 0.8))),
            (Some(0.9), fraction),
            Some(Severity::Critical),
        ),
        (
            "neither side",
            Some(with_rates(None, None)),
            (Some(2.0), EffectUnit::Logit),
            Some(Severity::Low),
        ),
    ] {
        let pair = tested_pair(intervention);
        let finding = finding_of(&row, &pair, &POLICY);
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
    let findings = findings(&rows, &rows, &[tested_pair(None)], &POLICY);
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
        pair.class = class;
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
    let findings = findings(&rows, &rows, &pairs, &POLICY);

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

/// A reason is given where A holds, unless B or the view rules C out.
#[test]
fn pairs_that_need_no_intervention_have_no_reason_for_its_absence() {
    let row = class_row(0, "tag", "confounder");
    let out_of_view = ClassRow {
        visible_mean: Some(0.4),
        ..row.clone()
    };
    let screened = tested_pair(None);
    // The smallest effect that counts is 0.15.
    let with_contrast = |low: f64, high: f64| {
        let mut pair = screened.clone();
        let difference = estimate(0.05, low, high);
        pair.contrast = pair.contrast.map(|b| Contrast {
            p: 0.9,
            difference,
            ..b
        });
        pair
    };
    let (undecided, negative) = (with_contrast(-0.1, 0.2), with_contrast(0.0, 0.1));
    let mut missing = screened.clone();
    (missing.contrast, missing.contrast_missing) = (None, Some(ContrastMissing::SubCell));
    let mut few = missing.clone();
    few.tagged = 29;
    let mut unassociated = screened.clone();
    unassociated.association = None;

    let limit = NotTested::CandidateLimit { max_candidates: 10 };
    let groups = NotTested::TooFewGroups { needed: 30 };
    for (name, row, pair, expected) in [
        ("A and B", &row, &screened, Some(limit)),
        ("A, and B is missing", &row, &missing, Some(limit)),
        ("the same with few groups", &row, &few, Some(groups)),
        ("A, and B excludes nothing", &row, &undecided, Some(limit)),
        ("A, and B excludes an effect", &row, &negative, None),
        ("A and B, out of view", &out_of_view, &screened, None),
        ("B alone", &row, &unassociated, None),
    ] {
        let not_tested = finding_of(row, pair, &POLICY).not_tested;
        assert_eq!(not_tested, expected, "{name}");
    }
}

/// Where B cannot be had A alone is enough for C; without C the verdict is a risk in the data.
#[test]
fn a_region_without_a_contrast_needs_an_intervention() {
    let few = |groups| ContrastMissing::FewWithRegion { groups, needed: 10 };
    let without = |tagged: u32, missing| {
        let mut pair = tested_pair(None);
        (pair.tagged, pair.contrast, pair.contrast_missing) = (tagged, None, Some(missing));
        pair
    };
    let row = class_row(0, "tag", "confounder");
    let low_mass = ClassRow {
        low_mass: 50,
        ..row.clone()
    };
    for (row, pair, tested, verdict) in [
        (
            &row,
            without(40, ContrastMissing::SubCell),
            true,
            Verdict::DataRisk,
        ),
        (
            &row,
            without(30, ContrastMissing::NoMirrorImage),
            true,
            Verdict::DataRisk,
        ),
        (&row, without(29, few(9)), false, Verdict::DataRisk),
        (&row, without(9, few(4)), false, Verdict::Insufficient),
        (&low_mass, without(40, few(9)), true, Verdict::DataRisk),
        (&low_mass, tested_pair(None), true, Verdict::Candidate),
        (&row, tested_pair(None), true, Verdict::Candidate),
    ] {
        let name = format!("{:?} of {}", pair.contrast_missing, pair.tagged);
        let chosen = candidates(
            std::slice::from_ref(row),
            std::slice::from_ref(&pair),
            &POLICY,
        );
        assert_eq!(chosen.tested.len(), usize::from(tested), "{name}");
        assert_eq!(finding_of(row, &pair, &POLICY).verdict, verdict, "{name}");
    }
}
