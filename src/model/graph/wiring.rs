//! A parsed model file and the paths through its graph.

use super::inputs::{bind_constants, dimensions, image_input};
use super::node::inputs as node_inputs;
use super::precision::convert_to_f32;
use super::unsupported::refuse;
use crate::error::{Error, Result};
use crate::plan::InputValue;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

/// Operators whose output does not depend on the values of their input.
const SHAPE_ONLY: [&str; 2] = ["Shape", "Size"];

/// A parsed model file with its wiring.
pub struct Graph {
    pub proto: ModelProto,
    /// Tensor name -> index of the node that makes it.
    producers: HashMap<String, usize>,
    /// The image.
    pub input: String,
    /// Its declared dimensions, `None` where symbolic.
    pub input_dims: Vec<Option<usize>>,
    /// Precisions other than float32 that were converted to it.
    pub precisions: Vec<String>,
}

impl Graph {
    /// Wires a parsed model up. `constants` are the values of inputs other than the image.
    ///
    /// # Errors
    /// When the file holds no graph, cannot be audited, or has several inputs without a constant.
    pub fn new(mut proto: ModelProto, constants: &BTreeMap<String, InputValue>) -> Result<Self> {
        let graph = proto.graph.as_mut().filter(|g| !g.node.is_empty());
        let graph =
            graph.ok_or_else(|| Error::new("the file holds no graph; is it an ONNX model?"))?;
        refuse(graph)?;
        bind_constants(graph, constants)?;
        let precisions = convert_to_f32(graph)?;

        let input = image_input(graph)?;
        Ok(Self {
            input: input.name.clone(),
            input_dims: dimensions(input),
            producers: producers(graph),
            precisions,
            proto,
        })
    }

    pub fn graph(&self) -> &GraphProto {
        // `new` has checked that there is a graph.
        static EMPTY: LazyLock<GraphProto> = LazyLock::new(GraphProto::default);
        self.proto.graph.as_ref().unwrap_or(&EMPTY)
    }

    /// Version of the default operator set.
    pub fn opset(&self) -> i64 {
        for opset in &self.proto.opset_import {
            if opset.domain.is_empty() || opset.domain == "ai.onnx" {
                return opset.version;
            }
        }
        0
    }

    pub fn nodes(&self) -> &[NodeProto] {
        &self.graph().node
    }

    /// The node that makes a tensor.
    pub fn producer(&self, tensor: &str) -> Option<&NodeProto> {
        self.producer_index(tensor)
            .map(|index| &self.nodes()[index])
    }

    pub(super) fn producer_index(&self, tensor: &str) -> Option<usize> {
        self.producers.get(tensor).copied()
    }

    /// The tensor of this name, or the first output.
    ///
    /// # Errors
    /// When the graph has no such tensor.
    pub fn output(&self, name: Option<&str>) -> Result<&str> {
        let outputs = self.graph().output.iter();
        let names: Vec<&str> = outputs.map(|output| output.name.as_str()).collect();
        let Some(name) = name else {
            let first = names.first().copied();
            return first.ok_or_else(|| Error::new("the graph has no output"));
        };

        let named = names.iter().copied().find(|n| *n == name);
        let inner = self.producers.get_key_value(name);
        named
            .or(inner.map(|(name, _)| name.as_str()))
            .ok_or_else(|| {
                Error::new(format!(
                    "there is no output or tensor {name:?}; the graph has the outputs {names:?}"
                ))
            })
    }

    /// Names of the outputs.
    pub fn output_names(&self) -> Vec<&str> {
        let outputs = self.graph().output.iter();
        outputs.map(|output| output.name.as_str()).collect()
    }

    /// Nodes that feed values to `tensor`, in the (topological) order of the file. Tensors behind
    /// `stop` are not followed.
    fn ancestors(&self, tensor: &str, stop: Option<&str>) -> Vec<usize> {
        let mut visited = HashSet::new();
        let mut open = vec![tensor];
        while let Some(name) = open.pop() {
            if stop == Some(name) {
                continue;
            }
            if let Some(index) = self.producer_index(name)
                && visited.insert(index)
            {
                open.extend(value_inputs(&self.nodes()[index]));
            }
        }

        let mut order: Vec<usize> = visited.into_iter().collect();
        order.sort_unstable();
        order
    }

    /// The dominators of `to`: the tensors behind `from` that every path from `from` to `to`
    /// passes, in order, with `to` last.
    ///
    /// The nodes of a file are in topological order. So a node is avoidable if and only if an edge
    /// between two nodes on such paths passes over it.
    pub fn dominators(&self, from: &str, to: &str) -> Vec<String> {
        let between = self.between(from, to);
        let mut last_readers: HashMap<&str, usize> = HashMap::new();
        for &index in &between {
            for input in value_inputs(&self.nodes()[index]) {
                last_readers.insert(input, index);
            }
        }

        // The last node that reads a tensor made so far.
        let mut reach = last_readers.get(from).copied();
        let mut dominators = Vec::new();
        for &index in &between {
            let is_avoidable = reach > Some(index);
            let mut used = Vec::new();
            for output in &self.nodes()[index].output {
                let reader = last_readers.get(output.as_str()).copied();
                reach = reach.max(reader);
                if reader.is_some() || output == to {
                    used.push(output);
                }
            }
            if let [tensor] = used[..]
                && !is_avoidable
            {
                dominators.push(tensor.clone());
            }
        }
        dominators
    }

    /// Nodes on the paths from a tensor to another, in the order of the file.
    fn between(&self, from: &str, to: &str) -> Vec<usize> {
        let mut known: HashSet<&str> = HashSet::from([from]);
        let mut between = Vec::new();
        for index in self.ancestors(to, Some(from)) {
            let node = &self.nodes()[index];
            if value_inputs(node).iter().any(|input| known.contains(input)) {
                known.extend(node.output.iter().map(String::as_str));
                between.push(index);
            }
        }
        between
    }

    /// The last node in the file that is one of these operators and an ancestor of a tensor.
    pub fn last_ancestor(&self, tensor: &str, ops: &[&str]) -> Option<&NodeProto> {
        let ancestors = self.ancestors(tensor, None);
        let nodes = ancestors.iter().rev().map(|&index| &self.nodes()[index]);
        nodes
            .into_iter()
            .find(|node| ops.contains(&node.op_type.as_str()))
    }

    /// Replaces the node at `index` by others and adds their weights.
    ///
    /// # Errors
    /// As of [`Graph::new`].
    pub fn replace(
        mut self,
        index: usize,
        nodes: Vec<NodeProto>,
        weights: Vec<TensorProto>,
    ) -> Result<Self> {
        if let Some(graph) = &mut self.proto.graph {
            graph.node.splice(index..=index, nodes);
            graph.initializer.extend(weights);
        }
        let precisions = self.precisions;
        let graph = Self::new(self.proto, &BTreeMap::new())?;
        Ok(Self {
            precisions,
            ..graph
        })
    }
}

/// Tensors whose values a node depends on.
fn value_inputs(node: &NodeProto) -> Vec<&str> {
    if SHAPE_ONLY.contains(&node.op_type.as_str()) {
        Vec::new()
    } else {
        node_inputs(node)
    }
}

fn producers(graph: &GraphProto) -> HashMap<String, usize> {
    let mut producers = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for output in node.output.iter().filter(|name| !name.is_empty()) {
            producers.insert(output.clone(), index);
        }
    }
    producers
}
