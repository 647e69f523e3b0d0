//! Measurements -> rows of `images` and `regions`, and back.

use super::rows::{ImageRow, RegionRow};
use crate::dataset::ImageId;
use crate::error::{Error, Result};
use crate::geometry::Size;
use crate::region::Kind;
use crate::score::{
    ImageFacts, Localisation, MapMeasurement, Measurement, ObjectMeasurement, RegionMeasurement,
    RegionPlace, RegionScores,
};

/// `resolution` of a region that is smaller than a quarter of a CAM cell, and of every other.
const SUB_CELL: &str = "sub_cell";
const RESOLVED: &str = "ok";

impl ImageRow {
    /// The row of one map.
    pub fn new(image: &ImageFacts, map: &MapMeasurement) -> Self {
        let object = map.object;
        let share = object.and_then(|o| o.share);
        let area = object.and_then(|o| o.area);
        let localisation = object.and_then(|o| o.localisation);

        Self {
            image_id: image.id.to_string(),
            path: image.path.clone(),
            label: image.label.clone(),
            label_index: image.class as u32,
            split: image.split.clone(),
            group: image.group.clone(),
            width: image.size.width,
            height: image.size.height,
            predicted: image.predicted_name.clone(),
            predicted_index: image.predicted as u32,
            target: map.target.name().to_owned(),
            target_class: map.class as u32,
            logit: map.logit,
            centred_logit: map.centred_logit,
            margin: map.margin,
            bias: map.bias,
            positive_mass: map.positive_mass,
            negative_mass: map.negative_mass,
            low_mass: map.low_mass,
            object_share: share,
            object_area: area,
            object_lift: share.zip(area).map(|(share, area)| share / area),
            object_visible: object.map(|o| o.visible),
            pointing_hit: localisation.map(|l| l.pointing_hit),
            rank_accuracy: localisation.map(|l| l.rank_accuracy),
            border_share: map.border_share,
            entropy: map.entropy,
            content_hash: image.content_hash.clone(),
            fingerprint: image.fingerprint.clone(),
            cam_height: map.cells[0] as u32,
            cam_width: map.cells[1] as u32,
            cam: map.cam.clone(),
        }
    }

    fn facts(&self) -> Result<ImageFacts, String> {
        let id = ImageId::parse(&self.image_id)
            .ok_or_else(|| format!("image_id {:?} is not 32 hexadecimal digits", self.image_id))?;
        Ok(ImageFacts {
            id,
            path: self.path.clone(),
            label: self.label.clone(),
            class: self.label_index as usize,
            split: self.split.clone(),
            group: self.group.clone(),
            size: Size::new(self.width, self.height),
            predicted: self.predicted_index as usize,
            predicted_name: self.predicted.clone(),
            content_hash: self.content_hash.clone(),
            fingerprint: self.fingerprint.clone(),
        })
    }

    fn map(self, regions: Vec<RegionMeasurement>) -> Result<MapMeasurement, String> {
        let localisation = self.pointing_hit.zip(self.rank_accuracy);
        let object = self.object_visible.map(|visible| ObjectMeasurement {
            visible,
            share: self.object_share,
            area: self.object_area,
            localisation: localisation.map(|(pointing_hit, rank_accuracy)| Localisation {
                pointing_hit,
                rank_accuracy,
            }),
        });

        Ok(MapMeasurement {
            target: self.target.parse()?,
            class: self.target_class as usize,
            logit: self.logit,
            centred_logit: self.centred_logit,
            margin: self.margin,
            bias: self.bias,
            positive_mass: self.positive_mass,
            negative_mass: self.negative_mass,
            low_mass: self.low_mass,
            object,
            border_share: self.border_share,
            entropy: self.entropy,
            cells: [self.cam_height as usize, self.cam_width as usize],
            cam: self.cam,
            regions,
        })
    }
}

impl RegionRow {
    /// The row of one region under one map.
    pub fn new(image: &ImageFacts, map: &MapMeasurement, region: &RegionMeasurement) -> Self {
        let RegionScores {
            share,
            lift,
            excess,
            rho,
            contribution,
            relative_contribution,
        } = region.scores;
        let place = region.place;

        Self {
            image_id: image.id.to_string(),
            label: image.label.clone(),
            target: map.target.name().to_owned(),
            region: region.region.clone(),
            kind: region.kind.name().to_owned(),
            present: region.present,
            area: place.map(|p| p.area),
            visible: place.map(|p| p.visible),
            share,
            lift,
            excess,
            s_max: place.map(|p| p.s_max),
            rho,
            contribution,
            relative_contribution,
            contrast: region.contrast,
            resolution: place.map(|p| if p.sub_cell { SUB_CELL } else { RESOLVED }.to_owned()),
        }
    }

    fn measurement(self) -> Result<RegionMeasurement, String> {
        let sub_cell = self.resolution.as_deref() == Some(SUB_CELL);
        let edges = self.area.zip(self.visible).zip(self.s_max);
        let place = edges.map(|((area, visible), s_max)| RegionPlace {
            area,
            visible,
            s_max,
            sub_cell,
        });

        Ok(RegionMeasurement {
            kind: kind(&self.kind)?,
            region: self.region,
            present: self.present,
            place,
            scores: RegionScores {
                share: self.share,
                lift: self.lift,
                excess: self.excess,
                rho: self.rho,
                contribution: self.contribution,
                relative_contribution: self.relative_contribution,
            },
            contrast: self.contrast,
        })
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    let kinds = [Kind::Object, Kind::Confounder, Kind::Overlay, Kind::Padding];
    let found = kinds.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| format!("kind {name:?} is unknown"))
}

/// The measurements of one part: rows of both tables in the order in which they were written.
///
/// # Errors
/// When the rows of the two tables do not belong together, or a cell is not one that a run writes.
pub fn measurements(images: Vec<ImageRow>, regions: Vec<RegionRow>) -> Result<Vec<Measurement>> {
    join(images, regions).map_err(Error::new)
}

fn join(images: Vec<ImageRow>, regions: Vec<RegionRow>) -> Result<Vec<Measurement>, String> {
    let mut out: Vec<Measurement> = Vec::new();
    let mut regions = regions.into_iter().peekable();
    let mut images = images.into_iter().peekable();

    while let Some(first) = images.next() {
        let id = first.image_id.clone();
        let facts = first.facts()?;
        let mut maps = vec![first];
        while let Some(map) = images.next_if(|row| row.image_id == id) {
            maps.push(map);
        }

        let mut rows = Vec::new();
        while let Some(row) = regions.next_if(|row| row.image_id == id) {
            rows.push(row.measurement()?);
        }
        // Every map of an image has one row for each region.
        let per_map = rows.len() / maps.len();
        if per_map * maps.len() != rows.len() {
            return Err(format!(
                "image {id}: {} region rows for {} maps",
                rows.len(),
                maps.len()
            ));
        }

        let mut rows = rows.into_iter();
        let mut measured = Vec::new();
        for map in maps {
            measured.push(map.map(rows.by_ref().take(per_map).collect())?);
        }
        out.push(Measurement {
            image: facts,
            maps: measured,
        });
    }
    match regions.next() {
        None => Ok(out),
        Some(row) => Err(format!("image {} has region rows only", row.image_id)),
    }
}
