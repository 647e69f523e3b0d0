//! The error for a model without a map that all evidence passes: which node is in its place, and
//! what would work.

use super::engine::Runtime;
use super::graph::{Graph, describe};
use super::survey::Survey;
use crate::error::Error;
use tract_onnx::pb::NodeProto;

const SUPPORTED: &str = "a CAM needs a network that pools a map over its places, or flattens it, \
    in front of a head (ResNet, VGG, DenseNet, EfficientNet, MobileNet, ConvNeXt, Swin)";

/// `head` is the error of a head that could not be read.
pub fn no_pool(graph: &Graph, survey: &Survey, logits: &str, head: Option<&Error>) -> Error {
    let place = Place {
        graph,
        logits,
        survey,
    };
    let reason = place
        .detector()
        .or_else(|| place.attention())
        .or_else(|| place.single_cell())
        .or_else(|| place.several_pools())
        .or_else(|| head.map(ToString::to_string))
        .unwrap_or_else(|| format!("no node between the input and {logits:?} has a map"));
    Error::new(format!("{reason}; {SUPPORTED}"))
}

/// The engine fails on many attention networks; then the attention is the reason to name.
pub fn engine_error(graph: &Graph, logits: &str, runtime: &Runtime, error: &Error) -> Error {
    let remedy = if runtime.is_built_in() {
        "; engine = \"onnxruntime\" may be able to"
    } else {
        ""
    };
    Error::new(match graph.last_ancestor(logits, &["Softmax"]) {
        Some(node) if graph.last_ancestor(logits, &["MatMul"]).is_some() => format!(
            "the engine cannot run the model, which has attention at {}: {error}{remedy}",
            describe(node)
        ),
        _ => format!("the engine cannot run the model: {error}{remedy}"),
    })
}

/// The place where the pool should be.
struct Place<'a> {
    graph: &'a Graph,
    logits: &'a str,
    survey: &'a Survey,
}

impl<'a> Place<'a> {
    /// The nodes that all evidence passes.
    fn nodes(&self) -> impl DoubleEndedIterator<Item = &'a NodeProto> {
        let graph = self.graph;
        let tensors = self.survey.tensors.iter();
        tensors.filter_map(|tensor| graph.producer(&tensor.name))
    }

    /// The last node on the way to the logits that is one of these operators.
    fn last(&self, ops: &[&str]) -> Option<&'a NodeProto> {
        self.nodes()
            .rev()
            .find(|node| ops.contains(&node.op_type.as_str()))
    }

    fn detector(&self) -> Option<String> {
        let node = self
            .graph
            .last_ancestor(self.logits, &["NonMaxSuppression", "TopK"])?;
        Some(format!(
            "{} selects boxes: the model is a detector, not a classifier",
            describe(node)
        ))
    }

    fn attention(&self) -> Option<String> {
        let softmax = self.graph.last_ancestor(self.logits, &["Softmax"])?;
        Some(match self.last(&["Gather", "Slice", "Split"]) {
            Some(node) => format!(
                "{} selects a class token of an attention network, which has no place in the \
                 image; a model that averages its tokens works",
                describe(node)
            ),
            None => format!(
                "{} pools by attention, whose weights depend on the image",
                describe(softmax)
            ),
        })
    }

    /// The last map has one cell, which no pool has made.
    fn single_cell(&self) -> Option<String> {
        let is_single = |shape: &[usize]| matches!(shape, [1, channels, 1, 1] if *channels > 1);
        let mut tensors = self.survey.tensors.iter();
        let tensor = tensors.find(|tensor| is_single(&tensor.shape))?;
        let node = self.graph.producer(&tensor.name)?;
        let before = self.survey.position(&tensor.name)?.checked_sub(1)?;
        let shape = &self.survey.tensors[before].shape;
        if !["Conv", "MaxPool", "AveragePool", "Relu"].contains(&node.op_type.as_str()) {
            return None;
        }
        Some(format!(
            "the map behind {} is 1 x 1 (before it {shape:?}): there is no place to attribute heat \
             to; use a larger input",
            describe(node)
        ))
    }

    /// A node that joins several pools.
    fn several_pools(&self) -> Option<String> {
        for joint in self.nodes() {
            if !["Concat", "Add", "Sum", "Mul"].contains(&joint.op_type.as_str()) {
                continue;
            }
            let mut pools = Vec::new();
            for tensor in &joint.input {
                let pool = self.graph.last_ancestor(tensor, &POOLS);
                pools.extend(pool.map(describe));
            }
            pools.dedup();
            if let [first, second, ..] = &pools[..] {
                return Some(format!(
                    "{} joins several pools, {first} and {second}, so that no single map carries \
                     all evidence",
                    describe(joint)
                ));
            }
        }
        None
    }
}

/// Operators that pool a whole map.
const POOLS: [&str; 4] = [
    "GlobalAveragePool",
    "GlobalMaxPool",
    "ReduceMean",
    "AveragePool",
];
