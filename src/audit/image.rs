//! One image on its way: file -> logits and features -> maps -> scores -> rows.

use super::presence;
use super::rows::{Map, Overlay, image_row, region_rows};
use super::see::{Seen, Timings, Worker, timed};
use super::survey::Survey;
use crate::cam::Cam;
use crate::dataset::{LabelMap, Noted, Sample};
use crate::error::{Error, Result, Skip};
use crate::evidence::BASELINE;
use crate::geometry::{Size, Transpose};
use crate::input::{self, Preprocessor};
use crate::model::{Inference, Model, Options};
use crate::plan::{Activation, Plan, Severity};
use crate::record::{ImageRow, RegionRow};
use crate::store::{Cache, Maps, Memory};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// Everything that auditing an image needs and that all workers share.
pub struct Auditor<'a> {
    pub plan: &'a Plan,
    pub model: &'a Model,
    pub labels: &'a LabelMap,
    pub survey: Survey,
    /// What the network said on earlier nights.
    pub cache: Option<&'a Cache>,
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
    /// BLAKE3 of the file, in hex.
    pub content: String,
    /// What the cache does not have yet.
    pub fresh: Option<Memory>,
}

impl<'a> Auditor<'a> {
    /// Loads the plan's model at the input size that its preprocessing makes.
    ///
    /// # Errors
    /// As [`Model::load`]; a size that does not fit names the key to change.
    pub fn load_model(plan: &Plan) -> Result<Model> {
        let shape = Preprocessor::shape(&plan.preprocess);
        let (output, activation) = (plan.model.output.as_deref(), plan.model.activation);
        let engine = plan.model.engine.clone();
        let (size, channels) = (plan.preprocess.output, plan.preprocess.mean.len());
        let shaped_by = format!("[preprocess] makes {size} pixels, {channels} channels");
        let options = Options {
            input_shape: Some(&shape),
            shaped_by: Some(&shaped_by),
            output,
            activation,
            engine,
        };
        Model::load(&plan.model.path, &options)
    }

    /// A worker that leaves a photo alone when `stopped` says so.
    ///
    /// # Errors
    /// When the engine cannot make a session.
    pub fn worker(&self, stopped: impl Fn() -> bool + Send + 'a) -> Result<Worker<'a>> {
        Worker::new(
            self.model,
            self.plan,
            self.cache.filter(|_| !self.plan.run.verify_cache),
            stopped,
        )
    }

    /// Adds what tells presence, for an image by itself: declared pictures are looked for in it at once.
    ///
    /// # Errors
    /// A skip, where they are looked for in a photo that cannot be read.
    pub fn annotate(
        &self,
        worker: &mut Worker<'_>,
        sample: &mut Sample,
    ) -> std::result::Result<(), Skip> {
        let found = presence::search(&self.plan.regions, |template| {
            worker.find(&sample.source, template)
        })?;
        presence::annotate(&self.plan.regions, sample, &found);
        Ok(())
    }

    /// Scores one image: the label's map, and the predicted class's where it differs.
    ///
    /// # Errors
    /// A skip for what is wrong with the image; a stop when the logit invariant is violated.
    pub fn audit(
        &self,
        worker: &mut Worker<'_>,
        sample: &mut Sample,
    ) -> std::result::Result<Scored, Failure> {
        let mut timings = Timings::default();
        let bytes =
            Arc::new(timed(&mut timings.read, || input::read(&sample.source))?.into_owned());
        let content = blake3::hash(bytes.as_slice()).to_hex().to_string();
        let known = self.cache.and_then(|cache| cache.get(&content));
        let complete = |m: &Memory| {
            self.targets(sample, m)
                .iter()
                .all(|(_, class)| m.maps_of(*class).is_some())
        };
        let (memory, fresh) = match known {
            Some(memory) if complete(&memory) => (memory, false),
            known => {
                let mut memory = self.remember(worker, sample, &bytes, &mut timings)?;
                // The same bytes may stand under another label: its maps stay.
                let others = known
                    .into_iter()
                    .flat_map(|m| m.maps)
                    .filter(|m| memory.maps_of(m.class).is_none());
                let others: Vec<Maps> = others.collect();
                memory.maps.extend(others);
                (memory, true)
            }
        };
        if self.plan.run.verify_cache
            && !fresh
            && !self
                .remember(worker, sample, &bytes, &mut timings)?
                .agrees_with(&memory)
        {
            return Err(Error::new(format!("{}: the cache does not say what the network says; --no-cache does without, and removing cache.redb begins it anew", sample.path)).into());
        }
        let start = Instant::now();
        let problems = self.fit(sample, memory.size, memory.turned)?;
        let overlay = Overlay::new(self, sample, &memory.view);
        let mut scored = Scored {
            images: vec![],
            regions: vec![],
            invariant_error: 0.0,
            problems,
            timings,
            fresh: None,
            content,
        };
        for (target, class) in self.targets(sample, &memory) {
            let Some(maps) = memory.maps_of(class) else {
                continue;
            };
            let map = Map::new(sample, &memory.logits, target, maps)?;
            scored.invariant_error = scored.invariant_error.max(map.invariant_error);
            scored.images.push(image_row(
                self,
                sample,
                (&scored.content, &memory),
                &map,
                &overlay,
            ));
            scored
                .regions
                .extend(region_rows(self, sample, &map, &overlay));
        }
        scored.timings.score = start.elapsed();
        scored.fresh = fresh.then_some(memory);
        Ok(scored)
    }

    /// The classes whose maps are taken, and why: of the label, of the prediction, and of classes that this image is a
    /// comparison for.
    fn targets(&self, sample: &Sample, seen: &Memory) -> Vec<(&'static str, usize)> {
        let mut targets = vec![("label", sample.class)];
        targets.extend(
            Some(("predicted", seen.predicted())).filter(|(_, class)| *class != sample.class),
        );
        let compared = self.survey.compared(&self.plan.regions, sample);
        targets.extend(compared.into_iter().map(|class| (BASELINE, class)));
        targets
    }

    /// Decodes and infers, and keeps what the rows are made of.
    fn remember(
        &self,
        worker: &mut Worker<'_>,
        sample: &Sample,
        bytes: &Arc<Vec<u8>>,
        timings: &mut Timings,
    ) -> std::result::Result<Memory, Failure> {
        let seen = worker.see_bytes(bytes, timings)?;
        let Seen {
            size,
            turned,
            view,
            fingerprint,
            inference,
            ..
        } = seen;
        let mut memory = Memory {
            size,
            turned,
            view,
            logits: inference.logits.clone(),
            maps: vec![],
            fingerprint,
        };
        let classes: BTreeSet<usize> = self
            .targets(sample, &memory)
            .into_iter()
            .map(|(_, class)| class)
            .collect();
        let start = Instant::now();
        memory.maps = classes
            .into_iter()
            .map(|class| self.maps(&inference, class))
            .collect();
        timings.score += start.elapsed();
        Ok(memory)
    }

    fn maps(&self, inference: &Inference, class: usize) -> Maps {
        let centred = self.model.centred_weights(inference, class);
        let centred = Cam::new(&self.model.layout, &inference.features, &centred);
        Maps {
            class,
            cam: self.cam(inference, class),
            centred,
        }
    }

    /// Holds the annotations against the image; what the pipeline does not ignore ends its way.
    fn fit(
        &self,
        sample: &mut Sample,
        size: Size,
        turned: Option<Transpose>,
    ) -> std::result::Result<Vec<Noted>, Failure> {
        let odd = sample.fit(size, turned);
        let noted: Vec<Noted> = odd
            .into_iter()
            .map(|odd| odd.noted(&self.plan.dataset.problems, Some(&sample.path)))
            .collect();
        match noted.iter().find(|n| n.severity != Severity::Ignore) {
            None => Ok(noted),
            Some(n) if n.severity == Severity::Error => Err(Failure::Stop(Error::new(format!(
                "{}: {}: {}",
                n.place, n.code, n.message
            )))),
            Some(_) => Err(Failure::Unfit(noted)),
        }
    }

    /// Number of classes of a softmax head; `None` for sigmoid heads.
    pub fn softmax_classes(&self) -> Option<usize> {
        (self.model.activation == Activation::Softmax).then_some(self.model.facts.classes)
    }

    /// The class activation map of one class.
    pub fn cam(&self, inference: &Inference, class: usize) -> Cam {
        Cam::new(
            &self.model.layout,
            &inference.features,
            &self.model.weights(inference, class),
        )
    }
}
