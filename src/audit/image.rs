//! One image on its way: file -> logits and features -> maps -> scores -> rows.

use super::rows::{Map, Overlay, image_row, region_rows};
use super::see::{Seen, Timings, Worker};
use super::survey::Survey;
use crate::cam::Cam;
use crate::dataset::{LabelMap, Noted, Sample};
use crate::error::{Error, Result, Skip};
use crate::evidence::BASELINE;
use crate::input::Preprocessor;
use crate::model::{Inference, Model, Options};
use crate::plan::{Activation, Plan, Severity};
use crate::record::{ImageRow, RegionRow};
use std::time::Instant;

/// Everything that auditing an image needs and that all workers share.
pub struct Auditor<'a> {
    pub plan: &'a Plan,
    pub model: &'a Model,
    pub labels: &'a LabelMap,
    pub survey: Survey,
}

/// Why an image gave no rows: its own fault, or one that stops the run.
#[derive(Debug)]
pub enum Failure {
    Skip(Skip),
    /// Its annotations do not fit it, and the pipeline says to skip such images.
    Unfit(Vec<Noted>),
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

/// The rows of one image. The first image row is the label's map; the first `regions` rows belong to it.
pub struct Scored {
    pub images: Vec<ImageRow>,
    pub regions: Vec<RegionRow>,
    /// Largest relative violation of the logit invariant.
    pub invariant_error: f64,
    /// What is odd about its annotations.
    pub problems: Vec<Noted>,
    pub timings: Timings,
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

    /// # Errors
    /// When the engine cannot make a session.
    pub fn worker(&self) -> Result<Worker<'a>> {
        Worker::new(self.model, self.plan)
    }

    /// Scores one image: the label's map, and the predicted class's where it differs.
    ///
    /// # Errors
    /// A skip for what is wrong with the image; a stop when the logit invariant is violated.
    pub fn audit(&self, worker: &mut Worker<'_>, sample: &mut Sample) -> std::result::Result<Scored, Failure> {
        let seen = worker.see(&sample.source)?;
        let problems = self.fit(sample, &seen)?;
        let start = Instant::now();
        let overlay = Overlay::new(self, sample, &seen.view);
        let mut scored =
            Scored { images: vec![], regions: vec![], invariant_error: 0.0, problems, timings: seen.timings };
        let predicted = Some(seen.inference.predicted()).filter(|p| *p != sample.class);
        let mut targets = vec![("label", sample.class)];
        targets.extend(predicted.map(|class| ("predicted", class)));
        targets.extend(overlay.compared(&self.survey, sample).into_iter().map(|class| (BASELINE, class)));
        for (target, class) in targets {
            let map = Map::new(self, sample, &seen, target, class)?;
            scored.invariant_error = scored.invariant_error.max(map.invariant_error);
            scored.images.push(image_row(self, sample, &seen, &map, &overlay));
            scored.regions.extend(region_rows(self, sample, &map, &overlay));
        }
        scored.timings.score = start.elapsed();
        Ok(scored)
    }

    /// Holds the annotations against the image; what the pipeline does not ignore ends its way.
    fn fit(&self, sample: &mut Sample, seen: &Seen) -> std::result::Result<Vec<Noted>, Failure> {
        let odd = sample.fit(seen.size, seen.turned);
        let noted: Vec<Noted> =
            odd.into_iter().map(|odd| odd.noted(&self.plan.dataset.problems, Some(&sample.path))).collect();
        match noted.iter().find(|n| n.severity != Severity::Ignore) {
            None => Ok(noted),
            Some(n) if n.severity == Severity::Error => {
                Err(Failure::Stop(Error::new(format!("{}: {}: {}", n.place, n.code, n.message))))
            }
            Some(_) => Err(Failure::Unfit(noted)),
        }
    }

    /// Number of classes of a softmax head; `None` for sigmoid heads.
    pub fn softmax_classes(&self) -> Option<usize> {
        (self.model.activation == Activation::Softmax).then_some(self.model.facts.classes)
    }

    /// The class activation map of one class.
    pub fn cam(&self, inference: &Inference, class: usize) -> Cam {
        Cam::new(&self.model.layout, &inference.features, &self.model.weights(inference, class))
    }
}
