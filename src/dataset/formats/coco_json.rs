//! The JSON of COCO instances, read element by element, so that only what is used is kept.

use crate::bounded::{self, Allowance, Bounded};
use crate::dataset::cells;
use crate::dataset::json::WithoutNan;
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
use std::sync::Arc;

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
    pub categories: BTreeMap<Id, String>,
    segmentations: bool,
}

/// An id as any JSON writer gives it. Numbers are equal whatever their notation, and no text is
/// equal to a number, as in pycocotools.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    Number(i64),
    Text(Arc<str>),
}

impl Id {
    /// `None` for null and everything that is neither number nor text.
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.as_str().into())),
            Value::Number(number) => {
                let whole = number.as_i64().or_else(|| whole(number.as_f64()?));
                Some(whole.map_or_else(|| Self::Text(number.to_string().into()), Self::Number))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

fn whole(number: f64) -> Option<i64> {
    let is_whole = number.fract() == 0.0 && number.abs() < 9e15;
    is_whole.then_some(number as i64)
}

/// Reads an id; `None` where the value can be none.
fn id<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Id>, D::Error> {
    Ok(Id::of(&Value::deserialize(d)?))
}

/// Reads a number; `None` where the value is none.
fn number<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    Ok(Value::deserialize(d)?.as_f64())
}

/// Reads a text; numbers are texts too, and everything else is empty.
fn text<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(d)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

#[derive(Deserialize)]
pub struct Image {
    #[serde(default, deserialize_with = "id")]
    pub id: Option<Id>,
    #[serde(default, deserialize_with = "text")]
    pub file_name: String,
    #[serde(default, deserialize_with = "number")]
    pub width: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    pub height: Option<f64>,
}

#[derive(Deserialize)]
pub struct Box {
    #[serde(default, deserialize_with = "id")]
    pub image_id: Option<Id>,
    #[serde(default, deserialize_with = "id")]
    pub category_id: Option<Id>,
    #[serde(default)]
    pub bbox: Edges,
    #[serde(default)]
    pub iscrowd: Flag,
    pub segmentation: Option<std::boxed::Box<RawValue>>,
}

#[derive(Deserialize)]
struct Category {
    #[serde(default, deserialize_with = "id")]
    id: Option<Id>,
    #[serde(default, deserialize_with = "text")]
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
    let reader = BufReader::with_capacity(1 << 20, WithoutNan::new(reader));
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

/// A flag in any notation; `None` where the value is none.
pub struct Flag(pub Option<bool>);

impl Default for Flag {
    fn default() -> Self {
        Self(Some(false))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(d)? {
            Value::Null => Some(false),
            Value::Bool(flag) => Some(flag),
            Value::Number(number) => cells::flag(&number.to_string()),
            Value::String(text) => cells::flag(&text),
            _ => None,
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
                    map.next_value_seed(each(allowance, |image| content.images.push(image)))?;
                }
                "annotations" => map.next_value_seed(each(allowance, |annotation| {
                    content.add(annotation);
                }))?,
                "categories" => map.next_value_seed(each(allowance, |category: Category| {
                    if let Some(id) = category.id {
                        content.categories.insert(id, category.name);
                    }
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
