//! Measurements -> figures per label and region: sums only, so that memory does not grow with the
//! number of images.

use crate::dataset::LabelMap;
use crate::plan::Scores;
use crate::score::{MapMeasurement, Measurement, RegionMeasurement};
use crate::tables::ClassRow;
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
    /// Of all images.
    map: MapSum,
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
    relative_contribution: Mean,
    visible: Mean,
    /// Of the images without the region, and of those with it.
    maps: [MapSum; 2],
}

/// The sum of the maps of the label's own class, over images with known presence of the region.
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
        for (sum, value) in self.cells.iter_mut().zip(cam) {
            *sum += value;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.images += other.images;
        self.cells
            .resize(other.cells.len().max(self.cells.len()), 0.0);
        for (sum, value) in self.cells.iter_mut().zip(&other.cells) {
            *sum += value;
        }
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

    fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// What one image adds to the sums of one region.
#[derive(Default)]
struct RegionFigures<'m> {
    name: &'m str,
    kind: &'m str,
    present: Option<bool>,
    share: Option<f64>,
    area: Option<f64>,
    relative_contribution: Option<f64>,
    visible: Option<f64>,
}

impl Classes {
    /// Adds one image, by the map of its label.
    pub fn add(&mut self, measurement: &Measurement, policy: &Scores) {
        let Some(map) = measurement.label_map() else {
            return;
        };
        let image = &measurement.image;
        let label = match self.labels.get_mut(&image.label) {
            Some(label) => label,
            None => self.labels.entry(image.label.clone()).or_default(),
        };
        label.index = image.class as u32;
        label.images += 1;
        label.correct += u32::from(measurement.is_correct());
        label.low_mass += u32::from(map.low_mass);

        label.map.add(&map.cam);

        label.add(&object_figures(map), policy);
        label.add(&border_figures(map), policy);
        for region in &map.regions {
            let sums = label.add(&region_figures(region), policy);
            if let Some(present) = region.present {
                sums.maps[usize::from(present)].add(&map.cam);
            }
        }
    }

    /// The maps of a class without a region and with it, over all of its labels; `None` without
    /// presence information, or where one of them has no image.
    pub fn maps(&self, class: u32, region: &str) -> Option<[MapSum; 2]> {
        let mut maps: [MapSum; 2] = Default::default();
        for label in self.labels.values().filter(|label| label.index == class) {
            let mut regions = label.regions.iter();
            if let Some(sums) = regions.find(|sums| sums.name == region && sums.kind != OBJECT) {
                for (map, of_label) in maps.iter_mut().zip(&sums.maps) {
                    map.merge(of_label);
                }
            }
        }
        maps.iter().all(|map| map.images > 0).then_some(maps)
    }

    /// The maps of a class over all images of its labels; `None` without an image.
    pub fn map(&self, class: u32) -> Option<MapSum> {
        let mut map = MapSum::default();
        for label in self.labels.values().filter(|label| label.index == class) {
            map.merge(&label.map);
        }
        (map.images > 0).then_some(map)
    }

    /// Images that were scored, and those predicted as their label.
    pub fn totals(&self) -> (u32, u32) {
        let (mut images, mut correct) = (0, 0);
        for label in self.labels.values() {
            images += label.images;
            correct += label.correct;
        }
        (images, correct)
    }

    /// The table, by label and region. Labels without a scored image have one row of zeros.
    pub fn rows(&self, labels: &LabelMap) -> Vec<ClassRow> {
        let mut rows = Vec::new();
        for (label, class) in labels.iter() {
            match self.labels.get(label) {
                Some(sums) => sums.add_rows(label, &mut rows),
                None => LabelSums::empty(class).add_rows(label, &mut rows),
            }
        }
        rows
    }

    /// The same table by class of the model: the labels of one class are pooled under the name in
    /// [`LabelMap::pooled_names`].
    pub fn pooled_rows(&self, labels: &LabelMap) -> Vec<ClassRow> {
        let mut by_class: BTreeMap<usize, Vec<&LabelSums>> = BTreeMap::new();
        for (label, class) in labels.iter() {
            let of_class = by_class.entry(class).or_default();
            of_class.extend(self.labels.get(label));
        }

        let mut rows = Vec::new();
        for (class, name) in labels.pooled_names() {
            let sums = by_class.get(&class).map_or(&[][..], Vec::as_slice);
            match sums {
                [] => LabelSums::empty(class).add_rows(&name, &mut rows),
                [sums] => sums.add_rows(&name, &mut rows),
                _ => LabelSums::pooled(sums).add_rows(&name, &mut rows),
            }
        }
        rows
    }
}

fn object_figures(map: &MapMeasurement) -> RegionFigures<'static> {
    let object = map.object;
    RegionFigures {
        name: OBJECT,
        kind: OBJECT,
        present: Some(object.is_some()),
        share: object.and_then(|o| o.share),
        area: object.and_then(|o| o.area),
        visible: object.map(|o| o.visible),
        ..RegionFigures::default()
    }
}

fn border_figures(map: &MapMeasurement) -> RegionFigures<'static> {
    let [height, width] = map.cells;
    RegionFigures {
        name: BORDER,
        kind: BORDER,
        share: map.border_share,
        area: Some(edge_area(width, height)),
        ..RegionFigures::default()
    }
}

fn region_figures(region: &RegionMeasurement) -> RegionFigures<'_> {
    RegionFigures {
        name: &region.region,
        kind: region.kind.name(),
        present: region.present,
        share: region.scores.share,
        area: region.place.map(|place| place.area),
        relative_contribution: region.scores.relative_contribution,
        visible: region.place.map(|place| place.visible),
    }
}

/// Part of a view that lies within half a CAM cell of its edge.
fn edge_area(width: usize, height: usize) -> f64 {
    1.0 - inner_length(width) * inner_length(height)
}

fn inner_length(cells: usize) -> f64 {
    (1.0 - 1.0 / cells as f64).max(0.0)
}

impl LabelSums {
    /// A label without a scored image.
    fn empty(class: usize) -> Self {
        let object = RegionSums {
            name: OBJECT.into(),
            kind: OBJECT.into(),
            ..RegionSums::default()
        };
        Self {
            index: class as u32,
            regions: vec![object],
            ..Self::default()
        }
    }

    /// The sums of several labels of one class, without their maps.
    fn pooled(labels: &[&Self]) -> Self {
        let mut pooled = Self::default();
        for label in labels {
            pooled.index = label.index;
            pooled.images += label.images;
            pooled.correct += label.correct;
            pooled.low_mass += label.low_mass;
            for sums in &label.regions {
                pooled.region(&sums.name, &sums.kind).merge(sums);
            }
        }
        pooled
    }

    /// The sums of one region, which may be new.
    fn region(&mut self, name: &str, kind: &str) -> &mut RegionSums {
        let known = self
            .regions
            .iter()
            .position(|sums| sums.name == name && sums.kind == kind);
        let at = known.unwrap_or_else(|| {
            self.regions.push(RegionSums {
                name: name.to_owned(),
                kind: kind.to_owned(),
                ..RegionSums::default()
            });
            self.regions.len() - 1
        });
        &mut self.regions[at]
    }

    /// Adds the figures of one image to the sums of the region, and returns these.
    fn add(&mut self, figures: &RegionFigures<'_>, policy: &Scores) -> &mut RegionSums {
        let sums = self.region(figures.name, figures.kind);
        if let Some(present) = figures.present {
            *sums.present.get_or_insert(0) += u32::from(present);
        }
        let visible_min = if figures.kind == OBJECT {
            policy.object_visible_min
        } else {
            policy.confounder_visible_min
        };
        sums.unseen += u32::from(figures.visible.is_some_and(|v| v < visible_min));
        sums.visible.add(figures.visible);
        sums.relative_contribution
            .add(figures.relative_contribution);

        if let (Some(share), Some(area)) = (figures.share, figures.area) {
            sums.measured += 1;
            sums.share += share;
            sums.shares[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
            sums.area += area;
            sums.excess += share - area;
        }
        sums
    }

    fn add_rows(&self, label: &str, rows: &mut Vec<ClassRow>) {
        for sums in &self.regions {
            rows.push(ClassRow {
                label: label.to_owned(),
                label_index: self.index,
                region: sums.name.clone(),
                kind: sums.kind.clone(),
                images: self.images,
                correct: self.correct,
                low_mass: self.low_mass,
                present: sums.present,
                measured: sums.measured,
                share_mean: sums.mean(sums.share),
                share_counts: sums.shares.to_vec(),
                area_mean: sums.mean(sums.area),
                lift: (sums.area > 0.0).then(|| sums.share / sums.area),
                excess_mean: sums.mean(sums.excess),
                relative_contribution_mean: sums.relative_contribution.get(),
                visible_mean: sums.visible.get(),
                unseen: sums.unseen,
            });
        }
    }
}

impl RegionSums {
    /// Adds the sums of another label, but not its maps.
    fn merge(&mut self, other: &Self) {
        if let Some(present) = other.present {
            *self.present.get_or_insert(0) += present;
        }
        self.unseen += other.unseen;
        self.measured += other.measured;
        self.share += other.share;
        for (sum, count) in self.shares.iter_mut().zip(other.shares) {
            *sum += count;
        }
        self.area += other.area;
        self.excess += other.excess;
        self.relative_contribution
            .merge(&other.relative_contribution);
        self.visible.merge(&other.visible);
    }

    /// A sum over the measured images as a mean.
    fn mean(&self, sum: f64) -> Option<f64> {
        (self.measured > 0).then(|| sum / f64::from(self.measured))
    }
}
