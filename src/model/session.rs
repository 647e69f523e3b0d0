//! Running the model on images.

use super::batched::{Batched, LOGITS, MAPS, PREDICTED};
use super::chain::AffineChain;
use super::engine::{Array, Engine, Request, State, Values};
use super::gate::GateValues;
use super::normalisation::Normalisation;
use super::outputs::predicted;
use super::pool::Pool;
use crate::error::{Error, Result};
use std::collections::BTreeMap;

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

/// The logits of one image, and what the maps of the classes that were asked for are made of.
pub enum Evidence {
    Features(Inference),
    Maps(GraphMaps),
}

/// Maps that the graph made.
pub struct GraphMaps {
    pub(super) logits: Vec<f32>,
    /// By row: the classes, then the classes with centred weights where there are such.
    pub(super) rows: BTreeMap<usize, Vec<f32>>,
}

impl Evidence {
    /// One per class.
    pub fn logits(&self) -> &[f32] {
        match self {
            Self::Features(inference) => &inference.logits,
            Self::Maps(maps) => &maps.logits,
        }
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
        let logits = self.logits(outputs.next().unwrap_or_default())?;
        let mut gates = Vec::new();
        for _ in self.chain.gates() {
            gates.push(GateValues {
                before: outputs.next().unwrap_or_default(),
                after: outputs.next().unwrap_or_default(),
            });
        }

        Ok(Inference {
            features,
            logits,
            gates,
        })
    }

    /// One logit per class.
    fn logits(&self, mut logits: Vec<f32>) -> Result<Vec<f32>> {
        if self.binary {
            logits = vec![-logits[0], logits[0]];
        }
        refuse_infinite(&logits)?;
        Ok(logits)
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
    Together(&'a Batched),
}

impl PixelSession<'_> {
    /// Runs one image, `levels` in the shape of `facts.input_shape`.
    ///
    /// # Errors
    /// When the engine fails or a logit is not finite.
    pub fn run(&mut self, levels: &[u8]) -> Result<Inference> {
        let gates = 2 * self.outputs.chain.gates().count();
        let all: Vec<usize> = (0..=LOGITS + gates).collect();
        let arrays = self.arrays(levels, &[], &all)?;
        self.outputs.read(arrays)
    }

    /// The logits of one image, one per class.
    ///
    /// # Errors
    /// As of [`PixelSession::run`].
    pub fn logits(&mut self, levels: &[u8]) -> Result<Vec<f32>> {
        let arrays = self.arrays(levels, &[], &[LOGITS])?;
        let [logits] = exactly(arrays)?;
        self.outputs.logits(logits.values)
    }

    /// The logits of one image, and what the maps of `classes` and of the class with the largest
    /// logit are made of.
    ///
    /// # Errors
    /// As of [`PixelSession::run`].
    pub fn evidence(&mut self, levels: &[u8], classes: &[usize]) -> Result<Evidence> {
        let Runner::Together(Batched {
            rows: Some(rows), ..
        }) = self.runner
        else {
            return self.run(levels).map(Evidence::Features);
        };
        let asked = rows.of(classes);
        let arrays = self.arrays(levels, &asked, &[LOGITS, MAPS, PREDICTED])?;
        let [logits, maps, chosen] = exactly(arrays)?;
        let logits = self.outputs.logits(logits.values)?;
        let class = predicted(&logits);
        if chosen.values != [class as f32] {
            // A device may choose another one of classes with equal logits.
            return self.run(levels).map(Evidence::Features);
        }

        let planes: Vec<&[f32]> = maps
            .values
            .chunks_exact(self.outputs.pool.layout.cells())
            .collect();
        let of_predicted = rows.of(&[class]);
        // Behind those that are asked for there may be others, which fill the batch.
        let (known, last) = planes.split_at(planes.len().saturating_sub(of_predicted.len()));
        let pairs = asked.iter().zip(known);
        let pairs = pairs.chain(of_predicted.iter().zip(last));
        Ok(Evidence::Maps(GraphMaps {
            logits,
            rows: pairs.map(|(row, plane)| (*row, plane.to_vec())).collect(),
        }))
    }

    /// The outputs at `outputs` for one image; with `rows` to ask for where maps are made inside
    /// the graph.
    fn arrays(&mut self, levels: &[u8], rows: &[usize], outputs: &[usize]) -> Result<Vec<Array>> {
        match &mut self.runner {
            Runner::Alone {
                engine,
                state,
                normalisation,
                values,
            } => {
                values.resize(levels.len(), 0.0);
                normalisation.fill(levels, values);
                state.run_for(engine, &[Values::Floats(values)], outputs)
            }
            Runner::Together(batched) => {
                let indices: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
                batched.batches.run(Request {
                    levels,
                    indices: &indices,
                    outputs,
                })
            }
        }
    }
}

fn exactly<const N: usize>(arrays: Vec<Array>) -> Result<[Array; N]> {
    let count = arrays.len();
    let arrays = arrays.try_into();
    arrays.map_err(|_| Error::new(format!("the engine returns {count} arrays instead of {N}")))
}

fn refuse_infinite(logits: &[f32]) -> Result<()> {
    for (class, logit) in logits.iter().enumerate() {
        if !logit.is_finite() {
            return Err(Error::new(format!("the logit of class {class} is {logit}")));
        }
    }
    Ok(())
}
