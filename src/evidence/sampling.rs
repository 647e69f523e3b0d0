//! A few images of every class, one of a group, chosen by hash: the same whatever the order in
//! which they come.

use std::collections::BTreeMap;

/// Groups kept per class.
const GROUPS_MAX: usize = 200;

/// Image ids by class, at most 200 each.
#[derive(Debug, Default)]
pub struct Sampled(BTreeMap<u32, BTreeMap<[u8; 16], u128>>);

impl Sampled {
    /// Adds an image; `group` is the image's own id where it has none.
    pub(super) fn add(&mut self, seed: u64, class: u32, group: u128, image: u128) {
        let kept = self.0.entry(class).or_default();
        let chosen = kept.entry(rank(seed, group)).or_insert(image);
        if rank(seed, image) < rank(seed, *chosen) {
            *chosen = image;
        }
        if kept.len() > GROUPS_MAX {
            kept.pop_last();
        }
    }

    /// The images of one class, in order of hash.
    pub fn of_class(&self, class: u32) -> Vec<u128> {
        let kept = self.0.get(&class);
        kept.map_or_else(Vec::new, |kept| kept.values().copied().collect())
    }

    /// The images of one class that are of no group of `others`, in order of hash.
    pub(super) fn of_class_without(&self, class: u32, others: &Self) -> Vec<u128> {
        let taken = others.0.get(&class);
        let is_free = |group| !taken.is_some_and(|taken| taken.contains_key(group));

        let kept = self.0.get(&class).into_iter().flatten();
        kept.filter(|(group, _)| is_free(*group))
            .map(|(_, image)| *image)
            .collect()
    }

    /// Images of all classes: the first of each, then the second of each.
    pub fn round_robin(&self, seed: u64) -> impl Iterator<Item = u128> {
        let lists = self.0.values().map(|kept| kept.values().copied().collect());
        round_robin(lists.collect(), seed)
    }
}

/// The first of each list, then the second of each, and so on; each round in order of hash, so that
/// a few of many lists are not always the first ones.
pub(super) fn round_robin(lists: Vec<Vec<u128>>, seed: u64) -> impl Iterator<Item = u128> {
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(move |i| {
        let mut round: Vec<u128> = lists.iter().filter_map(|ids| ids.get(i).copied()).collect();
        round.sort_by_key(|id| rank(seed, *id));
        round
    })
}

/// The place of an image in an order by hash of the seed and its id.
pub(super) fn rank(seed: u64, image: u128) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&image.to_be_bytes());
    let hash = hasher.finalize();
    std::array::from_fn(|i| hash.as_bytes()[i])
}
