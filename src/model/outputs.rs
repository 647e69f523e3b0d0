//! What the logits of one image say about a class.

/// How the logits become scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// One class per image.
    Softmax { classes: usize },
    /// Every class by itself.
    Sigmoid,
}

impl Head {
    /// Number of classes that compete; `None` for sigmoid heads.
    pub fn classes(&self) -> Option<usize> {
        match self {
            Self::Softmax { classes } => Some(*classes),
            Self::Sigmoid => None,
        }
    }

    /// Whether the model predicts `class`. Softmax: it has the largest logit, and is the first that
    /// has it. Sigmoid: its logit is positive.
    pub fn predicts(&self, logits: &[f32], class: usize) -> bool {
        match self {
            Self::Softmax { .. } => predicted(logits) == class,
            Self::Sigmoid => logits[class] > 0.0,
        }
    }

    /// The log odds of `class`. Softmax: `z_c - logsumexp_{k != c} z_k`. Sigmoid: the logit.
    pub fn margin(&self, logits: &[f32], class: usize) -> f64 {
        let logit = f64::from(logits[class]);
        match self {
            Self::Softmax { .. } => logit - log_sum_exp_without(logits, class),
            Self::Sigmoid => logit,
        }
    }

    /// [`Head::margin`] of every class.
    pub fn all_margins(&self, logits: &[f32]) -> Vec<f64> {
        match self {
            Self::Softmax { .. } => log_odds(logits),
            Self::Sigmoid => logits.iter().map(|&z| f64::from(z)).collect(),
        }
    }

    /// The logit up to what the scores do not depend on. Softmax: less the mean of all logits.
    /// Sigmoid: the logit.
    pub fn centred(&self, logits: &[f32], class: usize) -> f64 {
        let logit = f64::from(logits[class]);
        match self {
            Self::Softmax { .. } => logit - mean(logits),
            Self::Sigmoid => logit,
        }
    }

    /// [`Head::centred`] of every class.
    pub fn all_centred(&self, logits: &[f32]) -> Vec<f64> {
        let centre = match self {
            Self::Softmax { .. } => mean(logits),
            Self::Sigmoid => 0.0,
        };
        logits.iter().map(|&z| f64::from(z) - centre).collect()
    }
}

/// Class with the largest logit, the first if several have it.
pub fn predicted(logits: &[f32]) -> usize {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best
}

fn mean(logits: &[f32]) -> f64 {
    logits.iter().map(|&z| f64::from(z)).sum::<f64>() / logits.len() as f64
}

/// `logsumexp` of all logits but one, shifted by the largest so that it cannot overflow.
fn log_sum_exp_without(logits: &[f32], class: usize) -> f64 {
    let mut others = Vec::with_capacity(logits.len());
    for (other, &logit) in logits.iter().enumerate() {
        if other != class {
            others.push(f64::from(logit));
        }
    }

    let largest = others.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = others.iter().map(|z| (z - largest).exp()).sum();
    largest + sum.ln()
}

/// The log odds of every class. Without a class other than the one with the largest logit, the sum
/// of exponentials keeps its largest term, so it loses no digits.
fn log_odds(logits: &[f32]) -> Vec<f64> {
    let best = predicted(logits);
    let largest = logits.get(best).map_or(0.0, |&z| f64::from(z));
    let terms: Vec<f64> = logits
        .iter()
        .map(|&z| (f64::from(z) - largest).exp())
        .collect();
    let sum: f64 = terms.iter().sum();

    let mut odds = Vec::with_capacity(logits.len());
    for (class, &logit) in logits.iter().enumerate() {
        let others = if class == best {
            log_sum_exp_without(logits, class)
        } else {
            largest + (sum - terms[class]).ln()
        };
        odds.push(f64::from(logit) - others);
    }
    odds
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 3] = [1.0, 2.0, 0.5];
    const SOFTMAX: Head = Head::Softmax { classes: 3 };

    #[test]
    fn the_margin_is_the_log_odds_of_the_score() {
        let p = 2.0_f64.exp() / (1.0_f64.exp() + 2.0_f64.exp() + 0.5_f64.exp());
        assert!((SOFTMAX.margin(&LOGITS, 1) - (p / (1.0 - p)).ln()).abs() < 1e-12);
        assert_eq!(Head::Sigmoid.margin(&LOGITS, 1), 2.0);
    }

    #[test]
    fn all_margins_are_the_margins_of_each_class() {
        let wide = [30.0, 29.0, -40.0, 29.999, 0.0];
        let equal = [7.0; 4];
        let huge = [2000.0, 1000.0, 1999.5];
        for logits in [&LOGITS[..], &wide, &equal, &huge] {
            for head in [Head::Sigmoid, SOFTMAX] {
                let all = head.all_margins(logits);
                assert_eq!(all.len(), logits.len());
                for (class, margin) in all.iter().enumerate() {
                    let expected = head.margin(logits, class);
                    let off = (margin - expected).abs();
                    assert!(
                        off < 1e-9,
                        "{logits:?}, class {class}: {margin}, {expected}"
                    );
                }
            }
        }
        assert!(SOFTMAX.all_margins(&[]).is_empty());
    }

    #[test]
    fn large_logits_have_a_finite_margin() {
        let logits = [2000.0, 1000.0];
        assert_eq!(Head::Softmax { classes: 2 }.margin(&logits, 0), 1000.0);
        assert_eq!(Head::Softmax { classes: 2 }.margin(&logits, 1), -1000.0);
    }

    #[test]
    fn centred_logits_of_softmax_add_up_to_zero() {
        let sum: f64 = (0..3).map(|class| SOFTMAX.centred(&LOGITS, class)).sum();
        assert!(sum.abs() < 1e-12);
        assert_eq!(Head::Sigmoid.centred(&LOGITS, 2), 0.5);
    }

    #[test]
    fn softmax_predicts_the_first_largest_logit() {
        let check = |logits: &[f32], expected: usize| {
            assert_eq!(predicted(logits), expected, "{logits:?}");
            for class in 0..logits.len() {
                let predicts = SOFTMAX.predicts(logits, class);
                assert_eq!(predicts, class == expected, "{logits:?}");
            }
        };
        check(&LOGITS, 1);
        check(&[2.0, 2.0, 1.0], 0);
        check(&[-3.0, -1.0, -1.0], 1);
    }

    #[test]
    fn sigmoid_predicts_every_class_with_a_positive_logit() {
        let logits = [0.5, 0.0, -0.5, 2.0];
        let predicts = [0, 1, 2, 3].map(|class| Head::Sigmoid.predicts(&logits, class));
        assert_eq!(predicts, [true, false, false, true]);
    }

    #[test]
    fn only_the_classes_of_softmax_compete() {
        assert_eq!(SOFTMAX.classes(), Some(3));
        assert_eq!(Head::Sigmoid.classes(), None);
    }
}
