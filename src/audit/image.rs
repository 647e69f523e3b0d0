//! One image on its way: bytes -> pixels -> tensor -> logits and features -> maps -> scores -> rows.

use crate::cam::Cam;
use crate::dataset::{LabelMap, Sample};
use crate::error::{Error, Result, Skip, Stage};
use crate::geometry::{Shape, Size, View};
use crate::grid::Grid;
use crate::input::{self, Preprocessor, Tensor};
use crate::model::{Inference, Model, Options, Session};
use crate::plan::{Activation, Plan};
use crate::record::{ImageRow, RegionRow};
use crate::region::{self, Placed};
use crate::score::{self, Footprint, Heat};
use std::time::{Duration, Instant};

/// Everything that auditing an image needs and that all workers share.
pub struct Auditor<'a> {
    pub plan: &'a Plan,
    pub model: &'a Model,
    pub labels: &'a LabelMap,
}

/// One thread's memory.
pub struct Worker<'a> {
    session: Session<'a>,
    preprocessor: Preprocessor,
}

/// Why an image gave no rows: its own fault, or one that stops the run.
#[derive(Debug)]
pub enum Failure {
    Skip(Skip),
    Stop(Error),
}

impl From<Skip> for Failure {
    fn from(skip: Skip) -> Self {
        Self::Skip(skip)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Stop(error)
    }
}

/// Time an image spent in each stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    pub read: Duration,
    pub decode: Duration,
    pub preprocess: Duration,
    pub infer: Duration,
    pub score: Duration,
}

impl Timings {
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.decode += other.decode;
        self.preprocess += other.preprocess;
        self.infer += other.infer;
        self.score += other.score;
    }
}

/// An image as the model saw it.
pub struct Seen {
    pub size: Size,
    pub view: View,
    pub tensor: Tensor,
    pub inference: Inference,
    pub content_hash: String,
    pub timings: Timings,
}

/// The rows of one image. The first image row is the label's map; the first `regions` rows belong to it.
pub struct Scored {
    pub images: Vec<ImageRow>,
    pub regions: Vec<RegionRow>,
    /// Largest relative violation of the logit invariant.
    pub invariant_error: f64,
    pub timings: Timings,
}

/// What is laid over the cells of one image, the same for every map.
struct Overlay<'p> {
    grid: Grid,
    placed: Vec<(Placed<'p>, Option<Footprint>)>,
    object: Option<(Shape, Footprint)>,
    border: Vec<f64>,
}

impl<'a> Auditor<'a> {
    /// Loads the plan's model at the input size that its preprocessing makes.
    ///
    /// # Errors
    /// As [`Model::load`]; a size that does not fit names the key to change.
    pub fn load_model(plan: &Plan) -> Result<Model> {
        let shape = Preprocessor::shape(&plan.preprocess);
        let (output, activation) = (plan.model.output.as_deref(), plan.model.activation);
        let options = Options { input_shape: Some(&shape), output, activation };
        Model::load(&plan.model.path, &options).map_err(|e| {
            let size = plan.preprocess.output;
            Error::new(format!("{e}\n  ([preprocess] makes {size} pixels, {} channels)", plan.preprocess.mean.len()))
        })
    }

    pub fn worker(&self) -> Result<Worker<'a>> {
        Ok(Worker { session: self.model.session()?, preprocessor: Preprocessor::new(&self.plan.preprocess) })
    }

    /// Scores one image.
    ///
    /// # Errors
    /// A skip for what is wrong with the image; a stop when the logit invariant is violated.
    pub fn audit(&self, worker: &mut Worker<'_>, sample: &Sample) -> std::result::Result<Scored, Failure> {
        let mut seen = worker.see(&sample.source)?;
        let start = Instant::now();
        let overlay = self.lay_over(sample, &seen.view);
        let predicted = arg_max(&seen.inference.logits);
        let targets = [("label", sample.class), ("predicted", predicted)];
        let mut scored = Scored { images: vec![], regions: vec![], invariant_error: 0.0, timings: Timings::default() };
        for (target, class) in targets.into_iter().take(if predicted == sample.class { 1 } else { 2 }) {
            let cam = self.cam(&seen.inference, class);
            let error = cam.check(f64::from(seen.inference.logits[class]));
            let error = error.map_err(|e| Error::new(format!("{}: class {class}: {e}", sample.path)))?;
            scored.invariant_error = scored.invariant_error.max(error);
            let centred = Cam::new(
                &self.model.layout,
                &seen.inference.features,
                &self.model.centred_weights(&seen.inference, class),
            );
            let heat = Heat::new(&cam.values, f64::from(seen.inference.logits[class]));
            scored.images.push(self.image_row(sample, &seen, (target, class, predicted), &cam, &heat, &overlay));
            scored.regions.extend(self.region_rows(sample, target, &heat, &centred, &overlay));
        }
        seen.timings.score = start.elapsed();
        scored.timings = seen.timings;
        Ok(scored)
    }

    /// The class activation map of one class.
    pub fn cam(&self, inference: &Inference, class: usize) -> Cam {
        Cam::new(&self.model.layout, &inference.features, &self.model.weights(inference, class))
    }

    fn lay_over(&self, sample: &Sample, view: &View) -> Overlay<'a> {
        let layout = self.model.layout;
        let grid = Grid { height: layout.height, width: layout.width, view: view.size };
        let placed = region::place(&self.plan.regions, &sample.boxes, view).into_iter();
        let placed = placed.map(|p| {
            let foot = p.shape.as_ref().map(|s| Footprint::new(&grid, s));
            (p, foot)
        });
        let object = region::objects(&self.plan.regions, &sample.label, &sample.boxes, view);
        let object = object.map(|shape| {
            let foot = Footprint::new(&grid, &shape);
            (shape, foot)
        });
        Overlay { placed: placed.collect(), object, border: grid.border_weights(0.5), grid }
    }

    fn image_row(
        &self,
        sample: &Sample,
        seen: &Seen,
        (target, class, predicted): (&str, usize, usize),
        cam: &Cam,
        heat: &Heat,
        overlay: &Overlay<'_>,
    ) -> ImageRow {
        let policy = &self.plan.scores;
        let softmax = self.model.activation == Activation::Softmax;
        let object = overlay.object.as_ref().filter(|(_, foot)| foot.visible >= policy.object_visible_min);
        let object_share = object.and_then(|(_, foot)| heat.share(&foot.weights));
        let object_area = object.map(|(_, foot)| foot.area);
        let tolerance = policy.pointing_tolerance_px;
        let place = object.and_then(|(shape, _)| score::localise(&overlay.grid, heat, shape, tolerance));
        ImageRow {
            image_id: sample.id.clone(),
            path: sample.path.clone(),
            label: sample.label.clone(),
            label_index: sample.class as u32,
            split: sample.split.clone(),
            group: sample.group.clone(),
            width: seen.size.width,
            height: seen.size.height,
            predicted: self.labels.classes[predicted].clone(),
            predicted_index: predicted as u32,
            target: target.to_owned(),
            target_class: class as u32,
            logit: f64::from(seen.inference.logits[class]),
            margin: score::margin(&seen.inference.logits, class, softmax),
            bias: cam.bias,
            positive_mass: heat.positive_mass,
            negative_mass: heat.negative_mass,
            low_mass: heat.low_mass,
            object_share,
            object_area,
            object_lift: object_share.zip(object_area).map(|(share, area)| share / area),
            object_visible: overlay.object.as_ref().map(|(_, foot)| foot.visible),
            pointing_hit: place.map(|p| p.pointing_hit),
            rank_accuracy: place.map(|p| p.rank_accuracy),
            border_share: heat.share(&overlay.border),
            entropy: heat.entropy(),
            content_hash: seen.content_hash.clone(),
            cam_height: cam.height as u32,
            cam_width: cam.width as u32,
            cam: cam.values.iter().map(|&v| v as f32).collect(),
        }
    }

    fn region_rows(
        &self,
        sample: &Sample,
        target: &str,
        heat: &Heat,
        centred: &Cam,
        overlay: &Overlay<'_>,
    ) -> Vec<RegionRow> {
        let classes = (self.model.activation == Activation::Softmax).then_some(self.model.facts.classes);
        let row = |(placed, foot): &(Placed<'_>, Option<Footprint>)| {
            let scores = foot.as_ref().map(|f| score::region(f, heat, centred, classes));
            RegionRow {
                image_id: sample.id.clone(),
                label: sample.label.clone(),
                target: target.to_owned(),
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
                contribution: scores.map(|s| s.contribution),
                specificity: scores.map(|s| s.specificity),
                resolution: foot.as_ref().map(|f| if f.sub_cell { "sub_cell" } else { "ok" }.to_owned()),
            }
        };
        overlay.placed.iter().map(row).collect()
    }
}

impl Worker<'_> {
    /// Reads, decodes, preprocesses and infers one file.
    ///
    /// # Errors
    /// A skip that names the stage and the reason.
    pub fn see(&mut self, source: &std::path::Path) -> std::result::Result<Seen, Skip> {
        let mut timings = Timings::default();
        let bytes = timed(&mut timings.read, || input::read(source))?;
        let photo = timed(&mut timings.decode, || input::decode(&bytes))?;
        let content_hash = blake3::hash(&bytes).to_hex().to_string();
        let (tensor, view) = timed(&mut timings.preprocess, || self.preprocessor.run(&photo))?;
        let inference = timed(&mut timings.infer, || self.session.run(&tensor.values));
        let inference = inference.map_err(|e| Skip::new(Stage::Infer, "inference", e))?;
        Ok(Seen { size: photo.size, view, tensor, inference, content_hash, timings })
    }
}

fn timed<T>(into: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = work();
    *into = start.elapsed();
    out
}

/// Index of the largest logit, the first where several are.
pub fn arg_max(logits: &[f32]) -> usize {
    logits.iter().enumerate().fold(0, |best, (i, z)| if *z > logits[best] { i } else { best })
}
