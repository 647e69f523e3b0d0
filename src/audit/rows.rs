//! The rows of one image: its maps under its regions.

use super::image::Auditor;
use super::see::Seen;
use crate::cam::Cam;
use crate::dataset::Sample;
use crate::error::{Error, Result};
use crate::geometry::{Shape, View};
use crate::grid::{Grid, Weights};
use crate::plan::Activation;
use crate::record::{ImageRow, RegionRow};
use crate::region::{self, Placed};
use crate::score::{self, Footprint, Heat};

/// One class's map of one image.
pub struct Map {
    /// `label` or `predicted`.
    target: &'static str,
    class: usize,
    logit: f64,
    cam: Cam,
    /// The map of the centred weights; raw for sigmoid heads.
    centred: Cam,
    heat: Heat,
    /// Relative violation of the logit invariant.
    pub invariant_error: f64,
}

/// What is laid over the cells of one image, the same for every map.
pub struct Overlay<'p> {
    grid: Grid,
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

impl Map {
    /// # Errors
    /// When the logit invariant is violated.
    pub fn new(
        auditor: &Auditor<'_>,
        sample: &Sample,
        seen: &Seen,
        target: &'static str,
        class: usize,
    ) -> Result<Self> {
        let logit = f64::from(seen.inference.logits[class]);
        let cam = auditor.cam(&seen.inference, class);
        let checked = cam.check(logit);
        let invariant_error = checked.map_err(|e| Error::new(format!("{}: class {class}: {e}", sample.path)))?;
        let weights = auditor.model.centred_weights(&seen.inference, class);
        let centred = Cam::new(&auditor.model.layout, &seen.inference.features, &weights);
        let heat = Heat::new(&cam.values, logit);
        Ok(Self { target, class, logit, cam, centred, heat, invariant_error })
    }
}

impl<'p> Overlay<'p> {
    pub fn new(auditor: &Auditor<'p>, sample: &Sample, view: &View) -> Self {
        let layout = auditor.model.layout;
        let grid = Grid { height: layout.height, width: layout.width, view: view.size };
        let regions = &auditor.plan.regions;
        let placed = region::place(regions, &sample.annotations, view).into_iter();
        let placed = placed.map(|p| {
            let foot = p.shape.as_ref().map(|s| Footprint::new(&grid, s));
            (p, foot)
        });
        let object = region::objects(regions, &sample.label, &sample.annotations, view).map(|o| {
            let foot = Footprint::new(&grid, &o.objects);
            let both = o.with_ignored.map(|shape| grid.weights(&shape));
            let ignored = both.map(|both| both.iter().zip(&foot.weights).map(|(b, o)| (b - o).max(0.0)).collect());
            Object { shape: o.objects, foot, ignored }
        });
        Self { placed: placed.collect(), object, border: grid.border_weights(0.5), grid }
    }
}

/// The image's row for one map.
pub fn image_row(auditor: &Auditor<'_>, sample: &Sample, seen: &Seen, map: &Map, overlay: &Overlay<'_>) -> ImageRow {
    let policy = &auditor.plan.scores;
    let heat = &map.heat;
    let predicted = seen.predicted();
    let softmax = auditor.model.activation == Activation::Softmax;
    let object = overlay.object.as_ref().filter(|o| o.foot.area > 0.0 && o.foot.visible >= policy.object_visible_min);
    let object_share = object.and_then(|o| heat.share_without(&o.foot.weights, o.ignored.as_deref()));
    let object_area = object.and_then(|o| score::area_without(&o.foot.weights, o.ignored.as_deref()));
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
        margin: score::margin(&seen.inference.logits, map.class, softmax),
        bias: map.cam.bias,
        positive_mass: heat.positive_mass,
        negative_mass: heat.negative_mass,
        low_mass: heat.low_mass,
        object_share,
        object_area,
        object_lift: object_share.zip(object_area).map(|(share, area)| share / area),
        object_visible: overlay.object.as_ref().map(|o| o.foot.visible),
        pointing_hit: place.map(|p| p.pointing_hit),
        rank_accuracy: place.map(|p| p.rank_accuracy),
        border_share: heat.share(&overlay.border),
        entropy: heat.entropy(),
        content_hash: seen.content_hash.clone(),
        cam_height: map.cam.height as u32,
        cam_width: map.cam.width as u32,
        cam: map.cam.values.iter().map(|&v| v as f32).collect(),
    }
}

/// One row per region for one map.
pub fn region_rows(auditor: &Auditor<'_>, sample: &Sample, map: &Map, overlay: &Overlay<'_>) -> Vec<RegionRow> {
    let classes = (auditor.model.activation == Activation::Softmax).then_some(auditor.model.facts.classes);
    let row = |(placed, foot): &(Placed<'_>, Option<Footprint>)| {
        let scores = foot.as_ref().map(|f| score::region(f, &map.heat, &map.centred, classes));
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
            resolution: foot.as_ref().map(|f| if f.sub_cell { "sub_cell" } else { "ok" }.to_owned()),
        }
    };
    overlay.placed.iter().map(row).collect()
}
