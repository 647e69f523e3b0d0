//! Engines that run a graph: arrays in, arrays out. One is built in; ONNX Runtime is the user's own library.

pub mod convolution;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
mod swap;
mod tract;

use crate::error::{Error, Result};
use crate::plan;
use std::path::{Path, PathBuf};
use tract_onnx::pb::ModelProto;

/// The instruction set that the built-in engine's operators are chosen by: the same numbers on machines where it is the same.
#[cfg(target_arch = "x86_64")]
pub fn machine() -> &'static str {
    match (
        std::is_x86_feature_detected!("avx512f"),
        std::is_x86_feature_detected!("fma"),
    ) {
        (true, _) => "x86_64 avx512f",
        (_, true) => "x86_64 fma",
        _ => "x86_64",
    }
}

/// The instruction set that the built-in engine's operators are chosen by.
#[cfg(not(target_arch = "x86_64"))]
pub fn machine() -> &'static str {
    std::env::consts::ARCH
}

/// A dense array of 32-bit floats.
#[derive(Debug, Clone)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// What loads the pieces of one model.
pub struct Runtime {
    kind: Kind,
    /// Where weights in files of their own lie.
    folder: PathBuf,
}

enum Kind {
    Tract,
    #[cfg(feature = "onnxruntime")]
    OnnxRuntime(onnxruntime::Runtime),
}

/// A graph with fixed shapes, ready to run.
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
    /// When the library of the engine is not found or too old; the message names the places that were looked at.
    pub fn new(choice: &plan::Engine, folder: &Path) -> Result<Self> {
        let kind = match choice {
            plan::Engine::Tract => Kind::Tract,
            #[cfg(feature = "onnxruntime")]
            plan::Engine::OnnxRuntime { library, device } => {
                Kind::OnnxRuntime(onnxruntime::Runtime::new(library.as_deref(), *device)?)
            }
            #[cfg(not(feature = "onnxruntime"))]
            plan::Engine::OnnxRuntime { .. } => return Err(Error::new(NOT_BUILT_IN)),
        };
        Ok(Self {
            kind,
            folder: folder.to_path_buf(),
        })
    }

    /// Name, version and device, for `run.json`.
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::Tract => tract::NAME.to_owned(),
            #[cfg(feature = "onnxruntime")]
            Kind::OnnxRuntime(runtime) => runtime.name(),
        }
    }

    /// Prepares `proto` for the input shapes given.
    ///
    /// # Errors
    /// When an operator is not supported or a shape does not fit; the message names the node.
    pub fn load(&self, proto: &ModelProto, shapes: Vec<Vec<usize>>) -> Result<Engine> {
        match &self.kind {
            Kind::Tract => tract::Engine::new(proto, &self.folder, shapes).map(Engine::Tract),
            #[cfg(feature = "onnxruntime")]
            Kind::OnnxRuntime(runtime) => runtime
                .load(proto, &self.folder, shapes)
                .map(Engine::OnnxRuntime),
        }
    }
}

impl Engine {
    /// Depthwise convolutions that run by our own operator.
    pub fn swapped(&self) -> usize {
        match self {
            Self::Tract(engine) => engine.swapped,
            #[cfg(feature = "onnxruntime")]
            Self::OnnxRuntime(_) => 0,
        }
    }

    pub fn state(&self) -> Result<State> {
        match self {
            Self::Tract(engine) => engine.state().map(State::Tract),
            #[cfg(feature = "onnxruntime")]
            Self::OnnxRuntime(engine) => engine.state().map(State::OnnxRuntime),
        }
    }

    /// Runs once in a fresh state.
    pub fn run(&self, inputs: &[&[f32]]) -> Result<Vec<Array>> {
        self.state()?.run(self, inputs)
    }
}

impl State {
    /// Runs the graph that the state is of; inputs and outputs in the order of the graph.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn run(&mut self, engine: &Engine, inputs: &[&[f32]]) -> Result<Vec<Array>> {
        match (self, engine) {
            (Self::Tract(state), Engine::Tract(engine)) => state.run(engine, inputs),
            #[cfg(feature = "onnxruntime")]
            (Self::OnnxRuntime(state), Engine::OnnxRuntime(engine)) => state.run(engine, inputs),
            #[cfg(feature = "onnxruntime")]
            _ => Err(Error::new("the state is of another engine")),
        }
    }
}

/// Engines that can be used here, a line each: what `camaudit inspect` lists.
pub fn list() -> Vec<String> {
    let mut lines = vec![format!("{} (built in, {})", tract::NAME, machine())];
    #[cfg(feature = "onnxruntime")]
    lines.push(match onnxruntime::find(None) {
        Ok(library) => format!("onnxruntime ({})", library.display()),
        Err(why) => format!("onnxruntime (not usable: {why})"),
    });
    #[cfg(not(feature = "onnxruntime"))]
    lines.push("onnxruntime (not built in)".into());
    lines
}

#[cfg(not(feature = "onnxruntime"))]
const NOT_BUILT_IN: &str = "model.engine: this camaudit was built without ONNX Runtime; build it with the feature `onnxruntime`";
