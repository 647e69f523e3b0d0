//! What the rows say together about one label and one region: is the confounder tied to the label (`association`, A), and
//! does the model's evidence for the label rise with it (`contrast`, B)? Both look at one half of the groups; the other is
//! kept for proofs by intervention.
//!
//! Kept per map and region that can be present or absent: 32 bytes.

pub mod association;
pub mod contrast;
mod statistics;

use crate::plan;
use crate::record::{ImageRow, RegionRow};
pub use association::Association;
pub use contrast::Contrast;
pub use statistics::{Estimate, benjamini_hochberg};
use std::collections::BTreeMap;

/// `target` of a map that is taken for comparison: of a class whose own images nearly all show the region.
pub const BASELINE: &str = "baseline";

/// All sightings of a run.
#[derive(Debug, Default)]
pub struct Evidence {
    labels: BTreeMap<String, LabelFacts>,
    regions: BTreeMap<String, Vec<Sighting>>,
}

#[derive(Debug, Default)]
struct LabelFacts {
    class: u32,
    /// Of its own images.
    centred_logits: Vec<f32>,
}

/// One region in one image, under the map of one class.
#[derive(Debug, Clone, Copy)]
struct Sighting {
    /// Class of the image's label.
    class: u32,
    /// Class of the map.
    target: u32,
    group: u64,
    present: bool,
    /// No claim about place: smaller than a quarter of a CAM cell.
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
        let plan::Verdicts { contrast_logits, contrast_fraction, baseline_min, .. } = v;
        Self { contrast_logits, contrast_fraction, baseline_min }
    }
}

impl Evidence {
    /// Adds the rows of one image: one image row per map, and as many region rows for each.
    pub fn add(&mut self, images: &[ImageRow], regions: &[RegionRow]) {
        let per_map = regions.len() / images.len().max(1);
        for (image, rows) in images.iter().zip(regions.chunks(per_map.max(1))) {
            let own = image.target == "label";
            if own {
                let facts = self.labels.entry(image.label.clone()).or_default();
                facts.class = image.label_index;
                facts.centred_logits.push(image.centred_logit as f32);
            } else if image.target != BASELINE {
                continue;
            }
            let group = key(image.group.as_deref().unwrap_or(&image.image_id));
            for row in rows {
                let Some(present) = row.present.filter(|_| row.kind == "confounder") else { continue };
                let sighting = Sighting {
                    class: image.label_index,
                    target: image.target_class,
                    group,
                    present,
                    sub_cell: row.resolution.as_deref() == Some("sub_cell"),
                    contrast: row.contrast.map(|v| v as f32),
                };
                self.regions.entry(row.region.clone()).or_default().push(sighting);
            }
        }
    }

    /// A and B for every label and every region that can be present or absent.
    pub fn pairs(&self, policy: &Policy) -> Vec<Pair> {
        let least: Vec<f64> = self.labels.values().map(|facts| facts.least(policy)).collect();
        let mut pairs = Vec::new();
        for (region, all) in &self.regions {
            let counts = association::groups(all.iter().filter(|s| s.class == s.target && screens(s.group)));
            let mut maps: BTreeMap<u32, Vec<&Sighting>> = BTreeMap::new();
            all.iter().for_each(|s| maps.entry(s.target).or_default().push(s));
            for ((label, facts), least) in self.labels.iter().zip(&least) {
                let of_class = maps.get(&facts.class).map_or(&[][..], Vec::as_slice);
                let own = of_class.iter().filter(|s| s.class == facts.class && s.present);
                let tagged: BTreeMap<u64, bool> = own.map(|s| (s.group, s.sub_cell)).collect();
                let screening: Vec<&Sighting> = of_class.iter().copied().filter(|s| screens(s.group)).collect();
                pairs.push(Pair {
                    label: label.clone(),
                    region: region.clone(),
                    tagged: tagged.len() as u32,
                    sub_cell: tagged.values().filter(|s| **s).count() as u32,
                    association: Association::new(&counts, facts.class),
                    contrast: Contrast::new(&screening, facts.class, *least, policy.baseline_min),
                });
            }
        }
        pairs
    }
}

impl LabelFacts {
    /// The least effect of B that counts for this label, in logits.
    fn least(&self, policy: &Policy) -> f64 {
        let typical = statistics::median(self.centred_logits.iter().copied().map(f64::from).collect());
        policy.contrast_logits.max(policy.contrast_fraction * typical.unwrap_or(0.0))
    }
}

/// The first bytes of the hash of a group's name, or of an image's id.
fn key(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    u64::from_le_bytes(std::array::from_fn(|i| hash.as_bytes()[i]))
}

/// Whether a group belongs to the half that A and B look at.
fn screens(group: u64) -> bool {
    group & 1 == 0
}
