//! Insertion and removal of one region for one class, each with its controls.

use super::super::context::AuditContext;
use super::super::pool::WorkerPool;
use super::super::worker::Worker;
use super::readable::readable;
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::evidence::{
    Outcome, PairedOutcomes, combined_p, intervention_effect, min_causal_effect,
};
use crate::finding::{InsertionControl, Intervention, RemovalFill};
use crate::geometry::{Shape, View};
use crate::input::Photo;
use crate::perturb::{Patch, SeededRng, impute, thumbnail};
use crate::region;
use crate::runs::documents::Figure;

/// Passes for one host: clean, the confounder, its scramble and three controls.
const PASSES_HOST: u32 = 6;
/// Passes for one tagged image: two ways to fill at two places.
const PASSES_TAGGED: u32 = 4;

/// One class and one region, and the photos that take part.
pub struct ConfounderTest<'t, 'a> {
    pub context: &'t AuditContext<'a>,
    pub class: usize,
    pub label: &'t str,
    pub region: &'t str,
    /// Category of the region's annotations.
    pub category: &'t str,
    pub donors: Vec<&'t Sample>,
    /// Untagged images of the class.
    pub untagged: Vec<&'t Sample>,
    /// Photos without the region that its place is copied from, each with its thumbnail.
    pub copy_sources: Vec<(&'t Sample, Vec<u8>)>,
}

/// A host, and the patches to paste on it.
pub struct InsertionVariants {
    pub photo: Photo,
    pub tag: Patch,
    pub scrambled: Patch,
    /// In the order of [`InsertionControl::ALL`]; `None` where the control cannot be had.
    pub controls: [Option<Patch>; 3],
}

/// A host under every patch.
pub struct Inserted<'t> {
    pub host: &'t Sample,
    pub clean: Outcome,
    pub tag: Outcome,
    pub scrambled: Outcome,
    pub controls: [Option<Outcome>; 3],
    pub passes: u32,
}

/// A tagged photo, and the same filled.
pub struct RemovalVariants {
    pub photo: Photo,
    /// In the order of [`RemovalFill::ALL`]: filled at a mirrored place, and at the region's.
    pub fills: [Option<[Photo; 2]>; 2],
}

/// A tagged image: filled at a mirrored place, and at the region's.
pub struct Removed<'t> {
    pub image: &'t Sample,
    pub fills: [Option<(Outcome, Outcome)>; 2],
    pub passes: u32,
}

/// Hosts and tagged images that the limit of passes allows.
struct Selection<'s> {
    hosts: Vec<&'s Sample>,
    tagged: Vec<&'s Sample>,
    cut_short: bool,
}

impl<'t, 'a> ConfounderTest<'t, 'a> {
    /// Both sides, and a few pictures of them. `None` where too few photos have the region.
    ///
    /// # Errors
    /// When the run is asked to stop, or the engine cannot make a session.
    pub fn run(
        &self,
        pool: &WorkerPool<'a>,
        hosts: &[&'t Sample],
        tagged: &[&'t Sample],
    ) -> Result<(Option<Intervention>, Vec<Figure>)> {
        let policy = &self.context.plan.verdict;
        if self.donors.len() < policy.donors_min as usize {
            return Ok((None, Vec::new()));
        }
        let selection = self.select(hosts, tagged);

        let inserted = pool.map(selection.hosts.clone(), |worker, host| {
            Ok(self.insert(worker, host))
        })?;
        let (inserted, hosts_lost) = readable(inserted, pool.observer);
        let removed = pool.map(selection.tagged.clone(), |worker, image| {
            Ok(self.remove(worker, image))
        })?;
        let (removed, tagged_lost) = readable(removed, pool.observer);

        let clean: Vec<Outcome> = inserted.iter().map(|i| i.clean.clone()).collect();
        let min_effect = min_causal_effect(policy.causal_logits, &clean);
        let insertion = intervention_effect(&insertion_pairs(&inserted), self.class, min_effect);
        let removal = intervention_effect(&removal_pairs(&removed), self.class, min_effect);

        let mut forwards = 0;
        let mut scrambled_flips = 0;
        for host in &inserted {
            forwards += host.passes;
            scrambled_flips += u32::from(host.scrambled.predicts_class);
        }
        for image in &removed {
            forwards += image.passes;
        }
        let intervention = Intervention {
            p: combined_p(insertion.map(|e| e.p), removal.map(|e| e.p)),
            insertion,
            removal,
            min_effect,
            scrambled_flips,
            donors: self.donors.len() as u32,
            forwards,
            cut_short: selection.cut_short,
            photos_lost: hosts_lost + tagged_lost,
        };
        let figures = self.pictures(pool, &inserted, &removed)?;
        Ok((Some(intervention), figures))
    }

    /// Four fifths of the passes for the hosts, and the rest for the tagged images.
    fn select(&self, hosts: &[&'t Sample], tagged: &[&'t Sample]) -> Selection<'t> {
        let policy = &self.context.plan.verdict;
        let hosts_max = policy.hosts_max as usize;

        let for_hosts = policy.max_forwards * 4 / 5 / PASSES_HOST;
        let host_count = hosts.len().min(hosts_max).min(for_hosts as usize);
        let left = policy.max_forwards - host_count as u32 * PASSES_HOST;
        let for_tagged = (left / PASSES_TAGGED) as usize;
        let tagged_count = tagged.len().min(hosts_max).min(for_tagged);

        Selection {
            hosts: hosts[..host_count].to_vec(),
            tagged: tagged[..tagged_count].to_vec(),
            cut_short: host_count < hosts.len().min(hosts_max)
                || tagged_count < tagged.len().min(hosts_max),
        }
    }

    /// A host with a donor's confounder and its controls, all chosen by hash. `None` where the
    /// donor's region is outside of its photo.
    ///
    /// # Errors
    /// A skip where a photo cannot be read.
    pub fn prepare_insertion(
        &self,
        worker: &mut Worker<'_>,
        host: &Sample,
    ) -> Result<Option<InsertionVariants>, Skip> {
        let seed = self.context.plan.run.seed;
        let mut rng = SeededRng::new(seed, &[&host.id.to_string(), self.region, "insert"]);
        let photo = worker.decode_sample(host)?;
        let donor = self.donors[rng.below(self.donors.len())];
        let source = worker.decode_sample(donor)?;
        let shape = self.shape(donor, &source);
        let Some(tag) = shape.and_then(|shape| Patch::cut(&source, &shape)) else {
            return Ok(None);
        };

        let same_place = if self.untagged.is_empty() {
            None
        } else {
            let other = self.untagged[rng.below(self.untagged.len())];
            tag.with_pixels_of(&worker.decode_sample(other)?, tag.frame)
        };
        let other_patch = tag.from_other_place(&source, &mut rng);
        let synthetic = tag.synthetic(&mut rng);
        let scrambled = tag.scrambled(&mut rng);
        Ok(Some(InsertionVariants {
            photo,
            tag,
            scrambled,
            controls: [other_patch, Some(synthetic), same_place],
        }))
    }

    /// The confounder and its controls on one host. `None` where the clean host is predicted as the
    /// class.
    fn insert(
        &self,
        worker: &mut Worker<'_>,
        host: &'t Sample,
    ) -> Result<Option<Inserted<'t>>, Skip> {
        let Some(variants) = self.prepare_insertion(worker, host)? else {
            return Ok(None);
        };
        let photo = &variants.photo;
        let clean = self.outcome(&worker.predict(photo)?.logits);
        if clean.predicts_class {
            return Ok(None);
        }

        let tag = self.outcome_with(worker, photo, &variants.tag)?;
        let scrambled = self.outcome_with(worker, photo, &variants.scrambled)?;
        let mut passes = 3;
        let mut controls = [None, None, None];
        for (outcome, patch) in controls.iter_mut().zip(&variants.controls) {
            if let Some(patch) = patch {
                *outcome = Some(self.outcome_with(worker, photo, patch)?);
                passes += 1;
            }
        }
        Ok(Some(Inserted {
            host,
            clean,
            tag,
            scrambled,
            controls,
            passes,
        }))
    }

    /// One tagged image filled both ways, at a mirrored place and at the region's. `None` where the
    /// region is outside of the photo or has no free mirror image.
    ///
    /// # Errors
    /// A skip where a photo cannot be read.
    pub fn prepare_removal(
        &self,
        worker: &mut Worker<'_>,
        image: &Sample,
    ) -> Result<Option<RemovalVariants>, Skip> {
        let plan = self.context.plan;
        let mut rng = SeededRng::new(
            plan.run.seed,
            &[&image.id.to_string(), self.region, "remove"],
        );
        let photo = worker.decode_sample(image)?;
        let mut fitted = image.clone();
        fitted.fit(photo.size, photo.transpose);
        let Some(shape) = self.shape(image, &photo) else {
            return Ok(None);
        };

        let view = View::identity(photo.size);
        let objects = region::objects(&plan.regions, &image.label, &fitted.annotations, &view);
        let objects = objects.as_ref().map(|objects| &objects.objects);
        let mirrors = region::mirrors(&shape, objects, photo.size);
        let Some(mirrored) = mirrors.into_iter().next() else {
            return Ok(None);
        };

        let nearest = self.nearest_copy_source(worker, &photo)?;
        let imputed_mirror = impute(&photo, &mirrored, &mut rng);
        let imputed = impute(&photo, &shape, &mut rng);
        let copied_mirror = copy_over(&photo, nearest.as_ref(), &mirrored);
        let copied = copy_over(&photo, nearest.as_ref(), &shape);
        let fills = [both(imputed_mirror, imputed), both(copied_mirror, copied)];
        Ok(Some(RemovalVariants { photo, fills }))
    }

    /// The photo without the region that looks most like this one.
    fn nearest_copy_source(
        &self,
        worker: &mut Worker<'_>,
        photo: &Photo,
    ) -> Result<Option<Photo>, Skip> {
        let small = thumbnail(photo);
        let nearest = self
            .copy_sources
            .iter()
            .min_by_key(|(_, other)| squared_distance(&small, other));
        match nearest {
            Some((sample, _)) => Ok(Some(worker.decode_sample(sample)?)),
            None => Ok(None),
        }
    }

    fn remove(
        &self,
        worker: &mut Worker<'_>,
        image: &'t Sample,
    ) -> Result<Option<Removed<'t>>, Skip> {
        let Some(variants) = self.prepare_removal(worker, image)? else {
            return Ok(None);
        };
        let mut passes = 0;
        let mut fills = [None, None];
        for (outcomes, fill) in fills.iter_mut().zip(&variants.fills) {
            if let Some([mirrored, filled]) = fill {
                let mirrored = self.outcome(&worker.predict(mirrored)?.logits);
                let filled = self.outcome(&worker.predict(filled)?.logits);
                *outcomes = Some((mirrored, filled));
                passes += 2;
            }
        }
        Ok(Some(Removed {
            image,
            fills,
            passes,
        }))
    }

    /// Where the region lies, in pixels of the photo.
    fn shape(&self, sample: &Sample, photo: &Photo) -> Option<Shape> {
        let mut sample = sample.clone();
        sample.fit(photo.size, photo.transpose);
        region::annotated(&sample.annotations, self.category, photo.size)
    }

    fn outcome_with(
        &self,
        worker: &mut Worker<'_>,
        photo: &Photo,
        patch: &Patch,
    ) -> Result<Outcome, Skip> {
        Ok(self.outcome(&worker.predict(&patch.paste(photo))?.logits))
    }

    pub fn outcome(&self, logits: &[f32]) -> Outcome {
        let head = self.context.model.head();
        Outcome {
            margin: head.margin(logits, self.class),
            predicts_class: head.predicts(logits, self.class),
            logits: logits.to_vec(),
        }
    }
}

fn insertion_pairs(inserted: &[Inserted<'_>]) -> Vec<PairedOutcomes<InsertionControl>> {
    let mut paired = Vec::new();
    for (k, control) in InsertionControl::ALL.iter().enumerate() {
        let mut pairs = Vec::new();
        for host in inserted {
            if let Some(outcome) = &host.controls[k] {
                pairs.push((host.tag.clone(), outcome.clone()));
            }
        }
        paired.push(PairedOutcomes {
            control: *control,
            pairs,
        });
    }
    paired
}

fn removal_pairs(removed: &[Removed<'_>]) -> Vec<PairedOutcomes<RemovalFill>> {
    let mut paired = Vec::new();
    for (k, fill) in RemovalFill::ALL.iter().enumerate() {
        let pairs = removed.iter().filter_map(|image| image.fills[k].clone());
        paired.push(PairedOutcomes {
            control: *fill,
            pairs: pairs.collect(),
        });
    }
    paired
}

/// The pixels of another photo at one place.
fn copy_over(photo: &Photo, other: Option<&Photo>, place: &Shape) -> Option<Photo> {
    let hole = Patch::cut(photo, place)?;
    let copied = hole.with_pixels_of(other?, hole.frame)?;
    Some(copied.paste(photo))
}

fn both(mirrored: Option<Photo>, filled: Option<Photo>) -> Option<[Photo; 2]> {
    Some([mirrored?, filled?])
}

fn squared_distance(a: &[u8], b: &[u8]) -> u64 {
    let differences = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)));
    differences.map(|d| d.pow(2)).sum()
}
