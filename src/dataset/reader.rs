//! The reader of each format.

use super::class_names::{self, ClassNames};
use super::csv_table::LineBreaks;
use super::formats::coco::Coco;
use super::formats::manifest::Manifest;
use super::formats::sidecar::{self, Parse, SidecarFormat};
use super::formats::{
    folder, imagenet_loc, labelme, masks, open_images, parquet_images, voc, webdataset, wsol, yolo,
};
use super::item::{Item, ReadMode, Table};
use super::paths::SetRoot;
use crate::error::{Error, Result};
use crate::plan::{self, Format};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How to read the items of a set. Files that describe the whole set are loaded.
pub enum Reader {
    Folder,
    Manifest(PathBuf),
    Sidecars(SidecarFormat),
    Table(Arc<dyn Table>),
    Webdataset(Arc<ClassNames>),
    ParquetImages,
}

impl Reader {
    /// The reader of the plan's format.
    ///
    /// # Errors
    /// When the plan lacks a file that the format needs, or it cannot be read.
    pub fn new(plan: &plan::Dataset) -> Result<Self> {
        let names = plan.names.as_deref();
        match plan.format {
            Format::Folder => Ok(Self::Folder),
            Format::Csv | Format::Tsv | Format::Parquet => {
                let file = required(plan.manifest.as_ref(), "dataset.manifest")?;
                Ok(Self::Manifest(file.clone()))
            }
            Format::Voc => Self::sidecars(plan, "xml", sidecar::text(voc::BYTES_MAX, voc::parse)),
            Format::Labelme => Self::sidecars(
                plan,
                "json",
                sidecar::text(labelme::BYTES_MAX, labelme::parse),
            ),
            Format::Yolo => {
                let names =
                    class_names::read_file(required(plan.names.as_ref(), "dataset.names")?)?;
                let rows = yolo::Rows::of_set(names, annotations(plan)?, plan.links)?;
                let parse = move |text: &str, file: &Path| rows.parse(text, file);
                let parse = sidecar::text(sidecar::TEXT_BYTES_MAX, parse);
                Self::sidecars(plan, "txt", parse)
            }
            Format::Masks => {
                let names = class_names::read_optional(names)?;
                let parse = Arc::new(move |file: &Path| masks::parse(file, names.as_ref()));
                Self::sidecars(plan, "png", parse)
            }
            Format::Coco => {
                let coco = Coco::load(annotations(plan)?, &plan.root, plan.segmentations)?;
                Ok(Self::table(coco))
            }
            Format::OpenImages => {
                let table = open_images::load(annotations(plan)?, &plan.root, names)?;
                Ok(Self::table(table))
            }
            Format::ImagenetLoc => {
                let table = imagenet_loc::load(annotations(plan)?, &plan.root)?;
                Ok(Self::table(table))
            }
            Format::Wsol => Ok(Self::table(wsol::load(
                annotations(plan)?,
                &plan.root,
                names,
            )?)),
            Format::Webdataset => {
                let names = class_names::read_optional(names)?.unwrap_or_default();
                Ok(Self::Webdataset(Arc::new(names)))
            }
            Format::ParquetImages => Ok(Self::ParquetImages),
        }
    }

    fn table(table: impl Table + 'static) -> Self {
        Self::Table(Arc::new(table))
    }

    fn sidecars(plan: &plan::Dataset, extension: &'static str, parse: Parse) -> Result<Self> {
        Ok(Self::Sidecars(SidecarFormat {
            folder: annotations(plan)?.clone(),
            extension,
            parse,
        }))
    }

    /// Streams the items of the set.
    ///
    /// # Errors
    /// When the root or the manifest cannot be read.
    pub fn items(
        &self,
        plan: &plan::Dataset,
        mode: ReadMode,
    ) -> Result<Box<dyn Iterator<Item = Item> + Send>> {
        let root = &plan.root;
        Ok(match self {
            Self::Folder => Box::new(folder::items(root, plan.links, plan.splits.clone())?),
            Self::Manifest(file) => {
                let manifest = Manifest {
                    file,
                    format: plan.format,
                    splits: plan.splits.clone(),
                    columns: &plan.columns,
                    presence: &plan.presence_columns,
                    keeps_cells: plan.keeps_cells,
                    line_breaks: LineBreaks::of_policy(&plan.problems),
                    root: SetRoot::new(root),
                };
                Box::new(manifest.items()?)
            }
            Self::Sidecars(format) => Box::new(format.items(root, plan.links)?),
            Self::Table(table) => Box::new(table_items(table.clone())),
            Self::Webdataset(names) => Box::new(webdataset::items(plan, names.clone())?),
            Self::ParquetImages => Box::new(parquet_images::items(plan, mode)?),
        })
    }
}

fn annotations(plan: &plan::Dataset) -> Result<&PathBuf> {
    required(plan.annotations.as_ref(), "dataset.annotations")
}

fn required<'a>(path: Option<&'a PathBuf>, key: &str) -> Result<&'a PathBuf> {
    path.ok_or_else(|| Error::new(format!("{key} is missing: this format needs it")))
}

/// The images of a table, then the problems of the table itself.
fn table_items(table: Arc<dyn Table>) -> impl Iterator<Item = Item> + Send {
    let problems = table.problems().to_vec();
    let images = (0..table.len()).map(move |index| table.item(index));
    images.chain(problems.into_iter().map(Item::Problem))
}
