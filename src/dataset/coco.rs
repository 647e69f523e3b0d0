//! COCO instances: one JSON for all images, read as a stream. `iscrowd` boxes are ignore regions.
//!
//! Kept per image: 48 bytes and its file name; per annotation 72 bytes, and its segmentation as it is written where
//! those are wanted.

use super::manifest::relative;
use super::problem::{Odd, boxed};
use super::{Annotation, Entry, Item, Lost, Table, segmentation};
use crate::error::{Error, Result, Skip, Stage};
use crate::geometry::Size;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// What some editors put before UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

#[derive(Default)]
pub struct Coco {
    file: PathBuf,
    images: Vec<Image>,
    /// Sorted by image.
    boxes: Vec<Box>,
    categories: BTreeMap<u64, String>,
    odd: Vec<Odd>,
    segmentations: bool,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
    width: Option<f64>,
    height: Option<f64>,
    /// Named before under the same id or file name.
    #[serde(skip)]
    repeated: bool,
}

#[derive(Deserialize)]
struct Box {
    image_id: u64,
    category_id: u64,
    #[serde(default)]
    bbox: Edges,
    #[serde(default)]
    iscrowd: Flag,
    segmentation: Option<std::boxed::Box<RawValue>>,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

impl Coco {
    /// Reads the JSON once.
    ///
    /// # Errors
    /// When the file cannot be read or is no COCO instances file; names the line.
    pub fn load(file: &Path, segmentations: bool) -> Result<Self> {
        let what = format!("read dataset.annotations {}", file.display());
        let opened = std::fs::File::open(file).map_err(Error::cause(&what))?;
        let mut reader = std::io::BufReader::with_capacity(1 << 20, opened);
        if reader
            .fill_buf()
            .map_err(Error::cause(&what))?
            .starts_with(&BYTE_ORDER_MARK)
        {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        let mut json = serde_json::Deserializer::from_reader(reader);
        let mut coco = Self {
            file: file.to_path_buf(),
            segmentations,
            ..Self::default()
        };
        FileSeed(&mut coco)
            .deserialize(&mut json)
            .map_err(Error::cause(&what))?;
        json.end().map_err(Error::cause(&what))?;
        coco.boxes.sort_by_key(|b| b.image_id);
        coco.look_over();
        Ok(coco)
    }

    fn look_over(&mut self) {
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for image in &mut self.images {
            let new = [
                ids.insert(image.id),
                names.insert(relative(&image.file_name)),
            ];
            image.repeated = new.contains(&false);
        }
        for b in self.boxes.iter().filter(|b| !ids.contains(&b.image_id)) {
            self.odd.push(Odd::new(
                "annotation_without_image",
                &self.file,
                0,
                format!("image_id {}", b.image_id),
            ));
        }
    }

    fn boxes_of(&self, image: u64) -> &[Box] {
        let start = self.boxes.partition_point(|b| b.image_id < image);
        let end = self.boxes.partition_point(|b| b.image_id <= image);
        &self.boxes[start..end]
    }
}

impl Table for Coco {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn item(&self, index: usize) -> Item {
        let image = &self.images[index];
        let Some(path) = relative(&image.file_name) else {
            let skip = Skip::new(
                Stage::Annotation,
                "path_outside",
                "the file name is empty, absolute or leaves dataset.root",
            );
            return Item::Lost(Lost {
                path: image.file_name.clone(),
                label: None,
                skip,
            });
        };
        let mut entry = Entry {
            path,
            ..Entry::default()
        };
        entry.stated = image
            .width
            .zip(image.height)
            .map(|(w, h)| Size::new(w as u32, h as u32));
        if image.repeated {
            entry.odd.push(Odd::new(
                "duplicate",
                &self.file,
                0,
                format!("image {} {:?}", image.id, image.file_name),
            ));
        }
        for b in self.boxes_of(image.id) {
            let mut note = |code, message: String| {
                entry.odd.push(Odd::new(
                    code,
                    &self.file,
                    0,
                    format!("image {}: {message}", image.id),
                ));
            };
            let Some(name) = self.categories.get(&b.category_id) else {
                note(
                    "unknown_category",
                    format!("category_id {} is not in categories", b.category_id),
                );
                continue;
            };
            let outline = b
                .segmentation
                .as_ref()
                .map(|raw| segmentation::outline(raw.get(), entry.stated));
            let outline = outline.transpose().unwrap_or_else(|message| {
                note("bad_segmentation", message);
                None
            });
            let [x, y, w, h] = b.bbox.0;
            let annotation = match outline.flatten() {
                Some(outline) => Some(Annotation {
                    category: name.clone(),
                    outline,
                    normalised: false,
                    ignore: false,
                    upright: false,
                }),
                None => boxed(name, [x, y, x + w, y + h], note),
            };
            entry.annotations.extend(annotation.map(|a| Annotation {
                ignore: b.iscrowd.0,
                ..a
            }));
        }
        Item::Found(entry)
    }

    fn odd(&self) -> &[Odd] {
        &self.odd
    }
}

/// Four numbers; what is none becomes NaN, so that one bad box does not lose the file.
struct Edges([f64; 4]);

impl Default for Edges {
    fn default() -> Self {
        Self([f64::NAN; 4])
    }
}

impl<'de> Deserialize<'de> for Edges {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(d)?;
        let values = value.as_array().map_or(&[][..], Vec::as_slice);
        Ok(Self(std::array::from_fn(|i| {
            values
                .get(i)
                .and_then(serde_json::Value::as_f64)
                .unwrap_or(f64::NAN)
        })))
    }
}

/// 0, 1, true or false.
#[derive(Default)]
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(d)?;
        Ok(Self(value.as_bool().unwrap_or_else(|| {
            value.as_f64().is_some_and(|v| v != 0.0)
        })))
    }
}

/// Reads the top level; each array goes element by element.
struct FileSeed<'a>(&'a mut Coco);

impl<'de> DeserializeSeed<'de> for FileSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FileSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a COCO object with images, annotations and categories")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "images" => map.next_value_seed(each(|image| self.0.images.push(image)))?,
                "annotations" => {
                    let wanted = self.0.segmentations;
                    map.next_value_seed(each(|b: Box| {
                        let segmentation = b.segmentation.filter(|_| wanted);
                        self.0.boxes.push(Box { segmentation, ..b });
                    }))?;
                }
                "categories" => map.next_value_seed(each(|c: Category| {
                    self.0.categories.insert(c.id, c.name);
                }))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            seen.insert(key);
        }
        match ["images", "annotations", "categories"]
            .iter()
            .find(|k| !seen.contains(**k))
        {
            Some(missing) => Err(de::Error::custom(format!(
                "there is no {missing:?}; is it a COCO instances file?"
            ))),
            None => Ok(()),
        }
    }
}

/// An array whose elements are handed on one by one.
struct Each<T, F: FnMut(T)>(F, std::marker::PhantomData<T>);

fn each<T, F: FnMut(T)>(f: F) -> Each<T, F> {
    Each(f, std::marker::PhantomData)
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> std::result::Result<(), A::Error> {
        while let Some(element) = seq.next_element()? {
            self.0(element);
        }
        Ok(())
    }
}
