//! Weights of other precisions as 32-bit floats, which the maps are computed in.

use crate::error::{Error, Result};
use half::{bf16, f16};
use std::collections::BTreeSet;
use tract_onnx::pb::{
    AttributeProto, GraphProto, TensorProto, ValueInfoProto, tensor_proto::DataType, type_proto,
};

/// Converts all weights, constants, inputs and casts of half and double precision. Returns the
/// names of the precisions that were found.
///
/// # Errors
/// When the bytes of a weight do not fit its shape.
pub fn convert_to_f32(graph: &mut GraphProto) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for weight in &mut graph.initializer {
        found.extend(convert(weight)?);
    }
    for node in &mut graph.node {
        let is_cast = node.op_type == "Cast";
        for attribute in &mut node.attribute {
            if let Some(constant) = &mut attribute.t {
                found.extend(convert(constant)?);
            }
            if (is_cast && attribute.name == "to") || attribute.name == "dtype" {
                convert_type_number(attribute);
            }
        }
    }
    for input in &mut graph.input {
        found.extend(convert_input(input));
    }

    // Declared types of tensors inside the graph would contradict the converted ones.
    if !found.is_empty() {
        graph.value_info.clear();
    }
    Ok(found.into_iter().collect())
}

/// A precision other than float32 that this module converts.
fn converted(kind: i32) -> Option<DataType> {
    match DataType::try_from(kind) {
        Ok(kind @ (DataType::Float16 | DataType::Bfloat16 | DataType::Double)) => Some(kind),
        _ => None,
    }
}

fn name(kind: DataType) -> String {
    kind.as_str_name().to_lowercase()
}

fn convert(tensor: &mut TensorProto) -> Result<Option<String>> {
    let Some(kind) = converted(tensor.data_type) else {
        return Ok(None);
    };
    let values = values(tensor, kind);
    let expected: i64 = tensor.dims.iter().product();
    if values.len() as i64 != expected {
        return Err(Error::new(format!(
            "weight {:?} holds {} numbers, its shape says {expected}",
            tensor.name,
            values.len()
        )));
    }

    tensor.raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor.int32_data.clear();
    tensor.double_data.clear();
    tensor.data_type = DataType::Float as i32;
    Ok(Some(name(kind)))
}

fn values(tensor: &TensorProto, kind: DataType) -> Vec<f32> {
    if kind == DataType::Double {
        let (raw, _) = tensor.raw_data.as_chunks::<8>();
        let raw = raw.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32);
        return raw
            .chain(tensor.double_data.iter().map(|v| *v as f32))
            .collect();
    }

    // Half precision is stored as raw bytes, or as the lower half of 32-bit integers.
    let (raw, _) = tensor.raw_data.as_chunks::<2>();
    let raw = raw.iter().map(|bytes| u16::from_le_bytes(*bytes));
    let bits = raw.chain(tensor.int32_data.iter().map(|v| *v as u16));
    if kind == DataType::Float16 {
        bits.map(|bits| f16::from_bits(bits).to_f32()).collect()
    } else {
        bits.map(|bits| bf16::from_bits(bits).to_f32()).collect()
    }
}

fn convert_type_number(attribute: &mut AttributeProto) {
    if converted(attribute.i as i32).is_some() {
        attribute.i = DataType::Float as i64;
    }
}

/// An input of half or double precision, or of 8-bit pixels, takes the same numbers as floats.
fn convert_input(input: &mut ValueInfoProto) -> Option<String> {
    let type_proto::Value::TensorType(tensor) = input.r#type.as_mut()?.value.as_mut()?;
    let kind = DataType::try_from(tensor.elem_type).ok();
    let kind = kind.filter(|k| *k == DataType::Uint8 || converted(*k as i32).is_some())?;
    tensor.elem_type = DataType::Float as i32;
    Some(name(kind))
}
