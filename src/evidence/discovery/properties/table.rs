//! The properties of a sample of images, column by column: 8 bytes for each image and number, 4 for
//! each level.

use super::rule::{NO_LEVEL, Rule};
use crate::finding::{FileProperty, Property, PropertyRule, PropertyValue};
use crate::input::FileProperties;
use std::collections::{BTreeMap, BTreeSet};

/// A column of the manifest with more levels is left out.
const LEVELS_MAX: usize = 200;
/// Part of the images for which two names have to say the same, to be names of one thing.
const ALIAS_PART: f64 = 0.95;

/// An image of the sample. Of a group of images only one is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableImage {
    pub id: u128,
    pub class: u32,
    /// Of the two halves that the groups are split into.
    pub is_first_half: bool,
}

/// What is known of one image.
#[derive(Debug, Clone, Default)]
pub struct ImageProperties {
    pub file: FileProperties,
    /// Cells of the manifest, by the name of their column.
    pub cells: Vec<(String, String)>,
}

/// The images of a sample with their properties.
#[derive(Debug, Default)]
pub struct PropertyTable {
    pub images: Vec<TableImage>,
    pub columns: Vec<PropertyColumn>,
    /// Columns of the manifest that are left out: too many levels.
    pub too_many_levels: Vec<String>,
    /// Properties that are left out: they are other names of the classes.
    pub class_names: Vec<Property>,
}

/// The values of one property.
#[derive(Debug)]
pub struct PropertyColumn {
    pub property: Property,
    pub(super) values: ColumnValues,
}

#[derive(Debug)]
pub(super) enum ColumnValues {
    /// NaN where it is missing.
    Numbers(Vec<f64>),
    /// Places in the sorted names.
    Levels { names: Vec<String>, of: Vec<u32> },
}

impl PropertyTable {
    /// Makes columns of the rows of a sample.
    pub fn new(images: Vec<TableImage>, rows: &[ImageProperties]) -> Self {
        let mut table = Self {
            images,
            ..Self::default()
        };
        for &property in FileProperty::ALL {
            let values = if property.has_levels() {
                levels(rows.iter().map(|row| row.file.of_level(property)))
            } else {
                let numbers = rows.iter().map(|row| row.file.of_number(property));
                ColumnValues::Numbers(numbers.map(|x| x.unwrap_or(f64::NAN)).collect())
            };
            table.add(Property::File(property), values);
        }
        for name in cell_names(rows) {
            let cells: Vec<Option<&str>> = rows.iter().map(|row| cell(row, &name)).collect();
            let values = cell_values(&cells);
            match &values {
                ColumnValues::Levels { names, .. } if names.len() > LEVELS_MAX => {
                    table.too_many_levels.push(name);
                }
                _ => table.add(Property::Column(name), values),
            }
        }
        table
    }

    /// Adds a column, unless all its values are the same or it is another name of the classes.
    fn add(&mut self, property: Property, values: ColumnValues) {
        let keys: Vec<u64> = (0..self.images.len()).map(|i| values.key(i)).collect();
        if keys.windows(2).all(|pair| pair[0] == pair[1]) {
            return;
        }
        let may_name = matches!(
            property,
            Property::Column(_) | Property::File(FileProperty::NamePrefix | FileProperty::Folder)
        );
        if may_name && self.are_class_names(&keys) {
            self.class_names.push(property);
            return;
        }
        self.columns.push(PropertyColumn { property, values });
    }

    /// Whether a value tells the class, and the class the value.
    fn are_class_names(&self, keys: &[u64]) -> bool {
        let classes = self.images.iter().map(|image| u64::from(image.class));
        let classes: Vec<u64> = classes.collect();
        part_told(keys, &classes) >= ALIAS_PART && part_told(&classes, keys) >= ALIAS_PART
    }

    /// The classes of the sample, in order.
    pub fn classes(&self) -> BTreeSet<u32> {
        self.images.iter().map(|image| image.class).collect()
    }

    /// The value of an image in a column.
    pub fn value(&self, column: usize, image: usize) -> PropertyValue {
        match &self.columns[column].values {
            ColumnValues::Numbers(values) if values[image].is_nan() => PropertyValue::Missing,
            ColumnValues::Numbers(values) => PropertyValue::Number(values[image]),
            ColumnValues::Levels { names, of } => match names.get(of[image] as usize) {
                Some(name) => PropertyValue::Level(name.clone()),
                None => PropertyValue::Missing,
            },
        }
    }
}

impl ColumnValues {
    /// The same for equal values.
    fn key(&self, image: usize) -> u64 {
        match self {
            Self::Numbers(values) if values[image].is_nan() => u64::MAX,
            Self::Numbers(values) => values[image].to_bits(),
            Self::Levels { of, .. } => u64::from(of[image]),
        }
    }

    pub(super) fn holds(&self, rule: Rule, image: usize) -> bool {
        match self {
            Self::Numbers(values) => rule.holds_number(values[image]),
            Self::Levels { of, .. } => rule.holds_level(of[image]),
        }
    }

    /// The rule with the names of levels.
    pub(super) fn named(&self, rule: Rule) -> PropertyRule {
        match (rule, self) {
            (Rule::AtMost(end), _) => PropertyRule::AtMost(end),
            (Rule::AtLeast(start), _) => PropertyRule::AtLeast(start),
            (Rule::Between(start, end), _) => PropertyRule::Between(start, end),
            (Rule::Level(level), Self::Levels { names, .. }) => match names.get(level as usize) {
                Some(name) => PropertyRule::Is(name.clone()),
                None => PropertyRule::Missing,
            },
            (Rule::Missing | Rule::Level(_), _) => PropertyRule::Missing,
        }
    }
}

/// Part of the images that have the most frequent class of their value.
fn part_told(values: &[u64], classes: &[u64]) -> f64 {
    let mut counts: BTreeMap<u64, BTreeMap<u64, usize>> = BTreeMap::new();
    for (value, class) in values.iter().zip(classes) {
        *counts.entry(*value).or_default().entry(*class).or_default() += 1;
    }
    let largest = counts.values().filter_map(|of| of.values().max());
    largest.sum::<usize>() as f64 / values.len().max(1) as f64
}

fn levels<'v>(values: impl Iterator<Item = Option<&'v str>> + Clone) -> ColumnValues {
    let names: BTreeSet<&str> = values.clone().flatten().collect();
    let names: Vec<&str> = names.into_iter().collect();
    let place = |level: &str| names.binary_search(&level).map(|place| place as u32);
    let of = values.map(|level| level.map_or(NO_LEVEL, |level| place(level).unwrap_or(NO_LEVEL)));
    let of = of.collect();
    ColumnValues::Levels {
        names: names.into_iter().map(str::to_owned).collect(),
        of,
    }
}

fn cell_names(rows: &[ImageProperties]) -> BTreeSet<String> {
    let cells = rows.iter().flat_map(|row| &row.cells);
    cells.map(|(name, _)| name.clone()).collect()
}

fn cell<'r>(row: &'r ImageProperties, name: &str) -> Option<&'r str> {
    let found = row.cells.iter().find(|(column, _)| column == name);
    found.map(|(_, cell)| cell.trim()).filter(|c| !c.is_empty())
}

/// Numbers where every cell that is not empty is one.
fn cell_values(cells: &[Option<&str>]) -> ColumnValues {
    let mut numbers = Vec::with_capacity(cells.len());
    for cell in cells {
        match cell.map(str::parse::<f64>) {
            None => numbers.push(f64::NAN),
            Some(Ok(x)) if x.is_finite() => numbers.push(x),
            Some(_) => return levels(cells.iter().copied()),
        }
    }
    ColumnValues::Numbers(numbers)
}
