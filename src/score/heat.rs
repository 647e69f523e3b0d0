//! Map x regions -> scores. Shares speak of positive heat only; contributions are signed and in
//! logits.

use crate::cam::Cam;
use crate::geometry::Shape;
use crate::grid::{Grid, Weights};

/// Regions smaller than this many CAM cells allow no claim about place.
const SUB_CELL: f64 = 0.25;
/// Relative to the logit: less positive heat than this has no shares.
const LOW_MASS: f64 = 1e-6;

/// The heat of one map and its figures that need no region.
#[derive(Debug, Clone)]
pub struct Heat {
    /// `max(M, 0)` per cell.
    pub(super) positive: Vec<f64>,
    /// `P = sum max(M, 0)` over the cells, in logits.
    pub positive_mass: f64,
    /// `N = sum max(-M, 0)` over the cells, in logits.
    pub negative_mass: f64,
    /// `P <= 1e-6 max(1, |z|)`: too little heat for shares.
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

    /// The share without the ignored cells: `sum a M+ / (P - sum i M+)`.
    pub fn share_without(&self, weights: &[f64], ignored: Option<&[f64]>) -> Option<f64> {
        let inside = self.share(weights)?;
        let rest = 1.0 - ignored.map_or(Some(0.0), |i| self.share(i))?;
        (rest > 1e-9).then(|| (inside / rest).clamp(0.0, 1.0))
    }

    /// Entropy of the positive heat over the cells, divided by `ln(h w)`: 0 is one cell, 1 is
    /// everywhere. `None` where the mass is low.
    pub fn entropy(&self) -> Option<f64> {
        let n = self.positive.len();
        if self.low_mass || n < 2 {
            return None;
        }
        let parts = self.positive.iter().map(|m| m / self.positive_mass);
        let entropy: f64 = parts.filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
        Some(entropy / (n as f64).ln())
    }
}

/// The part of the view that a region takes without the ignored cells; `None` where nothing else is
/// left.
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
#[derive(Debug, Clone, Copy, Default, PartialEq)]
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
    pub relative_contribution: Option<f64>,
}

/// Scores a region; one out of view has no scores. `centred` is the map of the centred weights (raw
/// for sigmoid heads), `classes` the number of softmax classes, `None` for sigmoid heads.
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
        relative_contribution: relative_contribution(foot, centred, classes),
    }
}

/// Relative contribution of a region less its mean over control places (`B_i`); `None` where the
/// region or every control is out of view.
pub fn contrast(
    foot: &Footprint,
    controls: &[Footprint],
    centred: &Cam,
    classes: Option<usize>,
) -> Option<f64> {
    let own = relative_contribution(foot, centred, classes)?;
    let others: Option<Vec<f64>> = controls
        .iter()
        .map(|c| relative_contribution(c, centred, classes))
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

fn relative_contribution(foot: &Footprint, centred: &Cam, classes: Option<usize>) -> Option<f64> {
    let factor = classes
        .filter(|c| *c > 1)
        .map_or(1.0, |c| c as f64 / (c as f64 - 1.0));
    contribution(foot, centred).map(|c| c * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: [f64; 16] = [
        0.0, 1.0, 2.0, 0.0, 1.0, 8.0, 4.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0,
    ];

    /// Heat on cells by the piecewise-constant rule, region = the top left 2 x 2 cells. Worked out
    /// by hand.
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
            (scores.contribution, scores.relative_contribution),
            (Some(0.625), Some(1.25))
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
}
