//! What the measurements of a run say about regions that can be present or absent, kept small.

use super::duplicates::Fingerprints;
use super::halves::group_key;
use super::sampling::Sampled;
use super::surroundings::ObjectImages;
use crate::finding::MapTarget;
use crate::score::{MapMeasurement, Measurement};
use crate::tables::DuplicateRow;
use std::collections::{BTreeMap, BTreeSet};

/// All observations of a run.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Seed of every choice by hash.
    pub seed: u64,
    /// Images of all classes.
    pub images: Sampled,
    /// Images that the model predicts correctly and whose objects are annotated.
    pub object_images: ObjectImages,
    /// Of the own images of each class.
    pub(super) centred_logits: BTreeMap<u32, Vec<f32>>,
    maps: Vec<MapInfo>,
    regions: BTreeMap<String, Vec<RegionObservation>>,
    /// By region: images of which it is not known whether they show it.
    unclear: BTreeMap<String, BTreeSet<u128>>,
    ungrouped: Fingerprints,
}

/// One image under the map of one class: what is the same for all regions.
#[derive(Debug, Clone, Copy)]
pub(super) struct MapInfo {
    pub image: u128,
    pub group: u64,
    /// Class of the image's label.
    pub class: u32,
    /// Class of the map.
    pub target: u32,
    /// The model predicts the label.
    pub correct: bool,
    /// The image is of a split that the model was trained on.
    pub trained_on: bool,
}

/// One region under one of the maps.
#[derive(Debug, Clone, Copy)]
struct RegionObservation {
    /// Index of the map.
    map: u32,
    /// NaN where there is none.
    contrast: f32,
    present: bool,
    /// Smaller than a quarter of a CAM cell: no claim about place.
    sub_cell: bool,
}

/// One region in one image, under the map of one class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observation {
    pub map: MapInfo,
    pub present: bool,
    /// Not present, as far as it is known, but it may have been missed.
    pub unclear: bool,
    pub sub_cell: bool,
    pub contrast: Option<f32>,
}

impl Observation {
    /// Whether the map is of the image's own class.
    pub fn is_own_map(&self) -> bool {
        self.map.class == self.map.target
    }

    /// Whether the image surely lacks the region.
    pub fn is_absent(&self) -> bool {
        !self.present && !self.unclear
    }
}

impl Evidence {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Adds one image.
    pub fn add(&mut self, measurement: &Measurement, trained_on: bool) {
        let image = &measurement.image;
        let hex = image.id.to_string();
        let group = group_key(image.group.as_deref().unwrap_or(&hex));

        for map in &measurement.maps {
            match map.target {
                MapTarget::Label => self.add_image(measurement, map),
                MapTarget::Baseline => {}
                MapTarget::Predicted => continue,
            }
            self.add_regions(map);
            self.maps.push(MapInfo {
                image: image.id.0,
                group,
                class: image.class as u32,
                target: map.class as u32,
                correct: measurement.is_correct(),
                trained_on,
            });
        }
    }

    fn add_image(&mut self, measurement: &Measurement, map: &MapMeasurement) {
        let image = &measurement.image;
        let class = image.class as u32;
        let logits = self.centred_logits.entry(class).or_default();
        logits.push(map.centred_logit as f32);

        let group = image.group.as_deref().map(group_key);
        let group = group.map_or(image.id.0, u128::from);
        self.images.add(self.seed, class, group, image.id.0);

        let tagged = map
            .regions
            .iter()
            .any(|region| region.confounder_presence() == Some(true));
        if measurement.is_correct() && map.object.is_some() {
            let images = self.object_images.of_kind(tagged);
            images.add(self.seed, class, group, image.id.0);
        }
        if image.group.is_none()
            && let Some(fingerprint) = &image.fingerprint
        {
            self.ungrouped.add(image.id.0, fingerprint);
        }
    }

    fn add_regions(&mut self, map: &MapMeasurement) {
        let index = self.maps.len() as u32;
        for region in &map.regions {
            let Some(present) = region.confounder_presence() else {
                continue;
            };
            let observation = RegionObservation {
                map: index,
                contrast: region.contrast.map_or(f32::NAN, |v| v as f32),
                present,
                sub_cell: region.place.is_some_and(|place| place.sub_cell),
            };
            match self.regions.get_mut(&region.region) {
                Some(observations) => observations.push(observation),
                None => {
                    self.regions
                        .insert(region.region.clone(), vec![observation]);
                }
            }
        }
    }

    /// Makes one group of each set of near-duplicates among the images without a group; returns
    /// their rows.
    pub fn group_duplicates(&mut self) -> Vec<DuplicateRow> {
        let rows = self.ungrouped.groups();
        let mut joined: BTreeMap<u64, u64> = BTreeMap::new();
        for row in &rows {
            joined.insert(group_key(&row.image_id), group_key(&row.group));
        }
        for map in &mut self.maps {
            map.group = joined.get(&map.group).copied().unwrap_or(map.group);
        }
        rows
    }

    /// Gives images the groups that they have in another run's evidence.
    pub fn regroup(&mut self, groups: &BTreeMap<u128, u64>) {
        for map in &mut self.maps {
            map.group = groups.get(&map.image).copied().unwrap_or(map.group);
        }
    }

    /// Whether images show a region, by image.
    pub fn presence(&self, region: &str) -> BTreeMap<u128, bool> {
        let observations = self.observations(region);
        let own = observations.filter(Observation::is_own_map);
        own.map(|o| (o.map.image, o.present)).collect()
    }

    /// Says of which images it is not known whether they show a region: B and C leave them out, A
    /// counts them as without it.
    pub fn set_unclear(&mut self, region: &str, images: BTreeSet<u128>) {
        self.unclear.insert(region.to_owned(), images);
    }

    /// The maps of the images' own classes, in the order of the dataset.
    pub(super) fn own_maps(&self) -> impl Iterator<Item = &MapInfo> {
        self.maps.iter().filter(|map| map.class == map.target)
    }

    /// Regions that can be present or absent, in the order of their names.
    pub(super) fn region_names(&self) -> impl Iterator<Item = &String> {
        self.regions.keys()
    }

    /// All observations of one region, in the order of the dataset.
    pub(super) fn observations(&self, region: &str) -> impl Iterator<Item = Observation> {
        let observations = self.regions.get(region).into_iter().flatten();
        let unclear = self.unclear.get(region);
        observations.map(move |observation| {
            let map = self.maps[observation.map as usize];
            Observation {
                map,
                present: observation.present,
                unclear: unclear.is_some_and(|images| images.contains(&map.image)),
                sub_cell: observation.sub_cell,
                contrast: Some(observation.contrast).filter(|v| !v.is_nan()),
            }
        })
    }
}
