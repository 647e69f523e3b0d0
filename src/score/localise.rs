//! How the hottest pixels meet the object: pointing game and rank accuracy.

use super::heat::Heat;
use crate::geometry::Shape;
use crate::grid::Grid;

/// How the heat meets the object, on the pixels of the view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Localisation {
    /// The hottest pixel lies on the object or nearer than the tolerance (TorchRay's strict <).
    pub pointing_hit: bool,
    /// Of the hottest pixels, as many as the object has, the fraction on it. Ties count by
    /// expectation.
    pub rank_accuracy: f64,
}

/// Pointing game and rank accuracy of the upsampled positive heat; `None` where the mass is low or
/// no pixel is object.
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

/// Whether a pixel lies inside, or nearer than the tolerance to a pixel that does.
fn near(inside: &[bool], width: usize, point: usize, tolerance: f64) -> bool {
    if inside[point] {
        return true;
    }
    let (px, py) = (point % width, point / width);
    let reach = tolerance.ceil() as usize;
    let rows = py.saturating_sub(reach)..(py + reach + 1).min(inside.len() / width);
    let columns = px.saturating_sub(reach)..(px + reach + 1).min(width);

    for y in rows {
        for x in columns.clone() {
            let squared = squared(x, px) + squared(y, py);
            if inside[y * width + x] && squared < tolerance.powi(2) {
                return true;
            }
        }
    }
    false
}

fn squared(a: usize, b: usize) -> f64 {
    (a.abs_diff(b) as f64).powi(2)
}

/// Fraction of the `wanted` hottest values that lie inside. Heat is not negative, so its bits order
/// as it does.
pub fn rank_accuracy(map: &[f32], inside: &[bool], wanted: usize) -> f64 {
    let mut order: Vec<u32> = map.iter().map(|v| (v + 0.0).to_bits()).collect();
    let (_, &mut threshold, _) = order.select_nth_unstable(map.len() - wanted);
    let threshold = f32::from_bits(threshold);

    let (above, above_inside) = count(map, inside, |v| v > threshold);
    let (equal, equal_inside) = count(map, inside, |v| v == threshold);
    let from_ties = (wanted as f64 - f64::from(above)) * f64::from(equal_inside) / f64::from(equal);
    (f64::from(above_inside) + from_ties) / wanted as f64
}

/// Values that fulfil a condition, and those of them that lie inside.
fn count(map: &[f32], inside: &[bool], holds: impl Fn(f32) -> bool) -> (u32, u32) {
    let (mut all, mut within) = (0, 0);
    for (value, inside) in map.iter().zip(inside) {
        let holds = holds(*value);
        all += u32::from(holds);
        within += u32::from(holds & inside);
    }
    (all, within)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the region scores: of the four hottest cells one lies inside.
    #[test]
    fn a_quarter_of_the_hottest_cells_lies_inside() {
        let map = [
            0.0, 1.0, 2.0, 0.0, 1.0, 8.0, 4.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0,
        ];
        let inside: Vec<bool> = (0..16).map(|i| i % 4 < 2 && i / 4 < 2).collect();
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
    fn the_pointing_game_is_strict() {
        let mut inside = vec![false; 100];
        inside[55] = true;
        let check = |point: usize, tolerance: f64, hit: bool| {
            assert_eq!(near(&inside, 10, point, tolerance), hit);
        };
        check(55, 0.0, true);
        check(53, 2.0, false);
        check(53, 2.1, true);
        check(44, 1.5, true);
    }
}
