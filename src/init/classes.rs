//! The names of a model's classes, and the class of every label of a set.

use super::hints;
use crate::bounded;
use crate::dataset::nearest;
use crate::error::{Error, Result};
use crate::model::Declared;
use crate::plan::class_list;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Largest file of class names.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Names of files with one class a line, beside the model or in the folder of the images.
const CLASS_FILES: [&str; 3] = ["classes.txt", "labels.txt", "class_names.txt"];

/// How the classes of the model are named.
#[derive(Debug, Clone, Default)]
pub struct Classes {
    /// For people: where the names are from.
    pub source: String,
    /// In the model's order; `None` where the sorted labels are the classes, or the labels are
    /// indices.
    pub names: Option<Vec<String>>,
    /// The file of the names, where it has one class a line.
    pub file: Option<PathBuf>,
    /// Classes of labels that are named otherwise than their class.
    pub table: BTreeMap<String, u32>,
    /// Labels that are no class of the model.
    pub unknown: Vec<String>,
    /// Why other sources are not used.
    pub notes: Vec<String>,
}

/// One source of names.
struct Source {
    name: String,
    file: Option<PathBuf>,
    names: Result<Vec<String>>,
}

impl Classes {
    /// The names that are similar to a label which is no class, as the end of a message.
    pub fn nearest(&self, label: &str) -> String {
        nearest(label, self.names.iter().flatten())
    }

    /// Names of `count` classes for the labels of a set: of the metadata, of `config.json`, of a
    /// file with one class a line; else the labels themselves in sorted order.
    ///
    /// # Errors
    /// When no source names the classes, and the labels cannot be the classes.
    pub fn find(
        model: &Path,
        root: &Path,
        declared: &Declared,
        labels: &[String],
        count: usize,
    ) -> Result<Self> {
        let mut notes = Vec::new();
        for source in sources(model, root, declared) {
            match fit(&source, labels, count) {
                Ok(found) => return Ok(Self { notes, ..found }),
                Err(reason) => notes.push(format!("{}: {reason}", source.name)),
            }
        }
        of_labels(labels, count, notes)
    }
}

fn of_labels(labels: &[String], count: usize, notes: Vec<String>) -> Result<Classes> {
    if labels.iter().all(|label| index(label, count).is_some()) {
        return Ok(Classes {
            source: format!("the labels are the indices 0 to {}", count - 1),
            notes,
            ..Classes::default()
        });
    }
    if labels.len() == count {
        return Ok(Classes {
            source: "the sorted labels are the classes".into(),
            notes,
            ..Classes::default()
        });
    }
    let mut message = format!(
        "the names of the model's {count} classes are not known, and the set has {} labels: put \
         classes.txt with one name a line, in the model's order, beside the model or the images",
        labels.len()
    );
    for note in notes {
        message += &format!("\n  {note}");
    }
    Err(Error::new(message))
}

/// The sources that are there, the most trusted first.
fn sources(model: &Path, root: &Path, declared: &Declared) -> Vec<Source> {
    let mut sources = Vec::new();
    if let Some(names) = hints::metadata_names(&declared.metadata) {
        sources.push(Source {
            name: "the model's metadata (names)".into(),
            file: None,
            names,
        });
    }
    if let Some(file) = hints::beside(model, "config.json")
        && let Some(names) = hints::read_json(&file)
            .map(|value| of_config(&value))
            .transpose()
    {
        sources.push(Source {
            name: file.display().to_string(),
            file: None,
            names,
        });
    }
    let own = format!(
        "{}.classes.txt",
        model.file_stem().unwrap_or_default().to_string_lossy()
    );
    let beside = std::iter::once(own.as_str()).chain(CLASS_FILES);
    let beside = beside.filter_map(|name| hints::beside(model, name));
    let inside = CLASS_FILES.iter().map(|name| root.join(name));
    for file in beside.chain(inside.filter(|file| file.is_file())) {
        sources.push(Source {
            name: file.display().to_string(),
            names: of_file(&file),
            file: Some(file),
        });
    }
    sources
}

/// `id2label` of Hugging Face, or `label_names` of timm.
fn of_config(config: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(list) = config.get("label_names").and_then(Value::as_array) {
        return list.iter().map(text).collect();
    }
    let map = config.get("id2label")?.as_object()?;
    let mut names = Vec::new();
    for number in 0..map.len() {
        names.push(text(map.get(&number.to_string())?)?);
    }
    Some(names)
}

fn of_file(file: &Path) -> Result<Vec<String>> {
    let text = bounded::text(file, FILE_BYTES_MAX).map_err(Error::cause("read it"))?;
    class_list::parse(&text).map_err(Error::new)
}

/// The classes by one source.
///
/// # Errors
/// Why it does not fit.
fn fit(source: &Source, labels: &[String], count: usize) -> Result<Classes, String> {
    let names = source.names.as_ref().map_err(ToString::to_string)?;
    if names.len() != count {
        let named = names.len();
        return Err(format!("names {named} classes, the model has {count}"));
    }
    if names
        .iter()
        .any(|name| name.trim().is_empty() || name.contains(['\n', '\r']))
    {
        return Err("a class has an empty name, or one of several lines".into());
    }

    let mut classes = Classes {
        source: source.name.clone(),
        names: Some(names.clone()),
        file: source.file.clone(),
        ..Classes::default()
    };
    let lookup = Lookup::new(names);
    for label in labels {
        match lookup.class_of(label) {
            Some(class) if names[class as usize] == *label && lookup.is_unique(label) => {}
            Some(class) => {
                classes.table.insert(label.clone(), class);
            }
            None => classes.unknown.push(label.clone()),
        }
    }
    if classes.unknown.len() < labels.len() {
        return Ok(classes);
    }

    let indices: Option<Vec<u32>> = labels.iter().map(|label| index(label, count)).collect();
    match indices {
        Some(indices) => {
            classes.table = labels.iter().cloned().zip(indices).collect();
            classes.unknown.clear();
            classes.source += " (the labels are indices)";
            Ok(classes)
        }
        None => Err("no label of the set is one of its names".into()),
    }
}

fn index(label: &str, count: usize) -> Option<u32> {
    let index: u32 = label.parse().ok()?;
    ((index as usize) < count).then_some(index)
}

/// Classes by their names: as they are, then in lower case without marks, then by one of several
/// names with commas between them.
struct Lookup {
    forms: [BTreeMap<String, Vec<u32>>; 3],
}

impl Lookup {
    fn new(names: &[String]) -> Self {
        let mut forms: [BTreeMap<String, Vec<u32>>; 3] = Default::default();
        for (class, name) in (0..).zip(names) {
            let [exact, plain, parts] = &mut forms;
            exact.entry(name.clone()).or_default().push(class);
            plain.entry(plain_form(name)).or_default().push(class);
            for part in name.split(',') {
                parts.entry(plain_form(part)).or_default().push(class);
            }
        }
        Self { forms }
    }

    /// The only class of a label.
    fn class_of(&self, label: &str) -> Option<u32> {
        let [exact, plain, parts] = &self.forms;
        let form = plain_form(label);
        let found = exact.get(label).or_else(|| plain.get(&form));
        match found.or_else(|| parts.get(&form))?[..] {
            [class] => Some(class),
            _ => None,
        }
    }

    fn is_unique(&self, name: &str) -> bool {
        self.forms[0]
            .get(name)
            .is_some_and(|found| found.len() == 1)
    }
}

/// Lower case, with spaces for the marks that stand for them in names of folders.
fn plain_form(name: &str) -> String {
    let spaced = name.to_lowercase().replace(['_', '-'], " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    words.join(" ")
}
