//! Names and inputs of single nodes.

use tract_onnx::pb::{AttributeProto, NodeProto};

/// A node's name, or its first output if it has no name.
pub fn label(node: &NodeProto) -> &str {
    if node.name.is_empty() {
        node.output.first().map_or("", String::as_str)
    } else {
        &node.name
    }
}

/// `node "name" (Operator)`, for messages.
pub fn describe(node: &NodeProto) -> String {
    format!("node {:?} ({})", label(node), node.op_type)
}

/// Tensors that a node reads, including those that its inner graphs read.
pub fn inputs(node: &NodeProto) -> Vec<&str> {
    let mut names = named(&node.input);
    for attribute in &node.attribute {
        names.extend(inner_inputs(attribute));
    }
    names
}

fn inner_inputs(attribute: &AttributeProto) -> Vec<&str> {
    let nodes = attribute.g.iter().flat_map(|graph| &graph.node);
    nodes.flat_map(|node| named(&node.input)).collect()
}

/// ONNX writes an omitted input as an empty name.
fn named(names: &[String]) -> Vec<&str> {
    let names = names.iter().map(String::as_str);
    names.filter(|name| !name.is_empty()).collect()
}

/// The attribute of this name.
pub fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}
