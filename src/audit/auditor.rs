//! Measuring images that a caller brings: rows in memory, without a run folder.

use super::measurer::{Brought, Measurer};
use super::prescan::Prescan;
use super::totals::{Totals, problem_row};
use crate::bounded;
use crate::dataset::{ImageId, LabelMap, Sample, SetRoot, Source, image_boxes};
use crate::error::{Error, Result};
use crate::plan::{Plan, ProblemAction};
use crate::tables::{ImageRow, ProblemRow, RegionRow, SkipRow};
use std::path::{Path, PathBuf};

/// An image as a caller describes it.
#[derive(Debug, Clone, Default)]
pub struct GivenImage {
    /// Names the image; its file where there are no bytes. Relative to `dataset.root`, or absolute.
    pub path: String,
    pub bytes: Option<Vec<u8>>,
    pub label: Option<String>,
    pub split: Option<String>,
    pub group: Option<String>,
    /// Categories with the left, top, right and bottom edge on the upright photo, in the unit of
    /// `dataset.box_coordinates`.
    pub boxes: Vec<(String, [f64; 4])>,
    /// Presence columns that are true.
    pub flags: Vec<String>,
}

/// Rows as a run folder has them.
#[derive(Debug, Default)]
pub struct GivenRows {
    pub images: Vec<ImageRow>,
    pub regions: Vec<RegionRow>,
    pub skipped: Vec<SkipRow>,
    pub problems: Vec<ProblemRow>,
}

/// Names a pipeline and its model by their contents.
///
/// # Errors
/// When the model file cannot be read.
pub fn content_key(plan: &Plan) -> Result<String> {
    let file = &plan.model.path;
    let what = format!("read the model {}", file.display());
    let opened = bounded::open(file).map_err(Error::cause(&what))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(opened).map_err(Error::cause(&what))?;
    Ok(format!("{} {}", plan.hash, hasher.finalize()))
}

/// Measures images by a pipeline. Only its `[model]`, `[preprocess]`, `[[region]]` and `[scores]`
/// count, and of `[dataset]` the root, the labels, the unit of boxes and the presence columns.
pub struct Auditor {
    measurer: Measurer,
    root: SetRoot,
}

impl Auditor {
    /// Loads the model; `threads` workers, 0 = all cores.
    ///
    /// # Errors
    /// When the model cannot be used, or the pipeline does not name its classes.
    pub fn new(mut plan: Plan, threads: usize) -> Result<Self> {
        if plan.model.classes.is_none() {
            return Err(Error::new(
                "model.classes is missing: single images do not tell which classes there are",
            ));
        }
        plan.run.jobs = threads;
        let root = SetRoot::new(&plan.dataset.root);
        let measurer = Measurer::new(plan, Prescan::without_comparisons(), |plan, model| {
            LabelMap::new(plan, std::iter::empty(), model.facts.classes)
        })?;
        Ok(Self { measurer, root })
    }

    /// Names of the columns that say where a region is present.
    pub fn presence_columns(&self) -> &[String] {
        &self.measurer.context().plan.dataset.presence_columns
    }

    /// Measures images; the rows come in their order. An image that cannot be measured is a row of
    /// `skipped`. There are no maps for comparison with other classes and no reference places,
    /// which need the whole dataset.
    ///
    /// # Errors
    /// When the logit invariant is violated, or annotations have a problem whose action is `error`.
    pub fn measure(&self, images: Vec<GivenImage>) -> Result<GivenRows> {
        let mut problems = Vec::new();
        let mut brought = Vec::new();
        for image in images {
            brought.push(self.brought(image, &mut problems)?);
        }

        let plan = self.measurer.context().plan;
        let measured = self.measurer.measure_alone(brought)?;
        let mut totals = Totals::new(plan.run.seed);
        let part = totals.add(measured, plan);
        problems.extend(totals.problems);
        Ok(GivenRows {
            images: part.images,
            regions: part.regions,
            skipped: totals.skipped,
            problems,
        })
    }

    /// The image as a sample, or the row of one that cannot be.
    fn brought(&self, image: GivenImage, problems: &mut Vec<ProblemRow>) -> Result<Brought> {
        let dataset = &self.measurer.context().plan.dataset;
        let (annotations, found) = image_boxes(&image.path, &image.boxes, dataset.box_coordinates);
        for problem in found {
            let problem = problem.handled(&dataset.problems, Some(&image.path));
            problems.push(problem_row(&problem));
            let message = format!("{}: {}", problem.place, problem.message);
            match problem.action {
                ProblemAction::Ignore => {}
                ProblemAction::Skip => return Ok(Err(skipped(&image, problem.code, &message))),
                ProblemAction::Error => return Err(Error::new(message)),
            }
        }

        let Some(label) = image.label.clone() else {
            return Ok(Err(skipped(&image, "no_label", "no label")));
        };
        let class = match self.class_of(&label) {
            Ok(class) => class,
            Err(reason) => return Ok(Err(skipped(&image, "unknown_label", &reason))),
        };
        let relative = self.root.relative(&image.path);
        let named = relative.unwrap_or_else(|| PathBuf::from(&image.path));
        Ok(Ok(Sample {
            id: ImageId::of(&named),
            path: named.display().to_string(),
            source: source(&dataset.root, &named, image.bytes),
            label,
            class,
            split: image.split,
            group: image.group,
            annotations,
            flags: image.flags,
            // Columns are properties for a search over the whole set.
            cells: Vec::new(),
            declared_size: None,
            measured: None,
        }))
    }

    fn class_of(&self, label: &String) -> Result<usize, String> {
        let context = self.measurer.context();
        let labels = std::iter::once(label);
        let map = LabelMap::new(context.plan, labels, context.model.facts.classes);
        let class = map.map_err(|e| e.to_string())?.class_of(label);
        class.ok_or_else(|| format!("{label:?} is no class of the model"))
    }
}

fn source(root: &Path, path: &Path, bytes: Option<Vec<u8>>) -> Source {
    match bytes {
        Some(bytes) => Source::Bytes(bytes.into()),
        None => Source::File(root.join(path)),
    }
}

fn skipped(image: &GivenImage, reason: &str, message: &str) -> SkipRow {
    SkipRow {
        path: image.path.clone(),
        label: image.label.clone(),
        stage: "annotation".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}
