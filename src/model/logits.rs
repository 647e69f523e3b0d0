//! From an output of the graph back to the logits.

use super::engine::Runtime;
use super::graph::{Graph, describe};
use super::subgraph::Subgraph;
use super::survey::Survey;
use crate::error::{Error, Result};
use crate::plan::Activation;

/// Operators that mix the values of a tensor with weights, or pool them. An activation before one
/// of these is a hidden layer.
const MIXING: [&str; 10] = [
    "Gemm",
    "MatMul",
    "Einsum",
    "Conv",
    "GlobalAveragePool",
    "AveragePool",
    "GlobalMaxPool",
    "MaxPool",
    "ReduceMean",
    "ReduceMax",
];
/// Largest change of a probability between the activation and the output.
const IDENTITY_TOLERANCE: f32 = 1e-5;
/// Probability vectors that the part behind the activation is tested on.
const TEST_VECTORS: usize = 8;

/// The logits of a graph.
pub struct Logits {
    pub tensor: String,
    /// The activation between the logits and the output.
    pub activation: Option<Activation>,
}

impl Logits {
    /// Walks back from `output` to an activation over the classes, and past it. What lies behind
    /// the activation must leave every probability as it is.
    ///
    /// # Errors
    /// When the output is computed from probabilities, or selects classes.
    pub fn find(
        graph: &Graph,
        output: &str,
        survey: &Survey,
        runtime: &Runtime,
        image: &[usize],
    ) -> Result<Self> {
        for tensor in survey.tensors.iter().rev() {
            let Some(node) = graph.producer(&tensor.name) else {
                break;
            };
            let op = node.op_type.as_str();
            if MIXING.contains(&op) {
                break;
            }
            let activation = match op {
                "Softmax" | "LogSoftmax" => Activation::Softmax,
                "Sigmoid" => Activation::Sigmoid,
                "Exp" => return Err(changed_probability(graph, &tensor.name, output)),
                _ => continue,
            };

            let from = logarithm(graph, survey, &tensor.name);
            let shape = &survey.get(from).unwrap_or(tensor).shape;
            let behind = Subgraph {
                graph,
                runtime,
                from,
                to: output,
                shape,
                image,
            };
            if from != output && !is_identity(&behind)? {
                return Err(changed_probability(graph, &tensor.name, output));
            }
            let logits = node.input.first().cloned().unwrap_or_default();
            return Ok(Self {
                tensor: logits,
                activation: Some(activation),
            });
        }
        Ok(Self {
            tensor: output.to_owned(),
            activation: None,
        })
    }
}

/// The logarithm that follows a softmax directly, else the softmax itself.
fn logarithm<'a>(graph: &Graph, survey: &'a Survey, softmax: &'a str) -> &'a str {
    let next = survey.position(softmax).map(|at| at + 1);
    match next.and_then(|next| survey.tensors.get(next)) {
        Some(next)
            if graph
                .producer(&next.name)
                .is_some_and(|n| n.op_type == "Log") =>
        {
            &next.name
        }
        _ => softmax,
    }
}

/// Whether a part of the graph returns probabilities unchanged and in their order.
fn is_identity(part: &Subgraph<'_>) -> Result<bool> {
    let width = part.width();
    let rows = probabilities(width);
    let outputs = part.run(&rows, 1)?;
    let mut pairs = rows.iter().zip(&outputs);
    Ok(outputs.len() == rows.len()
        && pairs.all(|(before, after)| (before - after).abs() <= IDENTITY_TOLERANCE))
}

/// Vectors that add up to 1: nearly certain ones, and one that falls slowly.
fn probabilities(width: usize) -> Vec<f32> {
    let mut rows = Vec::new();
    for vector in 0..TEST_VECTORS {
        let certain = vector * width / TEST_VECTORS;
        let mut row: Vec<f32> = (0..width).map(|class| 1.0 / (1.5 + class as f32)).collect();
        if vector > 0 {
            row.fill(1e-4);
            row[certain] = 1.0 - 1e-4 * width as f32;
        }
        rows.extend(row);
    }
    rows
}

/// The error for an output that is computed from the probabilities of an activation.
pub fn changed_probability(graph: &Graph, activation: &str, output: &str) -> Error {
    let node = graph.producer(activation);
    let last = graph.producer(output);
    let logits = node.and_then(|node| node.input.first());
    Error::new(format!(
        "the output {output:?} is computed from probabilities: {} makes them, and {} changes them; \
         name the logits with model.output = {:?}",
        node.map_or_else(String::new, describe),
        last.map_or_else(String::new, describe),
        logits.map_or("", String::as_str)
    ))
}

/// Refuses an output that holds labels, or classes or boxes that were selected, not logits.
///
/// # Errors
/// Names the node and the other outputs.
pub fn refuse_labels(graph: &Graph, output: &str) -> Result<()> {
    let Some(node) = graph.producer(output) else {
        return Ok(());
    };
    let makes_labels = node.domain == "ai.onnx.ml"
        || ["ArgMax", "TopK", "NonMaxSuppression"].contains(&node.op_type.as_str());
    if !makes_labels {
        return Ok(());
    }
    let boxes = ["NonMaxSuppression", "TopK"].contains(&node.op_type.as_str());
    let hint = if boxes {
        " (or the model is a detector, which has no class activation maps)"
    } else {
        ""
    };
    Err(Error::new(format!(
        "the output {output:?} holds labels, not logits: {} makes it; name the logits or their \
         softmax with model.output{hint}; the graph has the outputs {:?}",
        describe(node),
        graph.output_names()
    )))
}
