//! A parsed model file and the paths through its graph.

use super::node::inputs as node_inputs;
use super::unsupported::{inputs_without_weights, refuse_axes, refuse_precision};
use crate::error::{Error, Result};
use crate::plan::Activation;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::LazyLock;
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, tensor_shape_proto, type_proto,
};
use tract_onnx::prelude::Framework;

/// Operators whose output does not depend on the values of their input.
const SHAPE_ONLY: [&str; 2] = ["Shape", "Size"];

/// A parsed model file with its wiring.
pub struct Graph {
    pub proto: ModelProto,
    /// Tensor name -> index of the node that makes it.
    producers: HashMap<String, usize>,
    /// The only input that is no weight.
    pub input: String,
    /// Its declared dimensions, `None` where symbolic.
    pub input_dims: Vec<Option<usize>>,
}

/// The logits of a graph.
pub struct Logits {
    pub tensor: String,
    /// The activation between the logits and the output.
    pub activation: Option<Activation>,
}

impl Graph {
    /// Reads a model file.
    ///
    /// # Errors
    /// When it is no ONNX file, is quantised or half precision, or has several inputs.
    pub fn load(path: &Path) -> Result<Self> {
        let proto = tract_onnx::onnx().proto_model_for_path(path).map_err(|e| {
            Error::new(format!(
                "failed to read the ONNX model {}: {e:#}",
                path.display()
            ))
        })?;
        Self::new(proto).map_err(|e| Error::new(format!("model {}: {e}", path.display())))
    }

    fn new(proto: ModelProto) -> Result<Self> {
        let graph = proto.graph.as_ref().filter(|g| !g.node.is_empty());
        let graph =
            graph.ok_or_else(|| Error::new("the file holds no graph; is it an ONNX model?"))?;
        refuse_precision(graph)?;
        refuse_axes(graph)?;

        let inputs = inputs_without_weights(graph);
        let [input] = inputs[..] else {
            let names: Vec<&str> = inputs.iter().map(|i| i.name.as_str()).collect();
            return Err(Error::new(format!(
                "expected one input, the image; found {}: {names:?}",
                names.len()
            )));
        };
        Ok(Self {
            input: input.name.clone(),
            input_dims: dimensions(input),
            producers: producers(graph),
            proto,
        })
    }

    pub(super) fn graph(&self) -> &GraphProto {
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

    /// Finds the logits of an output (the first if `output` is `None`) by walking back over
    /// Softmax, LogSoftmax, Sigmoid and copies.
    ///
    /// # Errors
    /// When the graph has no such output.
    pub fn logits(&self, output: Option<&str>) -> Result<Logits> {
        let mut tensor = self.output(output)?.to_owned();
        let mut activation = None;

        for _ in 0..self.nodes().len() {
            let Some(node) = self.producer(&tensor) else {
                break;
            };
            match node.op_type.as_str() {
                "Softmax" | "LogSoftmax" => activation = Some(Activation::Softmax),
                "Sigmoid" => activation = Some(Activation::Sigmoid),
                "Identity" => {}
                _ => break,
            }
            let Some(input) = node.input.first() else {
                break;
            };
            tensor = input.clone();
        }
        Ok(Logits { tensor, activation })
    }

    /// The output of this name, or the first.
    fn output(&self, name: Option<&str>) -> Result<&str> {
        let outputs = self.graph().output.iter();
        let names: Vec<&str> = outputs.map(|output| output.name.as_str()).collect();
        let Some(name) = name else {
            let first = names.first().copied();
            return first.ok_or_else(|| Error::new("the graph has no output"));
        };

        let named = names.iter().copied().find(|n| *n == name);
        named.ok_or_else(|| {
            Error::new(format!(
                "there is no output {name}; the graph has {names:?}"
            ))
        })
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
    pub fn dominators(&self, from: &str, to: &str) -> Vec<String> {
        let mut dominators = Vec::new();
        for index in self.ancestors(to, Some(from)) {
            let Some(tensor) = self.nodes()[index].output.first() else {
                continue;
            };
            let avoidable = tensor != to && self.depends(to, from, Some(tensor));
            if !avoidable && self.depends(tensor, from, None) {
                dominators.push(tensor.clone());
            }
        }
        dominators
    }

    /// Whether `tensor` is computed from `from` by a path that avoids `without`, which is another
    /// tensor than `tensor`.
    fn depends(&self, tensor: &str, from: &str, without: Option<&str>) -> bool {
        let mut visited = HashSet::new();
        let mut open = vec![tensor];
        while let Some(name) = open.pop() {
            if without == Some(name) {
                continue;
            }
            if name == from {
                return true;
            }
            if let Some(index) = self.producer_index(name)
                && visited.insert(index)
            {
                open.extend(value_inputs(&self.nodes()[index]));
            }
        }
        false
    }

    /// The last node in the file that is one of these operators and an ancestor of a tensor.
    pub fn last_ancestor(&self, tensor: &str, ops: &[&str]) -> Option<&NodeProto> {
        let ancestors = self.ancestors(tensor, None);
        let nodes = ancestors.iter().rev().map(|&index| &self.nodes()[index]);
        nodes
            .into_iter()
            .find(|node| ops.contains(&node.op_type.as_str()))
    }

    /// Files that hold weights outside the model file.
    pub fn external_files(&self) -> HashSet<String> {
        let attributes = self.nodes().iter().flat_map(|node| &node.attribute);
        let constants = attributes.filter_map(|attribute| attribute.t.as_ref());

        let mut files = HashSet::new();
        for tensor in self.graph().initializer.iter().chain(constants) {
            let location = tensor.external_data.iter().find(|e| e.key == "location");
            files.extend(location.map(|entry| entry.value.clone()));
        }
        files
    }

    /// Replaces the node at `index` by others and adds their weights.
    ///
    /// # Errors
    /// As of [`Graph::load`].
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
        Self::new(self.proto)
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

/// Declared dimensions, `None` where symbolic; empty if the value is no tensor.
fn dimensions(value: &ValueInfoProto) -> Vec<Option<usize>> {
    let value = value.r#type.as_ref().and_then(|t| t.value.as_ref());
    let Some(type_proto::Value::TensorType(tensor)) = value else {
        return Vec::new();
    };
    let dimensions = tensor.shape.iter().flat_map(|shape| &shape.dim);
    dimensions.map(fixed_dimension).collect()
}

fn fixed_dimension(dimension: &tensor_shape_proto::Dimension) -> Option<usize> {
    match dimension.value {
        Some(tensor_shape_proto::dimension::Value::DimValue(side)) if side > 0 => {
            Some(side as usize)
        }
        _ => None,
    }
}
