//! Hosts that share a donor are no independent evidence: standard errors clustered by donor (Liang
//! and Zeger 1986, with the factor g / (g - 1) for g clusters).

use super::statistics::{deviation, paired_difference, student, student_quantile};
use crate::finding::Estimate;
use std::collections::BTreeMap;

/// A difference of one host, and the donor that it shares with others.
#[derive(Debug, Clone, Copy)]
pub struct Clustered {
    pub value: f64,
    pub cluster: u32,
}

/// The mean of differences with its interval, and the one-sided p-value of `mean <= min_effect`.
///
/// The standard error is the larger of the one by host and the one by donor, always with Student's
/// donors - 1 degrees of freedom. `None` with fewer than two donors.
pub fn clustered_mean(differences: &[Clustered], min_effect: f64) -> Option<(Estimate, f64)> {
    let (mean, by_donor, freedom) = by_cluster(differences)?;

    let values: Vec<f64> = differences.iter().map(|d| d.value).collect();
    let by_host = deviation(&values) / (values.len() as f64).sqrt();
    student(mean, by_host.max(by_donor), freedom, min_effect)
}

/// What both of a pair of predictions say, and the donor.
#[derive(Debug, Clone, Copy)]
pub struct PairedHit {
    pub first: bool,
    pub second: bool,
    pub cluster: u32,
}

/// The difference of two rates on the same hosts: Newcombe's interval for paired proportions, and
/// the one clustered by donor where that reaches further. `None` with fewer than two donors.
pub fn clustered_rate(pairs: &[PairedHit]) -> Option<Estimate> {
    let paired = paired_rate(pairs)?;
    let mut differences = Vec::new();
    for pair in pairs {
        differences.push(Clustered {
            value: f64::from(i8::from(pair.first) - i8::from(pair.second)),
            cluster: pair.cluster,
        });
    }

    let (mean, error, freedom) = by_cluster(&differences)?;
    let half = student_quantile(freedom)? * error;

    Some(Estimate {
        value: paired.value,
        low: paired.low.min(mean - half).max(-1.0),
        high: paired.high.max(mean + half).min(1.0),
    })
}

/// The difference of two rates on the same images, which are independent of each other.
pub fn paired_rate(pairs: &[PairedHit]) -> Option<Estimate> {
    let count = |first, second| {
        let of_kind = pairs
            .iter()
            .filter(|p| (p.first, p.second) == (first, second));
        of_kind.count() as u32
    };
    paired_difference(
        count(true, true),
        count(true, false),
        count(false, true),
        count(false, false),
    )
}

/// The mean, its standard error by cluster, and clusters - 1.
fn by_cluster(differences: &[Clustered]) -> Option<(f64, f64, f64)> {
    let n = differences.len() as f64;
    let mean = differences.iter().map(|d| d.value).sum::<f64>() / n;

    let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
    for difference in differences {
        *sums.entry(difference.cluster).or_default() += difference.value - mean;
    }

    let clusters = sums.len() as f64;
    if clusters < 2.0 {
        return None;
    }

    let squares: f64 = sums.values().map(|sum| sum.powi(2)).sum();
    let error = (clusters / (clusters - 1.0) * squares).sqrt() / n;
    Some((mean, error, clusters - 1.0))
}
