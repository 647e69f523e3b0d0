//! Properties of a photo's file: what its header states, how its JPEG was written, and simple
//! measurements of its pixels. The formulas are in docs/method.md.

mod border;
mod detail;
mod header;
mod jpeg;
mod name;
mod plane;
mod tone;

use super::photo::Photo;
use crate::finding::{FileProperty, PropertyValue};
use std::collections::BTreeMap;

pub use border::{Border, border};

/// The properties of one file; one that is not in the map is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileProperties(BTreeMap<FileProperty, PropertyValue>);

impl FileProperties {
    /// Measures the bytes of a file and the photo that was decoded of them, every pixel of it.
    pub fn measure(bytes: &[u8], photo: &Photo) -> Self {
        let mut properties = Self::default();
        properties.add_size(bytes, photo);
        header::add(&mut properties, bytes);
        jpeg::add(&mut properties, bytes);
        tone::add(&mut properties, &photo.rgb);
        detail::add(&mut properties, &photo.rgb);
        border::add(&mut properties, &photo.rgb);
        properties
    }

    /// Adds what the name of a file tells: `path` is relative to the root of the set.
    pub fn add_name(&mut self, path: &str, label: &str) {
        self.level(FileProperty::NamePrefix, name::prefix(path));
        self.level(FileProperty::Folder, name::folder(path, label));
    }

    pub fn get(&self, property: FileProperty) -> PropertyValue {
        let value = self.0.get(&property).cloned();
        value.unwrap_or(PropertyValue::Missing)
    }

    /// The number of a property; `None` where it is missing or none.
    pub fn of_number(&self, property: FileProperty) -> Option<f64> {
        match self.0.get(&property) {
            Some(PropertyValue::Number(x)) => Some(*x),
            _ => None,
        }
    }

    fn add_size(&mut self, bytes: &[u8], photo: &Photo) {
        let width = f64::from(photo.size.width);
        let height = f64::from(photo.size.height);
        self.number(FileProperty::Width, Some(width));
        self.number(FileProperty::Height, Some(height));
        self.number(FileProperty::Aspect, Some(width / height));
        self.number(FileProperty::Megapixels, Some(width * height / 1e6));
        let per_pixel = bytes.len() as f64 / (width * height);
        self.number(FileProperty::BytesPerPixel, Some(per_pixel));
    }

    /// Adds a number, unless there is none or it is not finite.
    fn number(&mut self, property: FileProperty, value: Option<f64>) {
        if let Some(x) = value.filter(|x| x.is_finite()) {
            self.0.insert(property, PropertyValue::Number(x));
        }
    }

    fn level(&mut self, property: FileProperty, level: Option<String>) {
        if let Some(level) = level {
            self.0.insert(property, PropertyValue::Level(level));
        }
    }

    fn flag(&mut self, property: FileProperty, is_so: bool) {
        let level = if is_so { "yes" } else { "no" };
        self.level(property, Some(level.to_owned()));
    }
}
