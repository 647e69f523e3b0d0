//! The findings of a search: ordered by p-value, those about the same images merged, and the number
//! of false ones limited over what is left.

use super::association::{PropertyTest, RuleRates, test_all};
use super::table::PropertyTable;
use crate::finding::{Property, PropertyAlso, PropertyFamily, PropertyRule};
use std::collections::BTreeSet;

/// Least overlap (intersection / union) of the images of two rules that are one finding.
const OVERLAP_MIN: f64 = 0.6;
/// Part of false findings that is allowed on average.
const FALSE_PART_MAX: f64 = 0.05;
/// A class comes from another source where a rule holds for so much of it, for so little of the
/// others, and for properties of so many families.
const SOURCE_RATE_MIN: f64 = 0.8;
const SOURCE_OTHERS_MAX: f64 = 0.1;
const SOURCE_FAMILIES_MIN: usize = 3;

/// A rule that tells a class.
#[derive(Debug, Clone)]
pub struct PropertyFound {
    pub class: u32,
    pub property: Property,
    pub rule: PropertyRule,
    pub test: PropertyTest,
    pub rates: RuleRates,
    /// `p * m / i`, at most 1.
    pub q: f64,
    /// Rules on other properties that hold for mostly the same images.
    pub also: Vec<PropertyAlso>,
}

/// What a search found, and what it looked at.
#[derive(Debug, Default)]
pub struct PropertySearch {
    /// By p-value.
    pub found: Vec<PropertyFound>,
    /// Pairs of a class and a property.
    pub tests: usize,
}

/// Searches for properties that tell a class.
pub fn search(table: &PropertyTable) -> PropertySearch {
    let (tests, count) = test_all(table);
    let mut gated: Vec<(PropertyTest, RuleRates)> = Vec::new();
    for test in tests {
        // No rank can make a finding of a larger one.
        if test.p <= FALSE_PART_MAX
            && let Some(rates) = test.gated(table)
        {
            gated.push((test, rates));
        }
    }
    gated.sort_by(|(a, _), (b, _)| {
        let by_p = a.p.total_cmp(&b.p);
        by_p.then((a.class, a.column).cmp(&(b.class, b.column)))
    });

    let merged = merge(table, gated);
    PropertySearch {
        found: step_up(merged, count),
        tests: count,
    }
}

/// Each finding takes in the later ones of its class about mostly the same images.
fn merge(table: &PropertyTable, gated: Vec<(PropertyTest, RuleRates)>) -> Vec<PropertyFound> {
    let mut merged: Vec<PropertyFound> = Vec::new();
    for (test, rates) in gated {
        let column = &table.columns[test.column];
        let property = column.property.clone();
        let rule = column.values.named(test.rule);
        let earlier = merged.iter_mut().find(|earlier| {
            earlier.class == test.class
                && overlap(&earlier.rates.members, &rates.members) >= OVERLAP_MIN
        });
        match earlier {
            Some(earlier) => earlier.also.push(PropertyAlso { property, rule }),
            None => merged.push(PropertyFound {
                class: test.class,
                property,
                rule,
                test,
                rates,
                q: 1.0,
                also: Vec::new(),
            }),
        }
    }
    merged
}

/// Intersection / union of two sorted lists.
pub fn overlap(a: &[usize], b: &[usize]) -> f64 {
    let common = a.iter().filter(|x| b.binary_search(x).is_ok()).count();
    let union = a.len() + b.len() - common;
    common as f64 / union.max(1) as f64
}

/// The findings up to the last one, by p-value, for which `p * m / i` is small enough.
fn step_up(mut merged: Vec<PropertyFound>, tests: usize) -> Vec<PropertyFound> {
    let mut smallest = 1.0_f64;
    for (index, found) in merged.iter_mut().enumerate().rev() {
        let adjusted = found.test.p * tests as f64 / (index + 1) as f64;
        smallest = smallest.min(adjusted);
        found.q = smallest;
    }
    merged.retain(|found| found.q <= FALSE_PART_MAX);
    merged
}

impl PropertyFound {
    /// Whether the class comes from another source than the others.
    pub fn is_other_source(&self) -> bool {
        let others = self.also.iter().map(|also| &also.property);
        let properties = others.chain([&self.property]);
        let families: BTreeSet<PropertyFamily> = properties.map(Property::family).collect();
        self.rates.of_class() >= SOURCE_RATE_MIN
            && self.rates.of_others() <= SOURCE_OTHERS_MAX
            && families.len() >= SOURCE_FAMILIES_MIN
    }
}
