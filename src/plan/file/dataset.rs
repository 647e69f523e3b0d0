//! `[dataset]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the labeled images lie.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetFile {
    /// Folder of the images.
    pub root: Option<String>,
    /// Default: guessed from what is named; `camaudit check` says what and why.
    pub format: Option<Format>,
    /// Table with columns `path,label[,split,group]`, paths relative to `root`. Formats `csv`, `tsv`, `parquet`.
    pub manifest: Option<String>,
    /// Annotations: the JSON of `coco`, the table of `open-images` and `imagenet-loc`, the folder of `wsol`, or the
    /// folder that holds one file per image for `voc`, `yolo`, `labelme` and `masks`.
    pub annotations: Option<String>,
    /// Names of the categories: `data.yaml` or `classes.txt` for `yolo`, `masks` and `wsol`, the class descriptions for
    /// `open-images`.
    pub names: Option<String>,
    /// How an image gets its label. Default: what the format says of the image, else `largest-box`.
    pub label: Option<LabelRule>,
    /// CSV with columns `path,label`, for `label = "table"`.
    pub label_table: Option<String>,
    /// What to do with oddities of the annotations, by code; the codes are in `docs/formats.md`.
    pub problems: BTreeMap<String, Severity>,
    /// CSV with columns `path,category,xmin,ymin,xmax,ymax`.
    pub boxes: Option<String>,
    /// Unit of the boxes. Default `pixels`: edges in the upright image.
    pub box_coordinates: Option<BoxCoordinates>,
    /// `coco`: outline the objects by their `segmentation` (polygons or RLE) instead of their `bbox`. Default false.
    pub segmentations: Option<bool>,
    /// Whether photos that hardly differ count as one group, where the dataset names none. Default true.
    pub near_duplicates: Option<bool>,
    /// Only these splits of the manifest.
    pub splits: Option<Vec<String>>,
    /// Symbolic links: never followed, followed inside `root` (default), or followed anywhere.
    pub links: Option<Links>,
    /// Label in the dataset -> class of the model, by name or index. Default: by equal names.
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
    /// One grey or palette PNG per image: the value of a pixel is its category, 0 is background, 255 counts neither way.
    Masks,
    /// Boxes CSV of Open Images.
    OpenImages,
    /// `LOC_train_solution.csv` or `LOC_val_solution.csv`.
    ImagenetLoc,
    /// `class_labels.txt`, `image_sizes.txt`, `localization.txt` of the WSOL evaluation.
    Wsol,
    /// Tar shards of `key.jpg` with `key.cls`, `key.txt` or `key.json`.
    Webdataset,
    /// Parquet files with the images inside, as Hugging Face lays them out.
    ParquetImages,
}

impl Format {
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
    /// The one category of its annotations; several are a problem.
    OnlyCategory,
    /// `label_table`.
    Table,
}

/// What to do with an oddity of the annotations.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Count it and go on.
    Ignore,
    /// Skip the image.
    Skip,
    /// Refuse to run.
    Error,
}

impl Severity {
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
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ClassRef;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a class name or an index from 0")
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<ClassRef, E> {
                Ok(ClassRef::Name(v.to_owned()))
            }
            fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<ClassRef, E> {
                let negative = |_| E::invalid_value(serde::de::Unexpected::Signed(v), &self);
                u32::try_from(v).map(ClassRef::Index).map_err(negative)
            }
        }
        d.deserialize_any(Visitor)
    }
}

impl Serialize for ClassRef {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => s.serialize_str(name),
            Self::Index(index) => s.serialize_u32(*index),
        }
    }
}

impl JsonSchema for ClassRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClassRef".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A class of the model, by name or by index from 0.",
            "anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]
        })
    }
}
