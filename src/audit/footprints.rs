//! What lies over the cells of one image: regions, objects and border, the same for every map of
//! the image.

use super::context::AuditContext;
use super::prescan::Prescan;
use crate::cache::ClassMaps;
use crate::dataset::{ImageId, Sample};
use crate::geometry::{Rect, Shape, View};
use crate::grid::{Grid, Weights};
use crate::model::Head;
use crate::plan::Scores;
use crate::region::{self, Kind, Placed};
use crate::score::{
    self, Footprint, Heat, ObjectMeasurement, RegionMeasurement, RegionPlace, RegionScores,
};

/// The footprints of one image.
pub struct Footprints<'p> {
    image: ImageId,
    prescan: &'p Prescan,
    grid: Grid,
    view: View,
    pub head: Head,
    policy: &'p Scores,
    regions: Vec<RegionFootprint<'p>>,
    object: Option<ObjectFootprint>,
    border: Weights,
}

struct RegionFootprint<'p> {
    placed: Placed<'p>,
    /// `None` where the region is absent.
    footprint: Option<Footprint>,
}

struct ObjectFootprint {
    shape: Shape,
    footprint: Footprint,
    /// Weights of ignored places, without those of the objects.
    ignored: Option<Weights>,
}

impl<'p> Footprints<'p> {
    pub fn new(
        context: &AuditContext<'p>,
        prescan: &'p Prescan,
        sample: &Sample,
        view: &View,
    ) -> Self {
        let layout = context.model.layout;
        let regions = &context.plan.regions;
        let grid = Grid {
            height: layout.height,
            width: layout.width,
            view: view.size,
        };

        let mut footprints = Vec::new();
        for placed in region::place(regions, &sample.annotations, view) {
            let footprint = placed.shape.as_ref();
            footprints.push(RegionFootprint {
                footprint: footprint.map(|shape| Footprint::new(&grid, shape)),
                placed,
            });
        }
        let objects = region::objects(regions, &sample.label, &sample.annotations, view);

        Self {
            image: sample.id,
            prescan,
            object: objects.map(|objects| ObjectFootprint::new(&grid, objects)),
            border: grid.border_weights(0.5),
            regions: footprints,
            head: context.model.head(),
            policy: &context.plan.scores,
            view: *view,
            grid,
        }
    }

    pub fn border_share(&self, heat: &Heat) -> Option<f64> {
        heat.share(&self.border)
    }

    /// The object boxes under one map; shares are `None` where too little of the object is visible.
    pub fn object(&self, heat: &Heat) -> Option<ObjectMeasurement> {
        let object = self.object.as_ref()?;
        let mut measured = ObjectMeasurement {
            visible: object.footprint.visible,
            share: None,
            area: None,
            localisation: None,
        };

        let seen = object.footprint.visible >= self.policy.object_visible_min;
        if object.footprint.area > 0.0 && seen {
            let weights = &object.footprint.weights;
            let ignored = object.ignored.as_deref();
            let tolerance = self.policy.pointing_tolerance_px;
            measured.share = heat.share_without(weights, ignored);
            measured.area = score::area_without(weights, ignored);
            measured.localisation = score::localise(&self.grid, heat, &object.shape, tolerance);
        }
        Some(measured)
    }

    /// Every region under the map of one class.
    pub fn regions(&self, heat: &Heat, maps: &ClassMaps) -> Vec<RegionMeasurement> {
        let classes = self.head.classes();
        let mut measured = Vec::new();
        for (index, region) in self.regions.iter().enumerate() {
            let footprint = region.footprint.as_ref();
            measured.push(RegionMeasurement {
                region: region.placed.name.to_owned(),
                kind: region.placed.kind,
                present: region.placed.present,
                place: footprint.map(region_place),
                scores: footprint.map_or_else(RegionScores::default, |footprint| {
                    score::region(footprint, heat, &maps.centred, classes)
                }),
                contrast: self.contrast(maps, index),
            });
        }
        measured
    }

    /// Contrast of a confounder that can be present or absent, in logits; where it is absent, at a
    /// reference box.
    fn contrast(&self, maps: &ClassMaps, region: usize) -> Option<f64> {
        let placed = &self.regions[region].placed;
        if placed.kind != Kind::Confounder || placed.present.is_none() {
            return None;
        }
        let shape = match &placed.shape {
            Some(shape) => shape.clone(),
            None => {
                let reference = self.prescan.reference_box(maps.class, region, self.image);
                let place = self.place_box(reference?);
                // The object's own evidence would stand for the place without the region.
                if self.meets_object(&place) {
                    return None;
                }
                place
            }
        };

        let footprint = Footprint::new(&self.grid, &shape);
        if footprint.visible < self.policy.confounder_visible_min {
            return None;
        }
        let objects = self.object.as_ref().map(|object| &object.shape);
        let mirrors = region::mirrors(&shape, objects, self.view.size);
        let controls: Vec<Footprint> = mirrors
            .iter()
            .map(|mirror| Footprint::new(&self.grid, mirror))
            .collect();
        score::contrast(&footprint, &controls, &maps.centred, self.head.classes())
    }

    fn meets_object(&self, place: &Shape) -> bool {
        let objects = self.object.as_ref().map(|object| object.shape.bounds());
        let objects = objects.unwrap_or_default();
        let mut places = place.bounds().into_iter();
        places.any(|place| {
            objects
                .iter()
                .any(|object| place.intersect(*object).is_some())
        })
    }

    /// A box in fractions of the photo, in the view.
    fn place_box(&self, fractions: Rect) -> Shape {
        let photo = self.view.original;
        let (w, h) = (f64::from(photo.width), f64::from(photo.height));
        let pixels = Rect::new(
            fractions.x0 * w,
            fractions.y0 * h,
            fractions.x1 * w,
            fractions.y1 * h,
        );
        Shape::Rects(vec![self.view.rect(pixels)])
    }
}

impl ObjectFootprint {
    fn new(grid: &Grid, objects: region::Objects) -> Self {
        let footprint = Footprint::new(grid, &objects.objects);
        let ignored = objects.with_ignored.map(|shape| {
            let both = grid.weights(&shape);
            let pairs = both.iter().zip(&footprint.weights);
            pairs
                .map(|(both, object)| (both - object).max(0.0))
                .collect()
        });
        Self {
            shape: objects.objects,
            footprint,
            ignored,
        }
    }
}

fn region_place(footprint: &Footprint) -> RegionPlace {
    RegionPlace {
        area: footprint.area,
        visible: footprint.visible,
        s_max: footprint.s_max,
        sub_cell: footprint.sub_cell,
    }
}
