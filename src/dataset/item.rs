//! The items that the reader of a format yields, before labels and policies are applied.

use super::annotation::Annotation;
use super::problem::Problem;
use super::sample::{ImageId, Source};
use crate::error::Skip;
use crate::geometry::Size;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// An image that was found but cannot be audited.
#[derive(Debug, Clone)]
pub struct Skipped {
    pub path: String,
    pub label: Option<String>,
    pub skip: Skip,
}

/// One step of a format's reader.
#[derive(Clone)]
pub enum Item {
    Found(Entry),
    Skipped(Skipped),
    /// Outside the set: hidden files, files outside class folders, other splits. Counted by kind.
    Ignored(&'static str),
    /// A problem that belongs to no image of the set.
    Problem(Problem),
    /// The set cannot be read further, and what was read of it is no set: why, and the remedy.
    Refused(String),
}

/// An image as its format describes it.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Relative to the root.
    pub path: PathBuf,
    pub label: Option<String>,
    /// Why the format gives no label, where it is not simply missing.
    pub no_label: Option<String>,
    pub split: Option<String>,
    pub group: Option<String>,
    pub annotations: Vec<Annotation>,
    pub flags: Vec<String>,
    /// Presence columns that are neither true nor false.
    pub bad_flags: Vec<String>,
    /// Cells of the manifest by column, where properties are searched for.
    pub cells: Vec<(String, String)>,
    pub declared_size: Option<Size>,
    /// Where the bytes are; default: in the file of this path.
    pub source: Option<Source>,
    pub problems: Vec<Problem>,
}

impl Entry {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    pub fn id(&self) -> ImageId {
        ImageId::of(&self.path)
    }

    /// Sets the label, or why there is none.
    pub fn set_label(&mut self, label: Result<String, String>) {
        match label {
            Ok(label) => self.label = Some(label),
            Err(reason) => self.no_label = Some(reason),
        }
    }
}

/// A format that is one table for all images, held in memory.
pub trait Table: Send + Sync {
    fn len(&self) -> usize;
    fn item(&self, index: usize) -> Item;
    /// Problems of the table itself.
    fn problems(&self) -> &[Problem];
}

/// How much to read of formats that store image bytes beside the labels.
pub enum ReadMode {
    /// Every image without its bytes.
    Labels,
    /// Every image with its bytes.
    Images,
    /// These images with their bytes; others may be left out.
    ImagesOf(BTreeSet<ImageId>),
}
