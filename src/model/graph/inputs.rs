//! The inputs of a graph: the image, and further inputs that the pipeline gives constants for.

use crate::error::{Error, Result};
use crate::plan::InputValue;
use std::collections::{BTreeMap, HashSet};
use tract_onnx::pb::{
    GraphProto, TensorProto, ValueInfoProto, tensor_proto::DataType, tensor_shape_proto, type_proto,
};

/// Turns the inputs that have constants into weights.
///
/// # Errors
/// When there is no such input, or a constant does not fit it.
pub fn bind_constants(
    graph: &mut GraphProto,
    constants: &BTreeMap<String, InputValue>,
) -> Result<()> {
    for (name, value) in constants {
        let Some(index) = graph.input.iter().position(|input| input.name == *name) else {
            let names: Vec<&str> = graph.input.iter().map(|i| i.name.as_str()).collect();
            return Err(Error::new(format!(
                "model.inputs.{name}: the graph has no such input; it has {names:?}"
            )));
        };
        let input = graph.input.remove(index);
        let weight = constant(&input, value)
            .map_err(|reason| Error::new(format!("model.inputs.{name}: {reason}")))?;
        graph.initializer.retain(|weight| weight.name != *name);
        graph.initializer.push(weight);
    }
    Ok(())
}

fn constant(input: &ValueInfoProto, value: &InputValue) -> Result<TensorProto, String> {
    let kind = element_type(input).and_then(|kind| DataType::try_from(kind).ok());
    let kind = kind.ok_or("the input has no declared type")?;
    // An open side is the batch, which is 1.
    let dims: Vec<i64> = dimensions(input)
        .into_iter()
        .map(|side| side.unwrap_or(1) as i64)
        .collect();
    let count = dims.iter().product::<i64>() as usize;

    let numbers = match value {
        InputValue::Flag(flag) => vec![f64::from(u8::from(*flag)); count],
        InputValue::Number(number) => vec![*number; count],
        InputValue::List(numbers) => numbers.clone(),
    };
    if numbers.len() != count {
        return Err(format!(
            "{} numbers were given, the input takes {count}",
            numbers.len()
        ));
    }

    let mut tensor = TensorProto {
        name: input.name.clone(),
        dims,
        data_type: kind as i32,
        ..TensorProto::default()
    };
    let numbers = numbers.into_iter();
    match kind {
        DataType::Float => tensor.float_data = numbers.map(|n| n as f32).collect(),
        DataType::Int64 => tensor.int64_data = numbers.map(|n| n as i64).collect(),
        DataType::Int32 | DataType::Bool => {
            tensor.int32_data = numbers.map(|n| n as i32).collect();
        }
        other => {
            let name = other.as_str_name().to_lowercase();
            return Err(format!("an input of the type {name} cannot be a constant"));
        }
    }
    Ok(tensor)
}

/// Inputs of the graph that are no weights; old exporters also list the weights as inputs.
pub fn inputs_without_weights(graph: &GraphProto) -> Vec<&ValueInfoProto> {
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs = graph.input.iter();
    inputs
        .filter(|input| !weights.contains(input.name.as_str()))
        .collect()
}

/// The image among the inputs.
///
/// # Errors
/// When there are several inputs, or the image is not of floats or 8-bit pixels.
pub fn image_input(graph: &GraphProto) -> Result<&ValueInfoProto> {
    let inputs = inputs_without_weights(graph);
    let [input] = inputs[..] else {
        let names: Vec<&str> = inputs.iter().map(|i| i.name.as_str()).collect();
        return Err(Error::new(format!(
            "expected one input, the image; found {}: {names:?}; give each other one a constant \
             in [model.inputs]",
            names.len()
        )));
    };
    match element_type(input) {
        Some(kind) if kind != DataType::Float as i32 => {
            let name = DataType::try_from(kind).map_or("unknown", |kind| kind.as_str_name());
            Err(Error::new(format!(
                "input {:?} takes {}; a model takes images as floats or 8-bit pixels",
                input.name,
                name.to_lowercase()
            )))
        }
        _ => Ok(input),
    }
}

/// Number of the declared element type of an input.
fn element_type(input: &ValueInfoProto) -> Option<i32> {
    let type_proto::Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    Some(tensor.elem_type)
}

/// Declared dimensions, `None` where symbolic; empty if the value is no tensor.
pub fn dimensions(value: &ValueInfoProto) -> Vec<Option<usize>> {
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
