//! The rule that tells a class best from all others, on one half of the groups.

use super::counted::Counted;
use super::rule::Rule;

/// Fewest images of the class inside a rule.
const IMAGES_MIN: u32 = 2;
/// With at most so many distinct numbers every one is an end of a rule.
const DISTINCT_MAX: usize = 40;
/// Most steps that an interval spans.
const STEPS_MAX: usize = 8;
/// The quantiles of the class that are ends of rules, in thousandths.
const QUANTILES: [u64; 21] = [
    25, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700, 750, 800, 850, 900,
    950, 975,
];

/// The rule with the largest likelihood ratio that more images of the class are inside, as a part,
/// than of the others. `own` are images of the class, `all` of all classes.
pub fn mine(own: &Counted, all: &Counted) -> Option<Rule> {
    let mut best: Option<(f64, Rule)> = None;
    for rule in rules(own) {
        let inside = own.count(rule);
        if inside < IMAGES_MIN {
            continue;
        }
        let ratio = likelihood_ratio(inside, own.images(), all.count(rule), all.images());
        if ratio > best.map_or(0.0, |(best, _)| best) {
            best = Some((ratio, rule));
        }
    }
    best.map(|(_, rule)| rule)
}

/// All rules that the values of a class suggest.
fn rules(own: &Counted) -> Vec<Rule> {
    let mut rules = vec![Rule::Missing];
    match own {
        Counted::Levels { counts, .. } => {
            rules.extend((0..counts.len() as u32).map(Rule::Level));
        }
        Counted::Numbers { sorted, .. } => {
            let ends = ends(sorted);
            rules.extend(ends.iter().map(|end| Rule::AtMost(*end)));
            rules.extend(ends.iter().map(|start| Rule::AtLeast(*start)));
            for (i, start) in ends.iter().enumerate() {
                let last = ends.iter().skip(i).take(STEPS_MAX);
                rules.extend(last.map(|end| Rule::Between(*start, *end)));
            }
        }
    }
    rules
}

/// The ends of rules, in order.
fn ends(sorted: &[f64]) -> Vec<f64> {
    let mut distinct = sorted.to_vec();
    distinct.dedup();
    if distinct.len() <= DISTINCT_MAX {
        return distinct;
    }
    let n = sorted.len() as u64;
    let mut ends: Vec<f64> = QUANTILES
        .iter()
        .map(|thousandths| (thousandths * n).div_ceil(1000).max(1) as usize - 1)
        .map(|place| sorted[place])
        .collect();
    ends.dedup();
    ends
}

/// G² of the table of `inside` of `own` against `all_inside` of `all` (these include the own);
/// -1 where the part inside is not larger among the own.
pub fn likelihood_ratio(inside: u32, own: u32, all_inside: u32, all: u32) -> f64 {
    let [k1, n1, inside, n] = [inside, own, all_inside, all].map(f64::from);
    let (k0, n0) = (inside - k1, n - n1);
    // k1 / n1 > k0 / n0.
    if k1 * n0 <= k0 * n1 {
        return -1.0;
    }
    let term = |observed: f64, expected: f64| {
        if observed > 0.0 {
            observed * (observed / expected).ln()
        } else {
            0.0
        }
    };
    let in_class = term(k1, n1 * inside / n) + term(n1 - k1, n1 * (n - inside) / n);
    let in_others = term(k0, n0 * inside / n) + term(n0 - k0, n0 * (n - inside) / n);
    2.0 * (in_class + in_others)
}
