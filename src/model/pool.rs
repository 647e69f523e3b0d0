//! Finding the global average pool that all evidence passes on its way to the logits.

use super::engine::{Array, Runtime};
use super::graph::{Graph, label};
use super::layout::MapLayout;
use super::no_pool::no_pool;
use crate::error::{Error, Result};

/// Operators that can express a global average pool.
const POOLS: [&str; 3] = ["GlobalAveragePool", "ReduceMean", "AveragePool"];
/// Largest difference between a pool's output and the mean of its input, relative to the largest
/// feature.
const MEAN_TOLERANCE: f32 = 1e-3;

/// The pool and the tensor that feeds it.
#[derive(Debug, Clone)]
pub struct Pool {
    pub node: String,
    pub op: String,
    /// The tensor that feeds the pool.
    pub features: String,
    /// The pooled tensor.
    pub pooled: String,
    pub pooled_shape: Vec<usize>,
    pub layout: MapLayout,
}

/// Finds the last dominator of the logits that is the mean of a map over its two spatial axes.
///
/// The test is numeric, on a probe image: the operator's name and its axes are not trusted.
///
/// # Errors
/// When there is none; the message names the node in its place and the models that work.
pub fn find_pool(
    graph: &Graph,
    logits: &str,
    runtime: &Runtime,
    probe: &[f32],
    shape: &[usize],
) -> Result<Pool> {
    let dominators = graph.dominators(&graph.input, logits);
    let candidates = candidates(graph, &dominators);
    if candidates.is_empty() {
        return Err(no_pool(graph, logits, &dominators, &[]));
    }

    let tensors = Tensors::compute(graph, &candidates, runtime, probe, shape)
        .map_err(|e| engine_error(graph, logits, &e))?;
    let mut pool = None;
    let mut tried = Vec::new();
    for candidate in &candidates {
        let Some(pooled) = tensors.get(candidate.pooled) else {
            continue;
        };
        tried.push((candidate.pooled, pooled.shape.as_slice()));
        let features = tensors.get(candidate.features);
        let Some(layout) = features.and_then(|features| spatial_mean(features, pooled)) else {
            continue;
        };
        pool = Some(Pool {
            node: candidate.node.to_owned(),
            op: candidate.op.to_owned(),
            features: candidate.features.to_owned(),
            pooled: candidate.pooled.to_owned(),
            pooled_shape: pooled.shape.clone(),
            layout,
        });
    }
    pool.ok_or_else(|| no_pool(graph, logits, &dominators, &tried))
}

/// A node that might be the pool.
struct Candidate<'a> {
    node: &'a str,
    op: &'a str,
    features: &'a str,
    pooled: &'a str,
}

fn candidates<'a>(graph: &'a Graph, dominators: &'a [String]) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    for pooled in dominators {
        let Some(node) = graph.producer(pooled) else {
            continue;
        };
        if POOLS.contains(&node.op_type.as_str()) {
            candidates.push(Candidate {
                node: label(node),
                op: &node.op_type,
                features: node.input.first().map_or("", String::as_str),
                pooled,
            });
        }
    }
    candidates
}

/// The inputs and outputs of the candidates on the probe image.
struct Tensors<'a> {
    names: Vec<&'a str>,
    arrays: Vec<Array>,
}

impl<'a> Tensors<'a> {
    fn compute(
        graph: &Graph,
        candidates: &[Candidate<'a>],
        runtime: &Runtime,
        probe: &[f32],
        shape: &[usize],
    ) -> Result<Self> {
        let mut names = Vec::new();
        for candidate in candidates {
            names.extend([candidate.features, candidate.pooled]);
        }
        names.sort_unstable();
        names.dedup();

        let cut = graph.cut(&[(&graph.input, shape)], &names, shape);
        let engine = runtime.load(&cut.proto, vec![shape.to_vec()])?;
        let arrays = engine.run(&[probe])?;
        Ok(Self { names, arrays })
    }

    fn get(&self, name: &str) -> Option<&Array> {
        let index = self.names.iter().position(|n| *n == name)?;
        self.arrays.get(index)
    }
}

/// The engine fails on many attention networks; then the attention is the reason to name.
fn engine_error(graph: &Graph, logits: &str, error: &Error) -> Error {
    Error::new(match graph.last_ancestor(logits, &["Softmax"]) {
        Some(node) => format!(
            "attention at node {:?} (Softmax), and the engine cannot run it: {error}",
            label(node)
        ),
        None => format!("the engine cannot run the model up to its pool: {error}"),
    })
}

/// The layout for which `pooled` is the mean of `features` over both spatial axes.
fn spatial_mean(features: &Array, pooled: &Array) -> Option<MapLayout> {
    let [1, a, b, c] = features.shape[..] else {
        return None;
    };
    if a * b * c == 0 {
        return None;
    }

    let channels_first = MapLayout {
        channels: a,
        height: b,
        width: c,
        channels_last: false,
    };
    let channels_last = MapLayout {
        channels: c,
        height: a,
        width: b,
        channels_last: true,
    };
    [channels_first, channels_last]
        .into_iter()
        .find(|layout| is_mean(layout, &features.values, &pooled.values))
}

fn is_mean(layout: &MapLayout, features: &[f32], pooled: &[f32]) -> bool {
    if pooled.len() != layout.channels {
        return false;
    }
    let largest = features
        .iter()
        .fold(f32::MIN_POSITIVE, |max, v| max.max(v.abs()));
    let means = layout.means(features);
    let mut pairs = means.iter().zip(pooled);
    pairs.all(|(mean, pooled)| (*mean as f32 - pooled).abs() <= MEAN_TOLERANCE * largest)
}
