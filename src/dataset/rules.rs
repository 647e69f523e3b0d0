//! Decides about each image: adds the boxes beside the set, applies the label rule, and applies the
//! policy for problems.

use super::annotation::Annotation;
use super::boxes::Boxes;
use super::csv_table::LineBreaks;
use super::formats::folder::Layout;
use super::formats::manifest::Manifest;
use super::item::{Entry, Item, Skipped};
use super::paths::{SetRoot, display};
use super::problem::{self, HandledProblem, Problem};
use crate::error::{Error, Result, Skip, SkipReason, Stage};
use crate::geometry::Size;
use crate::plan::problems::Policy;
use crate::plan::{self, Columns, Format, LabelRule, ProblemAction};
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Most annotations of one image: the area of their union takes time and memory with the square of
/// their number.
const ANNOTATIONS_MAX: usize = 1000;

pub struct Rules {
    pub boxes: Boxes,
    /// Problems of the files beside the set: boxes and label table.
    pub problems: Vec<Problem>,
    rule: Option<LabelRule>,
    /// Whether the format labels boxes, not images.
    is_detection: bool,
    /// Labels of `dataset.label_table`, by path.
    table: HashMap<PathBuf, String>,
    policy: Policy,
    layout: Layout,
}

/// The decision about an item.
pub enum Resolved {
    Labeled(Box<Entry>, String),
    Skipped(Skipped),
    Ignored(&'static str),
    /// A problem that belongs to no image.
    Nothing,
}

impl Rules {
    /// Reads the files beside the set.
    ///
    /// # Errors
    /// When the boxes or the label table cannot be read.
    pub fn new(plan: &plan::Dataset) -> Result<Self> {
        let boxes = Boxes::load(plan)?;
        let mut problems = boxes.problems.clone();
        let table = match &plan.label_table {
            Some(file) => read_label_table(file, &plan.root, &mut problems)?,
            None => HashMap::new(),
        };
        Ok(Self {
            boxes,
            problems,
            rule: plan.label,
            is_detection: is_detection(plan.format),
            table,
            policy: plan.problems.clone(),
            layout: Layout::of(&plan.root),
        })
    }

    /// Labels an image, or says why it is skipped; with all its problems.
    pub fn resolve(&self, item: Item) -> (Resolved, Vec<HandledProblem>) {
        match item {
            Item::Found(entry) => self.resolve_entry(entry),
            Item::Skipped(skipped) => (Resolved::Skipped(skipped), Vec::new()),
            Item::Ignored(kind) => (Resolved::Ignored(kind), Vec::new()),
            // The first pass has refused the set.
            Item::Refused(_) => (Resolved::Nothing, Vec::new()),
            Item::Problem(problem) => {
                let handled = problem.handled(&self.policy, None);
                (Resolved::Nothing, vec![handled])
            }
        }
    }

    fn resolve_entry(&self, mut entry: Entry) -> (Resolved, Vec<HandledProblem>) {
        let path = display(&entry.path);
        let label = self.add_boxes_and_label(&mut entry);
        limit_annotations(&mut entry);

        let mut problems = Vec::new();
        for problem in entry.problems.drain(..) {
            problems.push(problem.handled(&self.policy, Some(&path)));
        }

        let fatal = problems.iter().find(|p| p.action == ProblemAction::Skip);
        let (reason, message) = match (fatal, &label) {
            (Some(problem), _) => {
                let message = format!("{}: {}", problem.place, problem.message);
                (SkipReason::Problem(problem.code), message)
            }
            // Whatever the policy, an image without a label cannot be audited.
            (None, None) => (SkipReason::NoLabel, "no label".to_owned()),
            (None, Some(label)) => {
                return (Resolved::Labeled(Box::new(entry), label.clone()), problems);
            }
        };
        let skipped = Skipped {
            path,
            label,
            skip: Skip::new(Stage::Annotation, reason, message),
        };
        (Resolved::Skipped(skipped), problems)
    }

    /// Adds the boxes beside the set and applies the label rule.
    ///
    /// The format's own annotations give the label; boxes beside the set do only where there are
    /// none.
    fn add_boxes_and_label(&self, entry: &mut Entry) -> Option<String> {
        let boxes = self.boxes.of(&entry.path);
        if entry.annotations.is_empty() {
            entry.annotations.extend_from_slice(boxes);
            return self.label(entry);
        }
        let label = self.label(entry);
        entry.annotations.extend_from_slice(boxes);
        label
    }

    fn label(&self, entry: &mut Entry) -> Option<String> {
        let label = match self.rule {
            None if entry.label.is_none() && self.is_detection => largest_category(entry),
            None => entry.label.clone(),
            Some(LabelRule::Folder) => self.layout.label(&entry.path),
            Some(LabelRule::Table) => self.table.get(&entry.path).cloned(),
            Some(LabelRule::LargestBox) => largest_category(entry),
            Some(LabelRule::OnlyCategory) => {
                let mut categories = categories(entry);
                if categories.len() > 1 {
                    let count = categories.len();
                    let list = Vec::from_iter(categories).join(", ");
                    add_problem(entry, "two_labels", format!("{count} categories: {list}"));
                    return None;
                }
                categories.pop_first()
            }
        };

        if label.is_none() {
            let reason = entry.no_label.take();
            let reason = reason.unwrap_or_else(|| "the rule gives no label".into());
            add_problem(entry, "no_label", reason);
        }
        label
    }
}

fn is_detection(format: Format) -> bool {
    match format {
        Format::Folder
        | Format::Csv
        | Format::Tsv
        | Format::Parquet
        | Format::Webdataset
        | Format::ParquetImages => false,
        Format::Coco
        | Format::Voc
        | Format::Yolo
        | Format::Labelme
        | Format::Masks
        | Format::OpenImages
        | Format::ImagenetLoc
        | Format::Wsol => true,
    }
}

fn read_label_table(
    file: &Path,
    root: &Path,
    problems: &mut Vec<Problem>,
) -> Result<HashMap<PathBuf, String>> {
    let mut labels = HashMap::new();
    let columns = Columns::default();
    let manifest = Manifest {
        file,
        format: Format::Csv,
        splits: None,
        columns: &columns,
        presence: &[],
        keeps_cells: false,
        line_breaks: LineBreaks::Refused,
        root: SetRoot::new(root),
    };
    for item in manifest.items()? {
        match item {
            Item::Found(entry) => match entry.label {
                Some(label) => {
                    labels.insert(entry.path, label);
                }
                None => {
                    let message = format!("{} has no label", display(&entry.path));
                    problem::add(problems, Problem::in_file("bad_row", file, message));
                }
            },
            Item::Skipped(Skipped { path, skip, .. }) => {
                let message = format!("{path:?}: {}", skip.message);
                problem::add(problems, Problem::in_file("bad_row", file, message));
            }
            Item::Problem(problem) => problem::add(problems, problem),
            Item::Refused(message) => return Err(Error::new(message)),
            Item::Ignored(_) => {}
        }
    }
    Ok(labels)
}

fn add_problem(entry: &mut Entry, code: &'static str, message: impl Into<String>) {
    let path = display(&entry.path);
    let problem = Problem::in_file(code, Path::new(&path), message);
    entry.problems.push(problem);
}

fn limit_annotations(entry: &mut Entry) {
    let count = entry.annotations.len();
    if count > ANNOTATIONS_MAX {
        add_problem(entry, "too_many_boxes", format!("{count} annotations"));
        entry.annotations.truncate(ANNOTATIONS_MAX);
    }
}

/// The annotations that can give a label.
fn labeling(entry: &Entry) -> impl Iterator<Item = &Annotation> {
    let annotations = entry.annotations.iter();
    annotations.filter(|annotation| !annotation.ignore && !annotation.category.is_empty())
}

/// Category of the largest annotation by its bounding box, the first in the alphabet among equals.
fn largest_category(entry: &Entry) -> Option<String> {
    let size = entry.declared_size.unwrap_or(Size::new(1, 1));
    let largest = labeling(entry).max_by(|a, b| compare_area(a, b, size))?;
    Some(largest.category.clone())
}

fn compare_area(a: &Annotation, b: &Annotation, size: Size) -> Ordering {
    let area_a = a.bounds(size).area();
    let area_b = b.bounds(size).area();
    area_a
        .total_cmp(&area_b)
        .then_with(|| b.category.cmp(&a.category))
}

fn categories(entry: &Entry) -> BTreeSet<String> {
    let annotations = labeling(entry);
    annotations
        .map(|annotation| annotation.category.clone())
        .collect()
}
