//! Labels of the dataset -> classes of the model.

use super::name_checks::nearest;
use crate::error::{Error, Result};
use crate::plan::{self, ClassRef};
use std::collections::BTreeMap;

/// Unknown labels that the message lists.
const UNKNOWN_LISTED_MAX: usize = 10;

/// The class of the model for each label of the set, and the names of the classes.
#[derive(Debug, Clone)]
pub struct LabelMap {
    by_label: BTreeMap<String, usize>,
    /// Class names in the model's order.
    pub classes: Vec<String>,
}

impl LabelMap {
    /// Maps by the explicit table `dataset.labels`, else by equal names in `model.classes`, else
    /// (without names) by the sorted order of the labels.
    ///
    /// # Errors
    /// When the model has no class for a label (the nearest names are listed), or the counts
    /// differ.
    pub fn new<'a>(
        plan: &plan::Plan,
        labels: impl Iterator<Item = &'a String>,
        class_count: usize,
    ) -> Result<Self> {
        let labels: Vec<&String> = labels.collect();
        let classes = class_names(plan, &labels, class_count)?;

        let mut by_label = BTreeMap::new();
        let mut unknown = Vec::new();
        for label in labels {
            match resolve(label, &plan.dataset.labels, &classes) {
                Ok(class) => {
                    by_label.insert(label.clone(), class);
                }
                Err(reason) => unknown.push(reason),
            }
        }

        if unknown.is_empty() {
            Ok(Self { by_label, classes })
        } else {
            Err(unknown_labels(unknown))
        }
    }

    /// Every label a class of its own, in sorted order: a dataset without a model.
    pub fn without_model<'a>(labels: impl Iterator<Item = &'a String>) -> Self {
        let classes: Vec<String> = labels.cloned().collect();
        let by_label = classes.iter().cloned().zip(0..).collect();
        Self { by_label, classes }
    }

    pub fn class_of(&self, label: &str) -> Option<usize> {
        self.by_label.get(label).copied()
    }

    /// Index of a class of the model.
    ///
    /// # Errors
    /// When there is none of that name; the nearest names are listed.
    pub fn class_named(&self, name: &str) -> Result<usize> {
        resolve(name, &BTreeMap::new(), &self.classes).map_err(Error::new)
    }

    /// Labels in sorted order with their classes.
    pub fn iter(&self) -> impl Iterator<Item = (&String, usize)> {
        self.by_label.iter().map(|(label, &class)| (label, class))
    }
}

fn unknown_labels(mut reasons: Vec<String>) -> Error {
    let more = reasons.len().saturating_sub(UNKNOWN_LISTED_MAX);
    reasons.truncate(UNKNOWN_LISTED_MAX);

    let mut message = format!(
        "the model lacks labels of the dataset; map them in [dataset.labels]\n  {}",
        reasons.join("\n  ")
    );
    if more > 0 {
        message += &format!("\n  and {more} more");
    }
    Error::new(message)
}

fn class_names(plan: &plan::Plan, labels: &[&String], count: usize) -> Result<Vec<String>> {
    if let Some(names) = &plan.model.classes {
        if names.len() == count {
            return Ok(names.clone());
        }
        return Err(Error::new(format!(
            "model.classes names {} classes, the model has {count}",
            names.len()
        )));
    }

    let table = &plan.dataset.labels;
    if let Some(first_labels) = labels_by_index(labels, table) {
        let mut names = Vec::with_capacity(count);
        for class in 0..count {
            let label = first_labels.get(&class);
            names.push(label.map_or_else(|| class.to_string(), |label| (*label).clone()));
        }
        return Ok(names);
    }
    if labels.len() == count {
        return Ok(labels.iter().map(|label| (*label).clone()).collect());
    }
    Err(Error::new(format!(
        "the dataset has {} labels, the model {count} classes: \
         name the model's classes in order in a file and set model.classes",
        labels.len()
    )))
}

/// The first label of each class, where all labels have an index in the table.
fn labels_by_index<'a>(
    labels: &[&'a String],
    table: &BTreeMap<String, ClassRef>,
) -> Option<BTreeMap<usize, &'a String>> {
    let mut first_labels = BTreeMap::new();
    for label in labels {
        let Some(ClassRef::Index(class)) = table.get(*label) else {
            return None;
        };
        first_labels.entry(*class as usize).or_insert(*label);
    }
    Some(first_labels)
}

fn resolve(
    label: &str,
    table: &BTreeMap<String, ClassRef>,
    classes: &[String],
) -> Result<usize, String> {
    let name = match table.get(label) {
        Some(ClassRef::Index(class)) if (*class as usize) < classes.len() => {
            return Ok(*class as usize);
        }
        Some(ClassRef::Index(class)) => {
            return Err(format!(
                "{label:?} = {class}: the model has classes 0 to {}",
                classes.len() - 1
            ));
        }
        Some(ClassRef::Name(name)) => name,
        None => label,
    };

    match classes.iter().position(|class| class == name) {
        Some(class) => Ok(class),
        None => Err(format!(
            "{name:?} is no class of the model; nearest: {}",
            nearest(name, classes.iter())
        )),
    }
}
