//! Graphs that are refused before the engine reads them.

use super::node::{attribute, describe};
use crate::error::{Error, Result};
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto, tensor_proto::DataType};

/// Most axes of a tensor. tract loops up to the number that a file gives.
const AXES_MAX: i64 = 64;
/// Largest side of a kernel, stride, dilation or padding.
const SIDE_MAX: i64 = 1 << 16;
/// Most numbers of one tensor that a constant shape asks for.
const ELEMENTS_MAX: i64 = 1 << 27;
/// Attributes of convolutions and pools that are sides.
const SIDES: [&str; 4] = ["kernel_shape", "strides", "dilations", "pads"];
/// Operators whose weights are learned.
const LEARNED: [&str; 4] = ["Conv", "Gemm", "MatMul", "BatchNormalization"];
/// Most nodes of a graph. The largest classifiers that exporters write have a few thousand.
const NODES_MAX: usize = 16_384;
/// Operators that make a tensor of the shape, or with the repeats, pads or length, of an input.
const SHAPED: [(&str, usize); 7] = [
    ("ConstantOfShape", 0),
    ("Expand", 1),
    ("Reshape", 1),
    ("Tile", 1),
    ("Pad", 1),
    ("OneHot", 1),
    ("Range", 1),
];

/// Refuses what cannot be audited, and what would take unbounded time or memory.
///
/// # Errors
/// Names the node or the weight, and what to do.
pub fn refuse(graph: &GraphProto) -> Result<()> {
    if graph.node.len() > NODES_MAX {
        return Err(Error::new(format!(
            "the graph has {} nodes, more than {NODES_MAX}",
            graph.node.len()
        )));
    }
    let constants = Constants::new(graph);
    for (name, tensor) in &constants.by_name {
        refuse_size(name, tensor)?;
    }
    for node in &graph.node {
        refuse_sides(node)?;
        refuse_shape(&constants, node)?;
        refuse_quantised(node)?;
        refuse_training(&constants, node)?;
        refuse_optimised(node)?;
        refuse_loops(node)?;
    }
    for (name, tensor) in &constants.by_name {
        if floats(tensor).any(f32::is_nan) {
            return Err(diverged(name, "NaN"));
        }
    }
    for node in &graph.node {
        if LEARNED.contains(&node.op_type.as_str()) {
            refuse_infinite(&constants, node)?;
        }
    }
    Ok(())
}

/// The tensors with fixed values: initializers and the outputs of Constant nodes.
pub struct Constants<'g> {
    by_name: HashMap<&'g str, &'g TensorProto>,
    /// Tensors that are computed from constants alone.
    computed: HashSet<&'g str>,
}

impl<'g> Constants<'g> {
    pub fn new(graph: &'g GraphProto) -> Self {
        let mut by_name = HashMap::new();
        for weight in &graph.initializer {
            by_name.insert(weight.name.as_str(), weight);
        }
        for node in graph.node.iter().filter(|n| n.op_type == "Constant") {
            let value = node.attribute.iter().find_map(|a| a.t.as_ref());
            if let (Some(output), Some(value)) = (node.output.first(), value) {
                by_name.insert(output.as_str(), value);
            }
        }

        let mut computed: HashSet<&str> = by_name.keys().copied().collect();
        for node in &graph.node {
            let mut inputs = node.input.iter().filter(|name| !name.is_empty());
            if inputs.all(|name| computed.contains(name.as_str())) {
                computed.extend(node.output.iter().map(String::as_str));
            }
        }
        Self { by_name, computed }
    }

    pub fn get(&self, name: &str) -> Option<&'g TensorProto> {
        self.by_name.get(name).copied()
    }

    /// The constant that is an input of a node.
    fn input(&self, node: &NodeProto, index: usize) -> Option<&'g TensorProto> {
        self.get(node.input.get(index)?)
    }
}

fn refuse_infinite(constants: &Constants<'_>, node: &NodeProto) -> Result<()> {
    for name in &node.input {
        if let Some(tensor) = constants.get(name)
            && floats(tensor).any(f32::is_infinite)
        {
            return Err(diverged(name, "infinite numbers"));
        }
    }
    Ok(())
}

fn diverged(weight: &str, kind: &str) -> Error {
    Error::new(format!(
        "weight {weight:?} holds {kind}: the training diverged, or the file is damaged"
    ))
}

/// The numbers of a tensor of 32-bit floats; none for other types.
pub fn floats(tensor: &TensorProto) -> impl Iterator<Item = f32> + '_ {
    let is_float = tensor.data_type == DataType::Float as i32;
    let (raw, _) = tensor.raw_data.as_chunks::<4>();
    let raw = raw.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let values = raw.chain(tensor.float_data.iter().copied());
    values.filter(move |_| is_float)
}

/// Refuses a weight whose numbers are not as many as its shape says.
fn refuse_size(name: &str, tensor: &TensorProto) -> Result<()> {
    let bytes = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Double | DataType::Int64) => 8,
        Ok(DataType::Float | DataType::Int32) => 4,
        Ok(DataType::Float16 | DataType::Bfloat16) => 2,
        Ok(DataType::Uint8 | DataType::Int8 | DataType::Bool) => 1,
        _ => return Ok(()),
    };
    let claimed = tensor
        .dims
        .iter()
        .try_fold(1_i64, |n, side| n.checked_mul(*side).filter(|_| *side >= 0));
    let typed = tensor.float_data.len()
        + tensor.double_data.len()
        + tensor.int64_data.len()
        + tensor.int32_data.len();
    let held = if tensor.raw_data.is_empty() {
        typed
    } else {
        tensor.raw_data.len() / bytes
    };
    if claimed == Some(held as i64) {
        return Ok(());
    }
    Err(Error::new(format!(
        "weight {name:?} holds {held} numbers, and its shape is {:?}: the file is damaged",
        tensor.dims
    )))
}

/// Refuses an axis that no tensor has, and sides that no picture has.
fn refuse_sides(node: &NodeProto) -> Result<()> {
    for attribute in &node.attribute {
        let axis = attribute.i;
        if attribute.name == "axis" && axis.saturating_abs() > AXES_MAX {
            return Err(Error::new(format!(
                "{}: there is no axis {axis}",
                describe(node)
            )));
        }
        let mut sides = attribute.ints.iter();
        if SIDES.contains(&attribute.name.as_str())
            && let Some(side) = sides.find(|side| side.saturating_abs() > SIDE_MAX)
        {
            return Err(Error::new(format!(
                "{}: {} of {side} is more than {SIDE_MAX}",
                describe(node),
                attribute.name
            )));
        }
    }
    Ok(())
}

/// Refuses a constant shape of more numbers than memory should hold, or with a size below -1, which
/// the standard has no meaning for.
fn refuse_shape(constants: &Constants<'_>, node: &NodeProto) -> Result<()> {
    let shaped = SHAPED.iter().find(|(op, _)| *op == node.op_type);
    let Some(shape) = shaped.and_then(|(_, input)| constants.input(node, *input)) else {
        return Ok(());
    };

    let mut sizes = Vec::new();
    for size in numbers(shape) {
        sizes.push(size as i64);
    }
    let op = node.op_type.as_str();
    let elements = match op {
        // Negative pads cut off.
        "Pad" => sizes.iter().map(|size| size.saturating_abs()).max(),
        "Range" => range_length(constants, node),
        _ => {
            let sizes = sizes.iter().filter(|size| **size > 0);
            Some(sizes.fold(1_i64, |n, size| n.saturating_mul(*size)))
        }
    };
    if let Some(elements) = elements.filter(|elements| *elements > ELEMENTS_MAX) {
        return Err(Error::new(format!(
            "{} asks for {elements} numbers, more than {ELEMENTS_MAX}",
            describe(node)
        )));
    }
    let negative = sizes.iter().find(|size| **size < -1);
    match negative.filter(|_| !["Pad", "Range"].contains(&op)) {
        None => Ok(()),
        Some(size) => Err(Error::new(format!(
            "{} asks for a size of {size}, and no size is below -1: the file is damaged",
            describe(node)
        ))),
    }
}

/// How many numbers a Range of constants makes.
fn range_length(constants: &Constants<'_>, node: &NodeProto) -> Option<i64> {
    let constant = |index| numbers(constants.input(node, index)?).first().copied();
    let (start, limit, step) = (constant(0)?, constant(1)?, constant(2)?);
    Some(((limit - start) / step).ceil() as i64)
}

/// The numbers of a tensor of the types that sizes have; none for other types.
fn numbers(tensor: &TensorProto) -> Vec<f64> {
    let mut numbers: Vec<f64> = floats(tensor).map(f64::from).collect();
    numbers.extend(integers(tensor).into_iter().map(|number| number as f64));
    if tensor.data_type == DataType::Int32 as i32 {
        let (raw, _) = tensor.raw_data.as_chunks::<4>();
        let raw = raw.iter().map(|bytes| i32::from_le_bytes(*bytes));
        let typed = tensor.int32_data.iter().copied();
        numbers.extend(raw.chain(typed).map(f64::from));
    }
    if tensor.data_type == DataType::Double as i32 {
        let (raw, _) = tensor.raw_data.as_chunks::<8>();
        numbers.extend(raw.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        numbers.extend(&tensor.double_data);
    }
    numbers
}

/// The numbers of a tensor of 64-bit integers; none for other types.
pub fn integers(tensor: &TensorProto) -> Vec<i64> {
    if tensor.data_type != DataType::Int64 as i32 {
        return Vec::new();
    }
    let (raw, _) = tensor.raw_data.as_chunks::<8>();
    let raw = raw.iter().map(|bytes| i64::from_le_bytes(*bytes));
    raw.chain(tensor.int64_data.iter().copied()).collect()
}

/// The rounding of quantised graphs violates the logit invariant.
fn refuse_quantised(node: &NodeProto) -> Result<()> {
    let op = node.op_type.as_str();
    let is_quantised = op.starts_with("QLinear")
        || op.ends_with("Integer")
        || op.ends_with("uantizeLinear")
        || op == "QGemm";
    if is_quantised {
        return Err(Error::new(format!(
            "{} is quantised; audit the model before its quantisation, in float32",
            describe(node)
        )));
    }
    Ok(())
}

/// Refuses nodes whose output in training mode depends on the batch or on chance.
fn refuse_training(constants: &Constants<'_>, node: &NodeProto) -> Result<()> {
    // Weight standardisation normalises weights, not images.
    let is_of_weights = node
        .input
        .first()
        .is_some_and(|name| constants.computed.contains(name.as_str()));
    let by_attribute = node.op_type == "BatchNormalization"
        && !is_of_weights
        && attribute(node, "training_mode").is_some_and(|a| a.i != 0);
    let by_input = node.op_type == "Dropout" && constants.input(node, 2).is_some_and(is_true);
    if by_attribute || by_input {
        return Err(Error::new(format!(
            "{} is in training mode; call model.eval() before the export",
            describe(node)
        )));
    }
    Ok(())
}

/// Refuses loops, which may have no end.
fn refuse_loops(node: &NodeProto) -> Result<()> {
    if ["Loop", "Scan"].contains(&node.op_type.as_str()) {
        return Err(Error::new(format!(
            "{} repeats a part of the graph; export the model without loops",
            describe(node)
        )));
    }
    Ok(())
}

/// Refuses operators that only ONNX Runtime's own optimisations write.
fn refuse_optimised(node: &NodeProto) -> Result<()> {
    if node.domain.starts_with("com.microsoft") || node.domain == "com.ms.internal.nhwc" {
        return Err(Error::new(format!(
            "{} is an operator of the domain {}, which ONNX Runtime's optimisation writes; audit \
             the file before the optimisation",
            describe(node),
            node.domain
        )));
    }
    Ok(())
}

/// Whether a tensor holds one flag that is set.
fn is_true(flag: &TensorProto) -> bool {
    flag.raw_data.first().is_some_and(|v| *v != 0)
        || flag.int32_data.first().is_some_and(|v| *v != 0)
}
