//! A and B in numbers, and the images that take part in C.

use crate::decision::{defaults, finding_of};
use crate::evidence::{
    POLICY, SEED, check_estimate, check_number, class_row, evidence_of, groups_of_half, in_group,
    pair_of, photo, photos_for_c, tagged, tagged_sub_cell, with_contrast, with_map,
};
use crate::support::{fixtures, json};
use camaudit::evidence::Evidence;
use camaudit::finding::{
    ContrastBaseline, ContrastMissing, FigureRole, GroupCount, MapTarget, Verdict,
};
use camaudit::plan::Verdicts as Policy;
use camaudit::score::Measurement;

/// 13 of 35 groups of class 0, and none of 12 and 8 of two others, in both halves: A holds. Half of
/// them would not show it. Figures by SciPy and statsmodels.
#[test]
fn association_counts_the_groups_of_both_halves() {
    let mut photos = Vec::new();
    let mut id = 0;
    for (class, present, groups) in [(0, 13, 35), (1, 0, 12), (2, 0, 8)] {
        for i in 0..groups {
            // A second photo of the group, without the region, changes nothing.
            let name = format!("group {i}");
            let first = in_group(photo(id, class), &name);
            photos.push(if i < present { tagged(first) } else { first });
            photos.push(in_group(photo(id + 1, class), &name));
            id += 2;
        }
    }
    // The map of another class does not count as an image of that class.
    let other = in_group(photo(id, 1), "group 0");
    photos.push(with_map(other, MapTarget::Baseline, 0));

    let pair = pair_of(&evidence_of(&photos), 0, &defaults());
    let association = pair.association.expect("A");
    let count = |present, groups| GroupCount { present, groups };
    assert_eq!(association.in_class, count(13, 35));
    assert_eq!(association.in_others, count(0, 20));
    assert_eq!(pair.tagged, 13);

    let golden = json(&fixtures().join("golden/statistics.json"));
    let mut tables = golden["tables"].as_array().expect("tables").iter();
    let case = tables.find(|case| case["table"] == serde_json::json!([13, 35, 0, 20]));
    let case = case.expect("the case");
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let [low, high] = [0_usize, 1].map(|i| number(&case["newcombe"][i]));
    check_estimate(
        association.difference,
        [13.0 / 35.0, low, high],
        "difference",
    );
    check_number(association.p, number(&case["fisher"]), "p");

    let finding = finding_of(&class_row(0, "tag", "confounder"), &pair, &defaults());
    assert_eq!(finding.verdict, Verdict::DataRisk, "A alone");
}

#[test]
fn association_names_the_largest_rate_of_a_single_other_class() {
    let mut photos = Vec::new();
    let mut id = 0;
    for (class, present, groups) in [(0, 4, 6), (1, 1, 5), (2, 4, 8)] {
        for i in 0..groups {
            let photo = photo(id, class);
            photos.push(if i < present { tagged(photo) } else { photo });
            id += 1;
        }
    }
    let association = pair_of(&evidence_of(&photos), 0, &POLICY).association;
    check_number(
        association.expect("A").worst_other,
        0.5,
        "worst other class",
    );
}

#[test]
fn association_needs_groups_of_the_class_and_of_others() {
    let screening = &groups_of_half(true, 1)[0];
    let testing = &groups_of_half(false, 1)[0];
    let mut photos = vec![in_group(tagged(photo(1, 0)), screening)];
    let alone = pair_of(&evidence_of(&photos), 0, &POLICY);
    assert!(alone.association.is_none(), "no other class");

    photos.push(in_group(photo(2, 1), testing));
    let evidence = evidence_of(&photos);
    for class in [0, 1] {
        let association = pair_of(&evidence, class, &POLICY).association;
        assert!(association.is_some(), "class {class}: each is in one half");
    }
}

/// Photos of class 0: with the region, with a mean contrast of 2.5, 1.75 and 2.25 by group; without
/// it, of 0.25, 0.5, -0.25 and 0.125.
fn contrasts() -> Vec<Measurement> {
    let names = groups_of_half(true, 7);
    let testing = groups_of_half(false, 2);
    let with_region = [
        (&names[0], Some(2.0)),
        (&names[0], Some(3.0)),
        (&names[0], None),
        (&names[1], Some(1.75)),
        (&names[2], Some(2.25)),
        (&testing[0], Some(99.0)),
    ];
    let without_region = [
        (&names[3], Some(0.25)),
        (&names[4], Some(0.5)),
        (&names[5], Some(-0.25)),
        (&names[6], Some(0.125)),
        (&testing[1], Some(-99.0)),
    ];
    let mut photos = Vec::new();
    for (id, (name, contrast)) in (0..).zip(with_region) {
        let photo = in_group(tagged(photo(id, 0)), name);
        photos.push(with_contrast(photo, contrast));
    }
    for (id, (name, contrast)) in (100..).zip(without_region) {
        photos.push(with_contrast(in_group(photo(id, 0), name), contrast));
    }
    photos
}

fn at_least(baseline_min: u32) -> Policy {
    Policy {
        baseline_min,
        ..POLICY
    }
}

#[test]
fn contrast_compares_group_means_of_the_screening_half() {
    let evidence = evidence_of(&contrasts());
    let contrast = pair_of(&evidence, 0, &at_least(3)).contrast.expect("B");
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

/// Images of other classes under the same class's map, each with a contrast.
fn of_other_classes(contrasts: &[f64]) -> Vec<Measurement> {
    let names = groups_of_half(true, contrasts.len());
    let mut photos = Vec::new();
    for ((id, name), contrast) in (200..).zip(&names).zip(contrasts) {
        let other = with_contrast(in_group(photo(id, 1), name), Some(*contrast));
        photos.push(with_map(other, MapTarget::Baseline, 0));
    }
    // These maps count for nothing: with the region, or of the class predicted by mistake.
    let other_tagged = with_contrast(tagged(photo(300, 1)), Some(50.0));
    photos.push(with_map(other_tagged, MapTarget::Baseline, 0));
    let predicted = with_contrast(photo(301, 1), Some(50.0));
    photos.push(with_map(predicted, MapTarget::Predicted, 0));
    photos
}

/// Other classes are the baseline where fewer than `baseline_min` groups lack the region.
#[test]
fn contrast_of_a_class_with_few_untagged_groups() {
    let mut photos = contrasts();
    // Two of the four groups without the region are left.
    photos.retain(|photo| !matches!(photo.image.id.0, 102 | 103));
    photos.extend(of_other_classes(&[1.0, 1.0, 1.0, 1.0, 2.0]));
    let evidence = evidence_of(&photos);
    for (needed, baseline, absent, mean) in [
        (2, ContrastBaseline::Label, 2, 0.375),
        (3, ContrastBaseline::OtherClasses, 5, 1.2),
    ] {
        let contrast = pair_of(&evidence, 0, &at_least(needed))
            .contrast
            .expect("B");
        assert_eq!(
            (contrast.baseline, contrast.absent),
            (baseline, absent),
            "{needed}"
        );
        // (2.5 + 1.75 + 2.25) / 3 less the mean of the baseline
        check_number(contrast.difference.value, 6.5 / 3.0 - mean, "difference");
    }
}

/// Each reason, and the nearest facts that have a contrast.
#[test]
fn contrast_is_missing_for_a_reason() {
    let missing_of = |photos: &[Measurement], needed| {
        let pair = pair_of(&evidence_of(photos), 0, &at_least(needed));
        assert_eq!(pair.contrast.is_some(), pair.contrast_missing.is_none());
        pair.contrast_missing
    };
    let with_region = |groups, needed| Some(ContrastMissing::FewWithRegion { groups, needed });
    let without_region =
        |groups, needed| Some(ContrastMissing::FewWithoutRegion { groups, needed });
    let all = contrasts();
    assert_eq!(missing_of(&all, 3), None);
    assert_eq!(missing_of(&all, 4), with_region(3, 4));

    // Two groups without the region are left; other classes have fewer, as many, and enough.
    let mut few = all.clone();
    few.retain(|photo| !matches!(photo.image.id.0, 102 | 103));
    assert_eq!(missing_of(&few, 3), without_region(2, 3));
    let with_others = |contrasts: &[f64]| [few.clone(), of_other_classes(contrasts)].concat();
    assert_eq!(missing_of(&with_others(&[1.0]), 3), without_region(2, 3));
    assert_eq!(
        missing_of(&with_others(&[1.0, 2.0]), 3),
        without_region(2, 3)
    );
    assert_eq!(missing_of(&with_others(&[1.0, 2.0, 3.0]), 3), None);

    // Every mirror image meets something in one of three groups.
    let mut no_mirror = all.clone();
    no_mirror[4] = with_contrast(no_mirror[4].clone(), None);
    assert_eq!(
        missing_of(&no_mirror, 3),
        Some(ContrastMissing::NoMirrorImage)
    );
    assert_eq!(missing_of(&no_mirror, 2), None);

    // Too small in one of three groups, in two, and in some photos of a group.
    let mut small = all.clone();
    small[4] = with_contrast(tagged_sub_cell(small[4].clone()), None);
    assert_eq!(
        missing_of(&small, 3),
        Some(ContrastMissing::NoMirrorImage),
        "in one group"
    );
    small[0] = with_contrast(tagged_sub_cell(small[0].clone()), None);
    assert_eq!(
        missing_of(&small, 2),
        None,
        "in some photos of a second group"
    );
    small[3] = with_contrast(tagged_sub_cell(small[3].clone()), None);
    assert_eq!(
        missing_of(&small, 3),
        Some(ContrastMissing::SubCell),
        "in two groups"
    );
    assert_eq!(missing_of(&small, 1), Some(ContrastMissing::SubCell));
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

/// The median of the centred logits of the class's own images, 6, times 0.25. Maps of other classes
/// have larger logits, which do not count; a negative median counts as 0.
#[test]
fn the_smallest_contrast_is_a_part_of_the_logits_of_the_classs_own_maps() {
    let policy = Policy {
        contrast_fraction: 0.25,
        ..POLICY
    };
    let min_effect = |sign: f64| {
        let names = groups_of_half(true, 4);
        let mut photos = Vec::new();
        for (id, (name, logit)) in (0..).zip(names.iter().zip([2.0, 4.0, 8.0, 10.0])) {
            let mut own = in_group(photo(id, 0), name);
            own.maps[0].centred_logit = sign * logit;
            let mut both = with_map(own, MapTarget::Baseline, 1);
            both.maps[1].centred_logit = 100.0;
            photos.push(if id % 2 == 0 { tagged(both) } else { both });
        }
        let pair = pair_of(&evidence_of(&photos), 0, &policy);
        pair.contrast.expect("B").min_effect
    };
    check_number(min_effect(1.0), 1.5, "smallest effect");
    check_number(min_effect(0.01), 0.015, "nothing absolute");
    check_number(min_effect(-1.0), 0.0, "negative logits");
}

/// Multiplying the head by a constant changes no p-value and no verdict, and scales the rest.
#[test]
fn the_scale_of_the_head_has_no_influence_on_a_contrast() {
    let names = groups_of_half(true, 24);
    let under = |scale: f64| {
        let mut photos = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let present = i % 2 == 0;
            let contrast = f64::from(u8::from(present)) + (i * i % 7) as f64 / 4.0;
            let mut photo = in_group(photo(i as u128, 0), name);
            photo = with_contrast(photo, Some(scale * contrast));
            for map in &mut photo.maps {
                map.centred_logit = scale * (5.0 + i as f64 / 8.0);
            }
            photos.push(if present { tagged(photo) } else { photo });
        }
        for i in 100..200 {
            photos.push(photo(i, 1));
        }
        pair_of(&evidence_of(&photos), 0, &defaults())
    };
    let pair = under(1.0);
    let contrast = pair.contrast.expect("B");
    assert!(contrast.p > 1e-5 && contrast.p < 0.1, "{}", contrast.p);
    let row = class_row(0, "tag", "confounder");
    let verdict = finding_of(&row, &pair, &defaults()).verdict;
    assert_eq!(verdict, Verdict::Candidate);
    for scale in [0.125, 8.0, 0.1, 10.0] {
        let scaled_pair = under(scale);
        let scaled = scaled_pair.contrast.expect("B");
        assert!(
            (scaled.p - contrast.p).abs() < 1e-9,
            "{scale}: {} {}",
            scaled.p,
            contrast.p
        );
        assert!(
            (scaled.min_effect / scale - contrast.min_effect).abs() < 1e-6,
            "{scale}"
        );
        let low = scaled.difference.low / scale;
        assert!((low - contrast.difference.low).abs() < 1e-6, "{scale}");
        assert_eq!(
            finding_of(&row, &scaled_pair, &defaults()).verdict,
            verdict,
            "{scale}"
        );
    }
}

#[test]
fn hosts_are_images_that_the_model_was_not_trained_on_where_thirty_are() {
    // Of the images that can be hosts, in order of hash, one a group.
    for (untrained, trained, expected, trained_on) in [
        (29, 10, 39, true),
        (30, 10, 30, false),
        (31, 10, 31, false),
        (29, 0, 29, false),
        (0, 5, 5, true),
    ] {
        let names = groups_of_half(false, 60);
        let mut evidence = Evidence::new(SEED);
        for (i, name) in names.iter().take(untrained + trained).enumerate() {
            let host = in_group(photo(i as u128, 1 + i % 3), name);
            evidence.add(&host, i >= untrained);
        }
        // Neither the class's own images nor tagged ones are hosts.
        for (id, name) in (100..).zip(&names) {
            evidence.add(&in_group(tagged(photo(id, 1)), name), false);
            evidence.add(&in_group(photo(100 + id, 0), name), false);
        }
        let cohorts = evidence.cohorts(&pair_of(&evidence, 0, &POLICY));
        let name = format!("{untrained} of {}", untrained + trained);
        assert_eq!(cohorts.hosts.len(), expected, "{name}");
        assert_eq!(cohorts.hosts_trained_on, trained_on, "{name}");
        let all_untrained = cohorts.hosts.iter().all(|id| *id < untrained as u128);
        assert_eq!(all_untrained, !trained_on, "{name}");
    }
}

/// Fewer than thirty hosts are untrained: all take part, in their order by hash.
#[test]
fn hosts_of_a_small_set_are_trained_on_or_not() {
    for untrained in [&[][..], &[12, 18], &[3]] {
        let mut evidence = Evidence::new(SEED);
        for photo in photos_for_c() {
            evidence.add(&photo, !untrained.contains(&photo.image.id.0));
        }
        let cohorts = evidence.cohorts(&pair_of(&evidence, 0, &POLICY));
        assert_eq!(
            cohorts.hosts,
            [14, 17, 22, 20, 12, 21, 18, 23],
            "{untrained:?}"
        );
        assert_eq!(cohorts.tagged, [3, 2, 6], "{untrained:?}");
        assert!(cohorts.hosts_trained_on, "{untrained:?}");
    }
    let none_trained = evidence_of(&photos_for_c());
    let cohorts = none_trained.cohorts(&pair_of(&none_trained, 0, &POLICY));
    assert!(!cohorts.hosts_trained_on);
}

/// Images of which it is not known whether they show the region count as without it in A; B and C
/// leave them out.
#[test]
fn unclear_images_take_no_part_in_b_and_c() {
    let mut photos = Vec::new();
    for (half, first) in [(true, 0), (false, 100)] {
        // Of each half of class 0: 12 with the region, 10 without it, 8 in which it was missed; and
        // 20 of class 1.
        for (id, name) in (first..).zip(groups_of_half(half, 50)) {
            let class = usize::from(id - first >= 30);
            let photo = in_group(photo(id, class), &name);
            photos.push(match id - first {
                0..12 => with_contrast(tagged(photo), Some(2.0 + 0.01 * (id % 3) as f64)),
                22..30 => with_contrast(photo, Some(1.9)),
                _ => with_contrast(photo, Some(0.01 * (id % 3) as f64)),
            });
        }
    }
    let missed = (22..30).chain(122..130).collect();

    let mut evidence = evidence_of(&photos);
    let as_without = pair_of(&evidence, 0, &POLICY);
    let cohorts = evidence.cohorts(&as_without);
    assert_eq!(cohorts.untagged.len(), 18);

    evidence.set_unclear("tag", missed);
    let pair = pair_of(&evidence, 0, &POLICY);
    assert_eq!(pair.association, as_without.association);
    let [with, without] = [&pair, &as_without].map(|pair| pair.contrast.expect("B"));
    assert_eq!((with.present, with.absent), (12, 10));
    assert_eq!((without.present, without.absent), (12, 18));
    assert!(with.difference.value > 1.99, "{with:?}");
    assert!(without.difference.value < 1.3, "{without:?}");

    let cohorts = evidence.cohorts(&pair);
    assert_eq!(cohorts.untagged.len(), 10);
    assert!(cohorts.untagged.iter().all(|id| *id < 122), "{cohorts:?}");
    assert_eq!(cohorts.tagged.len(), 12);
    // Untagged images that are shown are not, once it is unclear what they show.
    let untagged = |evidence: &Evidence| -> Vec<u128> {
        let examples = evidence.examples(&pair).into_iter();
        let untagged = examples.filter(|example| example.role == FigureRole::Untagged);
        untagged.map(|example| example.image).collect()
    };
    let shown = untagged(&evidence);
    assert_eq!(shown.len(), 2);
    evidence.set_unclear("tag", shown.iter().copied().collect());
    let others = untagged(&evidence);
    assert_eq!(others.len(), 2);
    assert!(
        others.iter().all(|image| !shown.contains(image)),
        "{others:?}"
    );
}
