//! A model taken apart into trunk and head.

use super::batched::{Batched, Single, outputs};
use super::chain::AffineChain;
use super::class_weights::ClassWeights;
use super::coverage::Responses;
use super::engine::{Engine, Permit, Runtime, Values};
use super::facts::{Facts, OutputActivation};
use super::frame::frame;
use super::graph::Graph;
use super::head::TakenApart;
use super::layout::MapLayout;
use super::model_file::ModelFile;
use super::normalisation::Normalisation;
use super::opened::{BYTES, Opened};
use super::options::Options;
use super::outputs::Head;
use super::place::{MapPlace, Surroundings};
use super::pool::Pool;
use super::session::{Inference, Outputs, PixelSession, Runner, Session};
use super::subgraph::Subgraph;
use crate::error::{Error, Result};
use crate::geometry::Rect;
use crate::plan::Activation;
use std::path::Path;

/// A classifier taken apart into trunk and head.
pub struct Model {
    engine: Engine,
    /// Where several images run at once.
    batched: Option<Batched>,
    /// The numbers of the levels of a prepared image.
    normalisation: Option<Normalisation>,
    pub(super) pool: Pool,
    pub(super) chain: AffineChain,
    pub facts: Facts,
    /// Order of the maps that class weights refer to.
    pub layout: MapLayout,
    /// The rectangle of the input that the map covers, where the graph crops or pads.
    pub frame: Option<Rect>,
    /// How the logits become scores.
    pub activation: Activation,
    /// One logit with a sigmoid: class 1 is the logit, class 0 its negative.
    pub(super) binary: bool,
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
        let read = outputs(&pool, &logits.tensor, &chain);
        let cut = graph.cut(&[(&graph.input, &shape)], &read, &shape);
        let engine = runtime.load(&cut.proto, vec![shape.clone()])?;
        let normalisation = options.normalisation.clone();
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
                let arrays = state.run(&engine, &[Values::Floats(image)])?;
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
            engine_name: runtime.name(),
            engine,
            batched: None,
            normalisation,
            pool,
            chain,
            activation,
            binary,
            mean_row,
            hash,
        };

        if let Some(normalisation) = &model.normalisation {
            model.check_normalisation(normalisation)?;
        }
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

        let batch = options.engine.batch();
        if let (2.., Some(normalisation)) = (batch, &options.normalisation) {
            let rows = model.graph_rows();
            let single = Single {
                graph: &graph,
                runtime,
                engine: &model.engine,
                outputs: &outputs(&model.pool, &logits.tensor, &model.chain),
                shape: &shape,
                normalisation,
                maps: rows
                    .as_deref()
                    .map(|rows| model.in_graph(&logits.tensor, batch, rows)),
            };
            let batched = single.together(batch)?;
            model.engine_name = format!("{}, {}", model.engine_name, batched.name());
            model.batched = Some(batched);
        }
        Ok(model)
    }

    /// A session for numbers that are normalised already.
    pub fn session(&self) -> Result<Session<'_>> {
        Ok(Session {
            engine: &self.engine,
            state: self.engine.state()?,
            outputs: self.outputs(),
        })
    }

    /// A session for one more worker of a pool: where several images run at once, together with
    /// those of the others. Its thread must have a permit, see [`Model::permit`].
    ///
    /// # Errors
    /// When the engine cannot make a session, or the model was loaded without a normalisation.
    pub fn pixel_session(&self) -> Result<PixelSession<'_>> {
        let normalisation = self.normalisation.as_ref();
        let normalisation = normalisation
            .ok_or_else(|| Error::new("the model was loaded without a normalisation"))?;
        let runner = match &self.batched {
            Some(batched) => Runner::Together(batched),
            None => Runner::Alone {
                engine: &self.engine,
                state: Box::new(self.engine.state()?),
                normalisation,
                values: Vec::new(),
            },
        };
        Ok(PixelSession {
            runner,
            outputs: self.outputs(),
        })
    }

    /// Refuses numbers that the model does not take.
    ///
    /// # Errors
    /// When the model takes 8-bit pixels, and the normalisation makes other numbers.
    pub fn check_normalisation(&self, normalisation: &Normalisation) -> Result<()> {
        let takes_bytes = self.facts.precisions.iter().any(|p| p == BYTES);
        match takes_bytes {
            true => normalisation.refuse_fractions(),
            false => Ok(()),
        }
    }

    fn outputs(&self) -> Outputs<'_> {
        Outputs {
            pool: &self.pool,
            chain: &self.chain,
            binary: self.binary,
        }
    }

    /// Images that run at once.
    pub fn batch(&self) -> usize {
        self.batched
            .as_ref()
            .map_or(1, |batched| batched.batches.size())
    }

    /// Waits for one of `jobs` permits to compute, where several images run at once; a worker that
    /// waits for its image releases it.
    pub fn permit(&self, jobs: usize) -> Option<Permit<'_>> {
        let batched = self.batched.as_ref()?;
        Some(batched.batches.acquire(jobs))
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

    /// Weights of one class, of a head whose weights are the same for all images.
    pub(super) fn fixed_weights(&self, class: usize) -> ClassWeights {
        self.chain.pull_back(self.row(class), &[])
    }

    /// The same, centred.
    pub(super) fn fixed_centred_weights(&self, class: usize) -> ClassWeights {
        self.chain.pull_back(self.centred_row(class), &[])
    }

    /// Whether centred weights differ from the raw ones.
    pub(super) fn is_centred(&self) -> bool {
        self.mean_row.is_some()
    }

    /// Weights less the mean over all classes, because adding a vector to all rows does not change
    /// a softmax; the raw weights for sigmoid heads.
    pub fn centred_weights(&self, inference: &Inference, class: usize) -> ClassWeights {
        let row = self.centred_row(class);
        self.chain.pull_back(row, &inference.gates)
    }

    fn centred_row(&self, class: usize) -> ClassWeights {
        let row = self.row(class);
        match &self.mean_row {
            Some(mean) => row.minus(mean),
            None => row,
        }
    }

    /// The logit of a class as a function of the last affine map's inputs.
    fn row(&self, class: usize) -> ClassWeights {
        match (self.binary, class) {
            (false, class) => self.chain.row(class),
            (true, 1) => self.chain.row(0),
            (true, _) => self.chain.row(0).negated(),
        }
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
