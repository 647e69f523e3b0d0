//! An opened set: its content, and ways to stream it.

use super::item::{Entry, Item, ReadMode, Skipped};
use super::labels::LabelMap;
use super::limit::Limit;
use super::missing_files::{LOOKED_UP_MAX, MissingFiles};
use super::paths::{display, existing};
use super::problem::HandledProblem;
use super::reader::Reader;
use super::rules::{Resolved, Rules};
use super::sample::{ImageBytes, ImageId, Sample, Source};
use super::stats::{self, DatasetStats};
use super::walk;
use crate::error::{Result, Skip, SkipReason, Stage};
use crate::geometry::Size;
use crate::plan::{self, Format, ProblemAction};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// An opened set: its content, and ways to stream it.
pub struct Dataset {
    plan: plan::Dataset,
    reader: Reader,
    rules: Rules,
    pub stats: DatasetStats,
}

impl Dataset {
    /// Reads the set once without its images, counts it and takes its fingerprint. `limit` images
    /// per label are chosen by a hash of `seed` and id.
    ///
    /// # Errors
    /// When the root, the manifest or the annotations cannot be read, no image is found, or the
    /// annotations have a problem whose action is `error`.
    pub fn open(plan: &plan::Dataset, limit: Option<usize>, seed: u64) -> Result<Self> {
        let reader = Reader::new(plan)?;
        let rules = Rules::new(plan)?;
        let limit = limit.map(|per_label| Limit { per_label, seed });

        let items = reader.items(plan, ReadMode::Labels)?;
        let stats = stats::scan(items, &rules, limit, plan)?;
        Ok(Self {
            plan: plan.clone(),
            reader,
            rules,
            stats,
        })
    }

    /// Streams the set in order. Every image counted as found by [`Dataset::open`] comes once, as a
    /// sample or as skipped.
    ///
    /// # Errors
    /// When the root or the manifest can no longer be read.
    pub fn samples<'a>(
        &'a self,
        labels: &'a LabelMap,
        bytes: ImageBytes,
    ) -> Result<impl Iterator<Item = Result<Sample, Skipped>> + Send + 'a> {
        let mode = match bytes {
            ImageBytes::Read => ReadMode::Images,
            ImageBytes::Leave => ReadMode::Labels,
        };
        let items = self.reader.items(&self.plan, mode)?;
        Ok(items.filter_map(move |item| {
            let (resolved, _) = self.rules.resolve(item);
            self.audited(resolved, labels)
        }))
    }

    /// Returns the samples with these ids, with their image bytes. Reads the set once; images that
    /// are missing or skipped are left out.
    ///
    /// # Errors
    /// When the root or the manifest can no longer be read.
    pub fn samples_by_id(
        &self,
        labels: &LabelMap,
        ids: &BTreeSet<ImageId>,
    ) -> Result<BTreeMap<ImageId, Sample>> {
        let mut samples = BTreeMap::new();
        if ids.is_empty() {
            return Ok(samples);
        }
        for sample in self.stream_by_id(labels, ids)? {
            samples.insert(sample.id, sample);
        }
        Ok(samples)
    }

    /// Streams the samples with these ids in the order of the set, with their image bytes, so that
    /// only some are in memory at once.
    ///
    /// # Errors
    /// When the root or the manifest can no longer be read.
    pub fn stream_by_id<'a>(
        &'a self,
        labels: &'a LabelMap,
        ids: &'a BTreeSet<ImageId>,
    ) -> Result<impl Iterator<Item = Sample> + 'a> {
        let mode = ReadMode::ImagesOf(ids.clone());
        let items = self.reader.items(&self.plan, mode)?;
        Ok(items.filter_map(move |item| {
            // Few are wanted of many, and a sample's file is looked up on the disk.
            if !matches!(&item, Item::Found(entry) if ids.contains(&entry.id())) {
                return None;
            }
            let (resolved, _) = self.rules.resolve(item);
            self.audited(resolved, labels)?.ok()
        }))
    }

    /// Makes a sample of an image to audit; `None` for items outside the set or the limit.
    fn audited(&self, resolved: Resolved, labels: &LabelMap) -> Option<Result<Sample, Skipped>> {
        match resolved {
            Resolved::Labeled(entry, label) if self.stats.selects(&entry) => {
                Some(self.sample(*entry, label, labels))
            }
            Resolved::Skipped(skipped) if !self.stats.is_limited() => Some(Err(skipped)),
            _ => None,
        }
    }

    /// The file of a path of the set; `None` where `dataset.links` does not allow to read it.
    fn file(&self, path: &Path) -> Option<PathBuf> {
        let file = existing(&self.plan.root, path);
        walk::is_allowed(&file, &self.plan.root, self.plan.links).then_some(file)
    }

    /// A warning where files that a manifest or annotations name do not exist.
    ///
    /// # Errors
    /// When the root or the manifest can no longer be read.
    pub fn missing_files(&self) -> Result<Option<String>> {
        let mut files = MissingFiles::default();
        if self.plan.format == Format::Folder {
            return Ok(None);
        }
        for item in self.reader.items(&self.plan, ReadMode::Labels)? {
            let (Resolved::Labeled(entry, _), _) = self.rules.resolve(item) else {
                continue;
            };
            // Images inside of archives are there, and reading all of their headers takes long.
            if entry.source.is_some() {
                break;
            }
            if self.stats.selects(&entry) {
                let file = existing(&self.plan.root, &entry.path);
                // A folder that cannot be searched says nothing.
                files.add(&entry.path, file.try_exists().is_ok_and(|exists| !exists));
            }
            if files.looked_up == LOOKED_UP_MAX {
                break;
            }
        }
        Ok(files.warning(&self.plan.root))
    }

    /// Photos whose size decides whether the boxes of the set can be what the format says.
    pub fn photos_of_boxes(&self) -> BTreeMap<ImageId, Source> {
        let mut photos = BTreeMap::new();
        for (id, path, source) in self.stats.boxes.photos() {
            let source = match source {
                Some(source) => Some(source.clone()),
                None => self.file(path).map(Source::File),
            };
            photos.extend(source.map(|source| (id, source)));
        }
        photos
    }

    /// Checks the boxes with the sizes of some photos.
    ///
    /// # Errors
    /// When most boxes are implausible, and the policy makes that an error.
    pub fn check_boxes(&self, sizes: &BTreeMap<ImageId, Size>) -> Result<Vec<HandledProblem>> {
        let mut problems = Vec::new();
        for problem in self.stats.boxes.with_sizes(sizes).problems(&self.plan) {
            problems.push(problem.handled(&self.plan.problems, None));
        }
        // What is known without the sizes was found when the set was opened.
        problems.retain(|problem| !self.stats.problems.contains(problem));

        let errors: Vec<&HandledProblem> = problems
            .iter()
            .filter(|problem| problem.action == ProblemAction::Error)
            .collect();
        match errors.is_empty() {
            true => Ok(problems),
            false => Err(stats::policy_error(&errors)),
        }
    }

    fn sample(&self, entry: Entry, label: String, labels: &LabelMap) -> Result<Sample, Skipped> {
        let path = display(&entry.path);
        let Some(class) = labels.class_of(&label) else {
            let message = match self.stats.labels.contains_key(&label) {
                true => "no class of the model, and dataset.unknown_labels is \"skip\"",
                false => "the label appeared during the run",
            };
            return Err(skipped(path, label, SkipReason::UnknownLabel, message));
        };

        let id = entry.id();
        let source = match entry.source {
            Some(source) => source,
            None => match self.file(&entry.path) {
                Some(file) if is_windows_path(&entry.path) && !file.exists() => {
                    let message = "there is no such file; the path has `\\`, and the folders of a \
                                   path are separated by `/` here";
                    return Err(skipped(path, label, SkipReason::NotFound, message));
                }
                Some(file) => Source::File(file),
                None => {
                    let message = "a link that dataset.links does not allow";
                    return Err(skipped(path, label, SkipReason::LinkOutside, message));
                }
            },
        };
        Ok(Sample {
            id,
            path,
            source,
            label,
            class,
            split: entry.split,
            group: entry.group,
            annotations: entry.annotations,
            flags: entry.flags,
            cells: entry.cells,
            declared_size: entry.declared_size,
            measured: None,
        })
    }
}

fn skipped(path: String, label: String, reason: SkipReason, message: &str) -> Skipped {
    Skipped {
        path,
        label: Some(label),
        skip: Skip::new(Stage::Annotation, reason, message),
    }
}

fn is_windows_path(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().contains(&b'\\')
}
