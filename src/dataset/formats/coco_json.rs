//! The JSON of COCO instances, read element by element, so that only what is used is kept.

use crate::bounded::{self, Allowance, Bounded};
use crate::error::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::{BufRead, BufReader};
use std::marker::PhantomData;
use std::path::Path;

/// Written by some editors before UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
/// Largest image, annotation or category. The largest annotations have run lengths of one megabyte.
const ELEMENT_BYTES_MAX: u64 = 64 << 20;
/// Keys without which a JSON is no instances file.
const REQUIRED: [&str; 3] = ["images", "annotations", "categories"];

#[derive(Default)]
pub struct CocoFile {
    pub images: Vec<Image>,
    pub boxes: Vec<Box>,
    pub categories: BTreeMap<u64, String>,
    segmentations: bool,
}

#[derive(Deserialize)]
pub struct Image {
    pub id: u64,
    pub file_name: String,
    pub width: Option<f64>,
    pub height: Option<f64>,
}

#[derive(Deserialize)]
pub struct Box {
    pub image_id: u64,
    pub category_id: u64,
    #[serde(default)]
    pub bbox: Edges,
    #[serde(default)]
    pub iscrowd: Flag,
    pub segmentation: Option<std::boxed::Box<RawValue>>,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

/// Reads the file. Without `segmentations` those are dropped as they are read.
///
/// # Errors
/// When the file cannot be read or is no COCO instances file; names the line.
pub fn read(file: &Path, segmentations: bool) -> Result<CocoFile> {
    let what = format!("read dataset.annotations {}", file.display());
    let opened = bounded::open(file).map_err(Error::cause(&what))?;
    let allowance = Allowance::new("an image, an annotation or a category", ELEMENT_BYTES_MAX);
    let mut reader = BufReader::with_capacity(1 << 20, Bounded::new(opened, &allowance));
    let start = reader.fill_buf().map_err(Error::cause(&what))?;
    if start.starts_with(&BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }

    let mut content = CocoFile {
        segmentations,
        ..CocoFile::default()
    };
    let seed = FileSeed {
        content: &mut content,
        allowance,
    };
    let mut json = serde_json::Deserializer::from_reader(reader);
    seed.deserialize(&mut json).map_err(Error::cause(&what))?;
    json.end().map_err(Error::cause(&what))?;
    Ok(content)
}

/// Four numbers; any other value becomes NaN, so that one bad box does not invalidate the file.
pub struct Edges(pub [f64; 4]);

impl Default for Edges {
    fn default() -> Self {
        Self([f64::NAN; 4])
    }
}

impl<'de> Deserialize<'de> for Edges {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let mut edges = Self::default();
        let numbers = value.as_array().into_iter().flatten();
        for (edge, number) in edges.0.iter_mut().zip(numbers) {
            *edge = number.as_f64().unwrap_or(f64::NAN);
        }
        Ok(edges)
    }
}

/// 0, 1, true or false.
#[derive(Default)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        Ok(Self(match value {
            Value::Bool(flag) => flag,
            _ => value.as_f64().is_some_and(|number| number != 0.0),
        }))
    }
}

/// Reads the top level; each array is read element by element.
struct FileSeed<'a> {
    content: &'a mut CocoFile,
    /// Renewed for each element.
    allowance: Allowance,
}

impl<'de> DeserializeSeed<'de> for FileSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FileSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a COCO object with images, annotations and categories")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { content, allowance } = self;
        let allowance = &allowance;
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            allowance.renew();
            match key.as_str() {
                "images" => {
                    map.next_value_seed(each(allowance, |image| content.images.push(image)))?
                }
                "annotations" => map.next_value_seed(each(allowance, |annotation| {
                    content.add(annotation);
                }))?,
                "categories" => map.next_value_seed(each(allowance, |category: Category| {
                    content.categories.insert(category.id, category.name);
                }))?,
                _ => {
                    // What is not used takes no memory.
                    allowance.lift();
                    map.next_value::<IgnoredAny>()?;
                }
            }
            allowance.renew();
            keys.insert(key);
        }

        match REQUIRED.iter().find(|key| !keys.contains(**key)) {
            Some(missing) => Err(de::Error::custom(format!(
                "there is no {missing:?}; is it a COCO instances file?"
            ))),
            None => Ok(()),
        }
    }
}

impl CocoFile {
    fn add(&mut self, mut annotation: Box) {
        if !self.segmentations {
            annotation.segmentation = None;
        }
        self.boxes.push(annotation);
    }
}

/// An array whose elements are passed to a function one by one.
struct Each<'a, T, F: FnMut(T)> {
    take: F,
    /// Renewed for each element.
    allowance: &'a Allowance,
    element: PhantomData<T>,
}

fn each<T, F: FnMut(T)>(allowance: &Allowance, take: F) -> Each<'_, T, F> {
    Each {
        take,
        allowance,
        element: PhantomData,
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<'_, T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element()? {
            self.allowance.renew();
            (self.take)(element);
        }
        Ok(())
    }
}
