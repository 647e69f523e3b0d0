//! Whether a property tells a class: a rule found on one half of the groups is tested on the other,
//! in both directions, and has to make a difference that counts.

use super::counted::Counted;
use super::mining::mine;
use super::rule::Rule;
use super::table::PropertyTable;
use crate::evidence::statistics::{difference, fisher_greater, median, proportion};
use crate::finding::{Estimate, GroupCount};
use std::collections::BTreeMap;

/// Largest p-value of the weaker direction.
const WEAKER_P_MAX: f64 = 0.05;
/// Smallest lower bound of the difference to the other classes.
const DIFFERENCE_MIN: f64 = 0.01;
/// Against the median of the other classes: the smallest difference, and what it has to be beyond
/// that.
const ABOVE_MEDIAN_MIN: f64 = 0.02;
const ABOVE_MEDIAN: f64 = 0.05;

/// One class and one property, tested in both directions.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyTest {
    pub class: u32,
    pub column: usize,
    /// The rule of the direction with the smaller p-value.
    pub rule: Rule,
    /// Twice the smaller p-value, at most 1.
    pub p: f64,
    pub weaker_p: f64,
    /// On the half that the rule was tested on.
    pub in_class: GroupCount,
    pub in_others: GroupCount,
    pub difference: Estimate,
}

/// How often the rule of a test holds in all images of the sample.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRates {
    pub in_class: GroupCount,
    pub in_others: GroupCount,
    /// Median over the other classes.
    pub median_other: f64,
    pub worst_other: f64,
    /// The images of the class inside the rule, by their places in the sample.
    pub members: Vec<usize>,
}

/// The images of the sample by half and class.
struct Halves {
    of_class: [BTreeMap<u32, Vec<usize>>; 2],
    all: [Vec<usize>; 2],
}

/// Tests every class with every property; the classes and properties for which no rule was found
/// are counted only: the second number is that of all tests.
pub fn test_all(table: &PropertyTable) -> (Vec<PropertyTest>, usize) {
    let halves = Halves::new(table);
    let classes = table.classes();
    let mut tests = Vec::new();
    for column in 0..table.columns.len() {
        let values = &table.columns[column].values;
        let all = [0, 1].map(|half: usize| Counted::of(values, &halves.all[half]));
        for &class in &classes {
            let own = [0, 1].map(|half: usize| {
                let images = halves.of_class[half].get(&class);
                Counted::of(values, images.map_or(&[], Vec::as_slice))
            });
            tests.extend(test(&own, &all, class, column));
        }
    }
    (tests, table.columns.len() * classes.len())
}

/// `None` where no direction has a rule.
fn test(own: &[Counted; 2], all: &[Counted; 2], class: u32, column: usize) -> Option<PropertyTest> {
    let mut best: Option<PropertyTest> = None;
    let mut weaker_p = 0.0_f64;
    for (mined, tested) in [(0, 1), (1, 0)] {
        let found = mine(&own[mined], &all[mined])
            .and_then(|rule| one_direction(rule, &own[tested], &all[tested], class, column));
        let Some(found) = found else {
            weaker_p = 1.0;
            continue;
        };
        weaker_p = weaker_p.max(found.p);
        if best.as_ref().is_none_or(|best| found.p < best.p) {
            best = Some(found);
        }
    }
    let mut best = best?;
    best.weaker_p = weaker_p;
    best.p = (2.0 * best.p).min(1.0);
    Some(best)
}

/// `None` where a side has no images.
fn one_direction(
    rule: Rule,
    own: &Counted,
    all: &Counted,
    class: u32,
    column: usize,
) -> Option<PropertyTest> {
    let in_class = GroupCount {
        present: own.count(rule),
        groups: own.images(),
    };
    let in_others = GroupCount {
        present: all.count(rule) - in_class.present,
        groups: all.images() - in_class.groups,
    };
    let of_class = proportion(in_class.present, in_class.groups)?;
    let of_others = proportion(in_others.present, in_others.groups)?;
    Some(PropertyTest {
        class,
        column,
        rule,
        p: fisher_greater(in_class, in_others),
        weaker_p: 1.0,
        in_class,
        in_others,
        difference: difference(of_class, of_others),
    })
}

impl PropertyTest {
    /// Whether both directions agree and the difference is large enough; the rates of the rule
    /// where it is.
    pub fn gated(&self, table: &PropertyTable) -> Option<RuleRates> {
        if self.weaker_p > WEAKER_P_MAX || self.difference.low < DIFFERENCE_MIN {
            return None;
        }
        let rates = RuleRates::new(table, self)?;
        stands_out(rates.of_class(), rates.median_other).then_some(rates)
    }
}

/// Whether the rate of a class is above the median rate of the others by enough.
pub fn stands_out(of_class: f64, median_other: f64) -> bool {
    let above = of_class - median_other;
    let is_large = above >= ABOVE_MEDIAN || of_class >= 2.0 * median_other + ABOVE_MEDIAN_MIN;
    above >= ABOVE_MEDIAN_MIN && is_large
}

impl RuleRates {
    fn new(table: &PropertyTable, test: &PropertyTest) -> Option<Self> {
        let values = &table.columns[test.column].values;
        let mut counts: BTreeMap<u32, GroupCount> = BTreeMap::new();
        let mut members = Vec::new();
        for (place, image) in table.images.iter().enumerate() {
            let count = counts.entry(image.class).or_default();
            count.groups += 1;
            if values.holds(test.rule, place) {
                count.present += 1;
                if image.class == test.class {
                    members.push(place);
                }
            }
        }

        let in_class = counts.remove(&test.class)?;
        let mut in_others = GroupCount::default();
        let mut rates = Vec::new();
        for count in counts.values() {
            in_others.present += count.present;
            in_others.groups += count.groups;
            rates.push(f64::from(count.present) / f64::from(count.groups));
        }
        let worst_other = rates.iter().copied().fold(0.0, f64::max);
        Some(Self {
            in_class,
            in_others,
            median_other: median(rates)?,
            worst_other,
            members,
        })
    }

    pub fn of_class(&self) -> f64 {
        f64::from(self.in_class.present) / f64::from(self.in_class.groups.max(1))
    }

    pub fn of_others(&self) -> f64 {
        f64::from(self.in_others.present) / f64::from(self.in_others.groups.max(1))
    }
}

impl Halves {
    fn new(table: &PropertyTable) -> Self {
        let mut halves = Self {
            of_class: Default::default(),
            all: Default::default(),
        };
        for (place, image) in table.images.iter().enumerate() {
            let half = usize::from(!image.is_first_half);
            halves.all[half].push(place);
            let of_class = halves.of_class[half].entry(image.class).or_default();
            of_class.push(place);
        }
        halves
    }
}
