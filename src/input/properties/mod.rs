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

pub use border::{Border, border};

/// The properties of one file; about 700 bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct FileProperties {
    /// By the place of the property in [`FileProperty::ALL`]; NaN where it is missing.
    numbers: Vec<f64>,
    levels: Vec<(FileProperty, Box<str>)>,
}

impl Default for FileProperties {
    fn default() -> Self {
        Self {
            numbers: vec![f64::NAN; FileProperty::ALL.len()],
            levels: Vec::new(),
        }
    }
}

impl FileProperties {
    /// Measures the bytes of a file and the photo that was decoded of them, every pixel of it.
    pub fn measure(bytes: &[u8], photo: &Photo) -> Self {
        let mut properties = Self::of_header(bytes);
        properties.add_size(bytes, photo);
        tone::add(&mut properties, &photo.rgb);
        detail::add(&mut properties, &photo.rgb);
        border::add(&mut properties, &photo.rgb);
        properties
    }

    /// What the bytes tell without being decoded.
    pub fn of_header(bytes: &[u8]) -> Self {
        let mut properties = Self::default();
        header::add(&mut properties, bytes);
        jpeg::add(&mut properties, bytes);
        properties
    }

    /// Adds what the name of a file tells: `path` is relative to the root of the set.
    pub fn add_name(&mut self, path: &str, label: &str) {
        self.level(FileProperty::NamePrefix, name::prefix(path));
        self.level(FileProperty::Folder, name::folder(path, label));
    }

    pub fn get(&self, property: FileProperty) -> PropertyValue {
        if let Some(number) = self.of_number(property) {
            return PropertyValue::Number(number);
        }
        match self.of_level(property) {
            Some(level) => PropertyValue::Level(level.to_owned()),
            None => PropertyValue::Missing,
        }
    }

    /// The number of a property; `None` where it is missing or none.
    pub fn of_number(&self, property: FileProperty) -> Option<f64> {
        let number = self.numbers.get(property as usize).copied();
        number.filter(|x| !x.is_nan())
    }

    /// The level of a property; `None` where it is missing or a number.
    pub fn of_level(&self, property: FileProperty) -> Option<&str> {
        let mut levels = self.levels.iter();
        let found = levels.find(|(of, _)| *of == property);
        found.map(|(_, level)| level.as_ref())
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
        let place = self.numbers.get_mut(property as usize);
        if let (Some(place), Some(x)) = (place, value.filter(|x| x.is_finite())) {
            *place = x;
        }
    }

    fn level(&mut self, property: FileProperty, level: Option<String>) {
        if let Some(level) = level {
            self.levels.push((property, level.into_boxed_str()));
        }
    }

    fn flag(&mut self, property: FileProperty, is_so: bool) {
        let level = if is_so { "yes" } else { "no" };
        self.level(property, Some(level.to_owned()));
    }
}
