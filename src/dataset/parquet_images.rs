//! Images inside Parquet files, as Hugging Face lays them out: `image: struct<bytes, path>`, `label` a number with its
//! names in the file's metadata. Read row group by row group.

use super::problem::Odd;
use super::{Entry, Item, Source, walk};
use crate::error::{Error, Result};
use polars::prelude::{DataFrame, ParquetReader, SerReader};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows `start .. start + count` of a file: one row group.
struct Group {
    file: Arc<PathBuf>,
    names: Arc<Vec<String>>,
    start: usize,
    count: usize,
}

/// Streams the files below the root by name. The bytes are read only where they are wanted: not to count.
pub fn items(root: &Path, bytes: bool) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let files = walk::files(root, "parquet");
    if files.is_empty() {
        return Err(Error::new(format!("there is no .parquet file below dataset.root {}", root.display())));
    }
    let mut groups = Vec::new();
    for file in files {
        groups.extend(row_groups(file)?);
    }
    let root = root.to_path_buf();
    Ok(groups.into_iter().flat_map(move |group| match read(&group, bytes) {
        Ok(frame) => (0..frame.height()).map(|row| item(&root, &group, &frame, row)).collect(),
        Err(e) => vec![Item::Odd(Odd::new("bad_file", &group.file, 0, format!("rows from {}: {e}", group.start)))],
    }))
}

fn row_groups(file: PathBuf) -> Result<Vec<Group>> {
    let what = format!("read {}", file.display());
    let mut reader = ParquetReader::new(File::open(&file).map_err(Error::cause(&what))?);
    let metadata = reader.get_metadata().map_err(Error::cause(&what))?.clone();
    let huggingface = metadata.key_value_metadata().iter().flatten().find(|kv| kv.key == "huggingface");
    let info: Value = huggingface.and_then(|kv| serde_json::from_str(kv.value.as_deref()?).ok()).unwrap_or_default();
    let names = info["info"]["features"]["label"]["names"].as_array();
    let names = names.map_or_else(Vec::new, |n| n.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect());
    let (file, names) = (Arc::new(file), Arc::new(names));
    let mut start = 0;
    let mut group = |count: usize| {
        let group = Group { file: file.clone(), names: names.clone(), start, count };
        start += count;
        group
    };
    Ok(metadata.row_groups.iter().map(|g| group(g.num_rows())).collect())
}

fn read(group: &Group, bytes: bool) -> Result<DataFrame> {
    let columns = if bytes { vec!["label", "image"] } else { vec!["label"] };
    let file = File::open(group.file.as_path()).map_err(Error::cause("open it"))?;
    let reader = ParquetReader::new(file).with_slice(Some((group.start, group.count)));
    let columns = columns.into_iter().map(str::to_owned).collect();
    reader.with_columns(Some(columns)).finish().map_err(Error::cause("read it"))
}

fn item(root: &Path, group: &Group, frame: &DataFrame, row: usize) -> Item {
    let within = group.file.strip_prefix(root).unwrap_or(&group.file);
    let mut entry = Entry { path: within.join((group.start + row).to_string()), ..Entry::default() };
    let label = frame.column("label").ok().and_then(|c| c.get(row).ok());
    entry.label = label.filter(|v| !v.is_null()).map(|v| match v.try_extract::<u64>() {
        Ok(n) => group.names.get(n as usize).cloned().unwrap_or_else(|| n.to_string()),
        Err(_) => v.get_str().map_or_else(|| v.to_string(), str::to_owned),
    });
    entry.source = Some(Source::Bytes(bytes_of(frame, row).unwrap_or_default()));
    Item::Found(entry)
}

/// The field `bytes` of an image cell; none where the cell names an outside file only.
fn bytes_of(frame: &DataFrame, row: usize) -> Option<Arc<[u8]>> {
    let field = frame.column("image").ok()?.struct_().ok()?.field_by_name("bytes").ok()?;
    field.binary().ok()?.get(row).map(Arc::from)
}
