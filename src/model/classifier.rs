//! A model taken apart into trunk and head.

use super::batched::{Single, outputs};
use super::chain::AffineChain;
use super::class_weights::ClassWeights;
use super::coverage::Responses;
use super::engine::{Batches, Engine, Permit, Runtime};
use super::facts::{Facts, OutputActivation};
use super::frame::frame;
use super::graph::Graph;
use super::head::TakenApart;
use super::knockout::Knockout;
use super::layout::MapLayout;
use super::model_file::ModelFile;
use super::opened::{BYTES, Opened};
use super::options::Options;
use super::outputs::Head;
use super::place::{MapPlace, Surroundings};
use super::pool::Pool;
use super::session::{Inference, Runner, Session};
use super::subgraph::Subgraph;
use crate::error::{Error, Result};
use crate::geometry::Rect;
use crate::plan::Activation;
use std::path::Path;

/// Largest accepted `|mean(CAM) + bias - logit| / max(1, |logit|)`.
const INVARIANT_TOLERANCE: f64 = 1e-4;
/// The same for a head whose sums lose more digits in float32: this many times the error on the
/// probes, up to a limit.
const PROBE_ERRORS: f64 = 5.0;
const INVARIANT_TOLERANCE_MAX: f64 = 1e-3;
/// A logit whose terms cancel is compared with this part of the sum of their magnitudes instead,
/// though with no more than the largest logit of the image: with the tolerance of 1e-4 that is 4e-6
/// of the sum, some 60 roundings of float32. So the check does not depend on the scale of the head.
const CANCELLED_FRACTION: f64 = 0.04;
/// Most classes whose logits are recomputed when a model is loaded.
const PROBED_CLASSES_MAX: usize = 32;
/// Correlation of maps and knock-out below which a detached head gets a warning.
const KNOCKOUT_CORRELATION_MIN: f64 = 0.5;

/// A classifier taken apart into trunk and head.
pub struct Model {
    engine: Engine,
    /// Where several images run at once.
    batches: Option<Batches>,
    pool: Pool,
    chain: AffineChain,
    pub facts: Facts,
    /// Order of the maps that class weights refer to.
    pub layout: MapLayout,
    /// The rectangle of the input that the map covers, where the graph crops or pads.
    pub frame: Option<Rect>,
    /// How the logits become scores.
    pub activation: Activation,
    /// One logit with a sigmoid: class 1 is the logit, class 0 its negative.
    binary: bool,
    /// The mean of all logits, which centred weights leave out; `None` for sigmoid heads.
    mean_row: Option<ClassWeights>,
    /// BLAKE3 of the model file and its external weights.
    pub hash: String,
    /// Name and version of the engine.
    pub engine_name: String,
}

impl Model {
    /// Reads the graph, finds the pool, reads the head and checks the maps on probe images.
    ///
    /// # Errors
    /// When the model has no map that all evidence passes, cannot run, or its maps fail a check;
    /// names node and reason.
    pub fn load(path: &Path, options: &Options<'_>) -> Result<Self> {
        let file = ModelFile::read(path)?;
        let runtime = Runtime::new(&options.engine)?;
        Self::from_file(file, &runtime, options).map_err(|e| {
            let error = in_model(path, &e);
            match options.shaped_by {
                Some(source) => Error::new(format!("{error}\n  ({source})")),
                None => error,
            }
        })
    }

    fn from_file(file: ModelFile, runtime: &Runtime, options: &Options<'_>) -> Result<Self> {
        let hash = file.hash;
        let Opened {
            parts,
            shape,
            probes,
        } = Opened::new(file.proto, runtime, options.opening())?;
        let TakenApart {
            graph,
            survey,
            logits,
            mut pool,
            chain,
        } = parts;
        let outputs = outputs(&pool, &logits.tensor, &chain);
        let cut = graph.cut(&[(&graph.input, &shape)], &outputs, &shape);
        let engine = runtime.load(&cut.proto, vec![shape.clone()])?;
        let batches = match options.engine.batch() {
            0 | 1 => None,
            batch => Some(
                Single {
                    graph: &graph,
                    runtime,
                    engine: &engine,
                    outputs: &outputs,
                    shape: &shape,
                    probes: &probes,
                }
                .together(batch)?,
            ),
        };
        let frame = frame(&graph, &pool.features, runtime, &shape)?;
        let surroundings = Surroundings {
            graph: &graph,
            survey: &survey,
            image: &shape,
            frame,
        };
        let place = MapPlace::find(&mut pool, &surroundings, |layout| {
            let mut state = engine.state()?;
            Responses::measure(&shape, &probes[0], layout, |image| {
                let arrays = state.run(&engine, &[image])?;
                let features = arrays.into_iter().next().map(|array| array.values);
                Ok(features.unwrap_or_default())
            })
        })?;
        let mut warnings = place.warnings;
        warnings.extend(several_outputs(&graph, options));

        let binary = chain.logits() == 1;
        let activation = match options.activation.or(logits.activation) {
            _ if binary => Activation::Sigmoid,
            Some(activation) => activation,
            None => Activation::Softmax,
        };
        let mean_row = (activation == Activation::Softmax).then(|| chain.mean_row());

        let mut model = Self {
            layout: pool.attributed_layout(),
            frame,
            facts: Facts {
                input: graph.input.clone(),
                input_shape: shape.clone(),
                pool_node: pool.node.clone(),
                pool_op: pool.op.clone(),
                features_tensor: pool.features.clone(),
                features_shape: survey
                    .get(&pool.features)
                    .map_or_else(Vec::new, |tensor| tensor.shape.clone()),
                cells: pool.layout.cells(),
                map: [pool.layout.height, pool.layout.width],
                classes: if binary { 2 } else { chain.logits() },
                output_activation: OutputActivation::from(logits.activation),
                own_convolutions: engine.replaced().convolutions,
                winograd_convolutions: engine.replaced().winograd,
                decomposition: pool.decomposition(chain.decomposition),
                affine_error: chain.error(),
                coverage: place.coverage,
                orientation: place.orientation,
                frame: frame.map(|frame| [frame.x0, frame.y0, frame.x1, frame.y1]),
                precisions: graph.precisions.clone(),
                ..Facts::default()
            },
            engine_name: match &batches {
                Some(batches) => format!("{}, batches of {}", runtime.name(), batches.size()),
                None => runtime.name(),
            },
            engine,
            batches,
            pool,
            chain,
            activation,
            binary,
            mean_row,
            hash,
        };

        let features = survey.get(&model.pool.features);
        let head = Subgraph {
            graph: &graph,
            runtime,
            from: &model.pool.features.clone(),
            to: &logits.tensor,
            shape: features.map_or(&[], |tensor| &tensor.shape),
            image: &shape,
        };
        let features = features.map_or(&[][..], |tensor| &tensor.values);
        warnings.extend(model.check_maps(&head, features, &probes)?);
        model.facts.warnings = warnings;
        Ok(model)
    }

    /// Checks the logit invariant and the knock-out on all probes. `features` are those of the
    /// probes. Returns warnings.
    fn check_maps(
        &mut self,
        head: &Subgraph<'_>,
        features: &[Vec<f32>],
        probes: &[Vec<f32>],
    ) -> Result<Vec<String>> {
        let mut knockout = Knockout::default();
        let mut invariant_error = 0.0_f64;
        self.facts.invariant_unit = 1.0;
        for (probe, features) in probes.iter().zip(features) {
            let inference = self.session()?.run(probe)?;
            self.facts.invariant_unit = self.unit(&inference).max(self.facts.invariant_unit);
            invariant_error = invariant_error.max(self.check(&inference)?);
            self.knock_out(&mut knockout, head, features, &inference)?;
        }

        let mut warnings = Vec::new();
        let facts = &mut self.facts;
        facts.invariant_error = invariant_error;
        facts.invariant_tolerance =
            (PROBE_ERRORS * invariant_error).clamp(INVARIANT_TOLERANCE, INVARIANT_TOLERANCE_MAX);
        if facts.invariant_tolerance > INVARIANT_TOLERANCE {
            warnings.push(format!(
                "the sums of this head lose digits in float32: a map gives its logit within {:.0e} \
                 instead of {INVARIANT_TOLERANCE:.0e} of it",
                facts.invariant_tolerance
            ));
        }
        if facts.decomposition.is_exact() {
            facts.knockout_error = Some(knockout.check()?);
            return Ok(warnings);
        }

        let correlation = knockout.correlation();
        facts.knockout_correlation = Some(correlation);
        if correlation < KNOCKOUT_CORRELATION_MIN {
            warnings.push(format!(
                "the maps of this head correlate only {correlation:.2} with a knock-out of cells: \
                 the factors that are held fixed carry much of the evidence, so a map shows little \
                 of what the network uses"
            ));
        }
        Ok(warnings)
    }

    /// Compares the maps of one probe with a knock-out of cells.
    fn knock_out(
        &self,
        knockout: &mut Knockout,
        head: &Subgraph<'_>,
        features: &[f32],
        inference: &Inference,
    ) -> Result<()> {
        let mut maps = Vec::new();
        let logits = if self.binary {
            let weights = self.weights(inference, 1);
            maps.push((0, weights.map(&self.layout, &inference.features)));
            &inference.logits[1..]
        } else {
            for class in self.probed_classes() {
                let weights = self.weights(inference, class);
                maps.push((class, weights.map(&self.layout, &inference.features)));
            }
            &inference.logits[..]
        };
        knockout.add(head, &self.pool.layout, features, &maps, logits)
    }

    /// Evenly spaced classes.
    fn probed_classes(&self) -> impl Iterator<Item = usize> {
        let step = self.facts.classes.div_ceil(PROBED_CLASSES_MAX).max(1);
        (0..self.facts.classes).step_by(step)
    }

    /// A session that runs one image at a time.
    pub fn session(&self) -> Result<Session<'_>> {
        let state = self.engine.state()?;
        Ok(self.session_of(Runner::Alone(&self.engine, state)))
    }

    /// A session for one more worker of a pool: where several images run at once, together with
    /// those of the others. Its thread must have a permit, see [`Model::permit`].
    pub fn worker_session(&self) -> Result<Session<'_>> {
        match &self.batches {
            Some(batches) => Ok(self.session_of(Runner::Together(batches))),
            None => self.session(),
        }
    }

    fn session_of<'a>(&'a self, runner: Runner<'a>) -> Session<'a> {
        let takes_bytes = self.facts.precisions.iter().any(|p| p == BYTES);
        Session::new(runner, &self.pool, &self.chain, self.binary, takes_bytes)
    }

    /// Images that run at once.
    pub fn batch(&self) -> usize {
        self.batches.as_ref().map_or(1, Batches::size)
    }

    /// Waits for one of `jobs` permits to compute, where several images run at once; a worker that
    /// waits for its image releases it.
    pub fn permit(&self, jobs: usize) -> Option<Permit<'_>> {
        self.batches.as_ref().map(|batches| batches.acquire(jobs))
    }

    /// How the logits become scores.
    pub fn head(&self) -> Head {
        match self.activation {
            Activation::Softmax => Head::Softmax {
                classes: self.facts.classes,
            },
            Activation::Sigmoid => Head::Sigmoid,
        }
    }

    /// Weights of one class for this image: `mean(CAM) + bias = logit`.
    pub fn weights(&self, inference: &Inference, class: usize) -> ClassWeights {
        self.chain.pull_back(self.row(class), &inference.gates)
    }

    /// Weights less the mean over all classes, because adding a vector to all rows does not change
    /// a softmax; the raw weights for sigmoid heads.
    pub fn centred_weights(&self, inference: &Inference, class: usize) -> ClassWeights {
        let mut row = self.row(class);
        if let Some(mean) = &self.mean_row {
            row = row.minus(mean);
        }
        self.chain.pull_back(row, &inference.gates)
    }

    /// The logit of a class as a function of the last affine map's inputs.
    fn row(&self, class: usize) -> ClassWeights {
        match (self.binary, class) {
            (false, class) => self.chain.row(class),
            (true, 1) => self.chain.row(0),
            (true, _) => self.chain.row(0).negated(),
        }
    }

    /// The least size that the error of a logit is relative to, see [`CANCELLED_FRACTION`].
    fn unit(&self, inference: &Inference) -> f64 {
        let pooled = self.layout.pooled(&inference.features);
        let (mut magnitude, mut logit) = (0.0_f64, 0.0_f64);
        for class in self.probed_classes() {
            magnitude = magnitude.max(self.weights(inference, class).magnitude(&pooled));
            logit = logit.max(f64::from(inference.logits[class].abs()));
        }
        (CANCELLED_FRACTION * magnitude).min(logit)
    }

    /// Largest relative violation of the invariant over evenly spaced classes on one image.
    fn check(&self, inference: &Inference) -> Result<f64> {
        let pooled = self.layout.pooled(&inference.features);
        let mut worst = 0.0_f64;
        for class in self.probed_classes() {
            let weights = self.weights(inference, class);
            let sum = weights.apply(&pooled);
            let logit = f64::from(inference.logits[class]);
            let error = (sum - logit).abs() / logit.abs().max(self.facts.invariant_unit);
            if error.is_nan() || error > INVARIANT_TOLERANCE_MAX {
                let magnitude = weights.magnitude(&pooled);
                let rounding = INVARIANT_TOLERANCE * CANCELLED_FRACTION * magnitude;
                let why = if (sum - logit).abs() <= rounding {
                    format!(
                        "its terms of {magnitude:.0e} in all cancel, so that float32 leaves too \
                         few digits; train the head with weight decay"
                    )
                } else {
                    let pool = &self.facts.pool_node;
                    format!("the logits do not depend on the pool {pool:?} alone")
                };
                return Err(Error::new(format!(
                    "the logit invariant fails for class {class}: mean(CAM) + bias = {sum:.6}, \
                     logit = {logit:.6}; {why}"
                )));
            }
            worst = worst.max(error);
        }
        Ok(worst)
    }
}

/// A warning where the first of several outputs is read.
fn several_outputs(graph: &Graph, options: &Options<'_>) -> Option<String> {
    let outputs = graph.output_names();
    (options.output.is_none() && outputs.len() > 1).then(|| {
        format!(
            "the graph has the outputs {outputs:?}; the first is read as the logits. Another one \
             is read if model.output names it"
        )
    })
}

fn in_model(path: &Path, error: &Error) -> Error {
    Error::new(format!("model {}: {error}", path.display()))
}
