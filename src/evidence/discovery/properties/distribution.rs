//! How the values of a property are spread, for a small chart.

use super::selection::PropertyFound;
use super::table::PropertyTable;
use crate::finding::{PropertyBar, PropertyDistribution, PropertyValue};
use std::collections::BTreeMap;

/// Ranges of numbers, and levels that are shown by name.
const RANGES: usize = 12;
const LEVELS: usize = 8;
/// Part of the numbers on either side that the outermost ranges hold whatever their value.
const TAIL: f64 = 0.025;

/// The spread of the property of a finding in its class and in the others.
pub fn distribution(table: &PropertyTable, found: &PropertyFound) -> PropertyDistribution {
    let values = table.images.iter().enumerate();
    let values: Vec<(bool, PropertyValue)> = values
        .map(|(place, image)| {
            let value = table.value(found.test.column, place);
            (image.class == found.class, value)
        })
        .collect();

    let mut numbers: Vec<f64> = values
        .iter()
        .filter_map(|(_, value)| match value {
            PropertyValue::Number(x) => Some(*x),
            _ => None,
        })
        .collect();
    numbers.sort_unstable_by(f64::total_cmp);
    let mut bars = match numbers.as_slice() {
        [] => Vec::new(),
        sorted => ranges(sorted, &values, found),
    };
    bars.extend(levels(&values, found));
    PropertyDistribution { bars }
}

/// Bars of ranges of equal width.
fn ranges(
    sorted: &[f64],
    values: &[(bool, PropertyValue)],
    found: &PropertyFound,
) -> Vec<PropertyBar> {
    let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
    let (start, end) = (at(TAIL), at(1.0 - TAIL));
    let width = (end - start) / RANGES as f64;
    if width <= 0.0 {
        return Vec::new();
    }
    let mut bars: Vec<PropertyBar> = (0..RANGES)
        .map(|range| {
            let from = start + range as f64 * width;
            PropertyBar {
                name: format!("{from:.3} to {:.3}", from + width),
                in_class: 0,
                in_others: 0,
                is_inside: false,
            }
        })
        .collect();
    let mut inside = [0_usize; RANGES];
    for (is_own, value) in values {
        let PropertyValue::Number(x) = value else {
            continue;
        };
        let range = ((x - start) / width).clamp(0.0, (RANGES - 1) as f64) as usize;
        count(&mut bars[range], *is_own);
        inside[range] += usize::from(found.rule.holds(value));
    }
    for (bar, inside) in bars.iter_mut().zip(inside) {
        bar.is_inside = 2 * inside > (bar.in_class + bar.in_others) as usize;
    }
    bars
}

/// Bars of the most frequent levels, of the others together, and of what is missing.
fn levels(values: &[(bool, PropertyValue)], found: &PropertyFound) -> Vec<PropertyBar> {
    let mut by_name: BTreeMap<&str, PropertyBar> = BTreeMap::new();
    for (is_own, value) in values {
        let name = match value {
            PropertyValue::Level(level) => level,
            PropertyValue::Missing => "missing",
            PropertyValue::Number(_) => continue,
        };
        let bar = by_name.entry(name).or_insert_with(|| PropertyBar {
            name: name.to_owned(),
            in_class: 0,
            in_others: 0,
            is_inside: found.rule.holds(value),
        });
        count(bar, *is_own);
    }

    let mut bars: Vec<PropertyBar> = by_name.into_values().collect();
    // The sort is stable: equal ones stay in the order of their names.
    bars.sort_by_key(|bar| (!bar.is_inside, u32::MAX - bar.in_class - bar.in_others));
    let rest = bars.split_off(bars.len().min(LEVELS));
    if !rest.is_empty() {
        bars.push(PropertyBar {
            name: format!("{} others", rest.len()),
            in_class: rest.iter().map(|bar| bar.in_class).sum(),
            in_others: rest.iter().map(|bar| bar.in_others).sum(),
            is_inside: false,
        });
    }
    bars
}

fn count(bar: &mut PropertyBar, is_own: bool) {
    if is_own {
        bar.in_class += 1;
    } else {
        bar.in_others += 1;
    }
}
