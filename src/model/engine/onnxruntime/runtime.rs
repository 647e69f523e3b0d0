//! The loaded library, a graph's sessions, and how to run one.

use super::library::find_library;
use crate::error::{Error, Result};
use crate::model::engine::{Array, Values};
use crate::plan::Device;
use ort::environment::Environment;
use ort::ep::CUDA;
use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{OutputSelector, RunOptions, Session, SessionInputValue};
use ort::value::{DynValue, TensorRef};
use prost::Message;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use tract_onnx::pb::ModelProto;

/// A process loads the library once.
static LOADED: OnceLock<Result<(Environment, PathBuf), String>> = OnceLock::new();

/// The loaded library and the device to run on.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
    device: Device,
}

/// A graph, from which every worker makes its own session.
pub struct Engine {
    runtime: Runtime,
    model: Vec<u8>,
    names: Vec<String>,
    /// A side of 0 is as long as the values that are given.
    shapes: Vec<Vec<i64>>,
    outputs: Vec<String>,
    /// The session that was made to test the graph, for the first worker.
    first: Mutex<Option<Session>>,
}

/// A worker's session.
pub struct State {
    session: Session,
}

impl Runtime {
    /// # Errors
    /// When the library is not found or cannot be loaded.
    pub fn new(library: Option<&Path>, device: Device) -> Result<Self> {
        match LOADED.get_or_init(|| load_library(library)) {
            Ok((environment, library)) => Ok(Self {
                environment: environment.clone(),
                library: library.clone(),
                device,
            }),
            Err(e) => Err(Error::new(format!("engine onnxruntime: {e}"))),
        }
    }

    /// `onnxruntime 1.22.0`, or the library's build information if it has no version.
    pub fn name(&self) -> String {
        let version = self.version().unwrap_or_else(|| ort::info().to_owned());
        let device = match self.device {
            Device::Cpu => String::new(),
            Device::Cuda(index) => format!(" cuda:{index}"),
        };
        format!("onnxruntime {version}{device}")
    }

    /// The version in the build information, else in the file name.
    fn version(&self) -> Option<String> {
        let branch = ort::info().split("git-branch=").nth(1);
        let branch = branch.and_then(|text| text.split(',').next());
        branch.and_then(version_number).or_else(|| {
            let file_name = self.library.file_name().map(OsStr::to_string_lossy);
            version_number(&file_name.unwrap_or_default())
        })
    }

    /// Prepares `proto` for the given input shapes. A side of 0 is as long as the values that are
    /// given to a run.
    ///
    /// # Errors
    /// When the library refuses the graph.
    pub fn load(&self, proto: &ModelProto, shapes: &[Vec<usize>]) -> Result<Engine> {
        let inputs = proto.graph.iter().flat_map(|graph| &graph.input);
        let outputs = proto.graph.iter().flat_map(|graph| &graph.output);
        let mut engine = Engine {
            runtime: self.clone(),
            model: proto.encode_to_vec(),
            names: inputs.map(|input| input.name.clone()).collect(),
            shapes: shapes.iter().map(|shape| signed(shape)).collect(),
            outputs: outputs.map(|output| output.name.clone()).collect(),
            first: Mutex::new(None),
        };
        engine.first = Mutex::new(Some(engine.session()?));
        Ok(engine)
    }
}

fn load_library(setting: Option<&Path>) -> Result<(Environment, PathBuf), String> {
    let library = find_library(setting)?;
    let environment = ort::init_from(&library)
        .map_err(|e| e.to_string())?
        .with_telemetry(false)
        .build()
        .map_err(|e| e.to_string())?;
    Ok((environment, library))
}

/// The first number with a dot in a text, from its first digit to its last.
fn version_number(text: &str) -> Option<String> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let digits = text[start..].trim_end_matches(|c: char| !c.is_ascii_digit());
    digits.contains('.').then(|| digits.to_owned())
}

fn signed(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&side| side as i64).collect()
}

impl Engine {
    /// # Errors
    /// When the library cannot make a session.
    pub fn state(&self) -> Result<State> {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let session = match first {
            Some(session) => session,
            None => self.session()?,
        };
        Ok(State { session })
    }

    /// Outputs of the graph.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    fn session(&self) -> Result<Session> {
        self.build_session().map_err(|e| engine_error(&e))
    }

    /// A session with one thread, because images are processed in parallel.
    fn build_session(&self) -> ort::Result<Session> {
        let mut builder = Session::builder(&self.runtime.environment)?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            // Its errors are returned; on the terminal they would be shown twice.
            .with_log_level(LogLevel::Fatal)?;
        if let Device::Cuda(index) = self.runtime.device {
            let device = CUDA::default()
                .with_device_id(i32::from(index))
                // Ten bits of a factor: a map would no longer give its logit within 1e-4.
                .with_tf32(false)
                .build()
                .error_on_failure();
            builder = builder.with_execution_providers([device])?;
        }
        builder.commit_from_memory(&self.model)
    }
}

impl State {
    /// Runs the graph, and copies the outputs at `positions` from the device.
    ///
    /// # Errors
    /// When the library fails.
    pub fn run(
        &mut self,
        engine: &Engine,
        inputs: &[Values<'_>],
        positions: &[usize],
    ) -> Result<Vec<Array>> {
        self.run_session(engine, inputs, positions)
            .map_err(|e| engine_error(&e))
    }

    fn run_session(
        &mut self,
        engine: &Engine,
        inputs: &[Values<'_>],
        positions: &[usize],
    ) -> ort::Result<Vec<Array>> {
        let mut values = Vec::new();
        for ((name, shape), data) in engine.names.iter().zip(&engine.shapes).zip(inputs) {
            let value: SessionInputValue<'_> = match data {
                Values::Floats(data) => {
                    TensorRef::from_array_view((filled(shape, data.len()), *data))?.into()
                }
                Values::Bytes(data) => {
                    TensorRef::from_array_view((filled(shape, data.len()), *data))?.into()
                }
                Values::Indices(data) => {
                    TensorRef::from_array_view((filled(shape, data.len()), *data))?.into()
                }
            };
            values.push((name.as_str(), value));
        }

        let mut selected = OutputSelector::no_default();
        for &position in positions {
            selected = selected.with(&engine.outputs[position]);
        }
        let options = RunOptions::new()?.with_outputs(selected);
        let outputs = self.session.run_with_options(values, &options)?;
        let names = positions.iter().map(|&position| &engine.outputs[position]);
        names.map(|name| array(&outputs[name.as_str()])).collect()
    }
}

/// The shape of `count` numbers: a side of 0 is as long as they need.
fn filled(shape: &[i64], count: usize) -> Vec<i64> {
    let known: i64 = shape.iter().filter(|&&side| side > 0).product();
    let length = count as i64 / known;
    let sides = shape.iter();
    sides
        .map(|&side| if side == 0 { length } else { side })
        .collect()
}

fn array(value: &DynValue) -> ort::Result<Array> {
    let (shape, values) = value.try_extract_tensor::<f32>()?;
    Ok(Array {
        shape: shape.iter().map(|&side| side as usize).collect(),
        values: values.to_vec(),
    })
}

fn engine_error(error: &ort::Error) -> Error {
    Error::new(format!("ONNX Runtime: {error}"))
}
