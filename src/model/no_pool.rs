//! The error for a model without a global average pool: which node is in its place.

use super::graph::{Graph, describe};
use crate::error::Error;
use tract_onnx::pb::NodeProto;

const SUPPORTED: &str = "a CAM needs a CNN that ends in global average pooling and a head \
    (ResNet, DenseNet, EfficientNet, MobileNet, ConvNeXt)";

/// `tried` are the outputs of the nodes that average, with their shapes.
pub fn no_pool(
    graph: &Graph,
    logits: &str,
    dominators: &[String],
    tried: &[(&str, &[usize])],
) -> Error {
    let place = Place {
        graph,
        logits,
        dominators,
    };
    let reason = place
        .detector()
        .or_else(|| place.averaged_tokens(tried))
        .or_else(|| place.attention())
        .or_else(|| place.max_pool())
        .or_else(|| place.joined_pools())
        .or_else(|| place.no_pooling())
        .unwrap_or_else(|| {
            format!("no node between the input and {logits:?} averages a whole map")
        });
    Error::new(format!("{reason}; {SUPPORTED}"))
}

/// The place where the pool should be.
struct Place<'a> {
    graph: &'a Graph,
    logits: &'a str,
    dominators: &'a [String],
}

impl<'a> Place<'a> {
    /// The nodes that all evidence passes.
    fn nodes(&self) -> impl DoubleEndedIterator<Item = &'a NodeProto> {
        let graph = self.graph;
        let dominators = self.dominators.iter();
        dominators.filter_map(|tensor| graph.producer(tensor))
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

    fn averaged_tokens(&self, tried: &[(&str, &[usize])]) -> Option<String> {
        let (tensor, shape) = tried.iter().find(|(_, shape)| shape.len() == 3)?;
        let node = self.graph.producer(tensor)?;
        Some(format!(
            "{} averages tokens {shape:?}, whose place in the image is not known",
            describe(node)
        ))
    }

    fn attention(&self) -> Option<String> {
        let softmax = self.graph.last_ancestor(self.logits, &["Softmax"])?;
        Some(match self.last(&["Gather", "Slice", "Split"]) {
            Some(node) => format!(
                "{} selects a class token of an attention network",
                describe(node)
            ),
            None => format!("{} pools by attention", describe(softmax)),
        })
    }

    fn max_pool(&self) -> Option<String> {
        let node = self.last(&["GlobalMaxPool", "ReduceMax"])?;
        Some(format!(
            "{} pools by maximum, which no class weights can attribute to places",
            describe(node)
        ))
    }

    /// A Concat or Add that joins an average pool with something else.
    fn joined_pools(&self) -> Option<String> {
        for joint in self.nodes() {
            if !["Concat", "Add", "Sum"].contains(&joint.op_type.as_str()) {
                continue;
            }
            let mut inputs = joint.input.iter().filter_map(|t| self.graph.producer(t));
            if let Some(pool) = inputs.find(|node| node.op_type == "GlobalAveragePool") {
                return Some(format!(
                    "{} joins the average with other poolings at {}, so that no average pool \
                     carries all evidence",
                    describe(joint),
                    describe(pool)
                ));
            }
        }
        None
    }

    fn no_pooling(&self) -> Option<String> {
        if let Some(node) = self.last(&["Flatten", "Reshape"]) {
            return Some(format!(
                "{} flattens the map into the classifier without pooling it",
                describe(node)
            ));
        }
        let node = self.last(&["AveragePool"])?;
        Some(format!(
            "{} averages windows, not the whole map",
            describe(node)
        ))
    }
}
