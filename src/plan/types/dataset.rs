//! The labeled images.

use crate::plan::file::{
    BoxCoordinates, ClassRef, Columns, Format, LabelRule, Links, UnknownLabels,
};
use crate::plan::problems::Policy;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the images are, and how they get their labels and annotations.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub root: PathBuf,
    pub format: Format,
    /// Why the format was guessed; `None` if the file names it.
    pub guess: Option<String>,
    pub manifest: Option<PathBuf>,
    pub columns: Columns,
    pub annotations: Option<PathBuf>,
    pub names: Option<PathBuf>,
    pub label: Option<LabelRule>,
    pub label_table: Option<PathBuf>,
    pub problems: Policy,
    pub boxes: Option<PathBuf>,
    pub box_coordinates: BoxCoordinates,
    pub splits: Option<Vec<String>>,
    /// COCO: outlines instead of boxes.
    pub segmentations: bool,
    /// Whether near-duplicate photos form one group if the dataset names no groups.
    pub near_duplicates: bool,
    /// Columns of the manifest that say where a region is present.
    pub presence_columns: Vec<String>,
    /// Whether the cells of a manifest are kept, to search for properties.
    pub keeps_cells: bool,
    pub links: Links,
    pub unknown_labels: UnknownLabels,
    pub labels: BTreeMap<String, ClassRef>,
}
