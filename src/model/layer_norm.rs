//! Decomposes LayerNormalization into primitives, so that its normaliser becomes a dominator.

use super::graph::Graph;
use crate::error::Result;
use tract_onnx::pb::{
    AttributeProto, NodeProto, TensorProto, attribute_proto::AttributeType, tensor_proto::DataType,
};

/// The default of ONNX.
const EPSILON: f32 = 1e-5;
/// From this opset on, ReduceMean takes its axes as an input instead of an attribute.
const AXES_INPUT_OPSET: i64 = 18;

/// Replaces every LayerNormalization over the last axis that is a dominator between `from` and
/// `to`.
pub fn decompose(mut graph: Graph, from: &str, to: &str) -> Result<Graph> {
    while let Some(index) = find(&graph, from, to) {
        let norm = graph.nodes()[index].clone();
        let (nodes, weights) = primitives(&norm, graph.opset());
        graph = graph.replace(index, nodes, weights)?;
    }
    Ok(graph)
}

fn find(graph: &Graph, from: &str, to: &str) -> Option<usize> {
    let dominators = graph.dominators(from, to);
    graph.nodes().iter().position(|node| {
        let output = node.output.first();
        node.op_type == "LayerNormalization"
            && normalises_last_axis(node)
            && output.is_some_and(|output| dominators.contains(output))
    })
}

fn normalises_last_axis(norm: &NodeProto) -> bool {
    attribute(norm, "axis").is_none_or(|axis| axis.i == -1)
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}

/// `y = (x - mean) / sqrt(variance + epsilon) * scale + bias` as nodes and weights.
fn primitives(norm: &NodeProto, opset: i64) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let input = norm.input[0].as_str();
    let scale = norm.input[1].as_str();
    let bias = norm.input.get(2).filter(|name| !name.is_empty());
    let output = norm.output[0].as_str();

    let epsilon = name(norm, "eps");
    let axes = name(norm, "axes");
    let mean = name(norm, "mean");
    let centred = name(norm, "centred");
    let square = name(norm, "square");
    let variance = name(norm, "variance");
    let safe_variance = name(norm, "safe");
    let deviation = name(norm, "deviation");
    let normalised = name(norm, "normalised");

    let mut nodes = vec![
        mean_node(input, &mean, &axes, opset),
        node("Sub", &[input, &mean], &centred),
        node("Mul", &[&centred, &centred], &square),
        mean_node(&square, &variance, &axes, opset),
        node("Add", &[&variance, &epsilon], &safe_variance),
        node("Sqrt", &[&safe_variance], &deviation),
        node("Div", &[&centred, &deviation], &normalised),
    ];
    match bias {
        None => nodes.push(node("Mul", &[&normalised, scale], output)),
        Some(bias) => {
            let scaled = name(norm, "scaled");
            nodes.push(node("Mul", &[&normalised, scale], &scaled));
            nodes.push(node("Add", &[&scaled, bias], output));
        }
    }

    let value = attribute(norm, "epsilon").map_or(EPSILON, |a| a.f);
    (nodes, vec![scalar(epsilon, value), last_axis(axes)])
}

/// A name for one step of a normalisation.
fn name(norm: &NodeProto, step: &str) -> String {
    format!("{}/{step}", norm.output[0])
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: output.into(),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

/// The mean over the last axis. `axes` is the weight that holds the axis.
fn mean_node(input: &str, output: &str, axes: &str, opset: i64) -> NodeProto {
    if opset >= AXES_INPUT_OPSET {
        return node("ReduceMean", &[input, axes], output);
    }
    let attribute = AttributeProto {
        name: "axes".into(),
        ints: vec![-1],
        r#type: AttributeType::Ints as i32,
        ..Default::default()
    };
    NodeProto {
        attribute: vec![attribute],
        ..node("ReduceMean", &[input], output)
    }
}

fn scalar(name: String, value: f32) -> TensorProto {
    TensorProto {
        name,
        data_type: DataType::Float as i32,
        float_data: vec![value],
        ..Default::default()
    }
}

/// The axis -1 as a weight.
fn last_axis(name: String) -> TensorProto {
    TensorProto {
        name,
        data_type: DataType::Int64 as i32,
        dims: vec![1],
        int64_data: vec![-1],
        ..Default::default()
    }
}
