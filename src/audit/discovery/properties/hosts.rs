//! The photos that are changed: of other classes, outside the rule, rightly predicted.

use super::sample::MeasuredSample;
use crate::evidence::discovery::properties::{PropertyFound, PropertyTable};
use std::collections::BTreeMap;

/// Fewest hosts of an experiment; from as many on that the model was not trained on, only these
/// take part.
pub const HOSTS_MIN: usize = 30;

/// Hosts, in the order in which they are used.
pub struct Hosts {
    /// Places in the sample.
    pub places: Vec<usize>,
    pub ids: Vec<u128>,
}

impl Hosts {
    /// At most `most`, spread evenly over the classes, each class in order of hash.
    pub fn choose(
        table: &PropertyTable,
        found: &PropertyFound,
        measured: &MeasuredSample,
        most: usize,
    ) -> Self {
        let is_host = |place: &usize| {
            let image = &measured.images[*place];
            let value = table.value(found.test.column, *place);
            image.table.class != found.class && image.is_correct && !found.rule.holds(&value)
        };
        let mut hosts: Vec<usize> = (0..measured.images.len()).filter(is_host).collect();
        let is_untrained = |place: &usize| !measured.images[*place].trained_on;
        if hosts.iter().filter(|place| is_untrained(place)).count() >= HOSTS_MIN {
            hosts.retain(is_untrained);
        }

        let mut of_class: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for place in hosts {
            let class = measured.images[place].table.class;
            of_class.entry(class).or_default().push(place);
        }
        let places = in_turn(&of_class.into_values().collect::<Vec<_>>(), most);
        let ids = places
            .iter()
            .map(|i| measured.images[*i].table.id)
            .collect();
        Self { places, ids }
    }
}

/// The first of each list, then the second of each, and so on.
fn in_turn(lists: &[Vec<usize>], most: usize) -> Vec<usize> {
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let rounds = (0..longest).flat_map(|i| lists.iter().filter_map(move |list| list.get(i)));
    rounds.copied().take(most).collect()
}
