//! Which transform is the best, and how sure that is.

use super::bench::Try;
use statrs::distribution::{Binomial, DiscreteCDF};
use std::cmp::Ordering;

/// Level of the paired test, above which two transforms are not told apart.
pub const TIE_P: f64 = 0.05;
/// Level at which a transform that a file states is called worse than another one.
pub const WORSE_P: f64 = 0.01;
/// Level at which accuracy is more than chance, over all tries together.
const CHANCE_P: f64 = 0.01;

/// The order of two tries by their answers to the first `count` images, the best first: by
/// accuracy, then by margin.
pub fn order(a: &Try, b: &Try, count: usize) -> Ordering {
    let correct = b.correct(count).cmp(&a.correct(count));
    correct.then_with(|| b.margin(count).total_cmp(&a.margin(count)))
}

/// The comparison of two transforms on the images that both have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    pub images: usize,
    /// Images that only the first one has right, and only the second one.
    pub only: [usize; 2],
    /// Of McNemar's exact test, two-sided.
    pub p: f64,
    /// Whether both make the same input of every image.
    pub is_same: bool,
}

impl Comparison {
    pub fn of(a: &Try, b: &Try) -> Self {
        let mut only = [0, 0];
        let mut is_same = true;
        for (a, b) in a.answers.iter().zip(&b.answers) {
            is_same &= a.is_same_input(b);
            match (a.is_correct, b.is_correct) {
                (true, false) => only[0] += 1,
                (false, true) => only[1] += 1,
                _ => {}
            }
        }
        Self {
            images: a.answers.len().min(b.answers.len()),
            only,
            p: mcnemar(only[0], only[1]),
            is_same,
        }
    }

    pub fn is_tie(&self) -> bool {
        self.p >= TIE_P
    }
}

/// The two-sided p-value of McNemar's exact test: `b` and `c` count the pairs in which only the
/// first, and only the second, is right.
pub fn mcnemar(b: usize, c: usize) -> f64 {
    let pairs = (b + c) as u64;
    let Ok(binomial) = Binomial::new(0.5, pairs) else {
        return 1.0;
    };
    (2.0 * binomial.cdf(b.min(c) as u64)).min(1.0)
}

/// Whether so many correct images are more than chance. `chance` is the accuracy of a guess, and
/// the best of `tries` transforms is looked at.
pub fn is_above_chance(correct: usize, images: usize, chance: f64, tries: usize) -> bool {
    if correct == 0 {
        return false;
    }
    let Ok(binomial) = Binomial::new(chance.clamp(0.0, 1.0), images as u64) else {
        return false;
    };
    let at_least = binomial.sf(correct as u64 - 1);
    at_least * tries.max(1) as f64 <= CHANCE_P
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.binomtest(min(b, c), b + c).pvalue`.
    #[test]
    fn mcnemar_equals_scipy() {
        let check = |b, c, expected: f64| {
            let p = mcnemar(b, c);
            assert!((p - expected).abs() < 1e-9, "{b}, {c}: {p}");
        };
        check(0, 0, 1.0);
        check(5, 5, 1.0);
        check(10, 1, 0.01171875);
        check(1, 10, 0.01171875);
        check(28, 1, 1.1175870895385742e-07);
        check(3, 9, 0.14599609375);
    }

    /// `scipy.stats.binomtest(correct, images, chance, alternative="greater").pvalue * tries`.
    #[test]
    fn accuracy_is_held_against_a_guess() {
        let check = |correct, images, chance, tries, expected| {
            let is_above = is_above_chance(correct, images, chance, tries);
            assert_eq!(is_above, expected, "{correct} of {images}");
        };
        // 0.00136 * 1, 0.00637 * 20.
        check(116, 256, 0.36, 1, true);
        check(112, 256, 0.36, 20, false);
        check(0, 256, 0.001, 20, false);
        // One of 158 images of 1000 classes.
        check(1, 158, 0.006, 20, false);
        check(20, 158, 0.006, 20, true);
        check(10, 10, 1.0, 1, false);
    }
}
