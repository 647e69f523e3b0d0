//! A graph at one input shape and for one image, taken apart.

use super::engine::{Runtime, Values, is_same_in_batch};
use super::graph::Graph;
use super::head::{TakenApart, take_apart};
use super::input_shape::{input_shape, probes};
use crate::error::{Error, Result};
use crate::plan::InputValue;
use std::collections::BTreeMap;
use tract_onnx::pb::ModelProto;

/// The name of the precision of a model that takes 8-bit pixels.
pub const BYTES: &str = "uint8";

/// How to open a graph.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    pub input_shape: Option<&'a [usize]>,
    pub output: Option<&'a str>,
    /// Values of inputs other than the image.
    pub inputs: &'a BTreeMap<String, InputValue>,
}

/// A graph that was taken apart at one input shape.
pub struct Opened {
    pub parts: TakenApart,
    pub shape: Vec<usize>,
    pub probes: [Vec<f32>; 3],
}

impl Opened {
    /// # Errors
    /// When the graph cannot be audited, run at this shape, or taken apart.
    pub fn new(proto: ModelProto, runtime: &Runtime, opening: Opening<'_>) -> Result<Self> {
        let mut graph = Graph::new(proto, opening.inputs)?;
        let shape = input_shape(&graph, opening.input_shape)?;
        let takes_bytes = graph.precisions.iter().any(|p| p == BYTES);
        let probes = probes(&shape, takes_bytes);

        let batch = graph.input_dims.first().copied().flatten().unwrap_or(1);
        let mut batched = None;
        if batch > 1 {
            let single = graph.for_batch(batch, 1)?;
            batched = Some(std::mem::replace(&mut graph, single));
        }
        let output = graph.output(opening.output)?.to_owned();
        let parts = take_apart(graph, &output, runtime, &shape, &probes)?;
        if let Some(batched) = batched {
            check_batch(&batched, &parts, batch, runtime, &shape, &probes[0])?;
        }
        Ok(Self {
            parts,
            shape,
            probes,
        })
    }
}

/// A graph for a fixed batch was rewritten for one image: a batch of copies must give the same
/// logits.
fn check_batch(
    batched: &Graph,
    parts: &TakenApart,
    batch: usize,
    runtime: &Runtime,
    shape: &[usize],
    probe: &[f32],
) -> Result<()> {
    let mut batch_shape = shape.to_vec();
    batch_shape[0] = batch;
    let logits = &parts.logits.tensor;
    let cut = batched.cut(&[(&batched.input, &batch_shape)], &[logits], &batch_shape);
    let engine = runtime.load(&cut.proto, vec![batch_shape.clone()])?;
    let outputs = engine.run(&[Values::Floats(&probe.repeat(batch))])?;

    let copies = outputs.first().map_or(&[][..], |array| &array.values);
    let single = parts.survey.get(logits).map(|tensor| &tensor.values[0]);
    let single = single.map_or(&[][..], Vec::as_slice);
    let first = copies.get(..single.len()).unwrap_or_default();
    if copies.len() == batch * single.len() && is_same_in_batch(first, single) {
        return Ok(());
    }
    Err(Error::new(format!(
        "the graph is fixed to a batch of {batch} images, and gives other logits for a single one; \
         export it with a batch of 1 or an open batch"
    )))
}
