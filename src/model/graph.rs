//! The ONNX graph as data: who feeds whom, which nodes everything must pass, and how to cut a piece out.

use crate::error::{Error, Result};
use crate::plan::Activation;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, tensor_proto::DataType, tensor_shape_proto, type_proto,
};
use tract_onnx::prelude::Framework;

/// A parsed model file with its wiring.
pub struct Graph {
    pub proto: ModelProto,
    /// Tensor name -> index of the node that makes it.
    producer: HashMap<String, usize>,
    /// The one input that is not a weight.
    pub input: String,
    /// Its declared dimensions, `None` where symbolic.
    pub input_dims: Vec<Option<usize>>,
}

/// Operators whose output says nothing of the values that go in.
const SHAPE_ONLY: [&str; 2] = ["Shape", "Size"];

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
        let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
        let inputs: Vec<&ValueInfoProto> = graph
            .input
            .iter()
            .filter(|i| !weights.contains(i.name.as_str()))
            .collect();
        let [input] = inputs[..] else {
            let names: Vec<&str> = inputs.iter().map(|i| i.name.as_str()).collect();
            return Err(Error::new(format!(
                "expected one input, the image; found {}: {names:?}",
                names.len()
            )));
        };
        let (name, input_dims) = (input.name.clone(), dims(input));
        let outputs =
            |(i, node): (usize, &NodeProto)| node.output.clone().into_iter().map(move |o| (o, i));
        let producer = graph
            .node
            .iter()
            .enumerate()
            .flat_map(outputs)
            .filter(|(o, _)| !o.is_empty())
            .collect();
        Ok(Self {
            input: name,
            input_dims,
            producer,
            proto,
        })
    }

    fn graph(&self) -> &GraphProto {
        // `new` has seen that the graph is there.
        static EMPTY: std::sync::LazyLock<GraphProto> =
            std::sync::LazyLock::new(GraphProto::default);
        self.proto.graph.as_ref().unwrap_or(&EMPTY)
    }

    /// Version of the default operator set.
    pub fn opset(&self) -> i64 {
        let default =
            |o: &&tract_onnx::pb::OperatorSetIdProto| o.domain.is_empty() || o.domain == "ai.onnx";
        self.proto
            .opset_import
            .iter()
            .find(default)
            .map_or(0, |o| o.version)
    }

    pub fn nodes(&self) -> &[NodeProto] {
        &self.graph().node
    }

    /// The node that makes a tensor.
    pub fn producer(&self, tensor: &str) -> Option<&NodeProto> {
        self.producer.get(tensor).map(|&i| &self.nodes()[i])
    }

    /// The logits behind an output: Softmax, LogSoftmax, Sigmoid and copies are walked back.
    ///
    /// # Errors
    /// When the graph has no such output.
    pub fn logits(&self, output: Option<&str>) -> Result<(String, Option<Activation>)> {
        let names: Vec<&str> = self
            .graph()
            .output
            .iter()
            .map(|o| o.name.as_str())
            .collect();
        let start = match output {
            None => names.first().copied(),
            Some(wanted) => names.iter().copied().find(|n| *n == wanted),
        };
        let wanted = output.unwrap_or("at all");
        let start = start.ok_or_else(|| {
            Error::new(format!(
                "there is no output {wanted}; the graph has {names:?}"
            ))
        })?;
        let (mut tensor, mut activation) = (start.to_owned(), None);
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
        Ok((tensor, activation))
    }

    /// Nodes that feed `tensor` with values, in the file's (topological) order, not looking past `stop`.
    fn ancestors(&self, tensor: &str, stop: &str) -> (Vec<usize>, bool) {
        let (mut seen, mut open, mut reaches) = (HashSet::new(), vec![tensor.to_owned()], false);
        while let Some(name) = open.pop() {
            if name == stop {
                continue;
            }
            reaches |= name == self.input;
            let Some(&i) = self.producer.get(&name) else {
                continue;
            };
            let node = &self.nodes()[i];
            if seen.insert(i) && !SHAPE_ONLY.contains(&node.op_type.as_str()) {
                open.extend(inputs(node));
            }
        }
        let mut order: Vec<usize> = seen.into_iter().collect();
        order.sort_unstable();
        (order, reaches)
    }

    /// The tensors between `from` and `to` that every path passes, in order, with `to` last.
    pub fn waist(&self, from: &str, to: &str) -> Vec<String> {
        let (between, _) = self.ancestors(to, from);
        let passes = |tensor: &String| tensor == to || !self.depends(to, from, tensor);
        let outputs = between
            .iter()
            .filter_map(|&i| self.nodes()[i].output.first());
        outputs
            .filter(|t| self.depends(t, from, "") && passes(t))
            .cloned()
            .collect()
    }

    /// Whether `tensor` is computed from `from` by a path that avoids `without`.
    fn depends(&self, tensor: &str, from: &str, without: &str) -> bool {
        let (mut seen, mut open) = (HashSet::new(), vec![tensor.to_owned()]);
        while let Some(name) = open.pop() {
            if name == without && name != tensor {
                continue;
            }
            if name == from {
                return true;
            }
            if let Some(&i) = self.producer.get(&name) {
                let node = &self.nodes()[i];
                if seen.insert(i) && !SHAPE_ONLY.contains(&node.op_type.as_str()) {
                    open.extend(inputs(node));
                }
            }
        }
        false
    }

    /// First node of one of these operators among the ancestors of a tensor, the last in the file first.
    pub fn last_ancestor(&self, tensor: &str, ops: &[&str]) -> Option<&NodeProto> {
        let (order, _) = self.ancestors(tensor, "");
        order
            .into_iter()
            .rev()
            .map(|i| &self.nodes()[i])
            .find(|n| ops.contains(&n.op_type.as_str()))
    }

    /// A model of its own that computes `outputs` from `inputs` (tensors of this graph with their shapes). Where the
    /// piece also asks for the shape of the image, the image stays an input, last.
    pub fn cut(
        &self,
        inputs: &[(&str, &[usize])],
        outputs: &[&str],
        image: &[usize],
    ) -> (ModelProto, bool) {
        let given: HashSet<&str> = inputs.iter().map(|(name, _)| *name).collect();
        let (mut needed, mut names) = (HashSet::new(), HashSet::new());
        let mut open: Vec<&str> = outputs.to_vec();
        while let Some(name) = open.pop() {
            if given.contains(name) || !names.insert(name) {
                continue;
            }
            if let Some(&i) = self.producer.get(name) {
                needed.insert(i);
                open.extend(
                    self.nodes()[i]
                        .input
                        .iter()
                        .map(String::as_str)
                        .filter(|n| !n.is_empty()),
                );
                open.extend(self.nodes()[i].attribute.iter().flat_map(captured));
            }
        }
        let needs_image = names.contains(self.input.as_str());
        let old = self.graph();
        let keep = |i: &usize| needed.contains(i);
        let mut graph = GraphProto {
            name: old.name.clone(),
            node: (0..old.node.len())
                .filter(keep)
                .map(|i| old.node[i].clone())
                .collect(),
            initializer: old
                .initializer
                .iter()
                .filter(|t| names.contains(t.name.as_str()))
                .cloned()
                .collect(),
            input: inputs
                .iter()
                .map(|(name, shape)| value_info(name, shape))
                .collect(),
            output: outputs.iter().map(|name| value_info(name, &[])).collect(),
            ..GraphProto::default()
        };
        if needs_image {
            graph.input.push(value_info(&self.input, image));
        }
        let opset_import = self.proto.opset_import.clone();
        (
            ModelProto {
                ir_version: self.proto.ir_version,
                opset_import,
                graph: Some(graph),
                ..ModelProto::default()
            },
            needs_image,
        )
    }

    /// Files that hold weights outside the model file.
    pub fn external_files(&self) -> HashSet<String> {
        let external = |t: &TensorProto| {
            t.external_data
                .iter()
                .find(|e| e.key == "location")
                .map(|e| e.value.clone())
        };
        let constants = self
            .nodes()
            .iter()
            .flat_map(|n| &n.attribute)
            .filter_map(|a| a.t.as_ref());
        self.graph()
            .initializer
            .iter()
            .chain(constants)
            .filter_map(external)
            .collect()
    }

    /// Replaces a node by others; used to spell out LayerNormalization.
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

/// A float tensor of known shape; an empty shape says nothing.
fn value_info(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dim = |&d: &usize| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(d as i64)),
        ..Default::default()
    };
    let shape = (!shape.is_empty()).then(|| TensorShapeProto {
        dim: shape.iter().map(dim).collect(),
    });
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape,
    };
    let r#type = TypeProto {
        value: Some(type_proto::Value::TensorType(tensor)),
        ..Default::default()
    };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(r#type),
        ..Default::default()
    }
}

/// Tensors that a node reads, those of its inner graphs included.
fn inputs(node: &NodeProto) -> Vec<String> {
    let own = node.input.iter().filter(|n| !n.is_empty()).cloned();
    own.chain(node.attribute.iter().flat_map(captured).map(str::to_owned))
        .collect()
}

fn captured(attribute: &AttributeProto) -> Vec<&str> {
    let nodes = attribute.g.iter().flat_map(|g| &g.node);
    nodes
        .flat_map(|n| n.input.iter().map(String::as_str))
        .filter(|n| !n.is_empty())
        .collect()
}

fn dims(value: &ValueInfoProto) -> Vec<Option<usize>> {
    let Some(type_proto::Value::TensorType(t)) =
        value.r#type.as_ref().and_then(|t| t.value.as_ref())
    else {
        return Vec::new();
    };
    let known = |d: &tensor_shape_proto::Dimension| match d.value {
        Some(tensor_shape_proto::dimension::Value::DimValue(v)) if v > 0 => Some(v as usize),
        _ => None,
    };
    t.shape.iter().flat_map(|s| &s.dim).map(known).collect()
}

/// Most axes that a tensor could have; beyond them the engine counts for ever.
const AXES_MAX: i64 = 64;

/// An axis that no tensor has.
fn refuse_axes(graph: &GraphProto) -> Result<()> {
    for node in &graph.node {
        let far = |a: &&AttributeProto| a.name == "axis" && a.i.saturating_abs() > AXES_MAX;
        if let Some(a) = node.attribute.iter().find(far) {
            return Err(Error::new(format!(
                "node {:?} ({}): there is no axis {}",
                node.name, node.op_type, a.i
            )));
        }
    }
    Ok(())
}

/// Half precision and quantised graphs are refused by name: their rounding breaks the logit invariant.
fn refuse_precision(graph: &GraphProto) -> Result<()> {
    let refuse = |what: String| Err(Error::new(format!("{what}; export the model in float32")));
    let half = |t: &TensorProto| match DataType::try_from(t.data_type) {
        Ok(kind @ (DataType::Float16 | DataType::Bfloat16)) => {
            Some(kind.as_str_name().to_lowercase())
        }
        _ => None,
    };
    for node in &graph.node {
        let op = node.op_type.as_str();
        if op.starts_with("QLinear")
            || op.ends_with("Integer")
            || op.contains("QuantizeLinear")
            || op == "QGemm"
        {
            return refuse(format!("node {:?} ({op}) is quantised", label(node)));
        }
        if let Some(kind) = node
            .attribute
            .iter()
            .filter_map(|a| a.t.as_ref())
            .find_map(half)
        {
            return refuse(format!(
                "node {:?} ({op}) holds {kind} weights",
                label(node)
            ));
        }
    }
    if let Some((name, kind)) = graph
        .initializer
        .iter()
        .find_map(|t| Some((&t.name, half(t)?)))
    {
        return refuse(format!("weight {name:?} is {kind}"));
    }
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    for input in graph
        .input
        .iter()
        .filter(|i| !weights.contains(i.name.as_str()))
    {
        let Some(type_proto::Value::TensorType(t)) =
            input.r#type.as_ref().and_then(|t| t.value.as_ref())
        else {
            continue;
        };
        if t.elem_type != DataType::Float as i32 {
            let kind = DataType::try_from(t.elem_type)
                .map_or("unknown", |d| d.as_str_name())
                .to_lowercase();
            return refuse(format!("input {:?} takes {kind}", input.name));
        }
    }
    Ok(())
}

/// A node's name, or its first output where it has none.
pub fn label(node: &NodeProto) -> &str {
    if node.name.is_empty() {
        node.output.first().map_or("", String::as_str)
    } else {
        &node.name
    }
}
