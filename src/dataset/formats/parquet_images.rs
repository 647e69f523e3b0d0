//! Images inside Parquet files, in the layout of Hugging Face: `image: struct<bytes, path>`,
//! `label` a number with its names in the file's metadata, `objects` with boxes (x, y, width,
//! height) and categories. Read row group by row group.

use super::parquet_cells::{
    NAME_BYTES_MAX, OBJECTS_MAX, class_name, image_bytes, is_too_long, objects,
};
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

/// Rows that are read at once, at most a row group. Groups of photos have a thousand at most; a
/// group of millions has no photos, and its rows should not be in memory at once.
const ROWS_PER_FRAME: usize = 16_384;
/// Most rows of a row group that cannot be read which are counted, one skip each.
const UNREADABLE_ROWS_MAX: usize = 1_000_000;

/// Rows `start .. start + count` of a file.
#[derive(Clone)]
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
    let mode = Arc::new(mode);
    let frames = groups
        .into_iter()
        .flat_map(move |group| Frames::new(group, mode.clone()));
    Ok(frames.flatten())
}

fn row_groups(root: &Path, path: PathBuf) -> Result<Vec<RowGroup>> {
    let metadata = frames::metadata(&path)?;
    check_rows(&path, &metadata)?;
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

/// Checks that there are fewer rows than bytes: an image takes more than one, but a dictionary can
/// repeat one image millions of times.
fn check_rows(path: &Path, metadata: &FileMetadata) -> Result<()> {
    let what = format!("read {}", path.display());
    let bytes = std::fs::metadata(path).map_err(Error::cause(what))?.len();
    let mut rows = 0_u64;
    for group in &metadata.row_groups {
        rows = rows.saturating_add(group.num_rows() as u64);
    }
    if rows <= bytes {
        return Ok(());
    }
    Err(Error::new(format!(
        "{}: it claims {rows} images in {bytes} bytes; write each image once",
        path.display()
    )))
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

/// The items of a part of a row group, made one by one: each copies the bytes of its image.
type Items = Box<dyn Iterator<Item = Item> + Send>;

/// A row group, some rows at a time.
struct Frames {
    /// The rows that are not read yet.
    rest: RowGroup,
    mode: Arc<ReadMode>,
}

impl Frames {
    fn new(group: RowGroup, mode: Arc<ReadMode>) -> Self {
        Self { rest: group, mode }
    }
}

impl Iterator for Frames {
    type Item = Items;

    fn next(&mut self) -> Option<Items> {
        if self.rest.count == 0 {
            return None;
        }
        let rows = RowGroup {
            count: self.rest.count.min(ROWS_PER_FRAME),
            ..self.rest.clone()
        };
        match rows.frame(&self.mode) {
            Ok(frame) => {
                self.rest.start += rows.count;
                self.rest.count -= rows.count;
                Some(rows.items(frame, self.mode.clone()))
            }
            Err(error) => {
                let unreadable = self.rest.clone();
                self.rest.count = 0;
                let rows = 0..unreadable.rows_max();
                Some(Box::new(
                    rows.map(move |row| unreadable.skipped(row, &error)),
                ))
            }
        }
    }
}

impl RowGroup {
    fn frame(&self, mode: &ReadMode) -> Result<DataFrame> {
        match mode {
            ReadMode::Labels => self.read(false),
            ReadMode::Images => self.read(true),
            ReadMode::ImagesOf(ids) => self.read_images_of(ids),
        }
    }

    fn items(self, frame: DataFrame, mode: Arc<ReadMode>) -> Items {
        let rows = 0..frame.height();
        Box::new(rows.filter_map(move |row| {
            if let ReadMode::ImagesOf(ids) = mode.as_ref()
                && !ids.contains(&self.id(row))
            {
                return None;
            }
            // polars panics on some column types.
            let item = guarded(|| self.item(&frame, row));
            Some(item.unwrap_or_else(|| {
                self.skipped(row, &Error::new("the row holds types that cannot be read"))
            }))
        }))
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
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.count.min(bytes).min(UNREADABLE_ROWS_MAX)
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
        if let Some(column) = frames::column(frame, "label")
            && let Ok(value) = column.get(row)
            && !value.is_null()
        {
            if is_too_long(&value) {
                let message = format!("the label is longer than {NAME_BYTES_MAX} bytes");
                return self.skipped(row, &Error::new(message));
            }
            entry.label = Some(class_name(&value, &self.file.labels));
        }

        let mut log = ProblemLog::in_file(&mut entry.problems, &path);
        let (objects, count) = objects(frame, row).unwrap_or_default();
        if count > OBJECTS_MAX {
            log.add("too_many_boxes", format!("{count} annotations"));
        }
        for object in objects {
            if is_too_long(&object.category) {
                let message = format!("a name is longer than {NAME_BYTES_MAX} bytes");
                log.add("unknown_category", message);
                continue;
            }
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
