//! Overlays: effects on every class, the rule that names a shortcut, and networks with the same
//! head at other scales.

use crate::support::{audit, demo_text, fixtures, json, numbers, parquet, plan, texts};
use camaudit::dataset::LabelMap;
use camaudit::evidence::{OverlaidHost, OverlayEffect, overlay_effects};
use camaudit::finding::{
    Estimate, Finding, FindingEvidence, OverlayControl, OverlayEvidence, Severity, Verdict,
};
use camaudit::model::Head;
use camaudit::plan::Verdicts as Policy;
use camaudit::verdict::overlay_findings;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The documented defaults of `[verdict]`.
fn defaults() -> Policy {
    let folder = tempfile::tempdir().expect("folder");
    plan(folder.path(), "defaults", &demo_text("shortcut.onnx"), &[]).verdict
}

fn golden() -> Value {
    json(&fixtures().join("golden/overlays.json"))
}

fn list(value: &Value) -> Vec<f64> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_f64).collect()
}

/// `logits[variant][host][class]`: as they are, with the overlay, with the two controls.
fn hosts_of(logits: &Value) -> Vec<OverlaidHost> {
    let variant = |i: usize, host: usize| -> Vec<f32> {
        list(&logits[i][host]).iter().map(|&z| z as f32).collect()
    };
    let count = logits[0].as_array().map_or(0, Vec::len);
    let hosts = (0..count).map(|host| OverlaidHost {
        clean: variant(0, host),
        with: variant(1, host),
        controls: [variant(2, host), variant(3, host)],
    });
    hosts.collect()
}

fn head_of(case: &Value) -> Head {
    let classes = case["expected"].as_array().map_or(0, Vec::len);
    match case["head"].as_str() {
        Some("softmax") => Head::Softmax { classes },
        _ => Head::Sigmoid,
    }
}

/// SciPy and statsmodels by `fixtures/make_statistics.py`: four classes, twelve, a hundred (entry
/// into the five highest), and a sigmoid head.
#[test]
fn the_effects_are_those_of_scipy() {
    let close = |actual: f64, expected: f64, what: &str| {
        let tolerance = 1e-7 * expected.abs().max(1.0);
        assert!(
            (actual - expected).abs() <= tolerance,
            "{what}: {actual}, expected {expected}"
        );
    };
    let golden = golden();
    let cases = golden["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 4);
    for case in cases {
        let policy = Policy {
            causal_fraction: case["fraction"].as_f64().expect("fraction"),
            ..defaults()
        };
        let effects = overlay_effects(&hosts_of(&case["logits"]), head_of(case), &policy);
        let expected = case["expected"].as_array().expect("effects");
        assert_eq!(effects.len(), expected.len());
        for (effect, expected) in effects.iter().zip(expected) {
            let name = format!("{} of {} classes", effect.class, effects.len());
            assert_eq!(Some(effect.class as u64), expected["class"].as_u64());
            assert_eq!(
                effect.top_k.map(u64::from),
                case["top_k"].as_u64(),
                "{name}"
            );
            for (estimate, key) in [(effect.rise, "rise"), (effect.rate, "rate")] {
                let figures = [estimate.value, estimate.low, estimate.high];
                for (actual, expected) in figures.iter().zip(list(&expected[key])) {
                    close(*actual, expected, &format!("{name}, {key}"));
                }
            }
            for (actual, key) in [
                (effect.min_effect, "least"),
                (effect.z, "z"),
                (effect.p, "p"),
                (effect.q, "q"),
            ] {
                let expected = expected[key].as_f64().expect("a number");
                close(actual, expected, &format!("{name}, {key}"));
            }
            let counts = |counts: [u32; 2]| counts.map(f64::from).to_vec();
            assert_eq!(counts(effect.entries), list(&expected["entries"]), "{name}");
            assert_eq!(
                counts(effect.predicted),
                list(&expected["predicted"]),
                "{name}"
            );
            let control = expected["control"].as_u64().expect("control") as usize;
            assert_eq!(effect.control, OverlayControl::ALL[control], "{name}");
        }
    }
}

/// Equal logits: the first classes are the highest ones, as for predictions.
#[test]
fn of_equal_logits_the_first_are_the_highest() {
    let host = OverlaidHost {
        clean: vec![0.0; 100],
        with: vec![0.0; 100],
        controls: [vec![0.0; 100], vec![0.0; 100]],
    };
    let hosts = vec![host; 3];
    let effects = overlay_effects(&hosts, Head::Softmax { classes: 100 }, &defaults());
    let entered: Vec<usize> = effects
        .iter()
        .filter(|effect| effect.entries == [3, 3])
        .map(|effect| effect.class)
        .collect();
    assert_eq!(entered, [0, 1, 2, 3, 4]);
    assert_eq!(effects[0].predicted, [3, 3]);
    assert_eq!(effects[1].predicted, [0, 0]);
}

#[test]
fn an_overlay_needs_two_hosts_and_a_spread_of_rises_for_z() {
    let host = OverlaidHost {
        clean: vec![0.0; 3],
        with: vec![1.0, 1.0, 9.0],
        controls: [vec![0.0; 3], vec![0.0; 3]],
    };
    let policy = defaults();
    assert!(overlay_effects(&[], Head::Sigmoid, &policy).is_empty());
    assert!(overlay_effects(std::slice::from_ref(&host), Head::Sigmoid, &policy).is_empty());

    let effects = overlay_effects(&[host.clone(), host], Head::Sigmoid, &policy);
    let classes: Vec<usize> = effects.iter().map(|effect| effect.class).collect();
    assert_eq!(classes, [2, 0, 1], "equal rises in order of class");
    assert!(effects.iter().all(|effect| effect.z == 0.0));
}

/// The smallest net rate whose lower bound reaches `causal_rate`, by the same script.
#[test]
fn few_hosts_can_show_large_rates_only() {
    let host = OverlaidHost {
        clean: vec![0.0, 1.0],
        with: vec![0.0, 1.0],
        controls: [vec![0.0, 1.0], vec![0.0, 1.0]],
    };
    let shown = &golden()["detectable_rate"];
    for (hosts, rate) in shown.as_object().expect("rates") {
        let count = hosts.parse().expect("a count");
        let effects = overlay_effects(&vec![host.clone(); count], Head::Sigmoid, &defaults());
        assert_eq!(effects[0].detectable_rate, rate.as_f64(), "{hosts} hosts");
    }
    let strict = Policy {
        causal_rate: 0.9,
        ..defaults()
    };
    let effects = overlay_effects(&vec![host; 4], Head::Sigmoid, &strict);
    assert_eq!(effects[0].detectable_rate, None);
}

/// An effect that reaches every threshold by far.
fn effect(class: usize) -> OverlayEffect {
    let estimate = |value, low, high| Estimate { value, low, high };
    OverlayEffect {
        class,
        hosts: 150,
        rise: estimate(6.0, 5.0, 7.0),
        control: OverlayControl::Synthetic,
        min_effect: 0.3,
        z: 9.0,
        p: 1e-9,
        q: 1e-7,
        top_k: Some(5),
        entries: [48, 3],
        rate: estimate(0.3, 0.15, 0.4),
        predicted: [30, 2],
        detectable_rate: Some(0.06),
    }
}

/// An effect that reaches none.
fn no_effect(class: usize) -> OverlayEffect {
    OverlayEffect {
        rise: Estimate {
            value: 0.0,
            low: -0.1,
            high: 0.1,
        },
        z: 0.0,
        p: 1.0,
        q: 1.0,
        entries: [3, 3],
        rate: Estimate {
            value: 0.0,
            low: -0.03,
            high: 0.03,
        },
        ..effect(class)
    }
}

fn findings_of(effects: &[OverlayEffect], policy: &Policy) -> Vec<Finding> {
    let names: Vec<String> = (0..effects.len())
        .map(|class| format!("class {class:02}"))
        .collect();
    let labels = LabelMap::without_model(names.iter());
    overlay_findings("stamp", effects, &labels, policy)
}

fn evidence_of(finding: &Finding) -> OverlayEvidence {
    match finding.evidence {
        FindingEvidence::Overlay(evidence) => evidence,
        _ => panic!("{:?}", finding.evidence),
    }
}

/// The verdict on the first class, beside others without an effect.
fn verdict_among(classes: usize, first: OverlayEffect, policy: &Policy) -> Verdict {
    let mut effects = vec![first];
    effects.extend((1..classes).map(no_effect));
    findings_of(&effects, policy)[0].verdict
}

/// shortcut_z, confirming_q and causal_rate.
#[test]
fn either_side_of_every_threshold_of_overlays() {
    let policy = Policy {
        shortcut_z: 3.5,
        confirming_q: 0.04,
        causal_rate: 0.06,
        ..defaults()
    };
    let with = |z: f64, q: f64, low: f64| {
        let mut effect = effect(0);
        (effect.z, effect.q, effect.rate.low) = (z, q, low);
        effect
    };
    for (name, classes, effect, expected) in [
        ("on all", 12, with(3.5, 0.04, 0.06), Verdict::ModelShortcut),
        ("shortcut_z", 12, with(3.4999, 0.04, 0.06), Verdict::None),
        ("confirming_q", 12, with(3.5, 0.0401, 0.06), Verdict::None),
        ("causal_rate", 12, with(3.5, 0.04, 0.0599), Verdict::None),
        ("ten classes", 10, with(3.4999, 0.04, 0.06), Verdict::None),
        (
            "nine classes",
            9,
            with(0.0, 0.04, 0.06),
            Verdict::ModelShortcut,
        ),
        (
            "nine, confirming_q",
            9,
            with(9.0, 0.0401, 0.06),
            Verdict::None,
        ),
        (
            "nine, causal_rate",
            9,
            with(9.0, 0.04, 0.0599),
            Verdict::None,
        ),
    ] {
        assert_eq!(verdict_among(classes, effect, &policy), expected, "{name}");
    }
}

#[test]
fn the_defaults_are_those_of_the_method() {
    let policy = defaults();
    let figures = [
        policy.shortcut_z,
        policy.causal_fraction,
        policy.causal_rate,
        policy.confirming_q,
    ];
    assert_eq!(figures, [4.0, 0.1, 0.02, 0.05]);
}

/// The first five classes are listed, and all that rise and stand out: the eighth, which enters,
/// and the ninth, which does not.
#[test]
fn the_findings_of_an_overlay_have_a_rank() {
    let mut effects: Vec<OverlayEffect> = (0..12).map(no_effect).collect();
    effects[0] = effect(0);
    effects[7] = effect(7);
    effects[8] = OverlayEffect {
        rate: no_effect(8).rate,
        ..effect(8)
    };

    let policy = defaults();
    let mut listed = Vec::new();
    for finding in findings_of(&effects, &policy) {
        let evidence = evidence_of(&finding);
        assert_eq!((evidence.classes, evidence.thresholds.z), (12, Some(4.0)));
        listed.push((
            evidence.rank,
            finding.class,
            finding.verdict,
            finding.severity,
        ));
    }
    let none = |rank: u32| (rank, rank - 1, Verdict::None, None);
    let shortcut = |rank: u32| (rank, rank - 1, Verdict::ModelShortcut, Some(Severity::High));
    assert_eq!(
        listed,
        [
            shortcut(1),
            none(2),
            none(3),
            none(4),
            none(5),
            shortcut(8),
            none(9)
        ]
    );
}

/// Hosts of twelve classes. With the overlay, class 1 rises and enters, class 2 rises too little to
/// enter, class 3 rises against one control only, class 4 rises by less than the smallest effect.
fn planted_hosts(scale: f32) -> Vec<OverlaidHost> {
    // A linear congruential generator: the same hosts on every machine.
    let mut state = 3_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let mut hosts = Vec::new();
    for host in 0..150 {
        let mut clean: Vec<f32> = (0..12).map(|_| 3.0 * noise()).collect();
        clean[5 + host % 7] += 4.0;
        let mut variant = |rises: [f32; 4]| {
            let mut logits: Vec<f32> = clean.iter().map(|z| z + 0.2 * noise()).collect();
            for (rise, logit) in rises.iter().zip(&mut logits[1..5]) {
                *logit += rise;
            }
            logits.iter().map(|z| z * scale).collect()
        };
        let with = variant([3.0, 0.9, 3.0, 0.03]);
        let controls = [variant([0.0; 4]), variant([0.0, 0.0, 3.0, 0.0])];
        hosts.push(OverlaidHost {
            clean: clean.iter().map(|z| z * scale).collect(),
            with,
            controls,
        });
    }
    hosts
}

/// W and b times a constant: the same verdicts, and the same classes are listed.
#[test]
fn the_scale_of_a_head_changes_no_verdict() {
    let policy = defaults();
    for head in [Head::Softmax { classes: 12 }, Head::Sigmoid] {
        let verdicts_at = |scale: f32| {
            let effects = overlay_effects(&planted_hosts(scale), head, &policy);
            let findings = findings_of(&effects, &policy);
            let rows = findings.iter().map(|f| {
                let evidence = evidence_of(f);
                (f.class, f.verdict, evidence.rises(), evidence.stands_out())
            });
            rows.collect::<Vec<_>>()
        };
        let expected = verdicts_at(1.0);
        assert_eq!(
            expected[0],
            (1, Verdict::ModelShortcut, true, true),
            "{head:?}"
        );
        let second = expected
            .iter()
            .find(|(class, ..)| *class == 2)
            .expect("class 2");
        assert!(second.2 && second.3, "{head:?}: {second:?}");
        let shortcuts = expected
            .iter()
            .filter(|row| row.1 == Verdict::ModelShortcut);
        if head != Head::Sigmoid {
            assert_eq!(shortcuts.count(), 1, "{expected:?}");
        }
        for scale in [0.01, 0.1, 10.0, 100.0] {
            assert_eq!(verdicts_at(scale), expected, "{head:?} times {scale}");
        }
    }
}

/// Against each control: class 3 rises against one only, class 4 by too little.
#[test]
fn a_class_must_rise_against_each_control_by_the_smallest_effect() {
    let policy = defaults();
    let effects = overlay_effects(&planted_hosts(1.0), Head::Softmax { classes: 12 }, &policy);
    let of_class = |class: usize| {
        let mut found = effects.iter().filter(|effect| effect.class == class);
        *found.next().expect("the class")
    };
    assert!(of_class(3).q > 0.5, "{:?}", of_class(3));
    assert_eq!(of_class(3).control, OverlayControl::Synthetic);
    assert!(of_class(3).z < 4.0, "{:?}", of_class(3));

    // A sigmoid head: the other classes do not move the mean.
    let fourth = |causal_fraction: f64| {
        let policy = Policy {
            causal_fraction,
            ..defaults()
        };
        let effects = overlay_effects(&planted_hosts(1.0), Head::Sigmoid, &policy);
        let mut found = effects.into_iter().filter(|effect| effect.class == 4);
        found.next().expect("class 4")
    };
    let (usual, none) = (fourth(0.1), fourth(0.0));
    assert!(usual.rise.value < usual.min_effect, "{usual:?}");
    assert!(usual.q > 0.05, "{usual:?}");
    assert_eq!(none.min_effect, 0.0);
    assert!(none.q < 0.05, "{none:?}");
}

/// The demo's network with every weight and bias of the head times a number.
fn scaled_model(folder: &Path, scale: f32) -> PathBuf {
    let mut bytes = std::fs::read(fixtures().join("models/shortcut.onnx")).expect("model");
    for (name, length) in [("fc.weight", 576_usize), ("fc.bias", 12)] {
        // Name and data of a tensor: fields 8 and 9 of TensorProto, each with its length.
        let mut start = vec![0x42, name.len() as u8];
        start.extend(name.bytes());
        start.push(0x4a);
        if length >= 128 {
            start.extend([(length % 128) as u8 | 0x80, (length / 128) as u8]);
        } else {
            start.push(length as u8);
        }
        let found = bytes
            .windows(start.len())
            .position(|window| window == start);
        let from = found.unwrap_or_else(|| panic!("{name}")) + start.len();
        for number in bytes[from..from + length].chunks_exact_mut(4) {
            let value = f32::from_le_bytes([number[0], number[1], number[2], number[3]]);
            number.copy_from_slice(&(value * scale).to_le_bytes());
        }
    }
    let file = folder.join(format!("times{scale}.onnx"));
    std::fs::write(&file, bytes).expect("write the model");
    file
}

/// The whole audit, on a network whose head is scaled: the tag as an overlay.
#[test]
fn an_audit_of_a_scaled_head_has_the_same_verdicts() {
    let folder = tempfile::tempdir().expect("folder");
    let stamp = stamp(folder.path());
    let verdicts_at = |scale: f32| {
        let model = scaled_model(folder.path(), scale);
        let text = demo_text(model.to_str().expect("a path"))
            + &format!("[[region]]\nname = \"stamp\"\noverlay = {{ picture = {stamp:?} }}\n");
        let set = ["verdict.max_candidates=0", "verdict.hosts_max=60"];
        let plan = plan(folder.path(), &format!("times{scale}"), &text, &set);
        let run = audit(&plan).folder;
        let found = parquet(&run.join("findings.parquet"));
        let rows = texts(&found, "kind").into_iter().enumerate();
        let mut verdicts = Vec::new();
        for (row, _) in rows.filter(|(_, kind)| kind == "overlay") {
            let label = texts(&found, "label")[row].clone();
            let entries = numbers(&found, "entries")[row];
            let verdict = texts(&found, "verdict")[row].clone();
            verdicts.push((label, verdict, entries));
        }
        verdicts.sort_by(|a, b| a.0.cmp(&b.0));
        verdicts
    };
    let expected = verdicts_at(1.0);
    let verdicts: Vec<&str> = expected.iter().map(|(_, v, _)| v.as_str()).collect();
    assert_eq!(verdicts, ["none", "none", "model_shortcut"]);
    for scale in [0.1, 10.0] {
        assert_eq!(verdicts_at(scale), expected, "times {scale}");
    }
}

/// The tag of one photo of the demo, as a picture that is transparent elsewhere.
fn stamp(folder: &Path) -> PathBuf {
    let boxes = std::fs::read_to_string(fixtures().join("horses.boxes.csv")).expect("boxes");
    let line = boxes.lines().find(|line| line.contains(",source-tag,"));
    let fields: Vec<&str> = line.expect("a tag").split(',').collect();
    let [x0, y0, x1, y1] =
        [2, 3, 4, 5].map(|i: usize| fields[i].parse::<f64>().expect("a number") as u32);
    let photo = image::open(fixtures().join("horses").join(fields[0])).expect("photo");
    let mut picture = photo.to_rgba8();
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        if !((x0..x1).contains(&x) && (y0..y1).contains(&y)) {
            *pixel = image::Rgba([0, 0, 0, 0]);
        }
    }
    let file = folder.join("stamp.png");
    picture.save(&file).expect("picture");
    file
}

/// Fewer than 130 hosts: the finding says which rate they could have shown.
#[test]
fn few_hosts_are_told_in_the_findings() {
    let folder = tempfile::tempdir().expect("folder");
    let stamp = stamp(folder.path());
    let text = demo_text("clean.onnx")
        + &format!("[[region]]\nname = \"stamp\"\noverlay = {{ picture = {stamp:?} }}\n");
    let run = audit(&plan(
        folder.path(),
        "few",
        &text,
        &["verdict.hosts_max=40"],
    ))
    .folder;
    let found = parquet(&run.join("findings.parquet"));
    let overlays = texts(&found, "kind").into_iter().enumerate();
    let rows: Vec<usize> = overlays
        .filter(|(_, kind)| kind == "overlay")
        .map(|(row, _)| row)
        .collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(numbers(&found, "hosts")[row], Some(40.0));
        assert_eq!(numbers(&found, "detectable_rate")[row], Some(0.15));
        assert_eq!(numbers(&found, "top_k")[row], Some(1.0));
        let sentence = &texts(&found, "sentence")[row];
        let power = "40 images can show a net rate of 15.0 % or more";
        assert!(sentence.ends_with(power), "{sentence}");
        assert!(sentence.contains("no shortcut: "), "{sentence}");
    }
}
