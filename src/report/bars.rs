//! Figures as drawings: estimates with their intervals, and how an effect went over the nights.

use crate::record::FindingRow;
use serde::Serialize;

/// An estimate with its interval on a scale of 0 to 100 %, for drawing.
#[derive(Serialize)]
pub struct Bar {
    name: &'static str,
    title: &'static str,
    text: String,
    /// All in percent of the width.
    zero: f64,
    value: f64,
    low: f64,
    high: f64,
    least: Option<f64>,
}

/// The facts A, B and C with their intervals and thresholds.
pub fn bars(f: &FindingRow) -> Vec<Bar> {
    let mut out = Vec::new();
    let points = |v: f64| format!("{:+.0} points", 100.0 * v);
    let logits = |v: f64| format!("{v:+.2} logits");
    let mut add =
        |name, title, v: [Option<f64>; 3], least: Option<f64>, unit: &dyn Fn(f64) -> String| {
            if let [Some(value), Some(low), Some(high)] = v {
                let least_text =
                    least.map_or(String::new(), |l| format!(", at least {} counts", unit(l)));
                let text = format!(
                    "{} ({} to {}{least_text})",
                    unit(value),
                    unit(low),
                    unit(high)
                );
                out.push(bar(name, title, text, [value, low, high], least));
            }
        };
    add(
        "A",
        "in the data: more often with this class",
        [f.association, f.association_low, f.association_high],
        None,
        &points,
    );
    add(
        "B",
        "evidence at its place, with it against without",
        [f.contrast, f.contrast_low, f.contrast_high],
        f.contrast_least,
        &logits,
    );
    let title = if f.kind == "overlay" {
        "laid over: rise against the stronger control"
    } else {
        "pasted: margin against the strongest control"
    };
    add(
        "C",
        title,
        [f.insertion, f.insertion_low, f.insertion_high],
        f.causal_least,
        &logits,
    );
    add(
        "C",
        "pasted: images that become the class, net",
        [f.flip_rate, f.flip_low, f.flip_high],
        None,
        &points,
    );
    add(
        "C",
        "filled in: margin lost, net",
        [f.removal, f.removal_low, f.removal_high],
        f.causal_least,
        &logits,
    );
    let title = if f.kind == "context" {
        "objects filled in: recall lost"
    } else {
        "filled in: recall lost"
    };
    add("C", title, [f.loss, f.loss_low, f.loss_high], None, &points);
    let title = "objects filled in: still called the class, against other labels' filled images";
    add(
        "C",
        title,
        [f.kept_net, f.kept_net_low, f.kept_net_high],
        None,
        &points,
    );
    out
}

/// Places of an estimate on a line that holds it, its interval, its threshold and zero.
fn bar(
    name: &'static str,
    title: &'static str,
    text: String,
    [value, low, high]: [f64; 3],
    least: Option<f64>,
) -> Bar {
    let all = [0.0, low, high, value, least.unwrap_or(0.0)];
    let (from, to) = all
        .iter()
        .fold((f64::MAX, f64::MIN), |(a, b), &v| (a.min(v), b.max(v)));
    let pad = ((to - from) * 0.05).max(1e-9);
    let at = |v: f64| ((v - from + pad) / (to - from + 2.0 * pad) * 1000.0).round() / 10.0;
    Bar {
        name,
        title,
        text,
        zero: at(0.0),
        value: at(value),
        low: at(low),
        high: at(high),
        least: least.map(at),
    }
}

/// Points of a polyline 100 wide and 20 high.
pub fn spark(values: &[Option<f64>]) -> String {
    let known = || values.iter().copied().flatten();
    let (low, high) = known().fold((0.0_f64, 1e-9_f64), |(a, b), v| (a.min(v), b.max(v)));
    let step = 100.0 / (values.len() - 1) as f64;
    let point = |(i, v): (usize, &Option<f64>)| {
        v.map(|v| {
            format!(
                "{:.1},{:.1}",
                i as f64 * step,
                19.0 - 18.0 * (v - low) / (high - low)
            )
        })
    };
    values
        .iter()
        .enumerate()
        .filter_map(point)
        .collect::<Vec<_>>()
        .join(" ")
}
