//! From what a format knows of an image to a labeled image: boxes beside, the rule for the label, severities.

use super::boxes::Boxes;
use super::folder::top;
use super::manifest;
use super::problem::{Noted, Odd};
use super::{Entry, Item, Lost, display};
use crate::error::{Result, Skip, Stage};
use crate::geometry::Size;
use crate::plan::problems::Policy;
use crate::plan::{self, Format, LabelRule, Severity};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Most annotations of one image: the area of their union takes time and memory with the square of their number.
const ANNOTATIONS_MAX: usize = 1000;

pub struct Rules {
    pub boxes: Boxes,
    /// What is odd about the files beside: boxes and label table.
    pub odd: Vec<Odd>,
    rule: Option<LabelRule>,
    /// The format speaks of boxes, not of images.
    detection: bool,
    /// Labels of a side table, by path.
    table: HashMap<PathBuf, String>,
    policy: Policy,
}

/// What becomes of an item.
pub enum Fate {
    Labeled(Entry, String),
    Lost(Lost),
    Ignored(&'static str),
    Nothing,
}

impl Rules {
    pub fn new(plan: &plan::Dataset) -> Result<Self> {
        let boxes = Boxes::load(plan)?;
        let (mut table, mut odd) = (HashMap::new(), boxes.odd.clone());
        if let Some(file) = &plan.label_table {
            for item in manifest::items(file, Format::Csv, None, &[])? {
                match item {
                    Item::Found(Entry {
                        path,
                        label: Some(label),
                        ..
                    }) => {
                        table.insert(path, label);
                    }
                    Item::Found(Entry { path, .. }) => {
                        odd.push(Odd::new(
                            "bad_row",
                            file,
                            0,
                            format!("{} has no label", display(&path)),
                        ));
                    }
                    Item::Lost(Lost { path, skip, .. }) => {
                        odd.push(Odd::new(
                            "bad_row",
                            file,
                            0,
                            format!("{path:?}: {}", skip.message),
                        ));
                    }
                    Item::Odd(row) => odd.push(row),
                    Item::Ignored(_) => {}
                }
            }
        }
        let detection = !matches!(
            plan.format,
            Format::Folder
                | Format::Csv
                | Format::Tsv
                | Format::Parquet
                | Format::Webdataset
                | Format::ParquetImages
        );
        Ok(Self {
            boxes,
            odd,
            rule: plan.label,
            detection,
            table,
            policy: plan.problems.clone(),
        })
    }

    /// Labels an image, or says why it is lost; with everything odd about it.
    pub fn judge(&self, item: Item) -> (Fate, Vec<Noted>) {
        let mut entry = match item {
            Item::Ignored(kind) => return (Fate::Ignored(kind), Vec::new()),
            Item::Lost(lost) => return (Fate::Lost(lost), Vec::new()),
            Item::Odd(odd) => return (Fate::Nothing, vec![odd.noted(&self.policy, None)]),
            Item::Found(entry) => entry,
        };
        let path = display(&entry.path);
        // The format's own annotations tell the label; boxes beside it only where it has none.
        let beside = self.boxes.of(&entry.path);
        let (own, rest) = if entry.annotations.is_empty() {
            (beside, &[][..])
        } else {
            (&[][..], beside)
        };
        entry.annotations.extend_from_slice(own);
        let label = self.label(&mut entry);
        entry.annotations.extend_from_slice(rest);
        if entry.annotations.len() > ANNOTATIONS_MAX {
            let message = format!("{} annotations", entry.annotations.len());
            entry
                .odd
                .push(Odd::new("too_many_boxes", Path::new(&path), 0, message));
            entry.annotations.truncate(ANNOTATIONS_MAX);
        }
        let noted: Vec<Noted> = entry
            .odd
            .drain(..)
            .map(|odd| odd.noted(&self.policy, Some(&path)))
            .collect();
        let lost = |reason, message: String| {
            let skip = Skip::new(Stage::Annotation, reason, message);
            Fate::Lost(Lost {
                path: path.clone(),
                label: label.clone(),
                skip,
            })
        };
        let fate = match (noted.iter().find(|n| n.severity == Severity::Skip), &label) {
            (Some(n), _) => lost(n.code, format!("{}: {}", n.place, n.message)),
            // Whatever its severity, an image without a label cannot be audited.
            (None, None) => lost("no_label", "no label".into()),
            (None, Some(label)) => Fate::Labeled(entry, label.clone()),
        };
        (fate, noted)
    }

    fn label(&self, entry: &mut Entry) -> Option<String> {
        let label = match self.rule {
            None => entry
                .label
                .clone()
                .or_else(|| if self.detection { largest(entry) } else { None }),
            Some(LabelRule::Folder) => top(&entry.path),
            Some(LabelRule::Table) => self.table.get(&entry.path).cloned(),
            Some(LabelRule::LargestBox) => largest(entry),
            Some(LabelRule::OnlyCategory) => {
                let categories: BTreeSet<&str> =
                    counted(entry).map(|a| a.category.as_str()).collect();
                if categories.len() > 1 {
                    let message = format!(
                        "{} categories: {}",
                        categories.len(),
                        categories.into_iter().collect::<Vec<_>>().join(", ")
                    );
                    entry.odd.push(Odd::new(
                        "two_labels",
                        Path::new(&display(&entry.path)),
                        0,
                        message,
                    ));
                    return None;
                }
                categories.first().map(|c| (*c).to_owned())
            }
        };
        if label.is_none() {
            entry.odd.push(Odd::new(
                "no_label",
                Path::new(&display(&entry.path)),
                0,
                "the rule gives no label",
            ));
        }
        label
    }
}

fn counted(entry: &Entry) -> impl Iterator<Item = &super::Annotation> {
    entry
        .annotations
        .iter()
        .filter(|a| !a.ignore && !a.category.is_empty())
}

/// Category of the largest annotation by its bounding box, the first in the alphabet where several are.
fn largest(entry: &Entry) -> Option<String> {
    let size = entry.stated.unwrap_or(Size::new(1, 1));
    let area = |a: &super::Annotation| a.bounds(size).area();
    let larger = |a: &&super::Annotation, b: &&super::Annotation| {
        area(a)
            .total_cmp(&area(b))
            .then_with(|| b.category.cmp(&a.category))
    };
    counted(entry).max_by(larger).map(|a| a.category.clone())
}
