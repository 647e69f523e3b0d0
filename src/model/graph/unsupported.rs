//! Graphs that are refused before the engine reads them.

use super::node::describe;
use crate::error::{Error, Result};
use std::collections::HashSet;
use tract_onnx::pb::{
    GraphProto, NodeProto, TensorProto, ValueInfoProto, tensor_proto::DataType, type_proto,
};

/// Most axes of a tensor. tract loops up to the number that a file gives.
const AXES_MAX: i64 = 64;

/// Refuses an axis that no tensor has.
///
/// # Errors
/// When a node has one; the message names the node.
pub fn refuse_axes(graph: &GraphProto) -> Result<()> {
    for node in &graph.node {
        for attribute in &node.attribute {
            let axis = attribute.i;
            if attribute.name == "axis" && axis.saturating_abs() > AXES_MAX {
                return Err(Error::new(format!(
                    "node {:?} ({}): there is no axis {axis}",
                    node.name, node.op_type
                )));
            }
        }
    }
    Ok(())
}

/// Refuses half precision and quantised graphs: their rounding violates the logit invariant.
///
/// # Errors
/// When a node, a weight or the input is not float32; the message names it.
pub fn refuse_precision(graph: &GraphProto) -> Result<()> {
    for node in &graph.node {
        if is_quantised(node) {
            return Err(unsupported(&format!("{} is quantised", describe(node))));
        }
        let constants = node.attribute.iter().filter_map(|a| a.t.as_ref());
        if let Some(kind) = constants.into_iter().find_map(half_precision) {
            return Err(unsupported(&format!(
                "{} holds {kind} weights",
                describe(node)
            )));
        }
    }

    for weight in &graph.initializer {
        if let Some(kind) = half_precision(weight) {
            return Err(unsupported(&format!("weight {:?} is {kind}", weight.name)));
        }
    }

    for input in inputs_without_weights(graph) {
        let kind = element_type(input).filter(|kind| *kind != DataType::Float as i32);
        if let Some(kind) = kind {
            return Err(unsupported(&format!(
                "input {:?} takes {}",
                input.name,
                type_name(kind)
            )));
        }
    }
    Ok(())
}

fn unsupported(reason: &str) -> Error {
    Error::new(format!("{reason}; export the model in float32"))
}

fn is_quantised(node: &NodeProto) -> bool {
    let op = node.op_type.as_str();
    op.starts_with("QLinear")
        || op.ends_with("Integer")
        || op.contains("QuantizeLinear")
        || op == "QGemm"
}

/// The type of a tensor of half precision.
fn half_precision(tensor: &TensorProto) -> Option<String> {
    match DataType::try_from(tensor.data_type) {
        Ok(kind @ (DataType::Float16 | DataType::Bfloat16)) => {
            Some(kind.as_str_name().to_lowercase())
        }
        _ => None,
    }
}

/// Inputs of the graph that are no weights; old exporters also list the weights as inputs.
pub fn inputs_without_weights(graph: &GraphProto) -> Vec<&ValueInfoProto> {
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs = graph.input.iter();
    inputs
        .filter(|input| !weights.contains(input.name.as_str()))
        .collect()
}

/// Number of the declared element type of an input.
fn element_type(input: &ValueInfoProto) -> Option<i32> {
    let type_proto::Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    Some(tensor.elem_type)
}

fn type_name(kind: i32) -> String {
    DataType::try_from(kind)
        .map_or("unknown", |kind| kind.as_str_name())
        .to_lowercase()
}
