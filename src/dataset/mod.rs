//! A labeled image set as a stream of [`Sample`]s, in an order that depends on names only.
//!
//! One file per format, all of one shape: a function that streams `Item`s. `rules` makes samples of them. The set is
//! walked twice: [`Dataset::open`] counts and fingerprints, [`Dataset::samples`] streams.

mod boxes;
mod coco;
mod folder;
mod footer;
mod frames;
mod labelme;
mod labels;
mod lacking;
mod listing;
mod manifest;
mod masks;
mod pages;
mod parquet_images;
mod problem;
mod rules;
mod segmentation;
mod sidecar;
mod tables;
mod voc;
mod walk;
mod webdataset;
mod yolo;

use crate::error::{Error, Result, Skip, Stage};
use crate::geometry::{Mask, Rect, Size, Transpose};
use crate::plan::{self, Format};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use labels::LabelMap;
pub use lacking::lacking;
pub use listing::Listing;
pub use problem::{Noted, Odd};

/// One image to audit.
#[derive(Debug, Clone)]
pub struct Sample {
    /// BLAKE3 of the path relative to the root, 16 bytes in hex.
    pub id: String,
    /// Path relative to the root, for people.
    pub path: String,
    /// Where the bytes are.
    pub source: Source,
    pub label: String,
    /// Index of the label's class in the model.
    pub class: usize,
    pub split: Option<String>,
    /// Images of one group (patient, source, near-duplicates) are one piece of evidence.
    pub group: Option<String>,
    pub annotations: Vec<Annotation>,
    /// Columns of presence of the manifest that say yes.
    pub flags: Vec<String>,
    /// Size of the image by the annotation.
    pub stated: Option<Size>,
}

/// Where an image's bytes are.
#[derive(Debug, Clone)]
pub enum Source {
    File(PathBuf),
    /// A part of a file: an entry of a tar shard.
    Slice {
        file: Arc<PathBuf>,
        start: u64,
        length: u64,
    },
    /// Already here: a cell of a Parquet row group. Empty where the cell has no bytes.
    Bytes(Arc<[u8]>),
}

/// An annotated place.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    pub category: String,
    /// In pixels of the image or, if `normalised`, in fractions of its size.
    pub outline: Outline,
    pub normalised: bool,
    /// Neither object nor background: left out of the in/out statistics.
    pub ignore: bool,
    /// Drawn on the upright image, whatever size the annotation file states.
    pub upright: bool,
}

/// The form of an annotation; edges, not pixel centres.
#[derive(Debug, Clone, PartialEq)]
pub enum Outline {
    Box(Rect),
    /// The union of one or more rings.
    Polygons(Vec<Vec<[f64; 2]>>),
    /// Pixels of the photo; the frame is in pixels too.
    Pixels(Arc<Mask>),
}

impl Annotation {
    /// The outline in pixels of an image of this size.
    pub fn pixels(&self, size: Size) -> Outline {
        let (w, h) = if self.normalised {
            (f64::from(size.width), f64::from(size.height))
        } else {
            (1.0, 1.0)
        };
        self.map(|[x, y]| [x * w, y * h])
    }

    /// The bounding box in pixels of an image of this size.
    pub fn bounds(&self, size: Size) -> Rect {
        match self.pixels(size) {
            Outline::Box(rect) => rect,
            Outline::Polygons(rings) => Rect::around(&rings.concat()),
            Outline::Pixels(mask) => mask.frame,
        }
    }

    /// The outline with every point moved; pixels stay where they are.
    fn map(&self, f: impl Fn([f64; 2]) -> [f64; 2]) -> Outline {
        match &self.outline {
            Outline::Box(r) => Outline::Box(Rect::around(&[f([r.x0, r.y0]), f([r.x1, r.y1])])),
            Outline::Polygons(rings) => Outline::Polygons(
                rings
                    .iter()
                    .map(|ring| ring.iter().map(|&p| f(p)).collect())
                    .collect(),
            ),
            Outline::Pixels(mask) => Outline::Pixels(mask.clone()),
        }
    }
}

impl Sample {
    /// Holds the annotations against the decoded image: turns those that were drawn on the photo before its EXIF
    /// orientation, and notes what does not fit.
    pub fn fit(&mut self, size: Size, turned: Option<Transpose>) -> Vec<Odd> {
        let mut odd = Vec::new();
        let mut note = |code, message: String| {
            odd.push(Odd {
                code,
                place: self.path.clone(),
                message,
            })
        };
        if let Some(stated) = self.stated.filter(|s| *s != size) {
            match turned.filter(|_| stated == Size::new(size.height, size.width)) {
                Some(turn) => self
                    .annotations
                    .iter_mut()
                    .filter(|a| !a.upright && !a.normalised)
                    .for_each(|a| {
                        a.outline = match &a.outline {
                            Outline::Pixels(mask) => {
                                Outline::Pixels(Arc::new(mask.turned(turn, stated)))
                            }
                            _ => a.map(|p| turn.apply(p, stated)),
                        };
                    }),
                None => note(
                    "size_contradicts",
                    format!("the annotation says {stated}, the file is {size}"),
                ),
            }
        }
        problem::outside(&self.annotations, size, note);
        odd
    }
}

/// An image that was found but cannot be audited.
#[derive(Debug, Clone)]
pub struct Lost {
    pub path: String,
    pub label: Option<String>,
    pub skip: Skip,
}

/// What a format's reader comes upon.
enum Item {
    Found(Entry),
    Lost(Lost),
    /// Not an image of the set: hidden files, files outside class folders, other splits. Counted by kind.
    Ignored(&'static str),
    /// Something odd that belongs to no image of the set.
    Odd(Odd),
}

/// An image as a format knows it.
#[derive(Debug, Clone, Default)]
struct Entry {
    /// Relative to the root.
    path: PathBuf,
    label: Option<String>,
    split: Option<String>,
    group: Option<String>,
    annotations: Vec<Annotation>,
    flags: Vec<String>,
    stated: Option<Size>,
    /// Where the bytes are, unless in the file of this path.
    source: Option<Source>,
    odd: Vec<Odd>,
}

impl Entry {
    fn id(&self) -> [u8; 16] {
        let hash = blake3::hash(self.path.as_os_str().as_encoded_bytes());
        std::array::from_fn(|i| hash.as_bytes()[i])
    }
}

/// A format that is one table for all images, held in memory.
trait Table: Send + Sync {
    fn len(&self) -> usize;
    fn item(&self, index: usize) -> Item;
    /// What is odd about the table itself.
    fn odd(&self) -> &[Odd];
}

/// How to stream the items of an opened set.
enum Stream {
    Folder,
    Manifest(PathBuf),
    Sidecars {
        folder: PathBuf,
        extension: &'static str,
        parse: sidecar::Parse,
    },
    Table(Arc<dyn Table>),
    Tars(Arc<yolo::Names>),
    ParquetImages,
}

/// An opened set: what is in it, and a way to stream it.
pub struct Dataset {
    plan: plan::Dataset,
    stream: Stream,
    rules: rules::Rules,
    pub listing: Listing,
}

impl Dataset {
    /// Walks the set once, counts, and fingerprints it. `limit` images per class are chosen by hash of `seed` and id.
    ///
    /// # Errors
    /// When the root, the manifest or the annotations cannot be read, no image is found, or the annotations have a
    /// problem of severity `error`.
    pub fn open(plan: &plan::Dataset, limit: Option<usize>, seed: u64) -> Result<Self> {
        let stream = stream(plan)?;
        let rules = rules::Rules::new(plan)?;
        let limit = limit.map(|n| (n, seed));
        let listing = listing::scan(items(plan, &stream, false)?, &rules, limit, &plan.root)?;
        Ok(Self {
            plan: plan.clone(),
            stream,
            rules,
            listing,
        })
    }

    /// Streams the set in order. Every item counted as found by [`Dataset::open`] comes once, as a sample or as lost.
    ///
    /// # Errors
    /// When the root or the manifest can no longer be read.
    pub fn samples<'a>(
        &'a self,
        labels: &'a LabelMap,
    ) -> Result<impl Iterator<Item = std::result::Result<Sample, Lost>> + Send + 'a> {
        Ok(
            items(&self.plan, &self.stream, true)?.filter_map(move |item| {
                match self.rules.judge(item).0 {
                    rules::Fate::Nothing | rules::Fate::Ignored(_) => None,
                    rules::Fate::Lost(_) if self.listing.is_limited() => None,
                    rules::Fate::Lost(lost) => Some(Err(lost)),
                    rules::Fate::Labeled(entry, _) if !self.listing.selects(&entry) => None,
                    rules::Fate::Labeled(entry, label) => Some(self.sample(entry, label, labels)),
                }
            }),
        )
    }

    fn sample(
        &self,
        entry: Entry,
        label: String,
        labels: &LabelMap,
    ) -> std::result::Result<Sample, Lost> {
        let path = display(&entry.path);
        let Some(class) = labels.class_of(&label) else {
            let skip = Skip::new(
                Stage::Annotation,
                "unknown_label",
                "the label appeared during the run",
            );
            return Err(Lost {
                path,
                label: Some(label),
                skip,
            });
        };
        let id = entry.id().iter().map(|b| format!("{b:02x}")).collect();
        let file = self.plan.root.join(&entry.path);
        let Entry {
            split,
            group,
            annotations,
            flags,
            stated,
            source,
            ..
        } = entry;
        if source.is_none() && !walk::allowed(&file, &self.plan.root, self.plan.links) {
            let skip = Skip::new(
                Stage::Annotation,
                "link_outside",
                "a link that dataset.links does not allow",
            );
            return Err(Lost {
                path,
                label: Some(label),
                skip,
            });
        }
        let source = source.unwrap_or(Source::File(file));
        Ok(Sample {
            id,
            path,
            source,
            label,
            class,
            split,
            group,
            annotations,
            flags,
            stated,
        })
    }
}

fn stream(plan: &plan::Dataset) -> Result<Stream> {
    let wanted = |path: &Option<PathBuf>, key: &str| {
        path.clone()
            .ok_or_else(|| Error::new(format!("{key} is missing: this format needs it")))
    };
    let annotations = || wanted(&plan.annotations, "dataset.annotations");
    let sidecars = |extension, parse: sidecar::Parse| {
        Ok(Stream::Sidecars {
            folder: annotations()?,
            extension,
            parse,
        })
    };
    match plan.format {
        Format::Folder => Ok(Stream::Folder),
        Format::Csv | Format::Tsv | Format::Parquet => Ok(Stream::Manifest(wanted(
            &plan.manifest,
            "dataset.manifest",
        )?)),
        Format::Voc => sidecars("xml", sidecar::text(voc::parse)),
        Format::Labelme => sidecars("json", sidecar::text(labelme::parse)),
        Format::Yolo => {
            let names = yolo::names(&wanted(&plan.names, "dataset.names")?)?;
            sidecars(
                "txt",
                sidecar::text(move |text, file| yolo::parse(text, file, &names)),
            )
        }
        Format::Masks => {
            let names = plan.names.as_deref().map(yolo::names).transpose()?;
            sidecars(
                "png",
                Arc::new(move |file| masks::parse(file, names.as_ref())),
            )
        }
        Format::Coco => Ok(Stream::Table(Arc::new(coco::Coco::load(
            &annotations()?,
            plan.segmentations,
        )?))),
        Format::OpenImages => Ok(Stream::Table(Arc::new(tables::open_images(
            &annotations()?,
            plan.names.as_deref(),
        )?))),
        Format::ImagenetLoc => Ok(Stream::Table(Arc::new(tables::imagenet_loc(
            &annotations()?,
            &plan.root,
        )?))),
        Format::Webdataset => {
            let names = plan.names.as_deref().map(yolo::names).transpose()?;
            Ok(Stream::Tars(Arc::new(names.unwrap_or_default())))
        }
        Format::ParquetImages => Ok(Stream::ParquetImages),
        Format::Wsol => Ok(Stream::Table(Arc::new(tables::wsol(
            &annotations()?,
            plan.names.as_deref(),
        )?))),
    }
}

/// `bytes`: whether the images' bytes are wanted from formats that hold them beside the labels.
fn items(
    plan: &plan::Dataset,
    stream: &Stream,
    bytes: bool,
) -> Result<Box<dyn Iterator<Item = Item> + Send>> {
    Ok(match stream {
        Stream::Folder => Box::new(folder::items(&plan.root, plan.links)?),
        Stream::Manifest(file) => Box::new(manifest::items(
            file,
            plan.format,
            plan.splits.clone(),
            &plan.presence_columns,
        )?),
        Stream::Sidecars {
            folder,
            extension,
            parse,
        } => Box::new(sidecar::items(
            &plan.root,
            plan.links,
            folder,
            extension,
            parse.clone(),
        )?),
        Stream::Tars(names) => Box::new(webdataset::items(&plan.root, names.clone())?),
        Stream::ParquetImages => Box::new(parquet_images::items(&plan.root, bytes)?),
        Stream::Table(table) => {
            let (table, notes) = (table.clone(), table.odd().to_vec());
            Box::new(
                (0..table.len())
                    .map(move |i| table.item(i))
                    .chain(notes.into_iter().map(Item::Odd)),
            )
        }
    })
}

/// A path for people and tables: `/` between parts, whatever is not UTF-8 replaced.
fn display(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}
