//! Running the model on images.

use super::chain::{AffineChain, GateValues};
use super::engine::{Engine, State};
use super::outputs::predicted;
use crate::error::{Error, Result};

/// The result for one image: feature maps, logits and the values of the head's gates.
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

/// One worker's session.
pub struct Session<'a> {
    engine: &'a Engine,
    chain: &'a AffineChain,
    /// One logit for two classes: its negative is the logit of class 0.
    binary: bool,
    state: State,
}

impl<'a> Session<'a> {
    pub(super) fn new(engine: &'a Engine, chain: &'a AffineChain, binary: bool) -> Result<Self> {
        Ok(Self {
            engine,
            chain,
            binary,
            state: engine.state()?,
        })
    }

    /// Runs one image, `values` in the shape of `facts.input_shape`.
    ///
    /// # Errors
    /// When the engine fails or a logit is not finite.
    pub fn run(&mut self, values: &[f32]) -> Result<Inference> {
        let arrays = self.state.run(self.engine, &[values])?;
        let mut outputs = arrays.into_iter().map(|array| array.values);

        let features = outputs.next().unwrap_or_default();
        let mut logits = outputs.next().unwrap_or_default();
        if self.binary {
            logits = vec![-logits[0], logits[0]];
        }
        let mut gates = Vec::new();
        for _ in &self.chain.gates {
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

fn refuse_infinite(logits: &[f32]) -> Result<()> {
    for (class, logit) in logits.iter().enumerate() {
        if !logit.is_finite() {
            return Err(Error::new(format!("the logit of class {class} is {logit}")));
        }
    }
    Ok(())
}
