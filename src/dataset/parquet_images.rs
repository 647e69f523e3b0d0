//! Images inside Parquet files, as Hugging Face lays them out: `image: struct<bytes, path>`, `label` a number with its
//! names in the file's metadata, `objects` with boxes (x, y, width, height) and categories. Read row group by row group.

use super::problem::{Odd, boxed};
use super::{Entry, Item, Lost, Source, display, frames, walk};
use crate::error::{Error, Result, Skip, Stage, guarded};
use polars::prelude::{AnyValue, DataFrame, Series};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows `start .. start + count` of a file: one row group.
struct Group {
    file: Arc<PathBuf>,
    facts: Arc<Facts>,
    start: usize,
    count: usize,
}

impl Group {
    /// Rows that a file of this length could hold, whatever its footer says.
    fn rows_at_most(&self) -> usize {
        let bytes = std::fs::metadata(self.file.as_path()).map_or(0, |m| m.len());
        self.count.min(usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}

/// What the footer says of the columns.
struct Facts {
    columns: Vec<String>,
    labels: Vec<String>,
    categories: Vec<String>,
}

/// Streams the files below the root by name. The bytes are read only where they are wanted: not to count.
pub fn items(root: &Path, bytes: bool) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let files = walk::files(root, "parquet");
    if files.is_empty() {
        return Err(Error::new(format!(
            "there is no .parquet file below dataset.root {}",
            root.display()
        )));
    }
    let mut groups = Vec::new();
    for file in files {
        groups.extend(row_groups(file)?);
    }
    let root = root.to_path_buf();
    Ok(groups.into_iter().flat_map(move |group| -> Vec<Item> {
        match read(&group, bytes) {
            Ok(frame) => {
                // A column of a type that nobody thought of makes the library panic.
                let sound = |row| guarded(|| item(&root, &group, &frame, row));
                let strange = || Error::new("the row holds types that cannot be read");
                (0..frame.height())
                    .map(|row| sound(row).unwrap_or_else(|| lost(&root, &group, row, &strange())))
                    .collect()
            }
            Err(e) => (0..group.rows_at_most())
                .map(|row| lost(&root, &group, row, &e))
                .collect(),
        }
    }))
}

fn row_groups(file: PathBuf) -> Result<Vec<Group>> {
    let metadata = frames::metadata(&file)?;
    let huggingface = metadata
        .key_value_metadata()
        .iter()
        .flatten()
        .find(|kv| kv.key == "huggingface");
    let info: Value = huggingface
        .and_then(|kv| serde_json::from_str(kv.value.as_deref()?).ok())
        .unwrap_or_default();
    let features = &info["info"]["features"];
    let columns: Vec<String> = metadata
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().to_owned())
        .collect();
    if !columns.iter().any(|c| c == "image") {
        let found = columns.join(", ");
        return Err(Error::new(format!(
            "{}: there is no column `image` (found: {found})",
            file.display()
        )));
    }
    let facts = Facts {
        columns,
        labels: names(&features["label"]),
        categories: names(&features["objects"]),
    };
    let (file, facts) = (Arc::new(file), Arc::new(facts));
    let mut start = 0;
    let mut group = |count: usize| {
        let group = Group {
            file: file.clone(),
            facts: facts.clone(),
            start,
            count,
        };
        start += count;
        group
    };
    Ok(metadata
        .row_groups
        .iter()
        .map(|g| group(g.num_rows()))
        .collect())
}

fn read(group: &Group, bytes: bool) -> Result<DataFrame> {
    // Rows are counted by the columns that are read, never by the footer alone.
    let labels = ["label", "objects"];
    let any = group
        .facts
        .columns
        .iter()
        .any(|c| labels.contains(&c.as_str()));
    let wanted = |c: &&String| labels.contains(&c.as_str()) || ((bytes || !any) && *c == "image");
    let columns = group.facts.columns.iter().filter(wanted).cloned().collect();
    frames::read(&group.file, Some(columns), group.start, group.count)
}

/// The first list `names` anywhere below a feature.
fn names(feature: &Value) -> Vec<String> {
    let own = feature["names"].as_array();
    let text = |names: &Vec<Value>| {
        names
            .iter()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect()
    };
    let below = || match feature {
        Value::Object(map) => map.values().map(names).find(|n| !n.is_empty()),
        Value::Array(list) => list.iter().map(names).find(|n| !n.is_empty()),
        _ => None,
    };
    own.map(text).or_else(below).unwrap_or_default()
}

fn lost(root: &Path, group: &Group, row: usize, e: &Error) -> Item {
    let path = display(&place(root, group, row));
    Item::Lost(Lost {
        path,
        label: None,
        skip: Skip::new(Stage::Read, "bad_row_group", e),
    })
}

/// The name of a row: its file and its number.
fn place(root: &Path, group: &Group, row: usize) -> PathBuf {
    group
        .file
        .strip_prefix(root)
        .unwrap_or(&group.file)
        .join((group.start + row).to_string())
}

fn item(root: &Path, group: &Group, frame: &DataFrame, row: usize) -> Item {
    let mut entry = Entry {
        path: place(root, group, row),
        ..Entry::default()
    };
    let label = frame.column("label").ok().and_then(|c| c.get(row).ok());
    entry.label = label
        .filter(|v| !v.is_null())
        .map(|v| named(&v, &group.facts.labels));
    for (category, [x, y, w, h]) in objects(frame, row).unwrap_or_default() {
        let place = entry.path.clone();
        let note = |code, message: String| entry.odd.push(Odd::new(code, &place, 0, message));
        let category = named(&category, &group.facts.categories);
        entry
            .annotations
            .extend(boxed(&category, [x, y, x + w, y + h], note));
    }
    entry.source = Some(Source::Bytes(bytes_of(frame, row).unwrap_or_default()));
    Item::Found(entry)
}

/// A value as its name, where it is a number that has one.
fn named(value: &AnyValue<'_>, names: &[String]) -> String {
    match value.try_extract::<u64>() {
        Ok(n) => names
            .get(n as usize)
            .cloned()
            .unwrap_or_else(|| n.to_string()),
        Err(_) => value
            .get_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    }
}

/// Categories and boxes of a row: a struct of lists, or a list of structs.
fn objects(frame: &DataFrame, row: usize) -> Option<Vec<(AnyValue<'static>, [f64; 4])>> {
    let cell = frame.column("objects").ok()?.get(row).ok()?.into_static();
    let field = |name: &str| -> Option<Series> {
        match &cell {
            AnyValue::List(structs) => structs.struct_().ok()?.field_by_name(name).ok(),
            AnyValue::StructOwned(fields) => {
                let at = fields.1.iter().position(|f| f.name().as_str() == name)?;
                if let AnyValue::List(list) = &fields.0[at] {
                    Some(list.clone())
                } else {
                    None
                }
            }
            _ => None,
        }
    };
    let (boxes, categories) = (
        field("bbox")?,
        field("category").or_else(|| field("label"))?,
    );
    let edges = |i: usize| -> Option<[f64; 4]> {
        let (AnyValue::List(list) | AnyValue::Array(list, 4)) = boxes.get(i).ok()? else {
            return None;
        };
        let edge = |k: usize| {
            list.get(k)
                .ok()
                .and_then(|v| v.try_extract::<f64>().ok())
                .unwrap_or(f64::NAN)
        };
        Some(std::array::from_fn(edge))
    };
    let one = |i: usize| {
        Some((
            categories.get(i).ok()?.into_static(),
            edges(i).unwrap_or([f64::NAN; 4]),
        ))
    };
    Some(
        (0..boxes.len().min(categories.len()))
            .filter_map(one)
            .collect(),
    )
}

/// The field `bytes` of an image cell; none where the cell names an outside file only.
fn bytes_of(frame: &DataFrame, row: usize) -> Option<Arc<[u8]>> {
    let field = frame
        .column("image")
        .ok()?
        .struct_()
        .ok()?
        .field_by_name("bytes")
        .ok()?;
    field.binary().ok()?.get(row).map(Arc::from)
}
