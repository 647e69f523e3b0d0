//! A few images of every class, one of a group, drawn by hash: the same whatever the order in which they come.

use std::collections::BTreeMap;

/// Groups kept per class.
const PER_CLASS: usize = 200;

/// Image ids by class, at most 200 each.
#[derive(Debug, Default)]
pub struct Drawn(BTreeMap<u32, BTreeMap<[u8; 16], u128>>);

impl Drawn {
    /// `group` is the image's own id where it has none.
    pub(super) fn add(&mut self, seed: u64, class: u32, group: u128, image: u128) {
        let of = self.0.entry(class).or_default();
        let kept = of.entry(lot(seed, group)).or_insert(image);
        if lot(seed, image) < lot(seed, *kept) {
            *kept = image;
        }
        if of.len() > PER_CLASS {
            of.pop_last();
        }
    }

    /// The images of one class, in order of hash.
    pub fn of(&self, class: u32) -> Vec<u128> {
        self.0
            .get(&class)
            .map_or_else(Vec::new, |of| of.values().copied().collect())
    }

    /// Images of all classes in turn: the first of each, then the second of each.
    pub fn in_turn(&self, seed: u64) -> impl Iterator<Item = u128> {
        in_turn(
            self.0
                .values()
                .map(|of| of.values().copied().collect())
                .collect(),
            seed,
        )
    }
}

/// The first of each list, then the second of each, and so on; each round in order of hash, so that a few of many lists are
/// not always the first ones.
pub fn in_turn(lists: Vec<Vec<u128>>, seed: u64) -> impl Iterator<Item = u128> {
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(move |i| {
        let mut round: Vec<u128> = lists.iter().filter_map(|ids| ids.get(i).copied()).collect();
        round.sort_by_key(|id| lot(seed, *id));
        round
    })
}

/// An order by hash of the seed and an image's id.
pub fn lot(seed: u64, image: u128) -> [u8; 16] {
    let hash = blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .update(&image.to_be_bytes())
        .finalize();
    std::array::from_fn(|i| hash.as_bytes()[i])
}
