//! The ONNX classifier: graph, pool, head and the engine's sessions. The only room that names the engine.

mod engine;
mod graph;
mod head;
mod layer_norm;
mod pool;

use crate::error::{Error, Result};
use crate::plan::{self, Activation};
use engine::{Array, Engine, Runtime, State};
use graph::Graph;
use head::{Chain, Piece};
use std::path::{Path, PathBuf};

pub use engine::convolution::{Convolution, Geometry};
pub use engine::{list as engines, machine};
pub use head::Decomposition;
pub use pool::MapLayout;

/// Largest `|mean(CAM) + bias - logit| / max(1, |logit|)` that is believed.
pub const INVARIANT_TOLERANCE: f64 = 1e-4;
/// Classes whose logits are recomputed when a model is loaded.
const PROBED_CLASSES_MAX: usize = 32;

/// A classifier taken apart into trunk and head.
pub struct Model {
    engine: Engine,
    chain: Chain,
    pub facts: Facts,
    /// Order of the feature maps.
    pub layout: MapLayout,
    /// How the logits become scores.
    pub activation: Activation,
    /// One logit with a sigmoid: class 1 is the logit, class 0 its negative.
    binary: bool,
    /// Mean row and bias of all logits, taken off to centre the weights; none for sigmoid heads.
    centre: Option<(Vec<f64>, f64)>,
    /// BLAKE3 of the model file and its external weights.
    pub hash: String,
    /// Name and version of the engine.
    pub engine_name: String,
}

/// What `camaudit inspect` prints.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Facts {
    pub input: String,
    pub input_shape: Vec<usize>,
    pub pool_node: String,
    pub pool_op: String,
    pub features_tensor: String,
    pub features_shape: Vec<usize>,
    /// Cells of a map: rows times columns of the features.
    pub cells: usize,
    pub classes: usize,
    pub output_activation: &'static str,
    /// Convolutions that the built-in engine runs by operators of our own.
    pub own_convolutions: usize,
    pub decomposition: Decomposition,
    /// Largest relative error of the head as an affine map on random vectors.
    pub affine_error: f64,
    /// Largest relative difference of mean(CAM) + bias and the logit on a probe image.
    pub invariant_error: f64,
}

/// What one image gives: feature maps, logits and the head's gates.
pub struct Inference {
    pub features: Vec<f32>,
    /// One per class.
    pub logits: Vec<f32>,
    gates: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Inference {
    /// Class with the largest logit, the first where several are.
    pub fn predicted(&self) -> usize {
        predicted(&self.logits)
    }
}

/// Class with the largest logit, the first where several are.
pub fn predicted(logits: &[f32]) -> usize {
    logits
        .iter()
        .enumerate()
        .fold(0, |best, (i, z)| if *z > logits[best] { i } else { best })
}

/// Weights and bias that make a class activation map out of the feature maps of one image.
#[derive(Debug, Clone)]
pub struct ClassWeights {
    /// One per feature channel.
    pub weights: Vec<f64>,
    pub bias: f64,
}

/// One worker's session.
pub struct Session<'a> {
    model: &'a Model,
    state: State,
}

/// How to read a model file where the file leaves a choice.
#[derive(Debug, Clone, Default)]
pub struct Options<'a> {
    /// Shape of the input at batch 1; needed where the file leaves height or width open.
    pub input_shape: Option<&'a [usize]>,
    /// Where that shape comes from, for the errors of a model that cannot be run at it.
    pub shaped_by: Option<&'a str>,
    /// Name of the output.
    pub output: Option<&'a str>,
    pub activation: Option<Activation>,
    pub engine: plan::Engine,
}

impl Model {
    /// Reads the graph, finds the pool, reads the head off and checks the logit invariant on a probe.
    ///
    /// # Errors
    /// When the model has no global average pool that all evidence passes, or cannot be run; names node and reason.
    pub fn load(path: &Path, options: &Options<'_>) -> Result<Self> {
        let named = |e: Error| Error::new(format!("model {}: {e}", path.display()));
        let graph = Graph::load(path)?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        refuse_escaping_weights(&graph).map_err(named)?;
        let hash = hash(path, &folder, &graph)?;
        let runtime = Runtime::new(&options.engine, &folder)?;
        let shaped_by = options
            .shaped_by
            .map_or_else(String::new, |by| format!("\n  ({by})"));
        Self::from_graph(graph, &runtime, options, hash)
            .map_err(|e| named(Error::new(format!("{e}{shaped_by}"))))
    }

    fn from_graph(
        graph: Graph,
        runtime: &Runtime,
        options: &Options<'_>,
        hash: String,
    ) -> Result<Self> {
        let shape = input_shape(&graph, options.input_shape)?;
        let (logits, ends_in) = graph.logits(options.output)?;
        let probe = probe(&shape);
        let pool = pool::find(&graph, &logits, runtime, &probe, &shape)?;
        let graph = layer_norm::spell_out(graph, &pool.pooled, &logits)?;
        let head = Piece {
            graph: &graph,
            runtime,
            from: &pool.pooled,
            to: &logits,
            shape: &pool.pooled_shape,
            image: &shape,
        };
        let chain = Chain::read(&head, 1.0)?;
        let mut outputs = vec![pool.features.as_str(), logits.as_str()];
        outputs.extend(
            chain
                .gates
                .iter()
                .flat_map(|(u, v)| [u.as_str(), v.as_str()]),
        );
        let (proto, _) = graph.cut(&[(&graph.input, &shape)], &outputs, &shape);
        let engine = runtime.load(&proto, vec![shape.clone()])?;
        let outputs = chain.logits();
        let activation = options
            .activation
            .or(ends_in)
            .unwrap_or(Activation::Softmax);
        let binary = outputs == 1;
        let features_shape = match pool.layout {
            MapLayout {
                channels: k,
                height: h,
                width: w,
                channels_last: true,
            } => vec![1, h, w, k],
            MapLayout {
                channels: k,
                height: h,
                width: w,
                channels_last: false,
            } => vec![1, k, h, w],
        };
        let facts = Facts {
            input: graph.input.clone(),
            input_shape: shape,
            pool_node: pool.node,
            pool_op: pool.op,
            features_tensor: pool.features,
            features_shape,
            cells: pool.layout.cells(),
            classes: if binary { 2 } else { outputs },
            output_activation: match ends_in {
                None => "none",
                Some(Activation::Softmax) => "softmax",
                Some(Activation::Sigmoid) => "sigmoid",
            },
            own_convolutions: engine.swapped(),
            decomposition: chain.decomposition,
            affine_error: chain.maps.iter().fold(0.0, |m, map| map.error.max(m)),
            invariant_error: 0.0,
        };
        let activation = if binary {
            Activation::Sigmoid
        } else {
            activation
        };
        let centre = (activation == Activation::Softmax).then(|| chain.mean_row());
        let (layout, engine_name) = (pool.layout, runtime.name());
        let mut model = Self {
            engine,
            chain,
            facts,
            layout,
            activation,
            binary,
            centre,
            hash,
            engine_name,
        };
        model.facts.invariant_error = model.check(&probe)?;
        Ok(model)
    }

    pub fn session(&self) -> Result<Session<'_>> {
        Ok(Session {
            model: self,
            state: self.engine.state()?,
        })
    }

    /// Weights of one class for this image: `mean(CAM) + bias = logit`.
    pub fn weights(&self, inference: &Inference, class: usize) -> ClassWeights {
        self.pull_back(self.row(class), inference)
    }

    /// Weights less the mean over all classes, which softmax cannot see; raw for sigmoid heads.
    pub fn centred_weights(&self, inference: &Inference, class: usize) -> ClassWeights {
        let (mut w, mut b) = self.row(class);
        if let Some((mean, bias)) = &self.centre {
            w.iter_mut().zip(mean).for_each(|(w, m)| *w -= m);
            b -= bias;
        }
        self.pull_back((w, b), inference)
    }

    fn pull_back(&self, row: (Vec<f64>, f64), inference: &Inference) -> ClassWeights {
        let (weights, bias) = self.chain.pull_back(row, &inference.gates);
        ClassWeights { weights, bias }
    }

    fn row(&self, class: usize) -> (Vec<f64>, f64) {
        match (self.binary, class) {
            (false, c) => self.chain.row(c),
            (true, 1) => self.chain.row(0),
            (true, _) => {
                let (w, b) = self.chain.row(0);
                (w.iter().map(|w| -w).collect(), -b)
            }
        }
    }

    /// Largest relative violation of the invariant over a spread of classes on one image.
    fn check(&self, image: &[f32]) -> Result<f64> {
        let inference = self.session()?.run(image)?;
        let g = self.layout.means(&inference.features);
        let step = self.facts.classes.div_ceil(PROBED_CLASSES_MAX);
        let mut worst = 0.0_f64;
        for class in (0..self.facts.classes).step_by(step.max(1)) {
            let w = self.weights(&inference, class);
            let sum = w.weights.iter().zip(&g).map(|(w, g)| w * g).sum::<f64>() + w.bias;
            let z = f64::from(inference.logits[class]);
            let error = (sum - z).abs() / z.abs().max(1.0);
            if error.is_nan() || error > INVARIANT_TOLERANCE {
                return Err(Error::new(format!(
                    "the logit invariant fails for class {class}: mean(CAM) + bias = {sum:.6}, logit = {z:.6}; the pool {:?} is not what the logits see",
                    self.facts.pool_node
                )));
            }
            worst = worst.max(error);
        }
        Ok(worst)
    }
}

impl Session<'_> {
    /// Runs one image, `values` in the shape of `facts.input_shape`.
    ///
    /// # Errors
    /// When the engine fails or a logit is not finite.
    pub fn run(&mut self, values: &[f32]) -> Result<Inference> {
        let mut outputs = self
            .state
            .run(&self.model.engine, &[values])?
            .into_iter()
            .map(|a: Array| a.values);
        let mut next = || outputs.next().unwrap_or_default();
        let (features, mut logits) = (next(), next());
        if self.model.binary {
            logits = vec![-logits[0], logits[0]];
        }
        let gates = self
            .model
            .chain
            .gates
            .iter()
            .map(|_| (next(), next()))
            .collect();
        if let Some(class) = logits.iter().position(|z| !z.is_finite()) {
            return Err(Error::new(format!(
                "the logit of class {class} is {}",
                logits[class]
            )));
        }
        Ok(Inference {
            features,
            logits,
            gates,
        })
    }
}

/// The shape to run at: the one asked for, else the declared one with batch 1.
fn input_shape(graph: &Graph, asked: Option<&[usize]>) -> Result<Vec<usize>> {
    let declared: Vec<String> = graph
        .input_dims
        .iter()
        .map(|d| d.map_or("?".into(), |d| d.to_string()))
        .collect();
    let declared = declared.join("x");
    let Some(asked) = asked else {
        let fixed = |(i, d): (usize, &Option<usize>)| if i == 0 { Some(1) } else { *d };
        let shape: Option<Vec<usize>> = graph.input_dims.iter().enumerate().map(fixed).collect();
        return shape.filter(|s| s.len() == 4).ok_or_else(|| {
            Error::new(format!(
                "the input {:?} is {declared}; say its size with --input-shape 1,3,224,224",
                graph.input
            ))
        });
    };
    let fits = |(i, (a, d)): (usize, (&usize, &Option<usize>))| i == 0 || d.is_none_or(|d| d == *a);
    let same = graph.input_dims.is_empty()
        || (graph.input_dims.len() == asked.len()
            && asked.iter().zip(&graph.input_dims).enumerate().all(fits));
    if asked.len() != 4 || asked.contains(&0) || asked[0] != 1 || !same {
        let given: Vec<String> = asked.iter().map(usize::to_string).collect();
        return Err(Error::new(format!(
            "the input {:?} is {declared}, which {} does not fit",
            graph.input,
            given.join("x")
        )));
    }
    Ok(asked.to_vec())
}

/// A smooth test image: `sin(0.01 (7 i0 + 5 i1 + 3 i2 + 2 i3))` over the indices of the input.
pub fn probe(shape: &[usize]) -> Vec<f32> {
    let steps = [7, 5, 3, 2];
    let total: usize = shape.iter().product();
    let at = |mut flat: usize| {
        let mut phase = 0;
        for (axis, d) in shape.iter().enumerate().rev() {
            phase += steps.get(axis).unwrap_or(&1) * (flat % d);
            flat /= d;
        }
        (0.01 * phase as f64).sin() as f32
    };
    (0..total).map(at).collect()
}

/// External weights must lie beside the model.
fn refuse_escaping_weights(graph: &Graph) -> Result<()> {
    let plain = |f: &String| {
        Path::new(f).components().all(|c| {
            matches!(
                c,
                std::path::Component::Normal(_) | std::path::Component::CurDir
            )
        })
    };
    match graph.external_files().into_iter().find(|f| !plain(f)) {
        Some(file) => Err(Error::new(format!(
            "its weights lie in {file:?}, outside the model's folder"
        ))),
        None => Ok(()),
    }
}

fn hash(path: &Path, folder: &Path, graph: &Graph) -> Result<String> {
    let mut files: Vec<PathBuf> = graph
        .external_files()
        .into_iter()
        .map(|f| folder.join(f))
        .collect();
    files.sort();
    files.insert(0, path.to_path_buf());
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let opened = std::fs::File::open(&file).and_then(|f| hasher.update_reader(f).map(|_| ()));
        opened.map_err(Error::cause(format!(
            "read the model's weights {}",
            file.display()
        )))?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}
