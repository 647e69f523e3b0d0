//! The first pass over a set: counts, fingerprint, the images chosen by a limit, problems.

use super::box_survey::BoxSurvey;
use super::fingerprint::Fingerprint;
use super::item::{Entry, Item, Skipped};
use super::limit::{Limit, LimitSampler};
use super::problem::{self, HandledProblem, Problem};
use super::rules::{Resolved, Rules};
use super::sample::ImageId;
use crate::error::{Error, Result, SkipReason};
use crate::plan::{self, ProblemAction};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Problems that the message lists if the policy makes them errors.
const ERRORS_LISTED_MAX: usize = 10;
/// The kind under which skipped images are counted if there is a limit.
const SKIPPED_BEFORE_LIMIT: &str = "image skipped before the limit was applied";

/// Reasons for which one skip stands for a number of images that is not known.
const HIDING_IMAGES: [SkipReason; 2] = [SkipReason::UnlistedFolder, SkipReason::BadShard];

/// The set in numbers.
#[derive(Debug, Clone, Default)]
pub struct DatasetStats {
    /// Images to audit, skipped ones included: found = scored + skipped.
    pub found: usize,
    /// Skipped images by `stage/reason`.
    pub skipped: BTreeMap<String, usize>,
    /// Images per label.
    pub labels: BTreeMap<String, usize>,
    /// Files and rows outside the set, by kind.
    pub ignored: BTreeMap<&'static str, usize>,
    /// Annotations per category.
    pub categories: BTreeMap<String, usize>,
    /// Images whose presence column is true, by column.
    flags: BTreeMap<String, usize>,
    /// Cells of presence columns that are neither true nor false, by column.
    bad_flags: BTreeMap<String, usize>,
    /// The problems in the order of the set; of very many the rest is counted.
    pub problems: Vec<HandledProblem>,
    /// BLAKE3 over paths, labels, splits, groups and annotations, in order.
    pub fingerprint: String,
    /// BLAKE3 over the cells of the manifest that are kept.
    pub cells_fingerprint: String,
    /// Whether the boxes can be what the format says.
    pub(super) boxes: BoxSurvey,
    /// An example of each reason in `skipped`.
    pub skip_examples: BTreeMap<String, String>,
    /// The images chosen by a limit.
    selected: Option<HashSet<ImageId>>,
}

impl DatasetStats {
    /// Whether a limit chose the images.
    pub(super) fn is_limited(&self) -> bool {
        self.selected.is_some()
    }

    /// Whether an image is among those to audit.
    pub(super) fn selects(&self, entry: &Entry) -> bool {
        match &self.selected {
            Some(selected) => selected.contains(&entry.id()),
            None => true,
        }
    }

    /// Counts of the problems by code.
    pub fn problem_counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for problem in &self.problems {
            *counts.entry(problem.code).or_default() += problem.count;
        }
        counts
    }

    /// # Errors
    /// When the policy makes a problem an error, or there is no image with a label.
    fn check(&self, root: &Path) -> Result<()> {
        let errors: Vec<&HandledProblem> = self
            .problems
            .iter()
            .filter(|problem| problem.action == ProblemAction::Error)
            .collect();
        if !errors.is_empty() {
            return Err(policy_error(&errors));
        }
        if self.found == 0 || self.labels.is_empty() {
            return Err(self.no_image_error(root));
        }
        Ok(())
    }

    /// Folders that cannot be listed and shards that cannot be read, with an example: skips that
    /// stand for a number of images that is not known.
    pub fn uncounted(&self) -> Option<(usize, &str)> {
        let mut count = 0;
        let mut example = None;
        for (reason, images) in &self.skipped {
            let name = reason.rsplit('/').next();
            let hides = HIDING_IMAGES
                .iter()
                .any(|hiding| name == Some(hiding.name()));
            if hides {
                count += images;
                example = example.or(self.skip_examples.get(reason));
            }
        }
        Some((count, example?.as_str()))
    }

    /// A presence column without a true cell, but with cells that are neither true nor false: these
    /// may be the images that show the region, and they would be left out.
    fn check_flags(&self, columns: &[String]) -> Result<()> {
        for column in columns {
            let Some(cells) = self.bad_flags.get(column) else {
                continue;
            };
            if self.flags.contains_key(column) {
                continue;
            }
            let first = self.problems.iter().find(|p| p.code == "bad_flag");
            return Err(Error::new(format!(
                "presence column {column:?} has no true cell, and {cells} that are neither true \
                 nor false: write 1, true or yes where an image shows the region, and 0, false or \
                 no where it does not\n  {}",
                first.map(line).unwrap_or_default()
            )));
        }
        Ok(())
    }

    fn no_image_error(&self, root: &Path) -> Error {
        let mut message = format!(
            "there is no image with a label under {} ({} found)",
            root.display(),
            self.found
        );
        for (reason, count) in &self.skipped {
            let example = self.skip_examples.get(reason);
            let example = example.map_or("", String::as_str);
            message += &format!("\n  {count} x {reason}: {example}");
        }
        for (kind, count) in &self.ignored {
            message += &format!("\n  ignored: {count} x {kind}");
        }
        if let Some(problem) = self.problems.first() {
            message += &format!("\n  first problem: {}", line(problem));
        }
        Error::new(message)
    }
}

pub(super) fn policy_error(errors: &[&HandledProblem]) -> Error {
    let codes: BTreeSet<&str> = errors.iter().map(|problem| problem.code).collect();
    let codes = Vec::from_iter(codes).join(", ");

    let count: usize = errors.iter().map(|problem| problem.count).sum();
    let mut message = match count {
        1 => "a problem in the annotations has".to_owned(),
        count => format!("{count} problems in the annotations have"),
    };
    message += &format!(" the action `error` in [dataset.problems] ({codes})");
    for problem in errors.iter().take(ERRORS_LISTED_MAX) {
        message += &format!("\n  {}", line(problem));
    }
    Error::new(message)
}

fn line(problem: &HandledProblem) -> String {
    format!("{}: {}: {}", problem.place, problem.code, problem.message)
}

/// Reads all items once.
///
/// # Errors
/// When the reader refuses the set, the policy makes a problem an error, or there is no image with
/// a label.
pub(super) fn scan(
    items: impl Iterator<Item = Item>,
    rules: &Rules,
    limit: Option<Limit>,
    plan: &plan::Dataset,
) -> Result<DatasetStats> {
    let mut scan = Scan {
        rules,
        stats: DatasetStats::default(),
        fingerprint: Fingerprint::default(),
        cells: Fingerprint::default(),
        sampler: limit.map(LimitSampler::new),
        with_boxes: HashSet::new(),
    };

    for item in items {
        match item {
            Item::Refused(message) => return Err(Error::new(message)),
            item => scan.add(item),
        }
    }
    for problem in &rules.problems {
        scan.stats.boxes.add_problem(problem);
        scan.add(Item::Problem(problem.clone()));
    }
    scan.add_orphaned_boxes();
    for problem in scan.stats.boxes.problems(plan) {
        scan.add(Item::Problem(problem));
    }

    let stats = scan.finish();
    stats.check_flags(&plan.presence_columns)?;
    stats.check(&plan.root)?;
    Ok(stats)
}

/// The pass over a set so far.
struct Scan<'a> {
    rules: &'a Rules,
    stats: DatasetStats,
    fingerprint: Fingerprint,
    cells: Fingerprint,
    /// Present if there is a limit.
    sampler: Option<LimitSampler>,
    /// The keys of boxes beside the set whose images are in the set.
    with_boxes: HashSet<PathBuf>,
}

impl Scan<'_> {
    fn add(&mut self, item: Item) {
        if let Item::Found(entry) = &item {
            self.with_boxes.extend(self.rules.boxes.key_of(&entry.path));
            let beside = self.rules.boxes.of(&entry.path);
            let annotations = entry.annotations.iter().chain(beside);
            self.stats
                .boxes
                .add(entry, annotations, entry.problems.iter());
            for column in &entry.bad_flags {
                *self.stats.bad_flags.entry(column.clone()).or_default() += 1;
            }
        }

        let (resolved, problems) = self.rules.resolve(item);
        for problem in problems {
            problem::add(&mut self.stats.problems, problem);
        }
        match resolved {
            Resolved::Labeled(entry, label) => self.add_labeled(&entry, label),
            Resolved::Skipped(skipped) => self.add_skipped(&skipped),
            Resolved::Ignored(kind) => self.add_ignored(kind),
            Resolved::Nothing => {}
        }
    }

    fn add_labeled(&mut self, entry: &Entry, label: String) {
        self.fingerprint.add(entry, &label);
        self.cells.add_cells(entry);
        for annotation in &entry.annotations {
            let category = annotation.category.clone();
            *self.stats.categories.entry(category).or_default() += 1;
        }
        for flag in &entry.flags {
            *self.stats.flags.entry(flag.clone()).or_default() += 1;
        }
        if let Some(sampler) = &mut self.sampler {
            sampler.add(&label, entry.id());
        }
        *self.stats.labels.entry(label).or_default() += 1;
    }

    fn add_skipped(&mut self, skipped: &Skipped) {
        // A limit chooses among the images that can be audited.
        if self.sampler.is_some() {
            return self.add_ignored(SKIPPED_BEFORE_LIMIT);
        }
        let skip = &skipped.skip;
        let reason = format!("{}/{}", skip.stage.name(), skip.reason);
        if !self.stats.skip_examples.contains_key(&reason) {
            let path = &skipped.path;
            let example = match skip.message.starts_with(path.as_str()) {
                true => skip.message.clone(),
                false => format!("{path}: {}", skip.message),
            };
            self.stats.skip_examples.insert(reason.clone(), example);
        }
        *self.stats.skipped.entry(reason).or_default() += 1;
    }

    fn add_ignored(&mut self, kind: &'static str) {
        *self.stats.ignored.entry(kind).or_default() += 1;
    }

    /// Adds the problems of boxes whose image is not in the set.
    fn add_orphaned_boxes(&mut self) {
        let boxes = &self.rules.boxes;
        let mut orphans: Vec<&PathBuf> = boxes
            .keys()
            .filter(|path| !self.with_boxes.contains(*path))
            .collect();
        orphans.sort();

        for path in orphans {
            let message = "dataset.boxes has boxes of an image that is not in the set";
            let problem = Problem::in_file("annotation_without_image", path, message);
            self.add(Item::Problem(problem));
        }
    }

    fn finish(mut self) -> DatasetStats {
        if let Some(sampler) = self.sampler {
            self.stats.labels = sampler.counts();
            self.stats.selected = Some(sampler.into_ids());
        }
        let skipped: usize = self.stats.skipped.values().sum();
        let labeled: usize = self.stats.labels.values().sum();
        self.stats.found = skipped + labeled;
        self.stats.cells_fingerprint = self.cells.finish(None);
        self.stats.fingerprint = self.fingerprint.finish(self.rules.boxes.hash);
        self.stats
    }
}
