//! Labels of the dataset -> classes of the model.

use super::lacking::nearest;
use crate::error::{Error, Result};
use crate::plan::{self, ClassRef};
use std::collections::BTreeMap;

/// Which class of the model each label of the set means, and what every class is called.
#[derive(Debug, Clone)]
pub struct LabelMap {
    by_label: BTreeMap<String, usize>,
    /// Class names in the model's order.
    pub classes: Vec<String>,
}

impl LabelMap {
    /// Maps by the explicit table `dataset.labels`, else by equal names in `model.classes`, else (no names given) by the
    /// sorted order of the labels.
    ///
    /// # Errors
    /// When the model lacks a label (the nearest names are listed), or the counts differ.
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
                Err(problem) => unknown.push(problem),
            }
        }
        if unknown.is_empty() {
            return Ok(Self { by_label, classes });
        }
        let more = unknown.len().saturating_sub(10);
        unknown.truncate(10);
        let more = if more > 0 {
            format!("\n  and {more} more")
        } else {
            String::new()
        };
        Err(Error::new(format!(
            "the model lacks labels of the dataset; map them in [dataset.labels]\n  {}{more}",
            unknown.join("\n  ")
        )))
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

fn class_names(plan: &plan::Plan, labels: &[&String], count: usize) -> Result<Vec<String>> {
    let index = |label: &String| match plan.dataset.labels.get(label) {
        Some(ClassRef::Index(i)) => Some(*i as usize),
        _ => None,
    };
    match &plan.model.classes {
        Some(names) if names.len() == count => Ok(names.clone()),
        Some(names) => Err(Error::new(format!(
            "model.classes names {} classes, the model has {count}",
            names.len()
        ))),
        // All labels have an index: a class is called by the first label that means it, the others by their number.
        None if labels.iter().all(|l| index(l).is_some()) => {
            let called = |class: usize| {
                labels
                    .iter()
                    .find(|l| index(l) == Some(class))
                    .map(|l| (*l).clone())
            };
            Ok((0..count)
                .map(|class| called(class).unwrap_or_else(|| class.to_string()))
                .collect())
        }
        None if labels.len() == count => Ok(labels.iter().map(|l| (*l).clone()).collect()),
        None => Err(Error::new(format!(
            "the dataset has {} labels, the model {count} classes: name the model's classes in order in a file and set model.classes",
            labels.len()
        ))),
    }
}

fn resolve(
    label: &str,
    table: &BTreeMap<String, ClassRef>,
    classes: &[String],
) -> std::result::Result<usize, String> {
    let name = match table.get(label) {
        Some(ClassRef::Index(i)) if (*i as usize) < classes.len() => return Ok(*i as usize),
        Some(ClassRef::Index(i)) => {
            return Err(format!(
                "{label:?} = {i}: the model has classes 0 to {}",
                classes.len() - 1
            ));
        }
        Some(ClassRef::Name(name)) => name,
        None => label,
    };
    let known = classes.iter().position(|c| c == name);
    known.ok_or_else(|| {
        format!(
            "{name:?} is no class of the model; nearest: {}",
            nearest(name, classes.iter())
        )
    })
}
