//! Labels of the dataset -> classes of the model.

use super::cells;
use super::name_checks::nearest;
use super::paths::normal_form;
use crate::error::{Error, Result};
use crate::plan::{self, ClassRef, Format, UnknownLabels};
use std::collections::BTreeMap;

/// Unknown labels that the message lists.
const UNKNOWN_LISTED_MAX: usize = 10;

/// The class of the model for each label of the set, and the names of the classes.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct LabelMap {
    by_label: BTreeMap<String, usize>,
    /// Class names in the model's order, all different.
    pub classes: Vec<String>,
    /// What the user should know about the mapping.
    pub warnings: Vec<String>,
}

impl LabelMap {
    /// Maps by the explicit table `dataset.labels`, else by equal names in `model.classes`. Without
    /// names, labels that are all whole numbers are indices of classes; other labels are the
    /// classes in sorted order.
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
        let names = class_names(plan, &labels, class_count)?;

        let mut by_label = BTreeMap::new();
        let mut unknown = Vec::new();
        for &label in &labels {
            match names.class_of(label, &plan.dataset.labels) {
                Ok(class) => {
                    by_label.insert(label.clone(), class);
                }
                Err(reason) => unknown.push(reason),
            }
        }

        let mut warnings = Vec::new();
        if names.are_indices {
            warnings.push(indices_warning(plan, class_count));
        }
        if !unknown.is_empty() {
            let is_all = unknown.len() == labels.len();
            if plan.dataset.unknown_labels == UnknownLabels::Error || is_all {
                return Err(unknown_labels(plan, &labels, unknown, &names));
            }
            warnings.push(skipped_labels(&unknown));
        }
        Ok(Self {
            by_label,
            classes: names.unique(),
            warnings,
        })
    }

    /// Every label a class of its own, in sorted order: a dataset without a model.
    pub fn without_model<'a>(labels: impl Iterator<Item = &'a String>) -> Self {
        let classes: Vec<String> = labels.cloned().collect();
        let by_label = classes.iter().cloned().zip(0..).collect();
        Self {
            by_label,
            classes,
            warnings: Vec::new(),
        }
    }

    pub fn class_of(&self, label: &str) -> Option<usize> {
        self.by_label.get(label).copied()
    }

    /// Index of a class of the model.
    ///
    /// # Errors
    /// When there is none of that name; the nearest names are listed.
    pub fn class_named(&self, name: &str) -> Result<usize> {
        named(name, &self.classes).map_err(Error::new)
    }

    /// The name of every class that has labels: the label, or the class's own name where several
    /// labels are this class. No two names are equal.
    pub fn pooled_names(&self) -> BTreeMap<usize, String> {
        let mut labels: BTreeMap<usize, Vec<&String>> = BTreeMap::new();
        for (label, class) in self.iter() {
            labels.entry(class).or_default().push(label);
        }

        let mut names = BTreeMap::new();
        for (class, labels) in labels {
            let name = match labels.as_slice() {
                [label] => (*label).clone(),
                _ => self.class_name(class, &labels),
            };
            names.insert(class, name);
        }
        names
    }

    /// The labels that are one class with others, each with the name of [`Self::pooled_names`].
    pub fn pooled_labels(&self) -> BTreeMap<String, String> {
        let names = self.pooled_names();
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, class) in self.iter() {
            *counts.entry(class).or_default() += 1;
        }

        let mut pooled = BTreeMap::new();
        for (label, class) in self.iter() {
            let is_pooled = counts.get(&class).is_some_and(|labels| *labels > 1);
            if let (true, Some(name)) = (is_pooled, names.get(&class)) {
                pooled.insert(label.clone(), name.clone());
            }
        }
        pooled
    }

    /// The name of a class of several labels; with its number where another label has that name.
    fn class_name(&self, class: usize, labels: &[&String]) -> String {
        let name = &self.classes[class];
        let is_taken = self.by_label.contains_key(name) && !labels.contains(&name);
        if is_taken {
            format!("{name} (class {class})")
        } else {
            name.clone()
        }
    }

    /// Labels in sorted order with their classes.
    pub fn iter(&self) -> impl Iterator<Item = (&String, usize)> {
        self.by_label.iter().map(|(label, &class)| (label, class))
    }
}

/// The classes of the model by name, as they are given.
struct ClassNames {
    names: Vec<String>,
    /// Whether labels are indices of classes.
    are_indices: bool,
}

impl ClassNames {
    fn class_of(&self, label: &str, table: &BTreeMap<String, ClassRef>) -> Result<usize, String> {
        let last = self.names.len() - 1;
        let index = match table.get(label) {
            Some(ClassRef::Index(class)) => Some(u64::from(*class)),
            Some(ClassRef::Name(name)) => return named(name, &self.names),
            None if self.are_indices => cells::whole_number(label),
            None => return named(label, &self.names),
        };
        match index.and_then(|index| usize::try_from(index).ok()) {
            Some(class) if class <= last => Ok(class),
            _ => Err(format!("{label:?}: the model has classes 0 to {last}")),
        }
    }

    /// The names, with the index behind those that several classes have.
    fn unique(self) -> Vec<String> {
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for name in &self.names {
            *counts.entry(name).or_default() += 1;
        }
        let names = self.names.iter().enumerate();
        names
            .map(|(class, name)| match counts.get(name) {
                Some(1) | None => name.clone(),
                Some(_) => format!("{name} (class {class})"),
            })
            .collect()
    }
}

fn indices_warning(plan: &plan::Plan, class_count: usize) -> String {
    let mut warning = format!(
        "the labels are whole numbers and model.classes is not set, so they are taken as the \
         indices 0 to {} of the model's classes",
        class_count - 1
    );
    if plan.dataset.format == Format::Folder {
        warning += "; torchvision's ImageFolder numbers folders in the order of their names as \
                    text (0, 1, 10, 2): name the classes in that order in model.classes if the \
                    model was trained so";
    }
    warning
}

fn skipped_labels(unknown: &[String]) -> String {
    let labels = if unknown.len() == 1 {
        "label is"
    } else {
        "labels are"
    };
    let first = unknown.first().map_or("", String::as_str);
    format!(
        "{} {labels} skipped, because dataset.unknown_labels is \"skip\" ({first})",
        unknown.len()
    )
}

fn unknown_labels(
    plan: &plan::Plan,
    labels: &[&String],
    mut reasons: Vec<String>,
    names: &ClassNames,
) -> Error {
    let are_numbers = !names.are_indices
        && labels
            .iter()
            .all(|label| cells::whole_number(label).is_some());
    let more = reasons.len().saturating_sub(UNKNOWN_LISTED_MAX);
    reasons.truncate(UNKNOWN_LISTED_MAX);

    let mut message = format!(
        "the model's classes{} lack labels of the dataset; map them in [dataset.labels], or leave \
         out their images with dataset.unknown_labels = \"skip\"\n  {}",
        in_file(plan),
        reasons.join("\n  ")
    );
    if more > 0 {
        message += &format!("\n  and {more} more");
    }
    if are_numbers {
        message += "\n  if these numbers are indices of the model's classes, remove model.classes";
    }
    Error::new(message)
}

fn class_names(plan: &plan::Plan, labels: &[&String], count: usize) -> Result<ClassNames> {
    let names = |names| {
        Ok(ClassNames {
            names,
            are_indices: false,
        })
    };
    if let Some(given) = &plan.model.classes {
        if given.len() == count {
            return names(given.clone());
        }
        return Err(Error::new(format!(
            "model.classes{} names {} classes, the model has {count}: one name a line (or a \
             list), in the order of the model's outputs",
            in_file(plan),
            given.len()
        )));
    }

    let table = &plan.dataset.labels;
    if let Some(first_labels) = labels_by_index(labels, table) {
        let mut by_index = Vec::with_capacity(count);
        for class in 0..count {
            let label = first_labels.get(&class);
            by_index.push(label.map_or_else(|| class.to_string(), |label| (*label).clone()));
        }
        return names(by_index);
    }
    if labels
        .iter()
        .all(|label| cells::whole_number(label).is_some())
    {
        return Ok(ClassNames {
            names: (0..count).map(|class| class.to_string()).collect(),
            are_indices: true,
        });
    }
    if labels.len() == count {
        return names(labels.iter().map(|label| (*label).clone()).collect());
    }
    Err(Error::new(format!(
        "the dataset has {} labels, the model {count} classes: \
         name the model's classes in order in a file and set model.classes",
        labels.len()
    )))
}

/// The file of the class names, as a part of a message.
fn in_file(plan: &plan::Plan) -> String {
    let file = plan.model.class_file.as_ref();
    file.map_or_else(String::new, |file| format!(" ({})", file.display()))
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

/// The class of a name. Names are compared in one Unicode normal form where none is equal.
fn named(name: &str, classes: &[String]) -> Result<usize, String> {
    let mut found = Vec::new();
    for (index, class) in classes.iter().enumerate() {
        if class == name {
            found.push(index);
        }
    }
    if found.is_empty() {
        let wanted = normal_form(name);
        for (index, class) in classes.iter().enumerate() {
            if normal_form(class) == wanted {
                found.push(index);
            }
        }
    }

    match found[..] {
        [class] => Ok(class),
        [] => Err(format!(
            "{name:?} is no class of the model; {}",
            nearest(name, classes.iter())
        )),
        _ => {
            let indices: Vec<String> = found.iter().map(usize::to_string).collect();
            Err(format!(
                "{name:?} is the name of the classes {}; give the index",
                indices.join(" and ")
            ))
        }
    }
}
