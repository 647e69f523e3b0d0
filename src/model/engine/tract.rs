//! The built-in engine: tract. All workers share a plan; each has its own state.

use super::replace_convolutions::{Replaced, replace_convolutions};
use super::tensor::values;
use super::{Array, Values};
use crate::error::{Error, Result, guarded};
use std::sync::Arc;
use tract_onnx::pb::{ModelProto, tensor_proto::DataType, type_proto};
use tract_onnx::prelude::{
    Datum, DatumType, InferenceFact, InferenceModel, InferenceModelExt, IntoRunnable, TValue,
    Tensor as TractTensor, TractError, TractResult, TypedSimplePlan, TypedSimpleState, tvec,
};

/// Name and version of the engine, for `run.json`.
pub const NAME: &str = "tract-onnx 0.23.9";
/// Most numbers of one tensor inside a graph: half a gigabyte.
const ELEMENTS_MAX: usize = 1 << 27;
/// Longest error message, in characters.
const MESSAGE_MAX: usize = 600;

/// An optimised graph with fixed shapes.
pub struct Engine {
    plan: Arc<TypedSimplePlan>,
    shapes: Vec<Vec<usize>>,
    /// Convolutions that run by this crate's operator.
    pub replaced: Replaced,
}

/// One thread's memory for running an [`Engine`].
pub struct State {
    state: TypedSimpleState,
}

impl Engine {
    /// Optimises `proto` for the given input shapes. `exact`: see [`replace_convolutions`].
    ///
    /// # Errors
    /// When an operator is not supported or a shape does not fit; the message names the node.
    pub fn new(proto: &ModelProto, shapes: Vec<Vec<usize>>, exact: bool) -> Result<Self> {
        let (plan, replaced) = guard(|| build(proto, &shapes, exact))?;
        Ok(Self {
            plan,
            shapes,
            replaced,
        })
    }

    pub fn state(&self) -> Result<State> {
        match self.plan.spawn() {
            Ok(state) => Ok(State { state }),
            Err(error) => Err(Error::new(summary(&error))),
        }
    }
}

impl State {
    /// Runs the graph; inputs and outputs are in the order of the graph.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn run(&mut self, engine: &Engine, inputs: &[Values<'_>]) -> Result<Vec<Array>> {
        guard(|| {
            let mut tensors = tvec!();
            for (shape, values) in engine.shapes.iter().zip(inputs) {
                let tensor = match values {
                    Values::Floats(values) => TractTensor::from_shape(shape, values)?,
                    Values::Bytes(values) => TractTensor::from_shape(shape, values)?,
                    Values::Indices(values) => TractTensor::from_shape(shape, values)?,
                };
                tensors.push(TValue::from(tensor));
            }
            let outputs = self.state.run(tensors)?;
            outputs.iter().map(|tensor| array(tensor)).collect()
        })
    }
}

fn array(tensor: &TractTensor) -> TractResult<Array> {
    let floats = tensor.cast_to::<f32>()?;
    Ok(Array {
        shape: floats.shape().to_vec(),
        values: values(&floats)?,
    })
}

fn build(
    proto: &ModelProto,
    shapes: &[Vec<usize>],
    exact: bool,
) -> TractResult<(Arc<TypedSimplePlan>, Replaced)> {
    refuse_wrong(proto)?;
    // Dynamo exports declare shapes that contradict a batch of 1.
    let onnx = tract_onnx::onnx()
        .with_ignore_value_info(true)
        .with_ignore_output_shapes(true);
    let mut model = onnx.parse(proto, None)?.model;

    for (input, shape) in shapes.iter().enumerate() {
        let fact = InferenceFact::dt_shape(number_type(proto, input), shape.as_slice());
        model.set_input_fact(input, fact)?;
    }
    model.analyse(false)?;
    refuse_huge_tensors(&model)?;

    let (model, replaced) = replace_convolutions(model.into_typed()?, exact)?;
    Ok((model.into_runnable()?, replaced))
}

/// The numbers of an input: bytes, or floats.
fn number_type(proto: &ModelProto, input: usize) -> DatumType {
    let graph = proto.graph.as_ref();
    let input = graph.and_then(|graph| graph.input.get(input)?.r#type.as_ref()?.value.as_ref());
    match input {
        Some(type_proto::Value::TensorType(tensor))
            if tensor.elem_type == DataType::Uint8 as i32 =>
        {
            u8::datum_type()
        }
        _ => f32::datum_type(),
    }
}

/// Operators that this engine computes otherwise than the ONNX standard says.
fn refuse_wrong(proto: &ModelProto) -> TractResult<()> {
    let mut nodes = proto.graph.iter().flat_map(|graph| &graph.node);
    match nodes.find(|node| node.op_type == "Celu") {
        None => Ok(()),
        Some(node) => Err(TractError::msg(format!(
            "node {:?} (Celu) is computed wrongly by this engine",
            node.name
        ))),
    }
}

/// A file can declare any shape; the engine would try to allocate it.
fn refuse_huge_tensors(model: &InferenceModel) -> TractResult<()> {
    for node in model.nodes() {
        for output in &node.outputs {
            let shape = output.fact.shape.as_concrete_finite()?.unwrap_or_default();
            let elements = shape.iter().fold(1_usize, |n, &d| n.saturating_mul(d));
            if elements > ELEMENTS_MAX {
                return Err(TractError::msg(format!(
                    "node {:?} ({}) makes a tensor of {shape:?}, more than {ELEMENTS_MAX} numbers",
                    node.name,
                    node.op.name()
                )));
            }
        }
    }
    Ok(())
}

/// Runs the engine; its failures and its panics become errors.
fn guard<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T> {
    match guarded(work) {
        Some(result) => result.map_err(|e| Error::new(summary(&e))),
        None => Err(Error::new("the engine panicked on this graph")),
    }
}

/// The chain of causes, without the operator dumps in the lines after the first.
fn summary(error: &TractError) -> String {
    let mut causes = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        causes.push(text.lines().next().unwrap_or_default().to_owned());
    }
    causes.join(": ").chars().take(MESSAGE_MAX).collect()
}
