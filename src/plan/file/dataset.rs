//! `[dataset]` as it is written.

use super::columns::Columns;
use schemars::JsonSchema;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The labeled images.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetFile {
    /// Folder of the images.
    pub root: Option<String>,
    /// Default: guessed from the other keys; `camaudit check` prints the guess and its reason.
    pub format: Option<Format>,
    /// Table with columns `path,label[,split,group]`, paths relative to `root`. For the formats
    /// `csv`, `tsv` and `parquet`.
    pub manifest: Option<String>,
    /// Names of the columns that are read, where they differ from the default.
    pub columns: Option<Columns>,
    /// Annotations: the JSON of `coco`, the table of `open-images` and `imagenet-loc`, the folder
    /// of `wsol`, or the folder with one file per image for `voc`, `yolo`, `labelme` and `masks`.
    pub annotations: Option<String>,
    /// Names of the categories: `data.yaml` or `classes.txt` for `yolo`, `masks` and `wsol`, the
    /// class descriptions for `open-images`.
    pub names: Option<String>,
    /// How an image gets its label. Default: the label that the format gives, else
    /// `largest-box`.
    pub label: Option<LabelRule>,
    /// CSV with columns `path,label`, for `label = "table"`.
    pub label_table: Option<String>,
    /// What to do with problems of the annotations, by code; `docs/formats.md` lists the codes.
    pub problems: BTreeMap<String, ProblemAction>,
    /// CSV with columns `path,category,xmin,ymin,xmax,ymax`.
    pub boxes: Option<String>,
    /// Unit of the boxes. Default `pixels`: edges in the upright image.
    pub box_coordinates: Option<BoxCoordinates>,
    /// `coco`: outline the objects by their `segmentation` (polygons or RLE) instead of their
    /// `bbox`. Default false.
    pub segmentations: Option<bool>,
    /// Whether near-duplicate photos count as one group if the dataset names no groups.
    /// Default true.
    pub near_duplicates: Option<bool>,
    /// The splits to audit, of the manifest or of the folders `train`, `val` and `test`.
    /// Default: all.
    pub splits: Option<Vec<String>>,
    /// Which symbolic links are followed: none, those that stay inside `root` (default), or all.
    pub links: Option<Links>,
    /// What to do with images whose label is no class of the model: refuse to run (default), or
    /// skip them.
    pub unknown_labels: Option<UnknownLabels>,
    /// Class of the model for each label of the dataset, by name or index. Default: the class of
    /// the same name.
    pub labels: BTreeMap<String, ClassRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One folder per class under `root`.
    Folder,
    Csv,
    Tsv,
    /// A manifest as a Parquet file.
    Parquet,
    /// Instances JSON; boxes, `iscrowd` as ignore regions.
    Coco,
    /// One XML per image; also ILSVRC's Annotations tree.
    Voc,
    /// One text file per image; boxes and polygons.
    Yolo,
    /// One JSON per image; rectangles, polygons, circles, flags.
    Labelme,
    /// One grey or palette PNG per image: the value of a pixel is its category, 0 is background,
    /// 255 is ignored.
    Masks,
    /// Boxes CSV of Open Images.
    OpenImages,
    /// `LOC_train_solution.csv` or `LOC_val_solution.csv`.
    ImagenetLoc,
    /// `class_labels.txt`, `image_sizes.txt`, `localization.txt` of the WSOL evaluation.
    Wsol,
    /// Tar shards of `key.jpg` with `key.cls`, `key.txt` or `key.json`.
    Webdataset,
    /// Parquet files that contain the images, in the layout of Hugging Face.
    ParquetImages,
}

impl Format {
    /// Whether the images are listed in a table of their paths and labels.
    pub fn is_manifest(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::Parquet)
    }

    /// The format as a pipeline file spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Coco => "coco",
            Self::Voc => "voc",
            Self::Yolo => "yolo",
            Self::Labelme => "labelme",
            Self::Masks => "masks",
            Self::OpenImages => "open-images",
            Self::ImagenetLoc => "imagenet-loc",
            Self::Wsol => "wsol",
            Self::Webdataset => "webdataset",
            Self::ParquetImages => "parquet-images",
        }
    }
}

/// How an image gets its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LabelRule {
    /// Name of the folder directly under `root`.
    Folder,
    /// Category of the largest annotation.
    LargestBox,
    /// The category of its annotations; several categories are a problem.
    OnlyCategory,
    /// Its row in `label_table`.
    Table,
}

/// What to do with a problem of the annotations.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemAction {
    /// Count it and continue.
    Ignore,
    /// Skip the image.
    Skip,
    /// Refuse to run.
    Error,
}

impl ProblemAction {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Skip => "skip",
            Self::Error => "error",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BoxCoordinates {
    Pixels,
    Normalised,
}

/// What to do with images whose label is no class of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownLabels {
    /// Refuse to run.
    Error,
    /// Skip them.
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    Never,
    Inside,
    Anywhere,
}

/// A class of the model, by name or by index from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassRef {
    Name(String),
    Index(u32),
}

impl<'de> Deserialize<'de> for ClassRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClassRefVisitor)
    }
}

/// Reads a [`ClassRef`] from a string or an integer, with an error that names both.
struct ClassRefVisitor;

impl Visitor<'_> for ClassRefVisitor {
    type Value = ClassRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a class name or an index from 0")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ClassRef, E> {
        Ok(ClassRef::Name(name.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, index: i64) -> Result<ClassRef, E> {
        match u32::try_from(index) {
            Ok(index) => Ok(ClassRef::Index(index)),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(index), &self)),
        }
    }
}

impl Serialize for ClassRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::Index(index) => serializer.serialize_u32(*index),
        }
    }
}

impl JsonSchema for ClassRef {
    fn schema_name() -> Cow<'static, str> {
        "ClassRef".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A class of the model, by name or by index from 0.",
            "anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]
        })
    }
}
