//! What the rows say together about one label and one region: is the confounder tied to the label (`association`, A), and
//! does the model's evidence for the label rise with it (`contrast`, B)? Both look at one half of the groups; on the other
//! half the confounder is proved by changing the pixels (`intervention`, C).
//!
//! Kept per map: 48 bytes, and 12 for each region that can be present or absent; per image without a group: 48.

pub mod association;
mod cast;
pub mod context;
pub mod contrast;
mod drawn;
mod duplicates;
pub mod intervention;
pub mod overlay;
mod picks;
mod statistics;

use crate::plan;
use crate::record::{DuplicateRow, ImageRow, RegionRow};
pub use association::Association;
pub use cast::Cast;
pub use context::Context;
pub use contrast::Contrast;
pub use drawn::Drawn;
pub use intervention::{Contrasted, Effect, Intervention, Outcome};
pub use overlay::{Overlaid, OverlayEffect};
pub use picks::Pick;
pub use statistics::{Estimate, benjamini_hochberg};
use std::collections::BTreeMap;

/// `target` of a map that is taken for comparison: of a class whose own images nearly all show the region.
pub const BASELINE: &str = "baseline";

/// All sightings of a run.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Of every choice by hash.
    pub seed: u64,
    /// Images to lay an overlay on.
    pub photos: Drawn,
    /// Images that the model gets right, whose objects are known, and that show no confounder.
    pub framed: Drawn,
    labels: BTreeMap<String, LabelFacts>,
    maps: Vec<Shown>,
    regions: BTreeMap<String, Vec<Seen>>,
    ungrouped: duplicates::Photos,
}

#[derive(Debug, Default)]
struct LabelFacts {
    class: u32,
    /// Of its own images.
    centred_logits: Vec<f32>,
}

/// One image under the map of one class: what is the same for all regions.
#[derive(Debug, Clone, Copy)]
struct Shown {
    image: u128,
    group: u64,
    /// Class of the image's label.
    class: u32,
    /// Class of the map.
    target: u32,
    /// The model predicts the label.
    correct: bool,
    /// Of a split that the model was trained on.
    trained_on: bool,
}

/// One region under one of the maps.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Index of the map.
    map: u32,
    /// NaN where there is none.
    contrast: f32,
    present: bool,
    /// No claim about place: smaller than a quarter of a CAM cell.
    sub_cell: bool,
}

/// One region in one image, under the map of one class.
#[derive(Debug, Clone, Copy)]
struct Sighting {
    shown: Shown,
    present: bool,
    sub_cell: bool,
    contrast: Option<f32>,
}

/// The evidence about one label and one region.
#[derive(Debug, Clone)]
pub struct Pair {
    pub label: String,
    pub region: String,
    /// Groups of the label that show the region, over both halves.
    pub tagged: u32,
    /// Of these, in which the region is smaller than a quarter of a CAM cell.
    pub sub_cell: u32,
    pub association: Option<Association>,
    pub contrast: Option<Contrast>,
    /// It was tried to prove it.
    pub put_to_proof: bool,
    /// `None` where nothing was changed.
    pub intervention: Option<Intervention>,
}

/// Policy numbers of A and B.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Least effect of B, in logits.
    pub contrast_logits: f64,
    /// Least effect of B as a fraction of the label's median centred logit.
    pub contrast_fraction: f64,
    /// With fewer groups of the label without the region, other classes are the baseline.
    pub baseline_min: u32,
}

impl From<plan::Verdicts> for Policy {
    fn from(v: plan::Verdicts) -> Self {
        let plan::Verdicts {
            contrast_logits,
            contrast_fraction,
            baseline_min,
            ..
        } = v;
        Self {
            contrast_logits,
            contrast_fraction,
            baseline_min,
        }
    }
}

impl Evidence {
    /// Adds the rows of one image: one image row per map, and as many region rows for each.
    pub fn add(&mut self, images: &[ImageRow], regions: &[RegionRow], trained_on: bool) {
        let per_map = regions.len() / images.len().max(1);
        for (i, image) in images.iter().enumerate() {
            let rows = &regions[i * per_map..][..per_map];
            let own = image.target == "label";
            if own {
                let facts = self.labels.entry(image.label.clone()).or_default();
                facts.class = image.label_index;
                facts.centred_logits.push(image.centred_logit as f32);
                let id = u128::from_str_radix(&image.image_id, 16).unwrap_or(0);
                let group = image
                    .group
                    .as_ref()
                    .map_or(id, |group| u128::from(key(group)));
                self.photos.add(self.seed, image.label_index, group, id);
                let tagged = rows
                    .iter()
                    .any(|r| r.kind == "confounder" && r.present == Some(true));
                if image.predicted_index == image.label_index
                    && image.object_visible.is_some()
                    && !tagged
                {
                    self.framed.add(self.seed, image.label_index, group, id);
                }
                if let Some(fingerprint) =
                    image.fingerprint.as_ref().filter(|_| image.group.is_none())
                {
                    self.ungrouped.add(&image.image_id, fingerprint);
                }
            } else if image.target != BASELINE {
                continue;
            }
            let map = self.maps.len() as u32;
            for row in rows {
                let Some(present) = row.present.filter(|_| row.kind == "confounder") else {
                    continue;
                };
                let sub_cell = row.resolution.as_deref() == Some("sub_cell");
                let seen = Seen {
                    map,
                    present,
                    sub_cell,
                    contrast: row.contrast.map_or(f32::NAN, |v| v as f32),
                };
                self.regions
                    .entry(row.region.clone())
                    .or_default()
                    .push(seen);
            }
            self.maps.push(Shown {
                image: u128::from_str_radix(&image.image_id, 16).unwrap_or(0),
                group: key(image.group.as_deref().unwrap_or(&image.image_id)),
                class: image.label_index,
                target: image.target_class,
                correct: image.predicted_index == image.label_index,
                trained_on,
            });
        }
    }

    /// Makes near-duplicates among the images that have no group one group each, and says which.
    pub fn group_duplicates(&mut self) -> Vec<DuplicateRow> {
        let rows = self.ungrouped.groups();
        let joined: BTreeMap<u64, u64> = rows
            .iter()
            .map(|r| (key(&r.image_id), key(&r.group)))
            .collect();
        for shown in &mut self.maps {
            shown.group = joined.get(&shown.group).copied().unwrap_or(shown.group);
        }
        rows
    }

    /// Who can take part in a proof for one label and one region.
    pub fn cast(&self, pair: &Pair) -> Cast {
        let class = self.labels.get(&pair.label).map(|facts| facts.class);
        class.map_or_else(Cast::default, |class| {
            Cast::new(self.sightings(&pair.region), class, self.seed)
        })
    }

    /// All sightings of one region, in the order of the dataset.
    fn sightings(&self, region: &str) -> impl Iterator<Item = Sighting> {
        self.regions
            .get(region)
            .into_iter()
            .flatten()
            .map(|seen| Sighting {
                shown: self.maps[seen.map as usize],
                present: seen.present,
                sub_cell: seen.sub_cell,
                contrast: Some(seen.contrast).filter(|v| !v.is_nan()),
            })
    }

    /// A and B for every label and every region that can be present or absent.
    pub fn pairs(&self, policy: &Policy) -> Vec<Pair> {
        let least: Vec<f64> = self
            .labels
            .values()
            .map(|facts| facts.least(policy))
            .collect();
        let mut pairs = Vec::new();
        for region in self.regions.keys() {
            let mut maps: BTreeMap<u32, Vec<Sighting>> = BTreeMap::new();
            self.sightings(region)
                .for_each(|s| maps.entry(s.shown.target).or_default().push(s));
            let own = |s: &&Sighting| s.shown.class == s.shown.target && screens(s.shown.group);
            let counts = association::groups(maps.values().flatten().filter(own));
            for ((label, facts), least) in self.labels.iter().zip(&least) {
                let of_class = maps.get(&facts.class).map_or(&[][..], Vec::as_slice);
                let own = of_class
                    .iter()
                    .filter(|s| s.shown.class == facts.class && s.present);
                let tagged: BTreeMap<u64, bool> =
                    own.map(|s| (s.shown.group, s.sub_cell)).collect();
                let screening: Vec<&Sighting> =
                    of_class.iter().filter(|s| screens(s.shown.group)).collect();
                pairs.push(Pair {
                    label: label.clone(),
                    region: region.clone(),
                    tagged: tagged.len() as u32,
                    sub_cell: tagged.values().filter(|s| **s).count() as u32,
                    association: Association::new(&counts, facts.class),
                    contrast: Contrast::new(&screening, facts.class, *least, policy.baseline_min),
                    put_to_proof: false,
                    intervention: None,
                });
            }
        }
        pairs
    }
}

impl LabelFacts {
    /// The least effect of B that counts for this label, in logits.
    fn least(&self, policy: &Policy) -> f64 {
        let typical =
            statistics::median(self.centred_logits.iter().copied().map(f64::from).collect());
        policy
            .contrast_logits
            .max(policy.contrast_fraction * typical.unwrap_or(0.0))
    }
}

/// The first bytes of the hash of a group's name, or of an image's id.
fn key(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    u64::from_le_bytes(std::array::from_fn(|i| hash.as_bytes()[i]))
}

/// The key of a group (or of an image's id) of the half that A and B look at; `None` for the other half.
pub fn screened_group(name: &str) -> Option<u64> {
    Some(key(name)).filter(|group| screens(*group))
}

/// Whether a group belongs to the half that A and B look at.
fn screens(group: u64) -> bool {
    group & 1 == 0
}
