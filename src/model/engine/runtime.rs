//! The choice of engine: loads graphs and runs them with tract or ONNX Runtime.

#[cfg(feature = "onnxruntime")]
use super::onnxruntime;
use super::replace_convolutions::Replaced;
use super::{Array, Values, instruction_set, tract};
use crate::error::{Error, Result};
use crate::plan;
use tract_onnx::pb::ModelProto;

#[cfg(not(feature = "onnxruntime"))]
const NOT_BUILT_IN: &str = "model.engine: this camaudit was built without ONNX Runtime; \
    build it with the feature `onnxruntime`";

/// Loads the graphs of one model.
pub struct Runtime {
    kind: Kind,
}

enum Kind {
    Tract {
        exact_convolutions: bool,
    },
    #[cfg(feature = "onnxruntime")]
    OnnxRuntime(onnxruntime::Runtime),
}

/// A graph with fixed shapes, ready to run; shared by all workers.
pub enum Engine {
    Tract(tract::Engine),
    #[cfg(feature = "onnxruntime")]
    OnnxRuntime(onnxruntime::Engine),
}

/// One thread's memory for running an [`Engine`].
pub enum State {
    Tract(tract::State),
    #[cfg(feature = "onnxruntime")]
    OnnxRuntime(onnxruntime::State),
}

impl Runtime {
    /// # Errors
    /// When the engine's library is not found or too old; the message names the places that were
    /// searched.
    pub fn new(choice: &plan::Engine) -> Result<Self> {
        let kind = match choice {
            plan::Engine::Tract { exact_convolutions } => Kind::Tract {
                exact_convolutions: *exact_convolutions,
            },
            #[cfg(feature = "onnxruntime")]
            plan::Engine::OnnxRuntime {
                library, device, ..
            } => Kind::OnnxRuntime(onnxruntime::Runtime::new(library.as_deref(), *device)?),
            #[cfg(not(feature = "onnxruntime"))]
            plan::Engine::OnnxRuntime { .. } => return Err(Error::new(NOT_BUILT_IN)),
        };
        Ok(Self { kind })
    }

    /// Whether this is the engine that needs no installation.
    pub fn is_built_in(&self) -> bool {
        matches!(self.kind, Kind::Tract { .. })
    }

    /// Name, version, device and what else changes a number, for `run.json` and the cache.
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::Tract { exact_convolutions } => {
                let algorithm = if *exact_convolutions {
                    "exact"
                } else {
                    "Winograd"
                };
                format!("{}, {algorithm} convolutions", tract::NAME)
            }
            #[cfg(feature = "onnxruntime")]
            Kind::OnnxRuntime(runtime) => runtime.name(),
        }
    }

    /// Prepares `proto` for the given input shapes.
    ///
    /// # Errors
    /// When an operator is not supported or a shape does not fit; the message names the node.
    pub fn load(&self, proto: &ModelProto, shapes: Vec<Vec<usize>>) -> Result<Engine> {
        match &self.kind {
            Kind::Tract { exact_convolutions } => {
                tract::Engine::new(proto, shapes, *exact_convolutions).map(Engine::Tract)
            }
            #[cfg(feature = "onnxruntime")]
            Kind::OnnxRuntime(runtime) => runtime.load(proto, &shapes).map(Engine::OnnxRuntime),
        }
    }
}

impl Engine {
    /// Convolutions that run by this crate's operator.
    pub fn replaced(&self) -> Replaced {
        match self {
            Self::Tract(engine) => engine.replaced,
            #[cfg(feature = "onnxruntime")]
            Self::OnnxRuntime(_) => Replaced::default(),
        }
    }

    /// Memory for one more thread.
    pub fn state(&self) -> Result<State> {
        match self {
            Self::Tract(engine) => engine.state().map(State::Tract),
            #[cfg(feature = "onnxruntime")]
            Self::OnnxRuntime(engine) => engine.state().map(State::OnnxRuntime),
        }
    }

    /// Runs once in a new state.
    pub fn run(&self, inputs: &[Values<'_>]) -> Result<Vec<Array>> {
        self.state()?.run(self, inputs)
    }
}

impl State {
    /// Runs the graph; inputs and outputs are in the order of the graph. `engine` must be the one
    /// that made this state.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn run(&mut self, engine: &Engine, inputs: &[Values<'_>]) -> Result<Vec<Array>> {
        match (self, engine) {
            (Self::Tract(state), Engine::Tract(engine)) => state.run(engine, inputs),
            #[cfg(feature = "onnxruntime")]
            (Self::OnnxRuntime(state), Engine::OnnxRuntime(engine)) => {
                let all: Vec<usize> = (0..engine.outputs()).collect();
                state.run(engine, inputs, &all)
            }
            #[cfg(feature = "onnxruntime")]
            _ => Err(other_engine()),
        }
    }

    /// Runs the graph for the outputs at `positions`, in ascending order. A device copies no
    /// others.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn run_for(
        &mut self,
        engine: &Engine,
        inputs: &[Values<'_>],
        positions: &[usize],
    ) -> Result<Vec<Array>> {
        match (self, engine) {
            (Self::Tract(state), Engine::Tract(engine)) => {
                let arrays = state.run(engine, inputs)?.into_iter().enumerate();
                let selected = arrays.filter(|(position, _)| positions.contains(position));
                Ok(selected.map(|(_, array)| array).collect())
            }
            #[cfg(feature = "onnxruntime")]
            (Self::OnnxRuntime(state), Engine::OnnxRuntime(engine)) => {
                state.run(engine, inputs, positions)
            }
            #[cfg(feature = "onnxruntime")]
            _ => Err(other_engine()),
        }
    }
}

#[cfg(feature = "onnxruntime")]
fn other_engine() -> Error {
    Error::new("the state belongs to another engine")
}

/// The engines that can be used on this computer, one line each, for `camaudit inspect`.
pub fn list() -> Vec<String> {
    let mut lines = vec![format!("{} (built in, {})", tract::NAME, instruction_set())];

    #[cfg(feature = "onnxruntime")]
    lines.push(match onnxruntime::find_library(None) {
        Ok(library) => format!("onnxruntime ({})", library.display()),
        Err(reason) => format!("onnxruntime (not usable: {reason})"),
    });
    #[cfg(not(feature = "onnxruntime"))]
    lines.push("onnxruntime (not built in)".into());

    lines
}
