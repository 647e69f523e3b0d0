//! What the first walk over a set learns: counts, fingerprint, the images chosen by a limit, problems.

use super::problem::{Noted, Odd};
use super::rules::{Fate, Rules};
use super::{Entry, Item, Lost, Outline};
use crate::error::{Error, Result};
use crate::plan::Severity;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Problems of severity `error` that the message lists.
const ERRORS_SHOWN: usize = 10;

/// The set in numbers.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Images to audit, lost ones included: found = scored + skipped.
    pub found: usize,
    /// Lost images by `stage/reason`.
    pub lost: BTreeMap<String, usize>,
    /// Images per label.
    pub labels: BTreeMap<String, usize>,
    /// What is no image of the set, by kind.
    pub ignored: BTreeMap<&'static str, usize>,
    /// Annotations per category.
    pub categories: BTreeMap<String, usize>,
    /// Everything odd, in the order of the set.
    pub problems: Vec<Noted>,
    /// BLAKE3 over paths, labels, splits, groups and annotations, in order.
    pub fingerprint: String,
    selected: Option<HashSet<[u8; 16]>>,
}

impl Listing {
    /// Whether a limit chose the images.
    pub(super) fn is_limited(&self) -> bool {
        self.selected.is_some()
    }

    pub(super) fn selects(&self, entry: &Entry) -> bool {
        self.selected
            .as_ref()
            .is_none_or(|s| s.contains(&entry.id()))
    }

    /// Counts of the problems by code.
    pub fn problem_counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        self.problems
            .iter()
            .for_each(|p| *counts.entry(p.code).or_default() += 1);
        counts
    }
}

/// What becomes of lost images under a limit.
const OUTSIDE_LIMIT: &str = "image lost before the limit was drawn";

/// An image's lot, and its id.
type Draw = ([u8; 32], [u8; 16]);

/// Walks all items once. With a limit `(n, seed)` the `n` images of each label with the smallest hashes are selected.
pub(super) fn scan(
    items: impl Iterator<Item = Item>,
    rules: &Rules,
    limit: Option<(usize, u64)>,
    root: &Path,
) -> Result<Listing> {
    let mut listing = Listing::default();
    let mut hasher = blake3::Hasher::new();
    let mut smallest: HashMap<String, BinaryHeap<Draw>> = HashMap::new();
    let mut boxed = HashSet::new();
    let beside: Vec<Item> = rules.odd.iter().cloned().map(Item::Odd).collect();
    for item in items.chain(beside) {
        if let Item::Found(entry) = &item
            && rules.boxes.has(&entry.path)
        {
            boxed.insert(entry.path.clone());
        }
        let (fate, noted) = rules.judge(item);
        listing.problems.extend(noted);
        match fate {
            Fate::Nothing => {}
            Fate::Ignored(kind) => *listing.ignored.entry(kind).or_default() += 1,
            // A limit draws among the images that can be audited.
            Fate::Lost(_) if limit.is_some() => {
                *listing.ignored.entry(OUTSIDE_LIMIT).or_default() += 1
            }
            Fate::Lost(Lost { skip, .. }) => {
                *listing
                    .lost
                    .entry(format!("{}/{}", skip.stage.name(), skip.reason))
                    .or_default() += 1;
            }
            Fate::Labeled(entry, label) => {
                fingerprint(&mut hasher, &entry, &label);
                for a in &entry.annotations {
                    *listing.categories.entry(a.category.clone()).or_default() += 1;
                }
                *listing.labels.entry(label.clone()).or_default() += 1;
                if let Some((n, seed)) = limit {
                    let id = entry.id();
                    let heap = smallest.entry(label).or_default();
                    heap.push((*blake3::keyed_hash(&key(seed), &id).as_bytes(), id));
                    if heap.len() > n {
                        heap.pop();
                    }
                }
            }
        }
    }
    listing.problems.extend(orphans(rules, &boxed));
    if limit.is_some() {
        listing.labels = smallest
            .iter()
            .map(|(label, heap)| (label.clone(), heap.len()))
            .collect();
        listing.selected = Some(smallest.into_values().flatten().map(|(_, id)| id).collect());
    }
    listing.found = listing.lost.values().sum::<usize>() + listing.labels.values().sum::<usize>();
    hasher.update(
        rules
            .boxes
            .hash
            .map(|h| *h.as_bytes())
            .unwrap_or_default()
            .as_slice(),
    );
    listing.fingerprint = hasher.finalize().to_hex().to_string();
    refuse(&listing, root)?;
    Ok(listing)
}

/// Boxes of paths that the set lacks.
fn orphans(rules: &Rules, present: &HashSet<PathBuf>) -> Vec<Noted> {
    let mut paths: Vec<&PathBuf> = rules
        .boxes
        .paths()
        .filter(|p| !present.contains(*p))
        .collect();
    paths.sort();
    let odd = |path: &&PathBuf| {
        Odd::new(
            "annotation_without_image",
            path,
            0,
            "dataset.boxes names it, the set lacks it",
        )
    };
    paths
        .iter()
        .flat_map(|path| rules.judge(Item::Odd(odd(path))).1)
        .collect()
}

fn refuse(listing: &Listing, root: &Path) -> Result<()> {
    let errors: Vec<&Noted> = listing
        .problems
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .collect();
    if !errors.is_empty() {
        let codes: BTreeSet<&str> = errors.iter().map(|p| p.code).collect();
        let codes = codes.into_iter().collect::<Vec<_>>().join(", ");
        let mut message = format!(
            "{} problems in the annotations that [dataset.problems] calls errors ({codes})",
            errors.len()
        );
        errors
            .iter()
            .take(ERRORS_SHOWN)
            .for_each(|p| message += &format!("\n  {}: {}: {}", p.place, p.code, p.message));
        return Err(Error::new(message));
    }
    if listing.found == 0 || listing.labels.is_empty() {
        let first = listing.problems.first().map_or(String::new(), |p| {
            format!("; first problem: {}: {}: {}", p.place, p.code, p.message)
        });
        let ignored: String = listing
            .ignored
            .iter()
            .map(|(kind, n)| format!("; ignored: {n} x {kind}"))
            .collect();
        return Err(Error::new(format!(
            "there is no image with a label under {} ({} found){ignored}{first}",
            root.display(),
            listing.found
        )));
    }
    Ok(())
}

fn key(seed: u64) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key
}

fn fingerprint(hasher: &mut blake3::Hasher, entry: &Entry, label: &str) {
    for part in [Some(label), entry.split.as_deref(), entry.group.as_deref()] {
        hasher.update(part.map_or(&[], str::as_bytes)).update(&[0]);
    }
    hasher.update(entry.path.as_os_str().as_encoded_bytes());
    entry.flags.iter().for_each(|flag| {
        hasher.update(flag.as_bytes()).update(&[0]);
    });
    hasher.update(format!("{:?}", entry.stated).as_bytes());
    for a in &entry.annotations {
        match &a.outline {
            Outline::Pixels(mask) => {
                hasher
                    .update(format!("\n{:?} {} {:?}", a.category, a.ignore, mask.frame).as_bytes());
                hasher.update(&mask.coverage);
            }
            _ => {
                hasher.update(format!("\n{a:?}").as_bytes());
            }
        }
    }
    hasher.update(b"\n");
}
