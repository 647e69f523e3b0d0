//! Map x regions -> scores. Shares speak of positive heat only; contributions are signed and in logits.

use crate::cam::Cam;
use crate::geometry::Shape;
use crate::grid::{Grid, Weights};

/// Regions smaller than this many CAM cells allow no claim about place.
const SUB_CELL: f64 = 0.25;
/// Relative to the logit: less positive heat than this has no shares.
const LOW_MASS: f64 = 1e-6;

/// The heat of one map and what can be said of it without any region.
#[derive(Debug, Clone)]
pub struct Heat {
    /// `max(M, 0)` per cell.
    positive: Vec<f64>,
    /// `P = sum max(M, 0)` over the cells, in logits.
    pub positive_mass: f64,
    /// `N = sum max(-M, 0)` over the cells, in logits.
    pub negative_mass: f64,
    /// `P <= 1e-6 max(1, |z|)`: there is nothing to take shares of.
    pub low_mass: bool,
}

impl Heat {
    /// Heat for the class whose logit is `logit`.
    pub fn new(cells: &[f64], logit: f64) -> Self {
        let positive: Vec<f64> = cells.iter().map(|m| m.max(0.0)).collect();
        let positive_mass: f64 = positive.iter().sum();
        let negative_mass = cells.iter().map(|m| (-m).max(0.0)).sum();
        let low_mass = positive_mass <= LOW_MASS * logit.abs().max(1.0);
        Self {
            positive,
            positive_mass,
            negative_mass,
            low_mass,
        }
    }

    /// `sum a M+ / P`; `None` where the mass is low.
    pub fn share(&self, weights: &[f64]) -> Option<f64> {
        let inside: f64 = weights.iter().zip(&self.positive).map(|(a, m)| a * m).sum();
        (!self.low_mass).then(|| (inside / self.positive_mass).clamp(0.0, 1.0))
    }

    /// The share where `ignored` counts neither way: `sum a M+ / (P - sum i M+)`.
    pub fn share_without(&self, weights: &[f64], ignored: Option<&[f64]>) -> Option<f64> {
        let inside = self.share(weights)?;
        let rest = 1.0 - ignored.map_or(Some(0.0), |i| self.share(i))?;
        (rest > 1e-9).then(|| (inside / rest).clamp(0.0, 1.0))
    }

    /// Entropy of the positive heat over the cells, divided by `ln(h w)`: 0 is one cell, 1 is everywhere.
    pub fn entropy(&self) -> Option<f64> {
        let n = self.positive.len();
        let term = |m: &f64| m / self.positive_mass;
        let entropy: f64 = self
            .positive
            .iter()
            .map(term)
            .filter(|p| *p > 0.0)
            .map(|p| -p * p.ln())
            .sum();
        (!self.low_mass && n > 1).then(|| entropy / (n as f64).ln())
    }
}

/// The part of the view that a region takes where `ignored` counts neither way; `None` where nothing else is left.
pub fn area_without(weights: &[f64], ignored: Option<&[f64]>) -> Option<f64> {
    let rest = weights.len() as f64 - ignored.map_or(0.0, |i| i.iter().sum());
    (rest > 1e-9).then(|| (weights.iter().sum::<f64>() / rest).clamp(0.0, 1.0))
}

/// A region laid over the cells of one image: the same for every class.
#[derive(Debug, Clone)]
pub struct Footprint {
    pub weights: Weights,
    /// Part of the view that the region takes.
    pub area: f64,
    /// Part of the region that the view shows.
    pub visible: f64,
    /// The most that one cell could give.
    pub s_max: f64,
    /// Smaller than a quarter of a cell: no claim about place.
    pub sub_cell: bool,
}

impl Footprint {
    pub fn new(grid: &Grid, shape: &Shape) -> Self {
        let weights = grid.weights(shape);
        let sum: f64 = weights.iter().sum();
        let n = grid.cells() as f64;
        let whole = shape.area() * n / grid.view.rect().area();
        let visible = if whole > 0.0 {
            (sum / whole).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let s_max = weights.iter().copied().fold(0.0, f64::max);
        Self {
            area: sum / n,
            visible,
            s_max,
            sub_cell: sum < SUB_CELL,
            weights,
        }
    }
}

/// Scores of one region under one map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionScores {
    /// `sum a M+ / P`.
    pub share: Option<f64>,
    /// `share / area`.
    pub lift: Option<f64>,
    /// `share - area`.
    pub excess: Option<f64>,
    /// `share / s_max`.
    pub rho: Option<f64>,
    /// `c_r = (1/n) sum a M°`, in logits.
    pub contribution: Option<f64>,
    /// `c_r(y) - mean over k != y of c_r(k)`, in logits.
    pub specificity: Option<f64>,
}

/// Scores a region; one out of view has no scores. `centred` is the map of the centred weights (raw for sigmoid heads), `classes` the number of
/// softmax classes, `None` for sigmoid heads.
pub fn region(
    foot: &Footprint,
    heat: &Heat,
    centred: &Cam,
    classes: Option<usize>,
) -> RegionScores {
    let share = heat.share(&foot.weights).filter(|_| foot.area > 0.0);
    RegionScores {
        share,
        lift: share.map(|s| s / foot.area),
        excess: share.map(|s| s - foot.area),
        rho: share.filter(|_| foot.s_max > 0.0).map(|s| s / foot.s_max),
        contribution: contribution(foot, centred),
        specificity: specificity(foot, centred, classes),
    }
}

/// How the heat meets the object, on the pixels of the view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Localisation {
    /// The hottest pixel lies on the object or nearer than the tolerance (TorchRay's strict <).
    pub pointing_hit: bool,
    /// Of the hottest pixels, as many as the object has, the fraction on it. Ties count by expectation.
    pub rank_accuracy: f64,
}

/// Specificity of a region less its mean over control places (`B_i`); `None` where a control or the region is missing.
pub fn contrast(
    foot: &Footprint,
    controls: &[Footprint],
    centred: &Cam,
    classes: Option<usize>,
) -> Option<f64> {
    let own = specificity(foot, centred, classes)?;
    let others: Option<Vec<f64>> = controls
        .iter()
        .map(|c| specificity(c, centred, classes))
        .collect();
    let others = others.filter(|o| !o.is_empty())?;
    Some(own - others.iter().sum::<f64>() / others.len() as f64)
}

fn contribution(foot: &Footprint, centred: &Cam) -> Option<f64> {
    let sum: f64 = foot
        .weights
        .iter()
        .zip(&centred.values)
        .map(|(a, m)| a * m)
        .sum();
    (foot.area > 0.0).then(|| sum / centred.values.len() as f64)
}

fn specificity(foot: &Footprint, centred: &Cam, classes: Option<usize>) -> Option<f64> {
    let factor = classes
        .filter(|c| *c > 1)
        .map_or(1.0, |c| c as f64 / (c as f64 - 1.0));
    contribution(foot, centred).map(|c| c * factor)
}

/// Pointing game and rank accuracy of the upsampled positive heat; `None` where the mass is low or no pixel is object.
pub fn localise(
    grid: &Grid,
    heat: &Heat,
    object: &Shape,
    tolerance_px: f64,
) -> Option<Localisation> {
    if heat.low_mass {
        return None;
    }
    let inside = grid.pixels(object);
    let wanted = inside.iter().filter(|p| **p).count();
    if wanted == 0 {
        return None;
    }
    let map = grid.upsample(&heat.positive);
    let hottest = map
        .iter()
        .enumerate()
        .fold(0, |best, (i, v)| if *v > map[best] { i } else { best });
    let tolerance = tolerance_px * f64::from(grid.view.width.max(grid.view.height)) / 224.0;
    Some(Localisation {
        pointing_hit: near(&inside, grid.view.width as usize, hottest, tolerance),
        rank_accuracy: rank_accuracy(&map, &inside, wanted),
    })
}

fn near(inside: &[bool], width: usize, point: usize, tolerance: f64) -> bool {
    let (px, py) = (point % width, point / width);
    let reach = tolerance.ceil() as usize;
    let rows = py.saturating_sub(reach)..(py + reach + 1).min(inside.len() / width);
    let square = |a: usize, b: usize| (a.abs_diff(b) as f64).powi(2);
    inside[point]
        || rows.into_iter().any(|y| {
            let columns = px.saturating_sub(reach)..(px + reach + 1).min(width);
            columns
                .into_iter()
                .any(|x| inside[y * width + x] && square(x, px) + square(y, py) < tolerance.powi(2))
        })
}

/// Fraction of the `wanted` hottest values that lie inside. Heat is not negative, so its bits order as it does.
pub fn rank_accuracy(map: &[f32], inside: &[bool], wanted: usize) -> f64 {
    let mut order: Vec<u32> = map.iter().map(|v| (v + 0.0).to_bits()).collect();
    let (_, &mut threshold, _) = order.select_nth_unstable(map.len() - wanted);
    let threshold = f32::from_bits(threshold);
    let count = |is: fn(&f32, &f32) -> bool| -> (u32, u32) {
        let all = map.iter().map(|v| u32::from(is(v, &threshold))).sum();
        (
            all,
            map.iter()
                .zip(inside)
                .map(|(v, &i)| u32::from(is(v, &threshold) & i))
                .sum(),
        )
    };
    let ((above, above_in), (equal, equal_in)) = (count(f32::gt), count(f32::eq));
    let from_ties = (wanted as f64 - f64::from(above)) * f64::from(equal_in) / f64::from(equal);
    (f64::from(above_in) + from_ties) / wanted as f64
}

/// The logit less the mean over all classes, which softmax cannot see; for sigmoid heads the logit itself.
pub fn centred_logit(logits: &[f32], class: usize, softmax: bool) -> f64 {
    let mean = logits.iter().map(|&z| f64::from(z)).sum::<f64>() / logits.len() as f64;
    f64::from(logits[class]) - if softmax { mean } else { 0.0 }
}

/// `z_c - logsumexp_{k != c} z_k`; for sigmoid heads the logit itself.
pub fn margin(logits: &[f32], class: usize, softmax: bool) -> f64 {
    let z = f64::from(logits[class]);
    if !softmax {
        return z;
    }
    let others = || {
        logits
            .iter()
            .enumerate()
            .filter(|(k, _)| *k != class)
            .map(|(_, &z)| f64::from(z))
    };
    let largest = others().fold(f64::NEG_INFINITY, f64::max);
    z - (largest + others().map(|z| (z - largest).exp()).sum::<f64>().ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: [f64; 16] = [
        0.0, 1.0, 2.0, 0.0, 1.0, 8.0, 4.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0,
    ];

    /// Heat on cells by the piecewise-constant rule, region = the top left 2 x 2 cells. Worked out by hand.
    #[test]
    fn the_worked_example_gives_its_numbers() {
        let inside: Vec<bool> = (0..16).map(|i| i % 4 < 2 && i / 4 < 2).collect();
        let weights: Vec<f64> = inside.iter().map(|&b| f64::from(u8::from(b))).collect();
        let foot = Footprint {
            weights,
            area: 0.25,
            visible: 1.0,
            s_max: 1.0,
            sub_cell: false,
        };
        let cam = Cam {
            height: 4,
            width: 4,
            values: MAP.to_vec(),
            bias: 0.0,
        };
        let scores = region(&foot, &Heat::new(&MAP, 1.25), &cam, Some(2));
        assert_eq!(
            (scores.share, scores.lift, scores.excess),
            (Some(0.5), Some(2.0), Some(0.25))
        );
        assert_eq!(
            (scores.contribution, scores.specificity),
            (Some(0.625), Some(1.25))
        );
        let map: Vec<f32> = MAP.iter().map(|&v| v as f32).collect();
        assert_eq!(rank_accuracy(&map, &inside, 4), 0.25);
    }

    #[test]
    fn ties_count_by_expectation() {
        assert_eq!(
            rank_accuracy(&[1.0, 1.0, 1.0, 1.0], &[true, false, false, false], 1),
            0.25
        );
        assert_eq!(
            rank_accuracy(&[2.0, 1.0, 1.0, 0.0], &[true, true, false, false], 2),
            0.75
        );
    }

    #[test]
    fn without_positive_heat_there_are_no_shares() {
        let cells = [-1.0, -2.0, 0.0, -0.5];
        let heat = Heat::new(&cells, -0.875);
        assert!(heat.low_mass);
        assert_eq!(
            (heat.share(&[1.0; 4]), heat.entropy(), heat.negative_mass),
            (None, None, 3.5)
        );
    }

    #[test]
    fn the_pointing_game_is_strict() {
        let mut inside = vec![false; 100];
        inside[55] = true;
        let check = |point: usize, tolerance: f64, hit: bool| {
            assert_eq!(near(&inside, 10, point, tolerance), hit)
        };
        check(55, 0.0, true);
        check(53, 2.0, false);
        check(53, 2.1, true);
        check(44, 1.5, true);
    }

    #[test]
    fn the_margin_is_the_log_odds_of_softmax() {
        let z = [1.0_f32, 2.0, 0.5];
        let p = 2.0_f64.exp() / (1.0_f64.exp() + 2.0_f64.exp() + 0.5_f64.exp());
        assert!((margin(&z, 1, true) - (p / (1.0 - p)).ln()).abs() < 1e-12);
        assert_eq!(margin(&z, 1, false), 2.0);
    }
}
