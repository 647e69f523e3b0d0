//! Images inside Parquet files, in the layout of Hugging Face: `image: struct<bytes, path>` or
//! plain bytes, `label` a number with its names in the file's metadata, `objects` with boxes (x, y,
//! width, height) and categories. Read row group by row group.

use super::huggingface::Names;
use super::parquet_cells::{ImageCell, OBJECTS_MAX, class_name, image_cell, objects};
use crate::dataset::checks::checked_box;
use crate::dataset::item::{Entry, Item, ReadMode, Skipped};
use crate::dataset::parquet::frames;
use crate::dataset::paths::display;
use crate::dataset::problem::ProblemLog;
use crate::dataset::sample::{ImageId, Source};
use crate::dataset::walk::{self, Step};
use crate::error::{Error, Result, Skip, SkipReason, Stage, guarded};
use crate::plan::{self, Columns};
use polars::prelude::{DataFrame, FileMetadata};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file and its columns.
struct ParquetFile {
    path: PathBuf,
    /// Path relative to the root: images are named by it and the number of their row.
    name: PathBuf,
    /// All columns.
    columns: Vec<String>,
    used: Columns,
    names: Names,
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

/// A part of the set: rows, or a file that cannot be read.
enum Part {
    Rows(RowGroup),
    Other(Box<Item>),
}

impl Part {
    fn of(item: Item) -> Self {
        Self::Other(Box::new(item))
    }
}

/// Streams the files below the root by name. A file that cannot be read is skipped as a whole.
///
/// # Errors
/// When the root cannot be opened, or holds no Parquet file.
pub fn items(
    plan: &plan::Dataset,
    mode: ReadMode,
) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let mut parts = Vec::new();
    let mut has_shards = false;
    for step in walk::files(&plan.root, &["parquet"], plan.links)? {
        has_shards |= !matches!(step, Step::Ignored(_));
        match step {
            Step::File(name) => parts.extend(file_parts(plan, &name)),
            Step::Skipped(skipped) => parts.push(Part::of(Item::Skipped(skipped))),
            Step::Ignored(kind) => parts.push(Part::of(Item::Ignored(kind))),
        }
    }
    if !has_shards {
        return Err(Error::new(format!(
            "there is no .parquet file below dataset.root {}",
            plan.root.display()
        )));
    }

    let mode = Arc::new(mode);
    let items = parts.into_iter().flat_map(move |part| -> Items {
        match part {
            Part::Rows(group) => Box::new(Frames::new(group, mode.clone()).flatten()),
            Part::Other(item) => Box::new(std::iter::once(*item)),
        }
    });
    Ok(items)
}

/// The row groups of a file, or that it cannot be read.
fn file_parts(plan: &plan::Dataset, name: &Path) -> Vec<Part> {
    row_groups(plan, name).unwrap_or_else(|error| {
        let skipped = Skipped {
            path: display(name),
            label: None,
            skip: Skip::new(
                Stage::Read,
                SkipReason::BadShard,
                format!("{error}; the images in it are not counted"),
            ),
        };
        vec![Part::of(Item::Skipped(skipped))]
    })
}

fn row_groups(plan: &plan::Dataset, name: &Path) -> Result<Vec<Part>> {
    let path = plan.root.join(name);
    let metadata = frames::metadata(&path)?;
    check_rows(&path, &metadata)?;
    let file = Arc::new(ParquetFile::new(
        path,
        name.to_path_buf(),
        &plan.columns,
        &metadata,
    )?);

    let mut groups = Vec::new();
    let mut start = 0;
    for group in &metadata.row_groups {
        let count = group.num_rows();
        groups.push(Part::Rows(RowGroup {
            file: file.clone(),
            start,
            count,
        }));
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
    fn new(path: PathBuf, name: PathBuf, used: &Columns, metadata: &FileMetadata) -> Result<Self> {
        let columns = frames::columns(metadata);
        if !columns.iter().any(|column| column == used.image()) {
            return Err(Error::new(format!(
                "there is no column `{}` (found: {}); name the column of the images in \
                 dataset.columns",
                used.image(),
                columns.join(", ")
            )));
        }
        Ok(Self {
            path,
            name,
            names: Names::read(metadata, used),
            columns,
            used: used.clone(),
        })
    }

    /// Columns to read. Rows are counted by the columns that are read, never by the footer alone,
    /// so there is always one.
    fn columns(&self, with_images: bool) -> Vec<String> {
        let has_labels = self.columns.iter().any(|column| self.is_label(column));
        let reads_image = with_images || !has_labels;

        let mut columns = self.columns.clone();
        columns
            .retain(|column| self.is_label(column) || (reads_image && column == self.used.image()));
        columns
    }

    fn is_label(&self, column: &str) -> bool {
        [self.used.label(), self.used.objects()].contains(&column)
    }
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
        entry.set_label(self.label(frame, row));

        let mut log = ProblemLog::in_file(&mut entry.problems, &path);
        let (objects, count) = objects(frame, self.file.used.objects(), row).unwrap_or_default();
        if count > OBJECTS_MAX {
            log.add("too_many_boxes", format!("{count} annotations"));
        }
        for object in objects {
            let [x, y, w, h] = object.bbox;
            match class_name(&object.category, &self.file.names.categories) {
                Ok(category) => {
                    let annotation = checked_box(&category, [x, y, x + w, y + h], &mut log);
                    entry.annotations.extend(annotation);
                }
                Err(reason) => log.add("unknown_category", reason),
            }
        }

        entry.source = Some(match image_cell(frame, self.file.used.image(), row) {
            ImageCell::Bytes(bytes) => Source::Bytes(bytes),
            ImageCell::Missing(reason) => Source::Missing(reason),
            ImageCell::NotRead => Source::Bytes(Arc::from([])),
        });
        Item::Found(entry)
    }

    /// The label of a row, or why it has none.
    fn label(&self, frame: &DataFrame, row: usize) -> Result<String, String> {
        let name = self.file.used.label();
        let Some(column) = frames::column(frame, name) else {
            let found = self.file.columns.join(", ");
            return Err(format!(
                "there is no column `{name}` (found: {found}); name the column of the labels in \
                 dataset.columns"
            ));
        };
        let value = column.get(row).map_err(|error| error.to_string())?;
        class_name(&value, &self.file.names.labels)
    }

    fn skipped(&self, row: usize, error: &Error) -> Item {
        Item::Skipped(Skipped {
            path: display(&self.path(row)),
            label: None,
            skip: Skip::new(Stage::Read, SkipReason::BadRowGroup, error),
        })
    }
}
