//! Choosing a limited number of images per label.

use super::sample::ImageId;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

/// How many images to choose of each label, at random by `seed`.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub per_label: usize,
    pub seed: u64,
}

/// Chooses the images of each label whose ids have the smallest hashes, keyed by the seed. So the
/// choice does not depend on the order of the set.
pub struct LimitSampler {
    limit: Limit,
    /// Hash and id of the images chosen so far; the largest hash is on top.
    chosen: HashMap<String, BinaryHeap<([u8; 32], ImageId)>>,
}

impl LimitSampler {
    pub fn new(limit: Limit) -> Self {
        Self {
            limit,
            chosen: HashMap::new(),
        }
    }

    pub fn add(&mut self, label: &str, id: ImageId) {
        let hash = blake3::keyed_hash(&key(self.limit.seed), &id.bytes());
        let heap = self.chosen.entry(label.to_owned()).or_default();
        heap.push((*hash.as_bytes(), id));
        if heap.len() > self.limit.per_label {
            heap.pop();
        }
    }

    /// Number of chosen images per label.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let labels = self.chosen.iter();
        labels
            .map(|(label, heap)| (label.clone(), heap.len()))
            .collect()
    }

    pub fn into_ids(self) -> HashSet<ImageId> {
        let chosen = self.chosen.into_values().flatten();
        chosen.map(|(_, id)| id).collect()
    }
}

fn key(seed: u64) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key
}
