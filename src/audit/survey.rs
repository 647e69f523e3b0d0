//! What the annotations alone tell before the first image is scored: where a region lies when it is present, and which
//! labels nearly always show it.

use super::crew::Crew;
use super::image::Auditor;
use super::presence::Found;
use crate::dataset::{Dataset, Sample};
use crate::error::{Result, Skip};
use crate::evidence;
use crate::geometry::{Rect, Size, Transpose};
use crate::plan::{Place, Region, RegionKind};
use std::collections::{BTreeMap, BTreeSet};

/// Places kept per label and region.
const DONORS_MAX: usize = 16;
/// Images, about, that a class is compared with whose own images nearly all show a region.
const BASELINES: f64 = 2000.0;

/// Per label's class and region (its index in the plan).
#[derive(Debug, Default)]
pub struct Survey {
    /// Boxes of present regions, as fractions of their photos, chosen by hash.
    places: BTreeMap<(usize, usize), Vec<Rect>>,
    /// Images of the label that lack the region are too few to compare with.
    saturated: Vec<(usize, usize)>,
    /// Part of all images that is drawn for such a comparison, by hash with this seed.
    drawn: (f64, u64),
    found: Found,
}

#[derive(Default)]
struct Counts {
    present: u32,
    /// Groups of the screening half that lack it; counting stops when there are enough.
    absent: BTreeSet<u64>,
    donors: BTreeMap<[u8; 32], Sample>,
}

impl Survey {
    /// Looks for declared pictures, streams the annotations once, and reads the few photos whose boxes are kept.
    ///
    /// # Errors
    /// When the dataset can no longer be read.
    pub fn new<'a>(auditor: &Auditor<'a>, crew: &Crew<'a>, dataset: &Dataset) -> Result<Self> {
        let found = Found::new(auditor, crew, dataset)?;
        let categories: Vec<(usize, &str)> = auditor
            .plan
            .regions
            .iter()
            .enumerate()
            .filter_map(|(i, r)| match &r.place {
                Place::Annotation { category } if r.kind == RegionKind::Confounder => {
                    Some((i, category.as_str()))
                }
                _ => None,
            })
            .collect();
        if categories.is_empty() {
            return Ok(Self {
                found,
                ..Self::default()
            });
        }
        let policy = &auditor.plan.verdict;
        // Twice as many as are needed, because some may turn out to be near-duplicates.
        let enough = 2 * policy.baseline_min as usize;
        let mut counts: BTreeMap<(usize, usize), Counts> = BTreeMap::new();
        for mut sample in dataset
            .samples(auditor.labels)?
            .filter_map(std::result::Result::ok)
        {
            found.annotate(&auditor.plan.regions, &mut sample);
            for &(region, category) in &categories {
                let entry = counts.entry((sample.class, region)).or_default();
                if !shows(&sample, category) {
                    let group =
                        evidence::screened_group(sample.group.as_deref().unwrap_or(&sample.id));
                    entry
                        .absent
                        .extend(group.filter(|_| entry.absent.len() < enough));
                    continue;
                }
                entry.present += 1;
                entry
                    .donors
                    .insert(lot(auditor.plan.run.seed, &sample.id), sample.clone());
                if entry.donors.len() > DONORS_MAX {
                    entry.donors.pop_last();
                }
            }
        }
        let lacking = |c: &Counts| c.present >= policy.tagged_min && c.absent.len() < enough;
        let saturated = counts
            .iter()
            .filter(|(_, c)| lacking(c))
            .map(|(k, _)| *k)
            .collect();
        let category = |region: usize| {
            categories
                .iter()
                .find(|(i, _)| *i == region)
                .map_or("", |(_, c)| c)
        };
        let donors = counts
            .into_iter()
            .flat_map(|(key, c)| c.donors.into_values().map(move |s| (key, s)));
        let placed = crew.each(
            auditor,
            donors.collect(),
            |worker, (key, sample): ((usize, usize), Sample)| {
                let photo = worker.photo(&sample.source).ok();
                Ok((
                    key,
                    photo
                        .and_then(|photo| place(sample, photo.size, photo.turned, category(key.1))),
                ))
            },
        )?;
        let mut places: BTreeMap<(usize, usize), Vec<Rect>> = BTreeMap::new();
        placed
            .into_iter()
            .for_each(|(key, rect)| places.entry(key).or_default().extend(rect));
        let drawn = (
            BASELINES / dataset.listing.found.max(1) as f64,
            auditor.plan.run.seed,
        );
        Ok(Self {
            saturated,
            drawn,
            found,
            places,
        })
    }

    /// Adds the annotations that presence amounts to where no annotation tells it.
    pub fn annotate(&self, regions: &[Region], sample: &mut Sample) {
        self.found.annotate(regions, sample);
    }

    /// Why nothing can be told of an image: the search for a declared picture took too long.
    pub fn lost(&self, id: &str) -> Option<&Skip> {
        self.found.lost(id)
    }

    /// Where a region that an image lacks would lie: the place of a present one of the class, else of any, by hash.
    pub fn borrowed(&self, class: usize, region: usize, id: &str) -> Option<Rect> {
        let own = self.places.get(&(class, region)).filter(|p| !p.is_empty());
        let any = || {
            self.places
                .iter()
                .find(|((_, r), p)| *r == region && !p.is_empty())
                .map(|(_, p)| p)
        };
        let places = own.or_else(any)?;
        let hash = blake3::hash(id.as_bytes());
        places
            .get(usize::from(hash.as_bytes()[0]) % places.len())
            .copied()
    }

    /// Classes whose maps an image of another class is compared under: it lacks a region that nearly all of theirs show. In
    /// large sets a draw decides, so that many such classes do not cost a map of every image each.
    pub fn compared(&self, regions: &[Region], sample: &Sample) -> BTreeSet<usize> {
        let lacks = |region: usize| match regions.get(region).map(|r| &r.place) {
            Some(Place::Annotation { category }) => !shows(sample, category),
            _ => false,
        };
        let drawn = |class: usize| {
            let lot = lot(self.drawn.1, &format!("{} under {class}", sample.id));
            f64::from(u32::from_le_bytes([lot[0], lot[1], lot[2], lot[3]]))
                < self.drawn.0 * 2_f64.powi(32)
        };
        let others = self
            .saturated
            .iter()
            .filter(|(class, region)| *class != sample.class && lacks(*region));
        others
            .map(|(class, _)| *class)
            .filter(|class| drawn(*class))
            .collect()
    }
}

fn shows(sample: &Sample, category: &str) -> bool {
    sample
        .annotations
        .iter()
        .any(|a| a.category == category && !a.ignore)
}

/// An order by hash of the seed and an image's id.
fn lot(seed: u64, id: &str) -> [u8; 32] {
    *blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .update(id.as_bytes())
        .finalize()
        .as_bytes()
}

/// The bounding box of a category as fractions of its photo.
fn place(
    mut sample: Sample,
    size: Size,
    turned: Option<Transpose>,
    category: &str,
) -> Option<Rect> {
    sample.fit(size, turned);
    let of = |a: &&crate::dataset::Annotation| a.category == category && !a.ignore;
    let corners: Vec<[f64; 2]> = sample
        .annotations
        .iter()
        .filter(of)
        .map(|a| a.bounds(size))
        .flat_map(|r| [[r.x0, r.y0], [r.x1, r.y1]])
        .collect();
    let r = Rect::around(&corners).intersect(size.rect())?;
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    Some(Rect::new(r.x0 / w, r.y0 / h, r.x1 / w, r.y1 / h))
}
