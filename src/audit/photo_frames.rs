//! Sizes of photos whose annotations are placed or checked before all images are measured.

use super::pool::WorkerPool;
use super::worker::Worker;
use crate::dataset::{Dataset, HandledProblem, ImageId, LabelMap, Source};
use crate::error::Result;
use crate::geometry::{Size, Transpose};
use std::collections::{BTreeMap, BTreeSet};

/// The size of an upright photo, and how its stored pixels were turned.
pub struct PhotoFrame {
    pub size: Size,
    pub transpose: Option<Transpose>,
}

impl PhotoFrame {
    /// Decodes a photo; `None` where it cannot be read.
    pub fn of(worker: &mut Worker<'_>, source: &Source) -> Option<Self> {
        let photo = worker.decode(source).ok()?;
        Some(Self {
            size: photo.size,
            transpose: photo.transpose,
        })
    }
}

/// Whether the bytes of a photo stand beside its label, and were not read.
pub fn is_unread(source: &Source) -> bool {
    matches!(source, Source::Bytes(bytes) if bytes.is_empty())
}

/// The sources with the bytes of those that are stored beside their labels, in one pass.
///
/// # Errors
/// When the dataset can no longer be read.
pub fn with_bytes(
    dataset: &Dataset,
    labels: &LabelMap,
    mut sources: BTreeMap<ImageId, Source>,
) -> Result<BTreeMap<ImageId, Source>> {
    let mut left = BTreeSet::new();
    for (id, source) in &sources {
        if is_unread(source) {
            left.insert(*id);
        }
    }
    if !left.is_empty() {
        for (id, sample) in dataset.samples_by_id(labels, &left)? {
            sources.insert(id, sample.source);
        }
    }
    Ok(sources)
}

/// Decodes photos in parallel. One that cannot be read has no frame.
///
/// # Errors
/// When the run is asked to stop.
pub fn read(
    pool: &WorkerPool<'_>,
    sources: BTreeMap<ImageId, Source>,
) -> Result<BTreeMap<ImageId, PhotoFrame>> {
    let decoded = pool.map(sources.into_iter().collect(), |worker, (id, source)| {
        Ok((id, PhotoFrame::of(worker, &source)))
    })?;
    let mut frames = BTreeMap::new();
    for (id, frame) in decoded {
        if let Some(frame) = frame {
            frames.insert(id, frame);
        }
    }
    Ok(frames)
}

pub fn sizes(frames: &BTreeMap<ImageId, PhotoFrame>) -> BTreeMap<ImageId, Size> {
    let frames = frames.iter();
    frames.map(|(id, frame)| (*id, frame.size)).collect()
}

/// Checks the boxes of a set with the sizes of some photos, on this thread.
///
/// # Errors
/// When the dataset can no longer be read, or its boxes are implausible.
pub fn check_boxes(
    dataset: &Dataset,
    labels: &LabelMap,
    worker: &mut Worker<'_>,
) -> Result<Vec<HandledProblem>> {
    let sources = with_bytes(dataset, labels, dataset.photos_of_boxes())?;
    let mut sizes = BTreeMap::new();
    for (id, source) in &sources {
        if let Some(frame) = PhotoFrame::of(worker, source) {
            sizes.insert(*id, frame.size);
        }
    }
    dataset.check_boxes(&sizes)
}
