//! Taking a graph apart: logits, pool, and the chain between them.

use super::chain::AffineChain;
use super::engine::Runtime;
use super::graph::{Graph, attribute};
use super::logits::{Logits, refuse_labels};
use super::no_pool::{engine_error, no_pool};
use super::normalisers;
use super::pool::{Pool, layouts};
use super::subgraph::Subgraph;
use super::survey::Survey;
use crate::error::Result;
use tract_onnx::pb::NodeProto;

/// Most values of a map before an average over windows that are read one by one.
const WINDOWED_MAX: usize = 8192;

/// The parts of a graph.
pub struct TakenApart {
    pub graph: Graph,
    pub survey: Survey,
    pub logits: Logits,
    pub pool: Pool,
    pub chain: AffineChain,
}

/// Finds the logits of an output, the pool, and the chain of maps and gates between them.
///
/// # Errors
/// When there is no map that all evidence passes, or the head cannot be read; names the node.
pub fn take_apart(
    graph: Graph,
    output: &str,
    runtime: &Runtime,
    image: &[usize],
    probes: &[Vec<f32>],
) -> Result<TakenApart> {
    refuse_labels(&graph, output)?;
    let survey = Survey::new(&graph, output, runtime, image, probes)
        .map_err(|e| engine_error(&graph, output, runtime, &e))?;
    let logits = Logits::find(&graph, output, &survey, runtime, image)?;

    if let Some(pool) = Pool::find(&graph, &survey) {
        let (graph, is_changed) =
            normalisers::decompose(graph, &survey, &pool.pooled, &logits.tensor)?;
        let survey = if is_changed {
            Survey::new(&graph, output, runtime, image, probes)?
        } else {
            survey
        };
        let chain = read_chain(&graph, &survey, &pool, &logits, runtime, image)?;
        return Ok(TakenApart {
            graph,
            survey,
            logits,
            pool,
            chain,
        });
    }

    let Some(pool) = flattened(&graph, &survey, runtime, image)? else {
        return Err(no_pool(&graph, &survey, &logits.tensor, None));
    };
    match read_chain(&graph, &survey, &pool, &logits, runtime, image) {
        Ok(chain) => Ok(TakenApart {
            graph,
            survey,
            logits,
            pool,
            chain,
        }),
        Err(error) => Err(no_pool(&graph, &survey, &logits.tensor, Some(&error))),
    }
}

fn read_chain(
    graph: &Graph,
    survey: &Survey,
    pool: &Pool,
    logits: &Logits,
    runtime: &Runtime,
    image: &[usize],
) -> Result<AffineChain> {
    let head = Subgraph {
        graph,
        runtime,
        from: &pool.pooled,
        to: &logits.tensor,
        shape: &pool.pooled_shape,
        image,
    };
    AffineChain::read(&head, survey)
}

/// The last map of more than one cell, whose values the head reads one by one. Where it is an
/// average over windows, the map before.
fn flattened(
    graph: &Graph,
    survey: &Survey,
    runtime: &Runtime,
    image: &[usize],
) -> Result<Option<Pool>> {
    let tensors = &survey.tensors;
    let is_map = |shape: &[usize]| shape.len() == 4 && !layouts(shape).is_empty();
    let Some(mut last) = tensors.iter().rposition(|tensor| is_map(&tensor.shape)) else {
        return Ok(None);
    };

    // A convolution that pads reads more than the map: its single cell is a map of its own, which
    // is too small.
    let behind = &tensors[last + 1..];
    let mut nodes = behind
        .iter()
        .filter_map(|tensor| graph.producer(&tensor.name));
    if nodes.any(pads) {
        return Ok(None);
    }

    while last > 0 {
        let (before, map) = (&tensors[last - 1], &tensors[last]);
        let averages = graph
            .producer(&map.name)
            .is_some_and(|node| node.op_type == "AveragePool");
        if !averages || !is_map(&before.shape) || before.len() > WINDOWED_MAX {
            break;
        }
        let windows = Subgraph {
            graph,
            runtime,
            from: &before.name,
            to: &map.name,
            shape: &before.shape,
            image,
        };
        if !windows.is_affine()? {
            break;
        }
        last -= 1;
    }
    Ok(Pool::flattened(graph, &tensors[last]))
}

/// Whether a node is a convolution with padding.
fn pads(node: &NodeProto) -> bool {
    let padding = attribute(node, "pads").is_some_and(|pads| pads.ints.iter().any(|p| *p > 0));
    let automatic = attribute(node, "auto_pad").is_some_and(|pad| pad.s.starts_with(b"SAME"));
    node.op_type == "Conv" && (padding || automatic)
}
