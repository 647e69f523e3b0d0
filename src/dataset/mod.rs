//! A labeled image set as a stream of [`Sample`]s, in an order that depends on names only.
//!
//! One file per format, all of one shape: a function that streams `Item`s. The set is walked twice: [`Dataset::open`]
//! counts and fingerprints, [`Dataset::samples`] streams. Nothing is kept per image but what annotations need.

mod boxes;
mod csv;
mod folder;
mod labels;
mod listing;

use crate::error::{Result, Skip};
use crate::geometry::{Rect, Size};
use crate::plan;
use std::path::PathBuf;

pub use labels::LabelMap;
pub use listing::{Listing, Problem};

/// One image to audit.
#[derive(Debug, Clone)]
pub struct Sample {
    /// BLAKE3 of the path relative to the root, 16 bytes in hex.
    pub id: String,
    /// Path relative to the root, for people.
    pub path: String,
    /// Where the bytes are.
    pub source: PathBuf,
    pub label: String,
    /// Index of the label's class in the model.
    pub class: usize,
    pub split: Option<String>,
    /// Images of one group (patient, source, near-duplicates) are one piece of evidence.
    pub group: Option<String>,
    pub boxes: Vec<Annotation>,
}

/// An annotated box.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    pub category: String,
    /// Edges in the upright image, in pixels or, if `normalised`, as fractions of its size.
    pub rect: Rect,
    pub normalised: bool,
}

impl Annotation {
    /// Edges in pixels of an upright image of this size.
    pub fn pixels(&self, size: Size) -> Rect {
        let (w, h) = if self.normalised { (f64::from(size.width), f64::from(size.height)) } else { (1.0, 1.0) };
        Rect::new(self.rect.x0 * w, self.rect.y0 * h, self.rect.x1 * w, self.rect.y1 * h)
    }
}

/// An image that was found but cannot be audited.
#[derive(Debug, Clone)]
pub struct Lost {
    pub path: String,
    pub label: Option<String>,
    pub skip: Skip,
}

/// What a format's reader comes upon.
enum Item {
    Found(Entry),
    Lost(Lost),
    /// Not an image of the set: hidden files, files outside class folders, other splits. Counted by kind.
    Ignored(&'static str),
}

/// An image as a format knows it.
#[derive(Debug, Clone, Default)]
struct Entry {
    /// Relative to the root.
    path: PathBuf,
    label: String,
    split: Option<String>,
    group: Option<String>,
}

impl Entry {
    fn id(&self) -> [u8; 16] {
        let hash = blake3::hash(self.path.as_os_str().as_encoded_bytes());
        std::array::from_fn(|i| hash.as_bytes()[i])
    }
}

/// An opened set: what is in it, and a way to stream it.
pub struct Dataset {
    plan: plan::Dataset,
    boxes: boxes::Boxes,
    pub listing: Listing,
}

impl Dataset {
    /// Walks the set once, counts, and fingerprints it. `limit` images per class are chosen by hash of `seed` and id.
    ///
    /// # Errors
    /// When the root, the manifest or the boxes cannot be read, or no image is found.
    pub fn open(plan: &plan::Dataset, limit: Option<usize>, seed: u64) -> Result<Self> {
        let boxes = boxes::Boxes::load(plan)?;
        let listing = listing::scan(items(plan)?, &boxes, limit.map(|n| (n, seed)), &plan.root)?;
        Ok(Self { plan: plan.clone(), boxes, listing })
    }

    /// Streams the set in order. Every item counted as found by [`Dataset::open`] comes once, as a sample or as lost.
    ///
    /// # Errors
    /// When the root or the manifest can no longer be read.
    pub fn samples<'a>(
        &'a self,
        labels: &'a LabelMap,
    ) -> Result<impl Iterator<Item = std::result::Result<Sample, Lost>> + Send + 'a> {
        Ok(items(&self.plan)?.filter_map(move |item| match item {
            Item::Ignored(_) => None,
            Item::Lost(lost) => Some(Err(lost)),
            Item::Found(entry) if !self.listing.selects(&entry) => None,
            Item::Found(entry) => Some(self.sample(entry, labels)),
        }))
    }

    fn sample(&self, entry: Entry, labels: &LabelMap) -> std::result::Result<Sample, Lost> {
        let path = display(&entry.path);
        let Some(class) = labels.class_of(&entry.label) else {
            let skip = Skip::new(crate::error::Stage::Annotation, "unknown_label", "the label appeared during the run");
            return Err(Lost { path, label: Some(entry.label), skip });
        };
        let id = entry.id().iter().map(|b| format!("{b:02x}")).collect();
        let source = self.plan.root.join(&entry.path);
        let boxes = self.boxes.of(&entry.path);
        Ok(Sample { id, path, source, label: entry.label, class, split: entry.split, group: entry.group, boxes })
    }
}

fn items(plan: &plan::Dataset) -> Result<Box<dyn Iterator<Item = Item> + Send>> {
    Ok(match (plan.format, &plan.manifest) {
        (plan::Format::Csv, Some(manifest)) => Box::new(csv::items(manifest, plan.splits.clone())?),
        _ => Box::new(folder::items(&plan.root, plan.links)?),
    })
}

/// A path for people and tables: `/` between parts, whatever is not UTF-8 escaped.
fn display(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}
