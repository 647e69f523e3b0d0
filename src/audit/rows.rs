//! The rows of one image: its maps under its regions.

use super::image::Auditor;
use crate::dataset::Sample;
use crate::error::{Error, Result};
use crate::geometry::{Rect, Shape, View};
use crate::grid::{Grid, Weights};
use crate::record::{ImageRow, RegionRow};
use crate::region::{self, Kind, Placed};
use crate::score::{self, Footprint, Heat};
use crate::store::{Maps, Memory};

/// One class's map of one image.
pub struct Map<'m> {
    /// `label`, `predicted` or `baseline`.
    target: &'static str,
    class: usize,
    logit: f64,
    maps: &'m Maps,
    heat: Heat,
    /// Relative violation of the logit invariant.
    pub invariant_error: f64,
}

/// What is laid over the cells of one image, the same for every map.
pub struct Overlay<'p> {
    grid: Grid,
    view: View,
    placed: Vec<(Placed<'p>, Option<Footprint>)>,
    object: Option<Object>,
    border: Vec<f64>,
}

/// The objects of one image.
struct Object {
    shape: Shape,
    foot: Footprint,
    /// Weights of what counts neither way.
    ignored: Option<Weights>,
}

impl<'m> Map<'m> {
    /// # Errors
    /// When the logit invariant is violated.
    pub fn new(
        sample: &Sample,
        logits: &[f32],
        target: &'static str,
        maps: &'m Maps,
    ) -> Result<Self> {
        let class = maps.class;
        let logit = f64::from(logits[class]);
        let checked = maps.cam.check(logit);
        let invariant_error =
            checked.map_err(|e| Error::new(format!("{}: class {class}: {e}", sample.path)))?;
        let heat = Heat::new(&maps.cam.values, logit);
        Ok(Self {
            target,
            class,
            logit,
            maps,
            heat,
            invariant_error,
        })
    }
}

impl<'p> Overlay<'p> {
    pub fn new(auditor: &Auditor<'p>, sample: &Sample, view: &View) -> Self {
        let layout = auditor.model.layout;
        let grid = Grid {
            height: layout.height,
            width: layout.width,
            view: view.size,
        };
        let regions = &auditor.plan.regions;
        let placed = region::place(regions, &sample.annotations, view).into_iter();
        let placed = placed.map(|p| {
            let foot = p.shape.as_ref().map(|s| Footprint::new(&grid, s));
            (p, foot)
        });
        let object = region::objects(regions, &sample.label, &sample.annotations, view).map(|o| {
            let foot = Footprint::new(&grid, &o.objects);
            let both = o.with_ignored.map(|shape| grid.weights(&shape));
            let ignored = both.map(|both| {
                both.iter()
                    .zip(&foot.weights)
                    .map(|(b, o)| (b - o).max(0.0))
                    .collect()
            });
            Object {
                shape: o.objects,
                foot,
                ignored,
            }
        });
        Self {
            placed: placed.collect(),
            object,
            border: grid.border_weights(0.5),
            grid,
            view: *view,
        }
    }

    /// Contrast of a region that can be present or absent under one map, in logits; at a borrowed place where it is absent.
    fn contrast(
        &self,
        auditor: &Auditor<'_>,
        sample: &Sample,
        map: &Map<'_>,
        region: usize,
    ) -> Option<f64> {
        let (placed, _) = &self.placed[region];
        placed.present.filter(|_| placed.kind == Kind::Confounder)?;
        let borrowed = || {
            let r = auditor.survey.borrowed(map.class, region, &sample.id)?;
            let (w, h) = (
                f64::from(self.view.original.width),
                f64::from(self.view.original.height),
            );
            Some(Shape::Rects(vec![self.view.rect(Rect::new(
                r.x0 * w,
                r.y0 * h,
                r.x1 * w,
                r.y1 * h,
            ))]))
        };
        let shape = placed.shape.clone().or_else(borrowed)?;
        let foot = Footprint::new(&self.grid, &shape);
        let objects = self.object.as_ref().map(|o| &o.shape);
        let controls = region::mirrors(&shape, objects, self.view.size);
        let controls: Vec<Footprint> = controls
            .iter()
            .map(|s| Footprint::new(&self.grid, s))
            .collect();
        let seen = foot.visible >= auditor.plan.scores.confounder_visible_min;
        seen.then(|| {
            score::contrast(
                &foot,
                &controls,
                &map.maps.centred,
                auditor.softmax_classes(),
            )
        })?
    }
}

/// The image's row for one map.
pub fn image_row(
    auditor: &Auditor<'_>,
    sample: &Sample,
    (content, seen): (&str, &Memory),
    map: &Map<'_>,
    overlay: &Overlay<'_>,
) -> ImageRow {
    let policy = &auditor.plan.scores;
    let heat = &map.heat;
    let predicted = seen.predicted();
    let softmax = auditor.softmax_classes().is_some();
    let object = overlay
        .object
        .as_ref()
        .filter(|o| o.foot.area > 0.0 && o.foot.visible >= policy.object_visible_min);
    let object_share =
        object.and_then(|o| heat.share_without(&o.foot.weights, o.ignored.as_deref()));
    let object_area =
        object.and_then(|o| score::area_without(&o.foot.weights, o.ignored.as_deref()));
    let tolerance = policy.pointing_tolerance_px;
    let place = object.and_then(|o| score::localise(&overlay.grid, heat, &o.shape, tolerance));
    ImageRow {
        image_id: sample.id.clone(),
        path: sample.path.clone(),
        label: sample.label.clone(),
        label_index: sample.class as u32,
        split: sample.split.clone(),
        group: sample.group.clone(),
        width: seen.size.width,
        height: seen.size.height,
        predicted: auditor.labels.classes[predicted].clone(),
        predicted_index: predicted as u32,
        target: map.target.to_owned(),
        target_class: map.class as u32,
        logit: map.logit,
        centred_logit: score::centred_logit(&seen.logits, map.class, softmax),
        margin: score::margin(&seen.logits, map.class, softmax),
        bias: map.maps.cam.bias,
        positive_mass: heat.positive_mass,
        negative_mass: heat.negative_mass,
        low_mass: heat.low_mass,
        object_share,
        object_area,
        object_lift: object_share
            .zip(object_area)
            .map(|(share, area)| share / area),
        object_visible: overlay.object.as_ref().map(|o| o.foot.visible),
        pointing_hit: place.map(|p| p.pointing_hit),
        rank_accuracy: place.map(|p| p.rank_accuracy),
        border_share: heat.share(&overlay.border),
        entropy: heat.entropy(),
        content_hash: content.to_owned(),
        fingerprint: seen.fingerprint.clone(),
        cam_height: map.maps.cam.height as u32,
        cam_width: map.maps.cam.width as u32,
        cam: map.maps.cam.values.iter().map(|&v| v as f32).collect(),
    }
}

/// One row per region for one map.
pub fn region_rows(
    auditor: &Auditor<'_>,
    sample: &Sample,
    map: &Map<'_>,
    overlay: &Overlay<'_>,
) -> Vec<RegionRow> {
    let classes = auditor.softmax_classes();
    let row = |(i, (placed, foot)): (usize, &(Placed<'_>, Option<Footprint>))| {
        let scores = foot
            .as_ref()
            .map(|f| score::region(f, &map.heat, &map.maps.centred, classes));
        RegionRow {
            image_id: sample.id.clone(),
            label: sample.label.clone(),
            target: map.target.to_owned(),
            region: placed.name.to_owned(),
            kind: placed.kind.name().to_owned(),
            present: placed.present,
            area: foot.as_ref().map(|f| f.area),
            visible: foot.as_ref().map(|f| f.visible),
            share: scores.and_then(|s| s.share),
            lift: scores.and_then(|s| s.lift),
            excess: scores.and_then(|s| s.excess),
            s_max: foot.as_ref().map(|f| f.s_max),
            rho: scores.and_then(|s| s.rho),
            contribution: scores.and_then(|s| s.contribution),
            specificity: scores.and_then(|s| s.specificity),
            contrast: overlay.contrast(auditor, sample, map, i),
            resolution: foot
                .as_ref()
                .map(|f| if f.sub_cell { "sub_cell" } else { "ok" }.to_owned()),
        }
    };
    overlay.placed.iter().enumerate().map(row).collect()
}
