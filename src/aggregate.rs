//! Rows -> per-label figures, one row at a time: sums only, so memory does not grow with the number of images.

use crate::dataset::LabelMap;
use crate::plan::Scores;
use crate::record::{ClassRow, ImageRow, RegionRow};
use std::collections::BTreeMap;

/// Region names that stand for figures of the image itself.
pub const OBJECT: &str = "object";
pub const BORDER: &str = "border";

/// Parts of equal width that shares are counted in.
const BINS: usize = 10;

/// Sums per label and region.
#[derive(Debug, Default)]
pub struct Classes {
    labels: BTreeMap<String, LabelSums>,
}

#[derive(Debug, Default)]
struct LabelSums {
    index: u32,
    images: u32,
    correct: u32,
    low_mass: u32,
    /// In the order of the region rows, behind object and border.
    regions: Vec<RegionSums>,
}

#[derive(Debug, Default)]
struct RegionSums {
    name: String,
    kind: String,
    present: Option<u32>,
    unseen: u32,
    measured: u32,
    share: f64,
    shares: [u32; BINS],
    area: f64,
    excess: f64,
    specificity: Mean,
    visible: Mean,
    /// Of the images without the region, and of those with it.
    maps: [MapSum; 2],
}

/// The maps of the label's own class added up, where something tells whether the region is present.
#[derive(Debug, Default, Clone)]
pub struct MapSum {
    pub images: u32,
    /// Cell by cell, row by row, in logits.
    pub cells: Vec<f32>,
}

impl MapSum {
    fn add(&mut self, cam: &[f32]) {
        self.images += 1;
        self.cells.resize(cam.len(), 0.0);
        self.cells
            .iter_mut()
            .zip(cam)
            .for_each(|(sum, v)| *sum += v);
    }

    /// The mean map; empty where there is no image.
    pub fn mean(&self) -> Vec<f64> {
        self.cells
            .iter()
            .map(|v| f64::from(*v) / f64::from(self.images.max(1)))
            .collect()
    }
}

#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        self.sum += value.unwrap_or(0.0);
        self.count += u32::from(value.is_some());
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// What one region row says, whichever table it comes from.
struct Figure<'a> {
    name: &'a str,
    kind: &'a str,
    present: Option<bool>,
    share: Option<f64>,
    area: Option<f64>,
    specificity: Option<f64>,
    visible: Option<f64>,
}

impl Classes {
    /// Adds one image: its row for the label's map and the region rows of the same map.
    pub fn add(&mut self, image: &ImageRow, regions: &[RegionRow], policy: &Scores) {
        let label = self.labels.entry(image.label.clone()).or_default();
        label.index = image.label_index;
        label.images += 1;
        label.correct += u32::from(image.predicted_index == image.label_index);
        label.low_mass += u32::from(image.low_mass);
        let none = Figure {
            name: "",
            kind: "",
            present: None,
            share: None,
            area: None,
            specificity: None,
            visible: None,
        };
        let object = Figure {
            name: OBJECT,
            kind: OBJECT,
            present: Some(image.object_visible.is_some()),
            share: image.object_share,
            area: image.object_area,
            visible: image.object_visible,
            ..none
        };
        let edge_area = Some(edge_area(image.cam_width, image.cam_height));
        let border = Figure {
            name: BORDER,
            kind: BORDER,
            share: image.border_share,
            area: edge_area,
            ..none
        };
        let declared = regions.iter().map(|r| Figure {
            name: &r.region,
            kind: &r.kind,
            present: r.present,
            share: r.share,
            area: r.area,
            specificity: r.specificity,
            visible: r.visible,
        });
        for figure in [object, border].into_iter().chain(declared) {
            label.add(&figure, policy);
        }
        for row in regions {
            let own = label
                .regions
                .iter_mut()
                .find(|r| r.name == row.region && r.kind == row.kind);
            if let (Some(own), Some(present)) = (own, row.present) {
                own.maps[usize::from(present)].add(&image.cam);
            }
        }
    }

    /// The maps of a label without a region and with it; `None` where nothing tells, or one of them has no image.
    pub fn maps(&self, label: &str, region: &str) -> Option<&[MapSum; 2]> {
        let own = self
            .labels
            .get(label)?
            .regions
            .iter()
            .find(|r| r.name == region && r.kind != OBJECT)?;
        own.maps.iter().all(|m| m.images > 0).then_some(&own.maps)
    }

    /// Images that were scored, and those predicted as their label.
    pub fn totals(&self) -> (u32, u32) {
        self.labels
            .values()
            .fold((0, 0), |(n, c), l| (n + l.images, c + l.correct))
    }

    /// The table, by label and region. Labels of which nothing was scored stand with zeros.
    pub fn rows(&self, labels: &LabelMap) -> Vec<ClassRow> {
        let empty = |class: usize| LabelSums {
            index: class as u32,
            ..LabelSums::default()
        };
        let row = |(label, class): (&String, usize)| match self.labels.get(label) {
            Some(sums) => sums.rows(label),
            None => {
                let mut sums = empty(class);
                sums.regions.push(RegionSums {
                    name: OBJECT.into(),
                    kind: OBJECT.into(),
                    ..RegionSums::default()
                });
                sums.rows(label)
            }
        };
        labels.iter().flat_map(row).collect()
    }
}

/// Part of a view that lies within half a CAM cell of its edge.
fn edge_area(width: u32, height: u32) -> f64 {
    let inner = |n: u32| (1.0 - 1.0 / f64::from(n)).max(0.0);
    1.0 - inner(width) * inner(height)
}

impl LabelSums {
    fn add(&mut self, figure: &Figure<'_>, policy: &Scores) {
        let known = self
            .regions
            .iter()
            .position(|r| r.name == figure.name && r.kind == figure.kind);
        let at = known.unwrap_or_else(|| {
            let (name, kind) = (figure.name.to_owned(), figure.kind.to_owned());
            self.regions.push(RegionSums {
                name,
                kind,
                ..RegionSums::default()
            });
            self.regions.len() - 1
        });
        let sums = &mut self.regions[at];
        if let Some(present) = figure.present {
            *sums.present.get_or_insert(0) += u32::from(present);
        }
        let visible_min = if figure.kind == OBJECT {
            policy.object_visible_min
        } else {
            policy.confounder_visible_min
        };
        sums.unseen += u32::from(figure.visible.is_some_and(|v| v < visible_min));
        sums.visible.add(figure.visible);
        sums.specificity.add(figure.specificity);
        if let (Some(share), Some(area)) = (figure.share, figure.area) {
            sums.measured += 1;
            sums.share += share;
            sums.shares[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
            sums.area += area;
            sums.excess += share - area;
        }
    }

    fn rows(&self, label: &str) -> Vec<ClassRow> {
        let mean = |sum: f64, n: u32| (n > 0).then(|| sum / f64::from(n));
        let row = |r: &RegionSums| ClassRow {
            label: label.to_owned(),
            label_index: self.index,
            region: r.name.clone(),
            kind: r.kind.clone(),
            images: self.images,
            correct: self.correct,
            low_mass: self.low_mass,
            present: r.present,
            measured: r.measured,
            share_mean: mean(r.share, r.measured),
            share_counts: r.shares.to_vec(),
            area_mean: mean(r.area, r.measured),
            lift: (r.area > 0.0).then(|| r.share / r.area),
            excess_mean: mean(r.excess, r.measured),
            specificity_mean: r.specificity.get(),
            visible_mean: r.visible.get(),
            unseen: r.unseen,
        };
        self.regions.iter().map(row).collect()
    }
}
