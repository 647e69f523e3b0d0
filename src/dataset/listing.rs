//! What the first walk over a set learns: counts, fingerprint, the images chosen by a limit, problems.

use super::boxes::Boxes;
use super::{Entry, Item};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::path::Path;

/// Something odd in the annotations, with a count and the first places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    pub count: usize,
    pub examples: Vec<String>,
}

impl Problem {
    const EXAMPLES_MAX: usize = 3;

    pub(super) fn note(problems: &mut Vec<Self>, code: &'static str, example: impl FnOnce() -> String) {
        let known = problems.iter().position(|p| p.code == code);
        let at = known.unwrap_or_else(|| {
            problems.push(Self { code, count: 0, examples: Vec::new() });
            problems.len() - 1
        });
        problems[at].count += 1;
        if problems[at].examples.len() < Self::EXAMPLES_MAX {
            problems[at].examples.push(example());
        }
    }
}

/// The set in numbers.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Images to audit, lost ones included: found = scored + skipped.
    pub found: usize,
    /// Images per label.
    pub labels: BTreeMap<String, usize>,
    /// What is no image of the set, by kind.
    pub ignored: BTreeMap<&'static str, usize>,
    /// Categories of the annotated boxes.
    pub categories: BTreeSet<String>,
    pub problems: Vec<Problem>,
    /// BLAKE3 over paths, labels, splits, groups and boxes, in order.
    pub fingerprint: String,
    selected: Option<HashSet<[u8; 16]>>,
}

impl Listing {
    pub(super) fn selects(&self, entry: &Entry) -> bool {
        self.selected.as_ref().is_none_or(|s| s.contains(&entry.id()))
    }
}

/// An image's lot, and its id.
type Draw = ([u8; 32], [u8; 16]);

/// Walks all items once. With a limit `(n, seed)` the `n` images of each label with the smallest hashes are selected.
pub(super) fn scan(
    items: impl Iterator<Item = Item>,
    boxes: &Boxes,
    limit: Option<(usize, u64)>,
    root: &Path,
) -> Result<Listing> {
    let mut listing =
        Listing { categories: boxes.categories.clone(), problems: boxes.problems.clone(), ..Listing::default() };
    let mut hasher = blake3::Hasher::new();
    let mut smallest: HashMap<String, BinaryHeap<Draw>> = HashMap::new();
    let (mut lost, mut boxed) = (0, 0);
    for item in items {
        match item {
            Item::Ignored(kind) => *listing.ignored.entry(kind).or_default() += 1,
            Item::Lost(_) => lost += 1,
            Item::Found(entry) => {
                fingerprint(&mut hasher, &entry);
                boxed += usize::from(boxes.has(&entry.path));
                *listing.labels.entry(entry.label.clone()).or_default() += 1;
                if let Some((n, seed)) = limit {
                    let id = entry.id();
                    let heap = smallest.entry(entry.label).or_default();
                    heap.push((*blake3::keyed_hash(&key(seed), &id).as_bytes(), id));
                    if heap.len() > n {
                        heap.pop();
                    }
                }
            }
        }
    }
    if limit.is_some() {
        listing.labels = smallest.iter().map(|(label, heap)| (label.clone(), heap.len())).collect();
        listing.selected = Some(smallest.into_values().flatten().map(|(_, id)| id).collect());
    }
    listing.found = lost + listing.labels.values().sum::<usize>();
    if listing.labels.is_empty() {
        let hint = "expected one folder per class with images inside, or a CSV manifest";
        return Err(Error::new(format!("there is no image under {}: {hint}", root.display())));
    }
    for _ in boxed..boxes.images() {
        Problem::note(&mut listing.problems, "annotation_without_image", || {
            "boxes of a path that the set lacks".into()
        });
    }
    hasher.update(boxes.hash.map(|h| *h.as_bytes()).unwrap_or_default().as_slice());
    listing.fingerprint = hasher.finalize().to_hex().to_string();
    Ok(listing)
}

fn key(seed: u64) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key
}

fn fingerprint(hasher: &mut blake3::Hasher, entry: &Entry) {
    for part in [Some(&entry.label), entry.split.as_ref(), entry.group.as_ref()] {
        hasher.update(part.map_or(&[], |p| p.as_bytes())).update(&[0]);
    }
    hasher.update(entry.path.as_os_str().as_encoded_bytes()).update(b"\n");
}
