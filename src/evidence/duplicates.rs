//! Near-duplicates: photos whose fingerprints hardly differ become one group, so that a photo that occurs fifty times is one
//! piece of evidence.

use crate::record::DuplicateRow;
use std::collections::BTreeMap;

/// Most bits of 256 in which two fingerprints of one photo differ; `benches/near_duplicates.py` measures both sides.
const DISTANCE_MAX: u32 = 16;
/// Fewer bits of either kind tell nothing: a blank page is like any other.
const TELLING_MIN: u32 = 32;
/// One more than the bits that may differ: two near-duplicates are equal in at least one band.
const BANDS: u32 = DISTANCE_MAX + 1;

/// Longest way down the sorted fingerprints of a band, so that a million frames of one camera are not compared each with
/// each.
const NEIGHBOURS_MAX: usize = 256;

/// 256 bits of a photo.
type Fingerprint = [u64; 4];

/// The photos of a run that have no group of their own: 48 bytes each.
#[derive(Debug, Default)]
pub struct Photos(Vec<(u128, Fingerprint)>);

/// Reads 64 hexadecimal digits; `None` for other text and for a photo of which the bits tell nothing.
fn parse(hex: &str) -> Option<Fingerprint> {
    let mut bits = [0; 4];
    for (i, word) in bits.iter_mut().enumerate() {
        *word = u64::from_str_radix(hex.get(16 * i..16 * i + 16)?, 16).ok()?;
    }
    let ones: u32 = bits.iter().map(|w| w.count_ones()).sum();
    (TELLING_MIN..=256 - TELLING_MIN)
        .contains(&ones)
        .then_some(bits)
}

impl Photos {
    /// Takes a photo by its id and its fingerprint, both in hexadecimal digits.
    pub fn add(&mut self, id: &str, fingerprint: &str) {
        self.0
            .extend(u128::from_str_radix(id, 16).ok().zip(parse(fingerprint)));
    }

    /// The photos of groups of more than one, by id; a group is named by its smallest id. Groups are the connected
    /// components of pairs at most [`DISTANCE_MAX`] apart.
    pub fn groups(&self) -> Vec<DuplicateRow> {
        let mut photos: Vec<(Fingerprint, u128)> =
            self.0.iter().map(|&(id, bits)| (bits, id)).collect();
        photos.sort_unstable();
        // Equal fingerprints stand together, and one speaks for all, so that a band never compares them.
        let same: Vec<&[(Fingerprint, u128)]> = photos.chunk_by(|a, b| a.0 == b.0).collect();
        let mut forest = Forest((0..same.len()).collect());
        for band in 0..BANDS {
            let mut order: Vec<(u32, usize)> = same
                .iter()
                .enumerate()
                .map(|(i, photos)| (slice(&photos[0].0, band), i))
                .collect();
            order.sort_unstable();
            for run in order.chunk_by(|a, b| a.0 == b.0) {
                for (k, &(_, a)) in run.iter().enumerate() {
                    for &(_, b) in run[k + 1..].iter().take(NEIGHBOURS_MAX) {
                        if distance(&same[a][0].0, &same[b][0].0) <= DISTANCE_MAX {
                            forest.join(a, b);
                        }
                    }
                }
            }
        }
        let mut members: BTreeMap<usize, Vec<u128>> = BTreeMap::new();
        for (i, photos) in same.iter().enumerate() {
            members
                .entry(forest.root(i))
                .or_default()
                .extend(photos.iter().map(|(_, id)| id));
        }
        let mut rows = Vec::new();
        for mut ids in members.into_values().filter(|ids| ids.len() > 1) {
            ids.sort_unstable();
            let name = |id: u128| format!("{id:032x}");
            rows.extend(ids.iter().map(|&id| DuplicateRow {
                image_id: name(id),
                group: name(ids[0]),
            }));
        }
        rows.sort_by(|a, b| a.image_id.cmp(&b.image_id));
        rows
    }
}

fn distance(a: &Fingerprint, b: &Fingerprint) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// The bits of one band: every [`BANDS`]th, so that neighbouring places fall into different bands.
fn slice(bits: &Fingerprint, band: u32) -> u32 {
    let at = (band..256).step_by(BANDS as usize);
    at.fold(0, |key, i| {
        key << 1 | (bits[i as usize / 64] >> (i % 64) & 1) as u32
    })
}

/// Trees of merged indices.
struct Forest(Vec<usize>);

impl Forest {
    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}
