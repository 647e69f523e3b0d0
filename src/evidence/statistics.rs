//! The statistics behind the evidence: distributions from statrs, intervals and adjustments from
//! the papers named.

use crate::finding::{Estimate, GroupCount};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::stats_tests::{Alternative, fishers_exact};

/// `k` of `n`, with the interval of Wilson (1927); `None` for `n = 0`.
pub fn proportion(k: u32, n: u32) -> Option<Estimate> {
    if n == 0 {
        return None;
    }
    let z = Normal::standard().inverse_cdf(0.975);
    let (value, n) = (f64::from(k) / f64::from(n), f64::from(n));

    let centre = (value + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let variance = value * (1.0 - value) / n + z * z / (4.0 * n * n);
    let half = z / (1.0 + z * z / n) * variance.sqrt();
    Some(Estimate {
        value,
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    })
}

/// Difference of two proportions, with the interval of Newcombe (1998, method 10).
pub fn difference(a: Estimate, b: Estimate) -> Estimate {
    let value = a.value - b.value;
    let below = ((a.value - a.low).powi(2) + (b.high - b.value).powi(2)).sqrt();
    let above = ((a.high - a.value).powi(2) + (b.value - b.low).powi(2)).sqrt();
    Estimate {
        value,
        low: value - below,
        high: value + above,
    }
}

/// Difference of two proportions of the same images: `both` counts those that have both properties,
/// `first_only` those that have only the first, and so on. With the interval of Newcombe for paired
/// data (1998, Statistics in Medicine 17:2635, method 10); `None` without images.
pub fn paired_difference(
    both: u32,
    first_only: u32,
    second_only: u32,
    neither: u32,
) -> Option<Estimate> {
    let images = both + first_only + second_only + neither;
    let first = proportion(both + first_only, images)?;
    let second = proportion(both + second_only, images)?;
    let phi = correlation([both, first_only, second_only, neither].map(f64::from));

    // Rounding may leave a little less than 0.
    let joined = |a: f64, b: f64| (a * a - 2.0 * phi * a * b + b * b).max(0.0).sqrt();
    let value = first.value - second.value;
    let below = joined(first.value - first.low, second.high - second.value);
    let above = joined(first.high - first.value, second.value - second.low);
    Some(Estimate {
        value,
        low: value - below,
        high: value + above,
    })
}

/// Correlation of two properties of the same images, with the continuity correction of Newcombe's
/// method 10; 0 where one of them is the same for all images.
fn correlation([both, first_only, second_only, neither]: [f64; 4]) -> f64 {
    let images = both + first_only + second_only + neither;
    let first = (both + first_only) * (second_only + neither);
    let second = (both + second_only) * (first_only + neither);
    let covariance = both * neither - first_only * second_only;

    let corrected = if covariance > 0.0 {
        (covariance - images / 2.0).max(0.0)
    } else {
        covariance
    };
    if first * second > 0.0 {
        corrected / (first * second).sqrt()
    } else {
        0.0
    }
}

/// One-sided Fisher test that the first rate is larger than the second.
pub fn fisher_greater(a: GroupCount, b: GroupCount) -> f64 {
    let table = [
        a.present,
        a.groups - a.present,
        b.present,
        b.groups - b.present,
    ];
    fishers_exact(&table.map(u64::from), Alternative::Greater)
        .unwrap_or(1.0)
        .clamp(0.0, 1.0)
}

/// Difference of two means by Welch, and the one-sided p-value of `difference <= min_effect`.
/// `None` under two values a side.
pub fn welch(a: &[f64], b: &[f64], min_effect: f64) -> Option<(Estimate, f64)> {
    let (mean_a, variance_a) = moments(a)?;
    let (mean_b, variance_b) = moments(b)?;
    let squared_a = variance_a / a.len() as f64;
    let squared_b = variance_b / b.len() as f64;
    let error = (squared_a + squared_b).sqrt();

    let terms =
        squared_a.powi(2) / (a.len() as f64 - 1.0) + squared_b.powi(2) / (b.len() as f64 - 1.0);
    let freedom = (squared_a + squared_b).powi(2) / terms;
    student(mean_a - mean_b, error, freedom, min_effect)
}

/// Mean of differences with Student's interval, and the one-sided p-value of `mean <= min_effect`.
/// `None` under two values.
pub fn paired(differences: &[f64], min_effect: f64) -> Option<(Estimate, f64)> {
    let (mean, variance) = moments(differences)?;
    let n = differences.len() as f64;
    student(mean, (variance / n).sqrt(), n - 1.0, min_effect)
}

/// An estimate with Student's interval, and its one-sided p-value. Without any spread the value is
/// certain.
pub fn student(value: f64, error: f64, freedom: f64, min_effect: f64) -> Option<(Estimate, f64)> {
    if error <= 0.0 {
        let certain = Estimate {
            value,
            low: value,
            high: value,
        };
        let p = if value <= min_effect { 1.0 } else { 0.0 };
        return Some((certain, p));
    }

    let t = StudentsT::new(0.0, 1.0, freedom).ok()?;
    let half = t.inverse_cdf(0.975) * error;
    let estimate = Estimate {
        value,
        low: value - half,
        high: value + half,
    };
    Some((estimate, t.sf((value - min_effect) / error)))
}

/// The 97.5 % quantile of Student's distribution.
pub fn student_quantile(freedom: f64) -> Option<f64> {
    let t = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(t.inverse_cdf(0.975))
}

/// Standard deviation (n - 1); 0 under two values.
pub fn deviation(values: &[f64]) -> f64 {
    moments(values).map_or(0.0, |(_, variance)| variance.sqrt())
}

/// Mean and variance (n - 1); `None` under two values.
pub fn moments(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some((mean, squares / (n - 1.0)))
}

/// Replaces the outermost hundredth on either side by the next value.
pub fn winsorised(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let cut = values.len() / 100;
    let low = values.get(cut).copied();
    let high = values.get(values.len().wrapping_sub(cut + 1)).copied();

    if let (Some(low), Some(high)) = (low, high) {
        for value in &mut values {
            *value = value.clamp(low, high);
        }
    }
    values
}

/// The middle value; the mean of the two middle ones.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (n > 0).then(|| (values[(n - 1) / 2] + values[n / 2]) / 2.0)
}

/// Adjusted p-values of Benjamini and Hochberg (1995), in the order given.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));

    let mut q = vec![1.0; p.len()];
    let mut smallest = 1.0_f64;
    for (above, &i) in order.iter().enumerate() {
        let rank = (p.len() - above) as f64;
        smallest = smallest.min(p[i] * p.len() as f64 / rank);
        q[i] = smallest;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(present: u32, groups: u32) -> GroupCount {
        GroupCount { present, groups }
    }

    /// SciPy 1.x and statsmodels by `fixtures/make_statistics.py`.
    #[test]
    fn the_figures_are_those_of_scipy_and_statsmodels() {
        let text = include_str!("../../fixtures/golden/statistics.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let list = |v: &serde_json::Value| -> Vec<f64> {
            v.as_array()
                .into_iter()
                .flatten()
                .filter_map(serde_json::Value::as_f64)
                .collect()
        };
        let close = |a: f64, b: f64, what: &str| {
            assert!(
                (a - b).abs() <= 1e-9 * b.abs().max(1.0),
                "{what}: {a} instead of {b}"
            );
        };
        let (mut cases, mut published) = (0, 0);
        for case in golden["tables"].as_array().into_iter().flatten() {
            let n = list(&case["table"]);
            let [k1, n1, k0, n0] = [0, 1, 2, 3].map(|i| n[i] as u32);
            close(
                fisher_greater(count(k1, n1), count(k0, n0)),
                case["fisher"].as_f64().unwrap_or(f64::NAN),
                "fisher",
            );
            let (a, b) = (proportion(k1, n1), proportion(k0, n0));
            if let (Some(a), Some(b)) = (a, b) {
                let d = difference(a, b);
                let (wilson, newcombe) = (list(&case["wilson"]), list(&case["newcombe"]));
                [
                    (a.low, wilson[0]),
                    (a.high, wilson[1]),
                    (d.low, newcombe[0]),
                    (d.high, newcombe[1]),
                ]
                .iter()
                .for_each(|&(ours, theirs)| close(ours, theirs, "interval"));
                cases += 1;
            }
        }
        for case in golden["welch"].as_array().into_iter().flatten() {
            let result = welch(
                &list(&case["a"]),
                &list(&case["b"]),
                case["least"].as_f64().unwrap_or(f64::NAN),
            );
            let found = result.map_or(vec![], |(e, p)| vec![e.value, e.low, e.high, p]);
            let wanted = list(&case["expected"]);
            assert_eq!(found.len(), wanted.len());
            found
                .iter()
                .zip(&wanted)
                .for_each(|(a, b)| close(*a, *b, "welch"));
            cases += 1;
        }
        for case in golden["paired"].as_array().into_iter().flatten() {
            let result = paired(
                &list(&case["d"]),
                case["least"].as_f64().unwrap_or(f64::NAN),
            );
            let found = result.map_or(vec![], |(e, p)| vec![e.value, e.low, e.high, p]);
            let wanted = list(&case["expected"]);
            assert_eq!(found.len(), wanted.len());
            found
                .iter()
                .zip(&wanted)
                .for_each(|(a, b)| close(*a, *b, "paired"));
            cases += 1;
        }
        for case in golden["paired_difference"].as_array().into_iter().flatten() {
            let n = list(&case["table"]);
            let [both, first, second, neither] = [0, 1, 2, 3].map(|i| n[i] as u32);
            let result = paired_difference(both, first, second, neither);
            let found = result.map_or(vec![], |e| vec![e.value, e.low, e.high]);
            let wanted = list(&case["expected"]);
            assert_eq!(found.len(), wanted.len());
            found
                .iter()
                .zip(&wanted)
                .for_each(|(a, b)| close(*a, *b, "paired difference"));
            // Table III of Newcombe (1998), with four decimals.
            for (ours, theirs) in found.iter().skip(1).zip(list(&case["published"])) {
                assert!((ours - theirs).abs() < 5.1e-5, "{ours}, published {theirs}");
                published += 1;
            }
            cases += 1;
        }
        assert_eq!(published, 14, "limits in the paper");
        let (p, q) = (list(&golden["bh"]["p"]), list(&golden["bh"]["q"]));
        benjamini_hochberg(&p)
            .iter()
            .zip(&q)
            .for_each(|(a, b)| close(*a, *b, "q"));
        assert!(cases >= 28 && q.len() >= 10, "{cases} cases");
    }

    #[test]
    fn exchanging_the_two_properties_mirrors_the_paired_interval() {
        assert_eq!(paired_difference(0, 0, 0, 0), None);
        for [both, first, second, neither] in [[3, 9, 1, 40], [0, 6, 0, 152], [7, 0, 5, 1]] {
            let one = paired_difference(both, first, second, neither);
            let other = paired_difference(both, second, first, neither);
            let (Some(one), Some(other)) = (one, other) else {
                panic!("no interval of {both} {first} {second} {neither}");
            };
            assert!((one.value + other.value).abs() < 1e-12);
            assert!((one.low + other.high).abs() < 1e-12, "{one:?} {other:?}");
            assert!((one.high + other.low).abs() < 1e-12, "{one:?} {other:?}");
        }
    }
}
