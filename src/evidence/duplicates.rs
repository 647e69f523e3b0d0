//! Near-duplicates: photos whose fingerprints hardly differ become one group, so that a photo that
//! occurs fifty times is one piece of evidence.

use crate::tables::DuplicateRow;
use std::collections::BTreeMap;

/// Most bits of 256 in which two fingerprints of one photo differ; `benches/near_duplicates.py`
/// measures both sides.
const DISTANCE_MAX: u32 = 16;
/// Fewer bits of either kind identify nothing: all blank pages are alike.
const DISTINCT_BITS_MIN: u32 = 32;
/// One more than the bits that may differ: two near-duplicates are equal in at least one band.
const BANDS: u32 = DISTANCE_MAX + 1;

/// Neighbours that each photo is compared with in the sorted fingerprints of a band: a million
/// frames of one camera are not compared each with each.
const NEIGHBOURS_MAX: usize = 256;

/// 256 bits of a photo.
type Fingerprint = [u64; 4];

/// The photos of a run that have no group of their own: 48 bytes each.
#[derive(Debug, Default)]
pub struct Fingerprints(Vec<(u128, Fingerprint)>);

/// Reads 64 hexadecimal digits; `None` for other text and for a photo with too few distinct bits.
fn parse(hex: &str) -> Option<Fingerprint> {
    let mut bits = [0; 4];
    for (i, word) in bits.iter_mut().enumerate() {
        *word = u64::from_str_radix(hex.get(16 * i..16 * i + 16)?, 16).ok()?;
    }
    let ones: u32 = bits.iter().map(|w| w.count_ones()).sum();
    (DISTINCT_BITS_MIN..=256 - DISTINCT_BITS_MIN)
        .contains(&ones)
        .then_some(bits)
}

impl Fingerprints {
    /// Adds a photo by its id and its fingerprint in hexadecimal digits.
    pub fn add(&mut self, id: u128, fingerprint: &str) {
        if let Some(bits) = parse(fingerprint) {
            self.0.push((id, bits));
        }
    }

    /// The photos of groups of more than one, by id; a group is named by its smallest id. Groups
    /// are the connected components of pairs at most [`DISTANCE_MAX`] apart.
    pub fn groups(&self) -> Vec<DuplicateRow> {
        let mut photos: Vec<(Fingerprint, u128)> =
            self.0.iter().map(|&(id, bits)| (bits, id)).collect();
        photos.sort_unstable();
        // Photos with equal fingerprints are joined here, so that no band compares them.
        let distinct: Vec<&[(Fingerprint, u128)]> = photos.chunk_by(|a, b| a.0 == b.0).collect();

        let mut forest = Forest((0..distinct.len()).collect());
        for band in 0..BANDS {
            join_band(&distinct, band, &mut forest);
        }

        let mut members: BTreeMap<usize, Vec<u128>> = BTreeMap::new();
        for (i, photos) in distinct.iter().enumerate() {
            let ids = photos.iter().map(|(_, id)| id);
            members.entry(forest.root(i)).or_default().extend(ids);
        }

        let mut rows = Vec::new();
        for mut ids in members.into_values().filter(|ids| ids.len() > 1) {
            ids.sort_unstable();
            for id in &ids {
                rows.push(DuplicateRow {
                    image_id: format!("{id:032x}"),
                    group: format!("{:032x}", ids[0]),
                });
            }
        }
        rows.sort_by(|a, b| a.image_id.cmp(&b.image_id));
        rows
    }
}

/// Joins the photos that are equal in one band and near in all bits.
fn join_band(distinct: &[&[(Fingerprint, u128)]], band: u32, forest: &mut Forest) {
    let mut order: Vec<(u32, usize)> = distinct
        .iter()
        .enumerate()
        .map(|(i, photos)| (band_bits(&photos[0].0, band), i))
        .collect();
    order.sort_unstable();

    for equal in order.chunk_by(|a, b| a.0 == b.0) {
        for (k, &(_, a)) in equal.iter().enumerate() {
            for &(_, b) in equal[k + 1..].iter().take(NEIGHBOURS_MAX) {
                if distance(&distinct[a][0].0, &distinct[b][0].0) <= DISTANCE_MAX {
                    forest.join(a, b);
                }
            }
        }
    }
}

fn distance(a: &Fingerprint, b: &Fingerprint) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// The bits of one band: every [`BANDS`]th, so that neighbouring places fall into different bands.
fn band_bits(bits: &Fingerprint, band: u32) -> u32 {
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
