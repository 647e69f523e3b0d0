//! The value that separates two groups of numbers best.

/// The threshold at which the part of `present` at or above it, less that of `absent`, is largest:
/// the middle of the widest gap of these. 1 without numbers.
pub fn separating(present: &[f64], absent: &[f64]) -> f64 {
    let mut values: Vec<f64> = present.iter().chain(absent).copied().collect();
    values.push(1.0);
    values.sort_by(f64::total_cmp);

    let part = |of: &[f64], at: f64| {
        let count = of.iter().filter(|value| **value >= at).count();
        count as f64 / of.len().max(1) as f64
    };
    let mut best = (f64::NEG_INFINITY, 0.0, 1.0);
    for pair in values.windows(2) {
        let gap = pair[1] - pair[0];
        let middle = f64::midpoint(pair[0], pair[1]);
        let difference = part(present, middle) - part(absent, middle);
        if difference > best.0 || (difference >= best.0 && gap > best.1) {
            best = (difference, gap, middle);
        }
    }
    best.2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_lies_in_the_gap() {
        let threshold = separating(&[0.9, 0.8, 0.95], &[0.2, 0.4]);
        assert!((threshold - 0.6).abs() < 1e-12, "{threshold}");
        // One that overlaps is given up for three that do not.
        let threshold = separating(&[0.9, 0.8, 0.95, 0.1], &[0.2, 0.4, 0.3]);
        assert!((threshold - 0.6).abs() < 1e-12, "{threshold}");
        assert_eq!(separating(&[], &[]), 1.0);
    }
}
