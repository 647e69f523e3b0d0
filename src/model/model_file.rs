//! A model file and its external weights, read once: the bytes that are parsed are the bytes that
//! are hashed.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};
use tract_onnx::pb::{ModelProto, TensorProto, tensor_proto::DataLocation};
use tract_onnx::prelude::Framework;

/// Where the snippets stand that export a model to ONNX.
const EXPORT_GUIDE: &str = "export the model to ONNX as docs/export.md shows";

/// A parsed model with all its weights inside.
pub struct ModelFile {
    pub proto: ModelProto,
    /// BLAKE3 of the model file and its external weights.
    pub hash: String,
}

impl ModelFile {
    /// Reads a model file, and the external weights beside it.
    ///
    /// # Errors
    /// When a file cannot be read, is no ONNX model, or its weights lie outside its folder.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_file(path)?;
        if let Some(kind) = foreign_format(&bytes) {
            return Err(Error::new(format!(
                "{} is {kind}, no ONNX file: {EXPORT_GUIDE}",
                path.display()
            )));
        }
        let mut proto = parse(&bytes, path)?;

        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes);
        let external = external_files(&mut proto, path)?;
        for weights in external.values() {
            hasher.update(weights);
        }
        for tensor in tensors(&mut proto) {
            if is_external(tensor) {
                embed(tensor, &external)?;
            }
        }
        Ok(Self {
            proto,
            hash: hasher.finalize().to_hex().to_string(),
        })
    }
}

fn parse(bytes: &[u8], path: &Path) -> Result<ModelProto> {
    let mut reader = bytes;
    tract_onnx::onnx()
        .proto_model_for_read(&mut reader)
        .map_err(|e| {
            Error::new(format!(
                "failed to read the ONNX model {}: {e:#}",
                path.display()
            ))
        })
}

/// Formats of other tools that are often passed by mistake.
fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'P', b'K', 3, 4, ..] => Some("a PyTorch or Keras archive"),
        [0x80, 2..=5, ..] => Some("a Python pickle (an old PyTorch file)"),
        [0x89, b'H', b'D', b'F', ..] => Some("a Keras HDF5 file"),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some("a TensorFlow Lite file"),
        _ => None,
    }
}

/// Reads a regular file: a device or a pipe may have no end.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    let what = || format!("read the model's file {}", path.display());
    let metadata = std::fs::metadata(path).map_err(|e| Error::cause(what())(e))?;
    if !metadata.is_file() {
        return Err(Error::new(format!(
            "failed to {}: it is no regular file",
            what()
        )));
    }

    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(metadata.len()).read_to_end(&mut bytes))
        .map_err(|e| Error::cause(what())(e))?;
    Ok(bytes)
}

/// The files that hold weights of a model, by their names relative to its folder.
fn external_files(proto: &mut ModelProto, model: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let folder = model.parent().unwrap_or(Path::new(""));
    let mut files = BTreeMap::new();
    for tensor in tensors(proto) {
        let Some(name) = location(tensor).filter(|_| is_external(tensor)) else {
            continue;
        };
        if files.contains_key(name) {
            continue;
        }
        if !stays_below(Path::new(name)) {
            return Err(Error::new(format!(
                "model {}: its weights are in {name:?}, outside the model's folder",
                model.display()
            )));
        }
        let bytes = read_file(&folder.join(name))?;
        files.insert(name.to_owned(), bytes);
    }
    Ok(files)
}

fn stays_below(file: &Path) -> bool {
    let mut components = file.components();
    components.all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
}

/// The weights of a model: initializers, and constants of its nodes.
fn tensors(proto: &mut ModelProto) -> impl Iterator<Item = &mut TensorProto> {
    let graph = proto.graph.iter_mut();
    graph.flat_map(|graph| {
        let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
        let constants = attributes.filter_map(|attribute| attribute.t.as_mut());
        graph.initializer.iter_mut().chain(constants)
    })
}

fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32)
}

fn location(tensor: &TensorProto) -> Option<&str> {
    external_entry(tensor, "location")
}

fn external_entry<'a>(tensor: &'a TensorProto, key: &str) -> Option<&'a str> {
    let entry = tensor.external_data.iter().find(|entry| entry.key == key)?;
    Some(&entry.value)
}

/// Moves the bytes of an external weight into the model.
fn embed(tensor: &mut TensorProto, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let name = location(tensor).unwrap_or_default().to_owned();
    let file = files.get(&name).map_or(&[][..], Vec::as_slice);
    let number = |key| external_entry(tensor, key)?.parse::<usize>().ok();
    let start = number("offset").unwrap_or_default();
    let end = match number("length") {
        Some(length) => start.saturating_add(length),
        None => file.len(),
    };

    let Some(bytes) = file.get(start..end) else {
        return Err(Error::new(format!(
            "weight {:?}: {name} ends too early",
            tensor.name
        )));
    };
    tensor.raw_data = bytes.to_vec();
    tensor.external_data.clear();
    tensor.data_location = None;
    Ok(())
}
