//! The values of the properties of one file.

use crate::finding::{FileProperty, PropertyValue};
use serde::{Deserialize, Serialize};

/// The properties of one file; about 700 bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

    /// Adds a number, unless there is none or it is not finite.
    pub(super) fn number(&mut self, property: FileProperty, value: Option<f64>) {
        let place = self.numbers.get_mut(property as usize);
        if let (Some(place), Some(x)) = (place, value.filter(|x| x.is_finite())) {
            *place = x;
        }
    }

    pub(super) fn level(&mut self, property: FileProperty, level: Option<String>) {
        if let Some(level) = level {
            self.levels.push((property, level.into_boxed_str()));
        }
    }

    pub(super) fn flag(&mut self, property: FileProperty, is_so: bool) {
        let level = if is_so { "yes" } else { "no" };
        self.level(property, Some(level.to_owned()));
    }
}
