//! Running the model on images.

use super::chain::AffineChain;
use super::engine::{Array, Batches, Engine, State};
use super::gate::GateValues;
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

/// What runs the images of a session.
pub(super) enum Runner<'a> {
    /// One image at a time.
    Alone(&'a Engine, State),
    /// Together with those of other workers.
    Together(&'a Batches),
}

impl Runner<'_> {
    fn run(&mut self, image: &[f32]) -> Result<Vec<Array>> {
        match self {
            Self::Alone(engine, state) => state.run(engine, &[image]),
            Self::Together(batches) => batches.run(image),
        }
    }
}

/// One worker's session.
pub struct Session<'a> {
    runner: Runner<'a>,
    pool: &'a Pool,
    chain: &'a AffineChain,
    /// Whether the model takes 8-bit pixels.
    takes_bytes: bool,
    /// One logit for two classes: its negative is the logit of class 0.
    binary: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        runner: Runner<'a>,
        pool: &'a Pool,
        chain: &'a AffineChain,
        binary: bool,
        takes_bytes: bool,
    ) -> Self {
        Self {
            runner,
            pool,
            chain,
            takes_bytes,
            binary,
        }
    }

    /// Runs one image, `values` in the shape of `facts.input_shape`.
    ///
    /// # Errors
    /// When the engine fails or a logit is not finite.
    pub fn run(&mut self, values: &[f32]) -> Result<Inference> {
        if self.takes_bytes {
            refuse_fractions(values)?;
        }
        let arrays = self.runner.run(values)?;
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

/// Pixels of a model that takes bytes are whole numbers from 0 to 255.
fn refuse_fractions(values: &[f32]) -> Result<()> {
    let wrong = |value: &&f32| value.fract() != 0.0 || !(0.0..=255.0).contains(*value);
    match values.iter().find(wrong) {
        None => Ok(()),
        Some(value) => Err(Error::new(format!(
            "the model takes 8-bit pixels, and the preprocessing makes {value}; set scale = 1, \
             mean = 0 and std = 1 in [preprocess]"
        ))),
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
