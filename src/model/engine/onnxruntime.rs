//! ONNX Runtime as the engine: the user's own library, loaded when a pipeline asks for it.

use super::Array;
use crate::error::{Error, Result};
use crate::plan::Device;
use ort::environment::Environment;
use ort::ep::CUDA;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use prost::Message;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use tract_onnx::pb::{ModelProto, TensorProto, tensor_proto::DataLocation};

/// The library is loaded once in a process.
static LOADED: OnceLock<std::result::Result<(Environment, PathBuf), String>> = OnceLock::new();

#[cfg(target_os = "windows")]
const NAMES: [&str; 2] = ["onnxruntime", ".dll"];
#[cfg(target_os = "macos")]
const NAMES: [&str; 2] = ["libonnxruntime", ".dylib"];
#[cfg(not(any(target_os = "windows", target_os = "macos")))]
const NAMES: [&str; 2] = ["libonnxruntime", ".so"];

/// The loaded library and the device to run on.
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
    device: Device,
}

/// A graph, from which every worker makes a session of its own.
pub struct Engine {
    runtime: Runtime,
    model: Vec<u8>,
    names: Vec<String>,
    shapes: Vec<Vec<i64>>,
    /// The session that showed that the graph loads, for the first worker.
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
        let load = || {
            let found = find(library)?;
            let environment = ort::init_from(&found)
                .map_err(|e| e.to_string())?
                .with_telemetry(false);
            Ok((environment.build().map_err(|e| e.to_string())?, found))
        };
        match LOADED.get_or_init(load) {
            Ok((environment, library)) => Ok(Self {
                environment: environment.clone(),
                library: library.clone(),
                device,
            }),
            Err(e) => Err(Error::new(format!("engine onnxruntime: {e}"))),
        }
    }

    /// `onnxruntime 1.22.0`, where the library's build says so.
    pub fn name(&self) -> String {
        let branch = ort::info()
            .split("git-branch=")
            .nth(1)
            .and_then(|b| b.split(',').next());
        let stem = self
            .library
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let number = |text: &str| {
            let from = text.find(|c: char| c.is_ascii_digit())?;
            let digits = text[from..].trim_end_matches(|c: char| !c.is_ascii_digit());
            digits.contains('.').then(|| digits.to_owned())
        };
        let version = branch.and_then(number).or_else(|| number(&stem));
        let device = match self.device {
            Device::Cpu => String::new(),
            Device::Cuda(n) => format!(" cuda:{n}"),
        };
        format!(
            "onnxruntime {}{device}",
            version.as_deref().unwrap_or_else(|| ort::info())
        )
    }

    /// # Errors
    /// When the library refuses the graph.
    pub fn load(
        &self,
        proto: &ModelProto,
        folder: &Path,
        shapes: Vec<Vec<usize>>,
    ) -> Result<Engine> {
        let names = proto
            .graph
            .as_ref()
            .map(|g| g.input.iter().map(|i| i.name.clone()).collect())
            .unwrap_or_default();
        let model = with_own_weights(proto, folder)?.encode_to_vec();
        let shapes = shapes
            .into_iter()
            .map(|s| s.into_iter().map(|d| d as i64).collect())
            .collect();
        let runtime = Self {
            environment: self.environment.clone(),
            library: self.library.clone(),
            device: self.device,
        };
        let mut engine = Engine {
            runtime,
            model,
            names,
            shapes,
            first: Mutex::new(None),
        };
        engine.first = Mutex::new(Some(engine.session()?));
        Ok(engine)
    }
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
        Ok(State {
            session: first.map_or_else(|| self.session(), Ok)?,
        })
    }

    /// A session of one thread: images are what runs in parallel.
    fn session(&self) -> Result<Session> {
        let make = || -> ort::Result<Session> {
            let builder = Session::builder(&self.runtime.environment)?
                .with_optimization_level(GraphOptimizationLevel::Level3)?
                .with_intra_threads(1)?
                .with_inter_threads(1)?;
            let mut builder = match self.runtime.device {
                Device::Cpu => builder,
                Device::Cuda(n) => {
                    let device = CUDA::default()
                        .with_device_id(i32::from(n))
                        .build()
                        .error_on_failure();
                    builder.with_execution_providers([device])?
                }
            };
            builder.commit_from_memory(&self.model)
        };
        make().map_err(|e| refused(&e))
    }
}

impl State {
    /// # Errors
    /// When the library fails.
    pub fn run(&mut self, engine: &Engine, inputs: &[&[f32]]) -> Result<Vec<Array>> {
        let mut run = || -> ort::Result<Vec<Array>> {
            let mut values = Vec::new();
            for ((name, shape), data) in engine.names.iter().zip(&engine.shapes).zip(inputs) {
                values.push((
                    name.as_str(),
                    TensorRef::from_array_view((shape.clone(), *data))?,
                ));
            }
            let outputs = self.session.run(values)?;
            let array = |value: &ort::value::DynValue| {
                let (shape, values) = value.try_extract_tensor::<f32>()?;
                Ok(Array {
                    shape: shape.iter().map(|&d| d as usize).collect(),
                    values: values.to_vec(),
                })
            };
            (0..outputs.len()).map(|i| array(&outputs[i])).collect()
        };
        run().map_err(|e| refused(&e))
    }
}

fn refused(error: &ort::Error) -> Error {
    Error::new(format!("ONNX Runtime: {error}"))
}

/// Weights in files of their own are looked up and put into the graph: a graph in memory has no folder.
fn with_own_weights(proto: &ModelProto, folder: &Path) -> Result<ModelProto> {
    let mut proto = proto.clone();
    let Some(graph) = &mut proto.graph else {
        return Ok(proto);
    };
    let constants = graph
        .node
        .iter_mut()
        .flat_map(|n| &mut n.attribute)
        .filter_map(|a| a.t.as_mut());
    for tensor in graph.initializer.iter_mut().chain(constants) {
        if tensor.data_location == Some(DataLocation::External as i32) {
            take_in(tensor, folder)?;
        }
    }
    Ok(proto)
}

fn take_in(tensor: &mut TensorProto, folder: &Path) -> Result<()> {
    let entry = |key: &str| {
        tensor
            .external_data
            .iter()
            .find(|e| e.key == key)
            .map(|e| e.value.clone())
    };
    let file = folder.join(entry("location").unwrap_or_default());
    let number = |key: &str| entry(key).and_then(|v| v.parse::<u64>().ok());
    let (from, length) = (number("offset").unwrap_or_default(), number("length"));
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut opened = std::fs::File::open(&file)?;
        opened.seek(SeekFrom::Start(from))?;
        opened
            .take(length.unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let own = read().map_err(Error::cause(format!("read the weights {}", file.display())))?;
    if length.is_some_and(|length| (own.len() as u64) < length) {
        return Err(Error::new(format!(
            "weight {:?}: {} ends too early",
            tensor.name,
            file.display()
        )));
    }
    tensor.raw_data = own;
    tensor.external_data.clear();
    tensor.data_location = None;
    Ok(())
}

/// Where the library is: the setting, `ORT_DYLIB_PATH`, the active Python environment, the first Python on the path that has it.
///
/// # Errors
/// When a place that is named holds no file, or none is found.
pub fn find(setting: Option<&Path>) -> std::result::Result<PathBuf, String> {
    let named = std::env::var_os("ORT_DYLIB_PATH")
        .filter(|p| !p.is_empty())
        .map(PathBuf::from);
    if let Some(named) = setting.map(Path::to_path_buf).or(named) {
        // A name without a folder would be looked up by the system's loader.
        let absolute = std::path::absolute(&named).unwrap_or_else(|_| named.clone());
        return if absolute.is_file() {
            Ok(absolute)
        } else {
            Err(format!("there is no file {}", named.display()))
        };
    }
    let active = ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .into_iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let pythons = std::env::split_paths(&path).filter(|bin| bin.join("python3").exists());
    let prefixes: Vec<PathBuf> = active
        .chain(pythons.filter_map(|bin| bin.parent().map(Path::to_path_buf)))
        .collect();
    prefixes.iter().find_map(|prefix| in_python(prefix)).and_then(|p| std::path::absolute(p).ok()).ok_or_else(|| {
        "its library was not found; install it (pip install onnxruntime) in the active Python environment, or name it in \
         model.library or ORT_DYLIB_PATH"
            .into()
    })
}

/// The library of the Python package `onnxruntime` below a prefix: the newest of several.
fn in_python(prefix: &Path) -> Option<PathBuf> {
    let children = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(std::result::Result::ok);
        entries.map(|e| e.path()).collect::<Vec<_>>()
    };
    let mut libs = vec![prefix.join("Lib")];
    libs.extend(children(prefix.join("lib")));
    libs.extend(children(prefix.join("local/lib")));
    let packages = libs
        .iter()
        .flat_map(|lib| [lib.join("site-packages"), lib.join("dist-packages")]);
    let files = packages.flat_map(|p| children(p.join("onnxruntime/capi")));
    let name = |file: &Path| {
        file.file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let is_library = |file: &PathBuf| {
        let name = name(file);
        name.starts_with(NAMES[0]) && name.contains(NAMES[1]) && !name.contains("providers")
    };
    let version = |file: &PathBuf| -> Vec<u32> {
        name(file)
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|n| n.parse().ok())
            .collect()
    };
    files.filter(is_library).max_by_key(version)
}
