//! Spells LayerNormalization out in primitives, so that its normaliser stands as a gate of its own on the waist.

use super::graph::Graph;
use crate::error::Result;
use tract_onnx::pb::{
    AttributeProto, NodeProto, TensorProto, attribute_proto::AttributeType, tensor_proto::DataType,
};

/// Replaces every LayerNormalization over the last axis between `from` and `to` on the waist.
pub fn spell_out(mut graph: Graph, from: &str, to: &str) -> Result<Graph> {
    while let Some(index) = find(&graph, from, to) {
        let node = graph.nodes()[index].clone();
        let (nodes, weights) = primitives(&node, graph.opset());
        graph = graph.replace(index, nodes, weights)?;
    }
    Ok(graph)
}

fn find(graph: &Graph, from: &str, to: &str) -> Option<usize> {
    let waist = graph.waist(from, to);
    graph.nodes().iter().position(|n| {
        let last_axis = n
            .attribute
            .iter()
            .find(|a| a.name == "axis")
            .is_none_or(|a| a.i == -1);
        n.op_type == "LayerNormalization"
            && last_axis
            && n.output.first().is_some_and(|o| waist.contains(o))
    })
}

/// From opset 18 on a mean takes its axes as an input, before as an attribute.
fn primitives(norm: &NodeProto, opset: i64) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let out = &norm.output[0];
    let name = |part: &str| format!("{out}/{part}");
    let epsilon = norm
        .attribute
        .iter()
        .find(|a| a.name == "epsilon")
        .map_or(1e-5, |a| a.f);
    let eps = TensorProto {
        data_type: DataType::Float as i32,
        float_data: vec![epsilon],
        ..named(name("eps"))
    };
    let axes = TensorProto {
        data_type: DataType::Int64 as i32,
        dims: vec![1],
        int64_data: vec![-1],
        ..named(name("axes"))
    };
    let attribute = AttributeProto {
        name: "axes".into(),
        ints: vec![-1],
        r#type: AttributeType::Ints as i32,
        ..Default::default()
    };
    let node =
        |op: &str, inputs: &[&str], output: String, attribute: Vec<AttributeProto>| NodeProto {
            op_type: op.into(),
            name: output.clone(),
            input: inputs.iter().map(|i| (*i).to_owned()).collect(),
            output: vec![output],
            attribute,
            ..Default::default()
        };
    let mean = |of: &str, to: String| match opset {
        18.. => node("ReduceMean", &[of, &axes.name], to, vec![]),
        _ => node("ReduceMean", &[of], to, vec![attribute.clone()]),
    };
    let mut nodes = vec![
        mean(&norm.input[0], name("mean")),
        node(
            "Sub",
            &[&norm.input[0], &name("mean")],
            name("centred"),
            vec![],
        ),
        node(
            "Mul",
            &[&name("centred"), &name("centred")],
            name("square"),
            vec![],
        ),
        mean(&name("square"), name("variance")),
        node(
            "Add",
            &[&name("variance"), &name("eps")],
            name("safe"),
            vec![],
        ),
        node("Sqrt", &[&name("safe")], name("deviation"), vec![]),
        node(
            "Div",
            &[&name("centred"), &name("deviation")],
            name("normalised"),
            vec![],
        ),
    ];
    let bias = norm.input.get(2).filter(|b| !b.is_empty());
    let scaled = if bias.is_some() {
        name("scaled")
    } else {
        out.clone()
    };
    nodes.push(node(
        "Mul",
        &[&name("normalised"), &norm.input[1]],
        scaled.clone(),
        vec![],
    ));
    nodes.extend(bias.map(|b| node("Add", &[&scaled, b], out.clone(), vec![])));
    (nodes, vec![eps, axes])
}

fn named(name: String) -> TensorProto {
    TensorProto {
        name,
        ..Default::default()
    }
}
