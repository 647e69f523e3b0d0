//! External weights copied into the graph: a graph in memory has no folder to read them from.

use crate::error::{Error, Result};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use tract_onnx::pb::{ModelProto, TensorProto, tensor_proto::DataLocation};

/// A copy of the model with all weights inside; external files are read from `folder`.
///
/// # Errors
/// When a file cannot be read or is too short.
pub fn embed_weights(proto: &ModelProto, folder: &Path) -> Result<ModelProto> {
    let mut proto = proto.clone();
    let Some(graph) = &mut proto.graph else {
        return Ok(proto);
    };

    let constants = graph
        .node
        .iter_mut()
        .flat_map(|node| &mut node.attribute)
        .filter_map(|attribute| attribute.t.as_mut());
    for tensor in graph.initializer.iter_mut().chain(constants) {
        if tensor.data_location == Some(DataLocation::External as i32) {
            embed(tensor, folder)?;
        }
    }
    Ok(proto)
}

fn embed(tensor: &mut TensorProto, folder: &Path) -> Result<()> {
    let file = folder.join(external_entry(tensor, "location").unwrap_or_default());
    let offset = external_number(tensor, "offset").unwrap_or_default();
    let length = external_number(tensor, "length");

    let bytes = read_range(&file, offset, length)
        .map_err(Error::cause(format!("read the weights {}", file.display())))?;
    if length.is_some_and(|length| (bytes.len() as u64) < length) {
        return Err(Error::new(format!(
            "weight {:?}: {} ends too early",
            tensor.name,
            file.display()
        )));
    }

    tensor.raw_data = bytes;
    tensor.external_data.clear();
    tensor.data_location = None;
    Ok(())
}

fn external_entry<'a>(tensor: &'a TensorProto, key: &str) -> Option<&'a str> {
    let entry = tensor.external_data.iter().find(|entry| entry.key == key)?;
    Some(&entry.value)
}

fn external_number(tensor: &TensorProto, key: &str) -> Option<u64> {
    external_entry(tensor, key)?.parse().ok()
}

/// The bytes of a file from `offset`, to its end or at most `length`.
fn read_range(file: &Path, offset: u64, length: Option<u64>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(file)?;
    file.seek(SeekFrom::Start(offset))?;
    file.take(length.unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
