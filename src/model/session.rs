//! Running the model on images.

use super::chain::AffineChain;
use super::engine::{Array, Batches, Engine, State, Values};
use super::gate::GateValues;
use super::normalisation::Normalisation;
use super::outputs::predicted;
use super::pool::Pool;
use crate::error::{Error, Result};

/// The result for one image: the maps of the pooled vector, logits and the values of the head's
/// gates.
pub struct Inference {
    pub features: Vec<f32>,
    /// One per class.
    pub logits: Vec<f32>,
    pub(super) gates: Vec<GateValues>,
}

impl Inference {
    /// Class with the largest logit, the first if several have it.
    pub fn predicted(&self) -> usize {
        predicted(&self.logits)
    }
}

/// What an audit reads of a run of the graph.
#[derive(Clone, Copy)]
pub(super) struct Outputs<'a> {
    pub pool: &'a Pool,
    pub chain: &'a AffineChain,
    /// One logit for two classes: its negative is the logit of class 0.
    pub binary: bool,
}

impl Outputs<'_> {
    /// # Errors
    /// When a logit is not finite.
    fn read(&self, arrays: Vec<Array>) -> Result<Inference> {
        let mut outputs = arrays.into_iter().map(|array| array.values);

        let features = self.pool.attribute(outputs.next().unwrap_or_default());
        let mut logits = outputs.next().unwrap_or_default();
        if self.binary {
            logits = vec![-logits[0], logits[0]];
        }
        let mut gates = Vec::new();
        for _ in self.chain.gates() {
            gates.push(GateValues {
                before: outputs.next().unwrap_or_default(),
                after: outputs.next().unwrap_or_default(),
            });
        }

        refuse_infinite(&logits)?;
        Ok(Inference {
            features,
            logits,
            gates,
        })
    }
}

/// A session for numbers that are normalised already, one image at a time.
pub struct Session<'a> {
    pub(super) engine: &'a Engine,
    pub(super) state: State,
    pub(super) outputs: Outputs<'a>,
}

impl Session<'_> {
    /// Runs one image, `values` in the shape of `facts.input_shape`.
    ///
    /// # Errors
    /// When the engine fails or a logit is not finite.
    pub fn run(&mut self, values: &[f32]) -> Result<Inference> {
        let arrays = self.state.run(self.engine, &[Values::Floats(values)])?;
        self.outputs.read(arrays)
    }
}

/// One worker's session, for 8-bit levels.
pub struct PixelSession<'a> {
    pub(super) runner: Runner<'a>,
    pub(super) outputs: Outputs<'a>,
}

/// What runs the images of a worker.
pub(super) enum Runner<'a> {
    /// One image at a time.
    Alone {
        engine: &'a Engine,
        state: Box<State>,
        normalisation: &'a Normalisation,
        /// The normalised image.
        values: Vec<f32>,
    },
    /// Together with those of other workers.
    Together(&'a Batches),
}

impl PixelSession<'_> {
    /// Runs one image, `levels` in the shape of `facts.input_shape`.
    ///
    /// # Errors
    /// When the engine fails or a logit is not finite.
    pub fn run(&mut self, levels: &[u8]) -> Result<Inference> {
        let arrays = match &mut self.runner {
            Runner::Alone {
                engine,
                state,
                normalisation,
                values,
            } => {
                values.resize(levels.len(), 0.0);
                normalisation.fill(levels, values);
                state.run(engine, &[Values::Floats(values)])?
            }
            Runner::Together(batches) => batches.run(levels)?,
        };
        self.outputs.read(arrays)
    }
}

fn refuse_infinite(logits: &[f32]) -> Result<()> {
    for (class, logit) in logits.iter().enumerate() {
        if !logit.is_finite() {
            return Err(Error::new(format!("the logit of class {class} is {logit}")));
        }
    }
    Ok(())
}
