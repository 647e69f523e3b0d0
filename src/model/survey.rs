//! The tensors that all evidence passes on its way to the output, with their values on three probe
//! images.

use super::engine::{Runtime, Values};
use super::graph::Graph;
use crate::error::{Error, Result};

/// Most tensors before the output that are looked at: the pool and the head are among them.
const TENSORS_MAX: usize = 64;

/// The last dominators of an output, in order.
pub struct Survey {
    pub tensors: Vec<Tensor>,
}

/// A tensor at batch 1.
pub struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    /// Its values on each probe.
    pub values: Vec<Vec<f32>>,
}

impl Survey {
    /// Runs the graph on the probes, up to `output`.
    ///
    /// # Errors
    /// When the engine cannot run the graph.
    pub fn new(
        graph: &Graph,
        output: &str,
        runtime: &Runtime,
        image: &[usize],
        probes: &[Vec<f32>],
    ) -> Result<Self> {
        let mut names = graph.dominators(&graph.input, output);
        if names.is_empty() {
            return Err(Error::new(format!(
                "the output {output:?} does not depend on the input {:?}",
                graph.input
            )));
        }
        names.drain(..names.len().saturating_sub(TENSORS_MAX));

        let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        let cut = graph.cut(&[(&graph.input, image)], &wanted, image);
        let engine = runtime.load(&cut.proto, vec![image.to_vec()])?;
        let mut state = engine.state()?;

        let mut tensors: Vec<Tensor> = names.into_iter().map(Tensor::new).collect();
        for probe in probes {
            let arrays = state.run(&engine, &[Values::Floats(probe)])?;
            for (tensor, array) in tensors.iter_mut().zip(arrays) {
                tensor.shape = array.shape;
                tensor.values.push(array.values);
            }
        }
        Ok(Self { tensors })
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Position of the tensor of this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.tensors.iter().position(|tensor| tensor.name == name)
    }
}

impl Tensor {
    fn new(name: String) -> Self {
        Self {
            name,
            shape: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Number of its values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}
