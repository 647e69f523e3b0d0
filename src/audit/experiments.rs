//! The experiments of a run: chosen from the evidence, their photos fetched in one pass over the
//! dataset.

use super::context::AuditContext;
use super::pool::WorkerPool;
use super::presence;
use crate::dataset::{Dataset, ImageId, MeasuredContent, Sample};
use crate::error::Result;
use crate::evidence::{Cohorts, Evidence, Example, Pair};
use crate::input;
use crate::plan::{Pictures, Place, Plan, Region};
use crate::runs::content_hashes;
use crate::tables::ClassRow;
use crate::verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Most photos that the confounder is cut from, and most that are copied from.
pub const DONORS_MAX: usize = 32;
/// Most untagged images of the class: they are pasted from, and filled as the control of removal.
pub const UNTAGGED_MAX: usize = 64;
/// Images per class whose objects are filled.
const FILLED_MAX: usize = 60;

/// Images that are shown of whole classes, the largest classes first: five each of 32 classes, or
/// one each of 160.
const CLASS_IMAGES_SHOWN: usize = 160;

/// A class that is shown as a whole.
pub struct ShownClass {
    pub class: u32,
    pub name: String,
    pub examples: Vec<Example>,
}

/// A pair that C is run for.
pub struct TestedPair {
    /// Among all pairs.
    pub index: usize,
    /// Its images.
    pub cohorts: Cohorts,
    /// Other classes that are associated with the region.
    pub sharing: Vec<usize>,
}

/// The experiments, by image ids.
#[derive(Default)]
pub struct Experiments {
    /// Pairs that C is run for.
    pub pairs: Vec<TestedPair>,
    /// Images that every overlay is laid on, of all classes in turn.
    pub overlay_hosts: Vec<u128>,
    /// Classes whose surroundings are tested, with the images whose objects are filled.
    pub surroundings: Vec<(u32, Vec<u128>)>,
    /// Of these images, the ones that show a declared confounder.
    pub filled_with_confounder: BTreeSet<u128>,
    /// Images to show, of every pair that may be reported.
    pub examples: BTreeMap<usize, Vec<Example>>,
    /// Classes to show, the largest first.
    pub classes: Vec<ShownClass>,
}

/// The photos of all experiments by id, with the annotations that presence amounts to.
#[derive(Default)]
pub struct FetchedSamples {
    samples: BTreeMap<ImageId, Sample>,
    /// Photos that were missing, unreadable, or no longer the ones that were measured.
    lost: usize,
}

impl Experiments {
    /// Chooses the experiments; `pairs` have A and B.
    pub fn choose(
        context: &AuditContext<'_>,
        evidence: &Evidence,
        classes: &[ClassRow],
        pairs: &[Pair],
    ) -> Self {
        let plan = context.plan;
        let policy = &plan.verdict;
        let candidates = verdict::candidates(classes, pairs, policy);
        let mut experiments = Self::default();

        for &index in &candidates.tested {
            let pair = &pairs[index];
            let associated = candidates.associated.iter().map(|other| &pairs[*other]);
            let sharing = associated.filter(|o| o.region == pair.region && o.class != pair.class);
            experiments.pairs.push(TestedPair {
                index,
                cohorts: evidence.cohorts(pair),
                sharing: sharing.map(|other| other.class as usize).collect(),
            });
        }
        if plan.report.pictures != Pictures::None {
            for &index in &candidates.associated {
                let examples = evidence.examples(&pairs[index]);
                experiments.examples.insert(index, examples);
            }
            experiments.classes = shown_classes(evidence, classes);
        }

        let is_overlay = |place: &Place| matches!(place, Place::Overlay { .. });
        if plan.regions.iter().any(|region| is_overlay(&region.place)) {
            let hosts = evidence.images.round_robin(evidence.seed);
            experiments.overlay_hosts = hosts.take(policy.hosts_max as usize).collect();
        }
        for class in verdict::least_on_objects(classes, policy) {
            let mut images = evidence.object_images.of_class(class, policy.tagged_min);
            images.truncate(FILLED_MAX);
            experiments.fill_objects(class, &images);
        }
        experiments
    }

    /// Adds images of a class, each with whether it shows a declared confounder.
    fn fill_objects(&mut self, class: u32, images: &[(u128, bool)]) {
        let ids = images.iter().map(|(id, _)| *id).collect();
        self.surroundings.push((class, ids));

        let tagged = images
            .iter()
            .filter(|(_, shows_confounder)| *shows_confounder);
        self.filled_with_confounder
            .extend(tagged.map(|(id, _)| *id));
    }

    /// The number of tests: of pairs, of overlays, and one of the surroundings of all classes.
    pub fn tests(&self, plan: &Plan) -> usize {
        let is_overlay = |region: &&Region| matches!(region.place, Place::Overlay { .. });
        self.pairs.len() + plan.regions.iter().filter(is_overlay).count() + 1
    }

    /// The ids of all images that take part.
    fn ids(&self, hosts_max: usize) -> BTreeSet<ImageId> {
        let mut ids: BTreeSet<u128> = BTreeSet::new();
        for TestedPair { cohorts, .. } in &self.pairs {
            ids.extend(cohorts.hosts.iter().take(hosts_max));
            ids.extend(cohorts.tagged.iter().take(hosts_max.max(DONORS_MAX)));
            ids.extend(cohorts.untagged.iter().take(UNTAGGED_MAX));
        }
        ids.extend(&self.overlay_hosts);
        for (_, images) in &self.surroundings {
            ids.extend(images);
        }
        let of_classes = self.classes.iter().map(|class| &class.examples);
        for examples in self.examples.values().chain(of_classes) {
            ids.extend(examples.iter().map(|example| example.image));
        }
        ids.into_iter().map(ImageId).collect()
    }

    /// Fetches the photos of all experiments in one pass over the dataset. A photo whose bytes are
    /// not those that were measured takes no part.
    ///
    /// # Errors
    /// When the dataset or the rows of the run can no longer be read, or the run is asked to stop.
    pub fn fetch<'a>(
        &self,
        context: &AuditContext<'a>,
        pool: &WorkerPool<'a>,
        dataset: &Dataset,
        run: &Path,
    ) -> Result<FetchedSamples> {
        let plan = context.plan;
        let ids = self.ids(plan.verdict.hosts_max as usize);
        if ids.is_empty() {
            return Ok(FetchedSamples::default());
        }
        let hashes = content_hashes(run, &ids)?;
        let samples = dataset.samples_by_id(context.labels, &ids)?;
        let samples: Vec<Sample> = samples.into_values().collect();

        let checked = pool.map(samples, |worker, mut sample: Sample| {
            let Some(hash) = hashes.get(&sample.id) else {
                return Ok(None);
            };
            let measured = MeasuredContent::new(hash.clone());
            let is_same = match input::read(&sample.source) {
                Ok(bytes) => measured.is_equal(&bytes),
                Err(_) => false,
            };
            // It is held against its bytes again whenever it is decoded.
            sample.measured = Some(Arc::new(measured));
            Ok(is_same.then(|| presence::annotated(&plan.regions, worker, sample)))
        })?;
        let samples: BTreeMap<ImageId, Sample> =
            checked.into_iter().flatten().map(|s| (s.id, s)).collect();
        Ok(FetchedSamples {
            lost: ids.len() - samples.len(),
            samples,
        })
    }
}

/// The classes with the most images, and images of each.
fn shown_classes(evidence: &Evidence, classes: &[ClassRow]) -> Vec<ShownClass> {
    let mut sizes: BTreeMap<u32, (u32, &str)> = BTreeMap::new();
    for row in classes.iter().filter(|row| row.images > 0) {
        sizes.insert(row.label_index, (row.images, &row.label));
    }
    let mut order: Vec<(u32, u32)> = sizes.iter().map(|(class, size)| (size.0, *class)).collect();
    order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    order.truncate(CLASS_IMAGES_SHOWN);

    let chosen: Vec<u32> = order.into_iter().map(|(_, class)| class).collect();
    let mut examples = evidence.class_examples(&chosen);
    let mut shown = Vec::new();
    let mut images = 0;
    for class in chosen {
        let examples = examples.remove(&class).unwrap_or_default();
        images += examples.len();
        if images > CLASS_IMAGES_SHOWN {
            break;
        }
        shown.push(ShownClass {
            class,
            name: sizes.get(&class).map_or("", |size| size.1).to_owned(),
            examples,
        });
    }
    shown
}

impl FetchedSamples {
    /// Photos that were missing, unreadable, or not the ones that were measured, when they were
    /// fetched or at any time since.
    pub fn lost(&self) -> usize {
        let measured = self.samples.values().filter_map(|s| s.measured.as_ref());
        self.lost + measured.filter(|measured| measured.is_changed()).count()
    }

    /// Changes every sample that takes part.
    pub fn annotate(&mut self, change: impl Fn(&mut Sample)) {
        for sample in self.samples.values_mut() {
            change(sample);
        }
    }

    pub fn get(&self, id: u128) -> Option<&Sample> {
        self.samples.get(&ImageId(id))
    }

    /// The first `most` of these images that are still in the dataset.
    pub fn first(&self, ids: &[u128], most: usize) -> Vec<&Sample> {
        let known = ids.iter().filter_map(|id| self.get(*id));
        known.take(most).collect()
    }
}
