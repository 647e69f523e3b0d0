//! The files of the sample, measured: part by part, so that few photos are in memory at once.

use super::super::kept::Kept;
use super::super::{Sampled, Search};
use crate::audit::worker::Worker;
use crate::dataset::{ImageId, LabelMap, MeasuredContent, Sample};
use crate::error::Result;
use crate::evidence::discovery::properties::{ImageProperties, PropertyTable, TableImage};
use crate::input::FileProperties;
use crate::runs::content_hashes;
use crate::runs::folder::RunFolder;
use crate::tables::PropertyRow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Photos that are read at once: those of Parquet sets are in memory.
const PART: usize = 256;
/// Rows of `properties.parquet` that are in memory at once.
const ROW_GROUP: usize = 16_384;

/// An image of the sample with what is known of it beyond its properties.
#[derive(Debug, Clone, Copy)]
pub struct SampleImage {
    pub table: TableImage,
    /// Of a split that the model was trained on.
    pub trained_on: bool,
    /// The model predicts the label.
    pub is_correct: bool,
}

/// What was measured, image by image, in the order of the classes and of the hash.
#[derive(Default)]
pub struct MeasuredSample {
    pub images: Vec<SampleImage>,
    rows: Vec<ImageProperties>,
    paths: Vec<String>,
    labels: Vec<String>,
    /// Photos that could not be read again, or are no longer those that were measured.
    pub lost: usize,
}

/// One photo with its properties.
struct MeasuredFile {
    path: String,
    label: String,
    properties: ImageProperties,
    /// Of its bytes and pixels alone, with its key: for the cache.
    fresh: Option<(String, FileProperties)>,
    /// The key of what the cache had.
    used: Option<String>,
}

impl MeasuredSample {
    /// # Errors
    /// When the dataset or the rows of the run can no longer be read, or the run is asked to stop.
    pub fn measure(search: &Search<'_, '_>, sampled: &Sampled, kept: &Kept<'_>) -> Result<Self> {
        let images = sampled.classes.iter().flat_map(|class| &class.images);
        let ids: BTreeSet<ImageId> = images.map(|image| ImageId(image.image)).collect();
        let mut files = measure_files(search, kept, &ids)?;

        let mut measured = Self {
            lost: ids.len() - files.len(),
            ..Self::default()
        };
        for class in &sampled.classes {
            for image in &class.images {
                let Some(file) = files.remove(&ImageId(image.image)) else {
                    continue;
                };
                measured.images.push(SampleImage {
                    table: TableImage {
                        id: image.image,
                        class: class.class,
                        is_first_half: image.mining,
                    },
                    trained_on: image.trained_on,
                    is_correct: image.correct,
                });
                measured.rows.push(file.properties);
                measured.paths.push(file.path);
                measured.labels.push(file.label);
            }
        }
        Ok(measured)
    }

    pub fn table(&self) -> PropertyTable {
        let images = self.images.iter().map(|image| image.table).collect();
        PropertyTable::new(images, &self.rows)
    }

    /// The properties of an image, by its place in the sample.
    pub fn of_file(&self, place: usize) -> &FileProperties {
        &self.rows[place].file
    }

    /// Writes `properties.parquet`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, folder: &RunFolder, labels: &LabelMap) -> Result<()> {
        let places: Vec<usize> = (0..self.images.len()).collect();
        let groups = places.chunks(ROW_GROUP).map(|group| {
            let rows = group.iter().map(|place| self.row(*place, labels));
            rows.collect::<Vec<_>>()
        });
        folder.table_in_groups(groups)
    }

    fn row(&self, place: usize, labels: &LabelMap) -> PropertyRow {
        let label = &self.labels[place];
        let class = labels.class_of(label).unwrap_or_default();
        let id = ImageId(self.images[place].table.id);
        PropertyRow::new(
            id.to_string(),
            label.clone(),
            class as u32,
            self.paths[place].clone(),
            self.of_file(place),
        )
    }
}

fn measure_files(
    search: &Search<'_, '_>,
    kept: &Kept<'_>,
    ids: &BTreeSet<ImageId>,
) -> Result<BTreeMap<ImageId, MeasuredFile>> {
    let mut files = BTreeMap::new();
    if ids.is_empty() {
        return Ok(files);
    }
    let hashes = content_hashes(search.folder.path(), ids)?;
    let mut samples = search.dataset.stream_by_id(search.context.labels, ids)?;
    loop {
        let part: Vec<Sample> = samples.by_ref().take(PART).collect();
        if part.is_empty() {
            return Ok(files);
        }
        let measured = search.pool.map(part, |worker, mut sample: Sample| {
            let Some(hash) = hashes.get(&sample.id) else {
                return Ok(None);
            };
            sample.measured = Some(Arc::new(MeasuredContent::new(hash.clone())));
            Ok(measure_file(kept, worker, sample))
        })?;

        let (mut fresh, mut used) = (Vec::new(), Vec::new());
        for (id, mut file) in measured.into_iter().flatten() {
            fresh.extend(file.fresh.take());
            used.extend(file.used.take());
            files.insert(id, file);
        }
        kept.keep(&fresh, &used);
    }
}

/// `None` where the photo can no longer be read, or is no longer the one that was measured.
fn measure_file(
    kept: &Kept<'_>,
    worker: &mut Worker<'_>,
    sample: Sample,
) -> Option<(ImageId, MeasuredFile)> {
    let key = kept.image_key("properties", sample.id.0);
    let known: Option<FileProperties> = kept.get(key.as_ref());
    let (mut file, fresh, used) = match known {
        Some(file) => (file, None, key),
        None => {
            let (bytes, photo) = worker.read_and_decode(&sample).ok()?;
            let file = FileProperties::measure(&bytes, &photo);
            let fresh = key.map(|key| (key, file.clone()));
            (file, fresh, None)
        }
    };
    file.add_name(&sample.path, &sample.label);
    let properties = ImageProperties {
        file,
        cells: sample.cells,
    };
    let measured = MeasuredFile {
        path: sample.path,
        label: sample.label,
        properties,
        fresh,
        used,
    };
    Some((sample.id, measured))
}
