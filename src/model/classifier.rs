//! A model taken apart into trunk and head.

use super::chain::AffineChain;
use super::class_weights::ClassWeights;
use super::engine::{Engine, Runtime};
use super::facts::{Facts, OutputActivation};
use super::graph::{Graph, Logits};
use super::input_shape::{input_shape, probe};
use super::layer_norm;
use super::layout::MapLayout;
use super::outputs::Head;
use super::pool::{Pool, find_pool};
use super::session::{Inference, Session};
use super::subgraph::Subgraph;
use super::weight_files::{hash, refuse_escaping_weights};
use crate::error::{Error, Result};
use crate::plan::{self, Activation};
use std::path::{Path, PathBuf};

/// Largest accepted `|mean(CAM) + bias - logit| / max(1, |logit|)`.
pub const INVARIANT_TOLERANCE: f64 = 1e-4;
/// Most classes whose logits are recomputed when a model is loaded.
const PROBED_CLASSES_MAX: usize = 32;

/// A classifier taken apart into trunk and head.
pub struct Model {
    engine: Engine,
    chain: AffineChain,
    pub facts: Facts,
    /// Order of the feature maps.
    pub layout: MapLayout,
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

/// How to read a model file where the file leaves a choice.
#[derive(Debug, Clone, Default)]
pub struct Options<'a> {
    /// Shape of the input at batch 1; needed where the file leaves height or width open.
    pub input_shape: Option<&'a [usize]>,
    /// Where that shape comes from, for the errors of a model that cannot run at it.
    pub shaped_by: Option<&'a str>,
    /// Name of the output.
    pub output: Option<&'a str>,
    pub activation: Option<Activation>,
    pub engine: plan::Engine,
}

impl Model {
    /// Reads the graph, finds the pool, reads the head and checks the logit invariant on a probe.
    ///
    /// # Errors
    /// When the model has no global average pool that all evidence passes, or cannot run; names
    /// node and reason.
    pub fn load(path: &Path, options: &Options<'_>) -> Result<Self> {
        let graph = Graph::load(path)?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        refuse_escaping_weights(&graph).map_err(|e| in_model(path, &e))?;

        let hash = hash(path, &folder, &graph)?;
        let runtime = Runtime::new(&options.engine, &folder)?;
        Self::from_graph(graph, &runtime, options, hash).map_err(|e| {
            let error = in_model(path, &e);
            match options.shaped_by {
                Some(source) => Error::new(format!("{error}\n  ({source})")),
                None => error,
            }
        })
    }

    fn from_graph(
        graph: Graph,
        runtime: &Runtime,
        options: &Options<'_>,
        hash: String,
    ) -> Result<Self> {
        let shape = input_shape(&graph, options.input_shape)?;
        let logits = graph.logits(options.output)?;
        let probe = probe(&shape);

        let pool = find_pool(&graph, &logits.tensor, runtime, &probe, &shape)?;
        let graph = layer_norm::decompose(graph, &pool.pooled, &logits.tensor)?;
        let chain = AffineChain::read(&Subgraph {
            graph: &graph,
            runtime,
            from: &pool.pooled,
            to: &logits.tensor,
            shape: &pool.pooled_shape,
            image: &shape,
        })?;
        let engine = load_engine(&graph, runtime, &pool, &logits, &chain, &shape)?;

        let binary = chain.logits() == 1;
        let activation = match options.activation.or(logits.activation) {
            _ if binary => Activation::Sigmoid,
            Some(activation) => activation,
            None => Activation::Softmax,
        };
        let mean_row = (activation == Activation::Softmax).then(|| chain.mean_row());

        let mut model = Self {
            layout: pool.layout,
            facts: Facts {
                input: graph.input,
                input_shape: shape,
                pool_node: pool.node,
                pool_op: pool.op,
                features_tensor: pool.features,
                features_shape: pool.layout.shape(),
                cells: pool.layout.cells(),
                classes: if binary { 2 } else { chain.logits() },
                output_activation: OutputActivation::from(logits.activation),
                own_convolutions: engine.replaced(),
                decomposition: chain.decomposition,
                affine_error: chain.error(),
                invariant_error: 0.0,
            },
            engine,
            chain,
            activation,
            binary,
            mean_row,
            hash,
            engine_name: runtime.name(),
        };
        model.facts.invariant_error = model.check(&probe)?;
        Ok(model)
    }

    /// A session for one more worker.
    pub fn session(&self) -> Result<Session<'_>> {
        Session::new(&self.engine, &self.chain, self.binary)
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

    /// Largest relative violation of the invariant over evenly spaced classes on one image.
    fn check(&self, image: &[f32]) -> Result<f64> {
        let inference = self.session()?.run(image)?;
        let means = self.layout.means(&inference.features);
        let step = self.facts.classes.div_ceil(PROBED_CLASSES_MAX).max(1);

        let mut worst = 0.0_f64;
        for class in (0..self.facts.classes).step_by(step) {
            let sum = self.weights(&inference, class).apply(&means);
            let logit = f64::from(inference.logits[class]);
            let error = (sum - logit).abs() / logit.abs().max(1.0);
            if error.is_nan() || error > INVARIANT_TOLERANCE {
                return Err(Error::new(format!(
                    "the logit invariant fails for class {class}: mean(CAM) + bias = {sum:.6}, \
                     logit = {logit:.6}; the logits do not depend on the pool {:?} alone",
                    self.facts.pool_node
                )));
            }
            worst = worst.max(error);
        }
        Ok(worst)
    }
}

fn in_model(path: &Path, error: &Error) -> Error {
    Error::new(format!("model {}: {error}", path.display()))
}

/// Prepares the whole graph; its outputs are features, logits, and the tensors before and after
/// each gate.
fn load_engine(
    graph: &Graph,
    runtime: &Runtime,
    pool: &Pool,
    logits: &Logits,
    chain: &AffineChain,
    shape: &[usize],
) -> Result<Engine> {
    let mut outputs = vec![pool.features.as_str(), logits.tensor.as_str()];
    for gate in &chain.gates {
        outputs.extend([gate.before.as_str(), gate.after.as_str()]);
    }
    let cut = graph.cut(&[(&graph.input, shape)], &outputs, shape);
    runtime.load(&cut.proto, vec![shape.to_vec()])
}
