//! Cutting a subgraph out as a model.

use super::node::inputs as node_inputs;
use super::wiring::Graph;
use std::collections::HashSet;
use tract_onnx::pb::{
    GraphProto, ModelProto, TensorShapeProto, TypeProto, ValueInfoProto, tensor_proto::DataType,
    tensor_shape_proto, type_proto,
};

/// A part of a graph as a model.
pub struct Cut {
    pub proto: ModelProto,
    /// Whether the part also reads the image, for example its shape; then the image is the last
    /// input.
    pub needs_image: bool,
}

impl Graph {
    /// A model that computes `outputs` from `inputs` (tensors of this graph with their shapes).
    /// `image` is the shape of the image.
    pub fn cut(&self, inputs: &[(&str, &[usize])], outputs: &[&str], image: &[usize]) -> Cut {
        let needed = self.needed(inputs, outputs);
        let needs_image = needed.tensors.contains(self.input.as_str());

        let mut graph = GraphProto {
            name: self.graph().name.clone(),
            ..GraphProto::default()
        };
        for (index, node) in self.nodes().iter().enumerate() {
            if needed.nodes.contains(&index) {
                graph.node.push(node.clone());
            }
        }
        for weight in &self.graph().initializer {
            if needed.tensors.contains(weight.name.as_str()) {
                graph.initializer.push(weight.clone());
            }
        }

        for (name, shape) in inputs {
            graph.input.push(value_info(name, shape));
        }
        if needs_image {
            graph.input.push(value_info(&self.input, image));
        }
        for name in outputs {
            graph.output.push(value_info(name, &[]));
        }

        let proto = ModelProto {
            ir_version: self.proto.ir_version,
            opset_import: self.proto.opset_import.clone(),
            graph: Some(graph),
            ..ModelProto::default()
        };
        Cut { proto, needs_image }
    }

    /// All that `outputs` are computed from, up to `inputs`.
    fn needed<'a>(&'a self, inputs: &[(&str, &[usize])], outputs: &[&'a str]) -> Needed<'a> {
        let given: HashSet<&str> = inputs.iter().map(|(name, _)| *name).collect();
        let mut needed = Needed::default();
        let mut open = outputs.to_vec();
        while let Some(name) = open.pop() {
            if given.contains(name) || !needed.tensors.insert(name) {
                continue;
            }
            if let Some(index) = self.producer_index(name) {
                needed.nodes.insert(index);
                open.extend(node_inputs(&self.nodes()[index]));
            }
        }
        needed
    }
}

/// Indices of nodes, and names of tensors.
#[derive(Default)]
struct Needed<'a> {
    nodes: HashSet<usize>,
    tensors: HashSet<&'a str>,
}

/// A float tensor; an empty `shape` leaves the shape undeclared.
fn value_info(name: &str, shape: &[usize]) -> ValueInfoProto {
    let shape = (!shape.is_empty()).then(|| TensorShapeProto {
        dim: shape.iter().map(|&side| dimension(side)).collect(),
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

fn dimension(side: usize) -> tensor_shape_proto::Dimension {
    let value = tensor_shape_proto::dimension::Value::DimValue(side as i64);
    tensor_shape_proto::Dimension {
        value: Some(value),
        ..Default::default()
    }
}
