//! C: does the confounder cause the class? Pasted on other images (insertion) it must move them to the class more than
//! anything else pasted at the same place; filled in (removal) it must take the class away more than the same fill elsewhere.

use super::statistics::{Estimate, deviation, difference, paired, proportion};

/// What the model says of one changed photo.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Margin of the class: its logit less the logsumexp of the others; the logit itself for sigmoid heads.
    pub margin: f64,
    /// The class is predicted; for sigmoid heads, its logit is positive.
    pub says: bool,
    pub logits: Vec<f32>,
}

/// Photos under two changes; the first is expected to have the larger margin.
#[derive(Debug, Default)]
pub struct Contrasted {
    /// What stands against the confounder: a control patch, or a way to fill.
    pub against: &'static str,
    pub pairs: Vec<(Outcome, Outcome)>,
}

/// One side of the proof: the contrast with the least effect speaks.
#[derive(Debug, Clone)]
pub struct Effect {
    pub images: u32,
    /// Mean difference of the margins, in logits, with Student's interval; paired by image.
    pub margin: Estimate,
    /// Net rate of images that say the class: flips to it, or recall lost. Newcombe's interval, as if unpaired.
    pub rate: Estimate,
    /// Images that say the class: under the first change, under the second; of the contrast with the least rate.
    pub says: [u32; 2],
    /// The contrast with the least effect on the margin.
    pub against: &'static str,
    /// The class is the one that moves most on average.
    pub moved_most: bool,
    /// One-sided, of an effect of at most the least that counts; the largest over the contrasts.
    pub p: f64,
}

/// Both sides for one label and one region.
#[derive(Debug, Clone)]
pub struct Intervention {
    pub insertion: Option<Effect>,
    pub removal: Option<Effect>,
    /// The least effect that counts, in logits.
    pub least: f64,
    /// Hosts that say the class with the scrambled tag: is it the pattern or the texture?
    pub scrambled: u32,
    /// Photos that tags were cut from.
    pub donors: u32,
    /// Passes through the network.
    pub forwards: u32,
    /// `max_forwards` left hosts or tagged images out.
    pub cut_short: bool,
    /// `min(1, 2 min(p insertion, p removal))`.
    pub p: f64,
}

impl Effect {
    /// `None` where no contrast has two images.
    pub fn new(contrasts: &[Contrasted], class: usize, least: f64) -> Option<Self> {
        // A control that few images can have (no room for it elsewhere) does not speak for all.
        let most = contrasts.iter().map(|c| c.pairs.len()).max().unwrap_or(0);
        let common = contrasts.iter().filter(|c| 2 * c.pairs.len() >= most);
        let effects = common.filter_map(|c| Self::of(c, class, least));
        effects.reduce(|a, b| {
            let p = a.p.max(b.p);
            let (rate, says) = if a.rate.low <= b.rate.low {
                (a.rate, a.says)
            } else {
                (b.rate, b.says)
            };
            let moved_most = a.moved_most && b.moved_most;
            let weaker = if a.margin.value <= b.margin.value {
                a
            } else {
                b
            };
            Self {
                p,
                rate,
                says,
                moved_most,
                ..weaker
            }
        })
    }

    fn of(contrast: &Contrasted, class: usize, least: f64) -> Option<Self> {
        let pairs = &contrast.pairs;
        let margins: Vec<f64> = pairs.iter().map(|(a, b)| a.margin - b.margin).collect();
        let (margin, p) = paired(&margins, least)?;
        let n = pairs.len() as u32;
        let says = [
            pairs.iter().filter(|(a, _)| a.says).count(),
            pairs.iter().filter(|(_, b)| b.says).count(),
        ];
        let says = says.map(|k| k as u32);
        let rate = difference(proportion(says[0], n)?, proportion(says[1], n)?);
        Some(Self {
            images: n,
            margin,
            rate,
            says,
            against: contrast.against,
            moved_most: moved(pairs) == class,
            p,
        })
    }
}

impl Intervention {
    /// The least effect that counts: a policy number, or a tenth of the spread of the hosts' own margins.
    pub fn least(policy: f64, clean: &[Outcome]) -> f64 {
        policy.max(0.1 * deviation(&clean.iter().map(|o| o.margin).collect::<Vec<_>>()))
    }

    /// `min(1, 2 min(p insertion, p removal))`: either side may prove it.
    pub fn p(insertion: Option<&Effect>, removal: Option<&Effect>) -> f64 {
        let p = |effect: Option<&Effect>| effect.map_or(1.0, |e| e.p);
        (2.0 * p(insertion).min(p(removal))).min(1.0)
    }
}

/// The class whose logit rises most on average.
fn moved(pairs: &[(Outcome, Outcome)]) -> usize {
    let mut sums: Vec<f64> = Vec::new();
    for (a, b) in pairs {
        sums.resize(a.logits.len(), 0.0);
        sums.iter_mut()
            .zip(a.logits.iter().zip(&b.logits))
            .for_each(|(s, (a, b))| *s += f64::from(a - b));
    }
    sums.iter()
        .enumerate()
        .fold(0, |best, (i, s)| if *s > sums[best] { i } else { best })
}
