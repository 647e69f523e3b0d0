//! The engine that is built in: tract. A plan is shared, each worker has its state.

use super::{Array, swap};
use crate::error::{Error, Result, guarded};
use std::path::Path;
use std::sync::Arc;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{
    Datum, InferenceFact, InferenceModel, InferenceModelExt, IntoRunnable, TValue,
    Tensor as TractTensor, TractError, TractResult, TypedSimplePlan, TypedSimpleState, tvec,
};

/// Version of the engine, for `run.json`.
pub const NAME: &str = "tract-onnx 0.23.9";
/// Most numbers of one tensor inside a graph: half a gigabyte.
const ELEMENTS_MAX: usize = 1 << 27;

/// An optimised graph with fixed shapes.
pub struct Engine {
    plan: Arc<TypedSimplePlan>,
    shapes: Vec<Vec<usize>>,
    /// Convolutions that run by our own operator.
    pub swapped: usize,
}

/// One thread's memory for running an [`Engine`].
pub struct State {
    state: TypedSimpleState,
}

impl Engine {
    /// Optimises `proto` for the input shapes given; weights in external files are looked up in `folder`.
    ///
    /// # Errors
    /// When an operator is not supported or a shape does not fit; the message names the node.
    pub fn new(proto: &ModelProto, folder: &Path, shapes: Vec<Vec<usize>>) -> Result<Self> {
        let (plan, swapped) = caught(|| build(proto, folder, &shapes))?;
        Ok(Self {
            plan,
            shapes,
            swapped,
        })
    }

    pub fn state(&self) -> Result<State> {
        let state = self.plan.spawn().map_err(|e| Error::new(first_lines(&e)))?;
        Ok(State { state })
    }
}

impl State {
    /// Runs the graph; inputs and outputs in the order of the cut.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn run(&mut self, engine: &Engine, inputs: &[&[f32]]) -> Result<Vec<Array>> {
        let mut run = || -> TractResult<Vec<Array>> {
            let mut tensors = tvec!();
            for (shape, values) in engine.shapes.iter().zip(inputs) {
                tensors.push(TValue::from(TractTensor::from_shape(shape, values)?));
            }
            let outputs = self.state.run(tensors)?;
            outputs.iter().map(|t| array(t)).collect()
        };
        caught(&mut run)
    }
}

fn array(tensor: &TractTensor) -> TractResult<Array> {
    let cast = tensor.cast_to::<f32>()?;
    Ok(Array {
        shape: cast.shape().to_vec(),
        values: values(&cast)?,
    })
}

/// The numbers of a tensor of 32-bit floats.
pub(super) fn values(tensor: &TractTensor) -> TractResult<Vec<f32>> {
    let view = tensor.to_plain_array_view::<f32>()?;
    Ok(view
        .as_slice()
        .map_or_else(|| view.iter().copied().collect(), <[f32]>::to_vec))
}

fn build(
    proto: &ModelProto,
    folder: &Path,
    shapes: &[Vec<usize>],
) -> TractResult<(Arc<TypedSimplePlan>, usize)> {
    let onnx = tract_onnx::onnx()
        .with_ignore_value_info(true)
        .with_ignore_output_shapes(true);
    let mut model = onnx.parse(proto, folder.to_str())?.model;
    for (i, shape) in shapes.iter().enumerate() {
        model.set_input_fact(
            i,
            InferenceFact::dt_shape(f32::datum_type(), shape.as_slice()),
        )?;
    }
    model.analyse(false)?;
    refuse_giants(&model)?;
    let (model, swapped) = swap::convolutions(model.into_typed()?)?;
    Ok((model.into_runnable()?, swapped))
}

/// A graph may state any shape; what no machine could hold is refused before the engine tries.
fn refuse_giants(model: &InferenceModel) -> TractResult<()> {
    for node in model.nodes() {
        for output in &node.outputs {
            let shape = output.fact.shape.as_concrete_finite()?.unwrap_or_default();
            if shape.iter().fold(1_usize, |n, &d| n.saturating_mul(d)) > ELEMENTS_MAX {
                let name = format!("node {:?} ({})", node.name, node.op.name());
                return Err(TractError::msg(format!(
                    "{name} makes a tensor of {shape:?}, more than {ELEMENTS_MAX} numbers"
                )));
            }
        }
    }
    Ok(())
}

/// Runs the engine; what it fails at or panics on becomes an error.
fn caught<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T> {
    match guarded(work) {
        Some(result) => result.map_err(|e| Error::new(first_lines(&e))),
        None => Err(Error::new("the engine panicked on this graph")),
    }
}

/// The chain of causes without the operator dumps that follow.
fn first_lines(error: &TractError) -> String {
    let chain: Vec<String> = error
        .chain()
        .map(|c| c.to_string().lines().next().unwrap_or_default().to_owned())
        .collect();
    chain.join(": ").chars().take(600).collect()
}
