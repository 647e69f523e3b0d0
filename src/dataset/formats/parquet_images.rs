//! Images inside Parquet files, in the layout of Hugging Face: `image: struct<bytes, path>`,
//! `label` a number with its names in the file's metadata, `objects` with boxes (x, y, width,
//! height) and categories. Read row group by row group.

use super::parquet_cells::{class_name, image_bytes, objects};
use crate::dataset::checks::checked_box;
use crate::dataset::item::{Entry, Item, ReadMode, Skipped};
use crate::dataset::parquet::frames;
use crate::dataset::paths::display;
use crate::dataset::problem::ProblemLog;
use crate::dataset::sample::{ImageId, Source};
use crate::dataset::walk;
use crate::error::{Error, Result, Skip, SkipReason, Stage, guarded};
use polars::prelude::{DataFrame, FileMetadata};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Columns that are read without the images.
const LABEL_COLUMNS: [&str; 2] = ["label", "objects"];

/// A file and its columns.
struct ParquetFile {
    path: PathBuf,
    /// Path relative to the root: images are named by it and the number of their row.
    name: PathBuf,
    columns: Vec<String>,
    labels: Vec<String>,
    categories: Vec<String>,
}

/// Rows `start .. start + count` of a file.
struct RowGroup {
    file: Arc<ParquetFile>,
    start: usize,
    count: usize,
}

/// Streams the files below the root by name.
///
/// # Errors
/// When there is no file, or one is no Parquet file with a column `image`.
pub fn items(root: &Path, mode: ReadMode) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let paths = walk::files(root, "parquet");
    if paths.is_empty() {
        return Err(Error::new(format!(
            "there is no .parquet file below dataset.root {}",
            root.display()
        )));
    }

    let mut groups = Vec::new();
    for path in paths {
        groups.extend(row_groups(root, path)?);
    }
    Ok(groups.into_iter().flat_map(move |group| group.items(&mode)))
}

fn row_groups(root: &Path, path: PathBuf) -> Result<Vec<RowGroup>> {
    let metadata = frames::metadata(&path)?;
    let file = Arc::new(ParquetFile::new(root, path, &metadata)?);

    let mut groups = Vec::new();
    let mut start = 0;
    for group in &metadata.row_groups {
        let count = group.num_rows();
        groups.push(RowGroup {
            file: file.clone(),
            start,
            count,
        });
        start += count;
    }
    Ok(groups)
}

impl ParquetFile {
    fn new(root: &Path, path: PathBuf, metadata: &FileMetadata) -> Result<Self> {
        let columns = frames::columns(metadata);
        if !columns.iter().any(|column| column == "image") {
            return Err(Error::new(format!(
                "{}: there is no column `image` (found: {})",
                path.display(),
                columns.join(", ")
            )));
        }

        let info = huggingface_info(metadata);
        let features = &info["info"]["features"];
        Ok(Self {
            name: path.strip_prefix(root).unwrap_or(&path).to_path_buf(),
            path,
            columns,
            labels: names(&features["label"]),
            categories: names(&features["objects"]),
        })
    }

    /// Columns to read. Rows are counted by the columns that are read, never by the footer alone,
    /// so there is always one.
    fn columns(&self, with_images: bool) -> Vec<String> {
        let has_labels = self.columns.iter().any(|column| is_label(column));
        let reads_image = with_images || !has_labels;

        let mut columns = self.columns.clone();
        columns.retain(|column| is_label(column) || (reads_image && column == "image"));
        columns
    }
}

fn is_label(column: &str) -> bool {
    LABEL_COLUMNS.contains(&column)
}

/// The JSON that Hugging Face writes beside the schema; null where there is none.
fn huggingface_info(metadata: &FileMetadata) -> Value {
    let key_values = metadata.key_value_metadata().iter().flatten();
    for entry in key_values {
        if entry.key == "huggingface" {
            let text = entry.value.as_deref().unwrap_or_default();
            return serde_json::from_str(text).unwrap_or_default();
        }
    }
    Value::Null
}

/// The first list `names` anywhere below a feature.
fn names(feature: &Value) -> Vec<String> {
    if let Some(names) = feature["names"].as_array() {
        let names = names.iter().filter_map(Value::as_str);
        return names.map(str::to_owned).collect();
    }
    let below = match feature {
        Value::Object(map) => map.values().map(names).find(|names| !names.is_empty()),
        Value::Array(list) => list.iter().map(names).find(|names| !names.is_empty()),
        _ => None,
    };
    below.unwrap_or_default()
}

impl RowGroup {
    fn items(&self, mode: &ReadMode) -> Vec<Item> {
        let frame = match mode {
            ReadMode::Labels => self.read(false),
            ReadMode::Images => self.read(true),
            ReadMode::ImagesOf(ids) => self.read_images_of(ids),
        };
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                let rows = 0..self.rows_max();
                return rows.map(|row| self.skipped(row, &error)).collect();
            }
        };

        let mut items = Vec::new();
        for row in 0..frame.height() {
            if let ReadMode::ImagesOf(ids) = mode
                && !ids.contains(&self.id(row))
            {
                continue;
            }
            // polars panics on some column types.
            let item = guarded(|| self.item(&frame, row));
            items.push(item.unwrap_or_else(|| {
                self.skipped(row, &Error::new("the row holds types that cannot be read"))
            }));
        }
        items
    }

    fn read(&self, with_images: bool) -> Result<DataFrame> {
        let columns = self.file.columns(with_images);
        frames::read(&self.file.path, Some(columns), self.start, self.count)
    }

    /// Reads the image column only if a row of the group is among `ids`.
    fn read_images_of(&self, ids: &BTreeSet<ImageId>) -> Result<DataFrame> {
        let labels = self.read(false)?;
        if (0..labels.height()).any(|row| ids.contains(&self.id(row))) {
            return self.read(true);
        }
        Ok(labels)
    }

    /// Most rows that a file of this length can hold, whatever its footer claims.
    fn rows_max(&self) -> usize {
        let bytes = std::fs::metadata(&self.file.path).map_or(0, |metadata| metadata.len());
        self.count.min(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// The path of a row: its file and its number.
    fn path(&self, row: usize) -> PathBuf {
        self.file.name.join((self.start + row).to_string())
    }

    fn id(&self, row: usize) -> ImageId {
        ImageId::of(&self.path(row))
    }

    fn item(&self, frame: &DataFrame, row: usize) -> Item {
        let path = self.path(row);
        let mut entry = Entry::new(path.clone());
        if let Ok(column) = frame.column("label")
            && let Ok(value) = column.get(row)
            && !value.is_null()
        {
            entry.label = Some(class_name(&value, &self.file.labels));
        }

        let mut log = ProblemLog::in_file(&mut entry.problems, &path);
        for object in objects(frame, row).unwrap_or_default() {
            let [x, y, w, h] = object.bbox;
            let category = class_name(&object.category, &self.file.categories);
            let annotation = checked_box(&category, [x, y, x + w, y + h], &mut log);
            entry.annotations.extend(annotation);
        }

        let bytes = image_bytes(frame, row).unwrap_or_default();
        entry.source = Some(Source::Bytes(bytes));
        Item::Found(entry)
    }

    fn skipped(&self, row: usize, error: &Error) -> Item {
        Item::Skipped(Skipped {
            path: display(&self.path(row)),
            label: None,
            skip: Skip::new(Stage::Read, SkipReason::BadRowGroup, error),
        })
    }
}
