//! The statistics behind the evidence, from a kept library, with the edges that it leaves open.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::stats_tests::{Alternative, fishers_exact};

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// `k` of `n`, with the interval of Wilson (1927); `None` of nothing.
pub fn proportion(k: u32, n: u32) -> Option<Estimate> {
    let z = Normal::standard().inverse_cdf(0.975);
    let (value, n) = (f64::from(k) / f64::from(n), f64::from(n));
    let centre = (value + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt();
    (n > 0.0).then(|| Estimate {
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

/// One-sided Fisher test that `k1` of `n1` is more than `k0` of `n0`.
pub fn fisher_greater([k1, n1]: [u32; 2], [k0, n0]: [u32; 2]) -> f64 {
    let table = [k1, n1 - k1, k0, n0 - k0].map(u64::from);
    fishers_exact(&table, Alternative::Greater)
        .unwrap_or(1.0)
        .clamp(0.0, 1.0)
}

/// Difference of two means by Welch, and the one-sided p-value of `difference <= least`. `None` under two values a side.
pub fn welch(a: &[f64], b: &[f64], least: f64) -> Option<(Estimate, f64)> {
    let (ma, va) = moments(a)?;
    let (mb, vb) = moments(b)?;
    let (sa, sb) = (va / a.len() as f64, vb / b.len() as f64);
    let (value, error) = (ma - mb, (sa + sb).sqrt());
    if error <= 0.0 {
        return Some((
            Estimate {
                value,
                low: value,
                high: value,
            },
            f64::from(u8::from(value <= least)),
        ));
    }
    let freedom = (sa + sb).powi(2)
        / (sa.powi(2) / (a.len() as f64 - 1.0) + sb.powi(2) / (b.len() as f64 - 1.0));
    let t = StudentsT::new(0.0, 1.0, freedom).ok()?;
    let half = t.inverse_cdf(0.975) * error;
    Some((
        Estimate {
            value,
            low: value - half,
            high: value + half,
        },
        t.sf((value - least) / error),
    ))
}

/// Mean of differences with Student's interval, and the one-sided p-value of `mean <= least`. `None` under two values.
pub fn paired(differences: &[f64], least: f64) -> Option<(Estimate, f64)> {
    let (value, variance) = moments(differences)?;
    let error = (variance / differences.len() as f64).sqrt();
    if error <= 0.0 {
        return Some((
            Estimate {
                value,
                low: value,
                high: value,
            },
            f64::from(u8::from(value <= least)),
        ));
    }
    let t = StudentsT::new(0.0, 1.0, differences.len() as f64 - 1.0).ok()?;
    let half = t.inverse_cdf(0.975) * error;
    Some((
        Estimate {
            value,
            low: value - half,
            high: value + half,
        },
        t.sf((value - least) / error),
    ))
}

/// Standard deviation (n - 1); 0 under two values.
pub fn deviation(values: &[f64]) -> f64 {
    moments(values).map_or(0.0, |(_, variance)| variance.sqrt())
}

/// Mean and variance (n - 1).
fn moments(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.len() > 1).then(|| {
        (
            mean,
            values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0),
        )
    })
}

/// Draws the outermost hundredth on either side in to the next value.
pub fn winsorised(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let cut = values.len() / 100;
    if let (Some(&low), Some(&high)) = (
        values.get(cut),
        values.get(values.len().wrapping_sub(cut + 1)),
    ) {
        values.iter_mut().for_each(|v| *v = v.clamp(low, high));
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
    let mut least = 1.0_f64;
    for (above, &i) in order.iter().enumerate() {
        least = least.min(p[i] * p.len() as f64 / (p.len() - above) as f64);
        q[i] = least;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut cases = 0;
        for case in golden["tables"].as_array().into_iter().flatten() {
            let n = list(&case["table"]);
            let [k1, n1, k0, n0] = [0, 1, 2, 3].map(|i| n[i] as u32);
            close(
                fisher_greater([k1, n1], [k0, n0]),
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
        let (p, q) = (list(&golden["bh"]["p"]), list(&golden["bh"]["q"]));
        benjamini_hochberg(&p)
            .iter()
            .zip(&q)
            .for_each(|(a, b)| close(*a, *b, "q"));
        assert!(cases >= 14 && q.len() >= 10, "{cases} cases");
    }
}
