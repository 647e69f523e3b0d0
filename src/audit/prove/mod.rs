//! C: reads the few photos that it needs once more, changes them, and looks what the model says. On the candidates, here;
//! on overlays (`overlay`), and on the surroundings of the objects (`context`).

mod context;
mod overlay;

pub use context::contexts;
pub use overlay::overlays;

use super::crew::Crew;
use super::image::Auditor;
use super::see::Worker;
use crate::dataset::{Dataset, Sample};
use crate::error::{Result, Skip};
use crate::evidence::{Cast, Contrasted, Effect, Evidence, Intervention, Outcome, Pair};
use crate::geometry::{Shape, View};
use crate::input::{self, Photo};
use crate::model::Inference;
use crate::plan::{Place, RegionKind};
use crate::region;
use crate::retouch::{Dice, Patch, imputed, thumb};
use crate::score;
use std::collections::{BTreeMap, BTreeSet};

/// Passes for one host: clean, the tag, its scramble and three controls.
const PASSES_HOST: u32 = 6;
/// Passes for one tagged image: clean, and two ways to fill at two places.
const PASSES_TAGGED: u32 = 5;
/// Most photos that tags are cut from, and most that are copied from.
const DONORS_MAX: usize = 32;

/// What is pasted instead of the tag.
const CONTROLS: [&str; 3] = ["another patch of the same photo", "a foreign patch", "the same place without the tag"];
/// Ways to fill the tag's place.
const FILLS: [&str; 2] = ["imputed from around it", "copied from the nearest photo without it"];

/// One label and one region on trial.
struct Trial<'t, 'a> {
    auditor: &'t Auditor<'a>,
    class: usize,
    region: &'t str,
    category: &'t str,
    donors: Vec<&'t Sample>,
    /// Untagged images of the label.
    untagged: Vec<&'t Sample>,
    /// Photos without the tag that its place is copied from, each with its small picture.
    copies: Vec<(&'t Sample, Vec<u8>)>,
}

/// A host under everything that was pasted on it.
struct Inserted {
    clean: Outcome,
    tag: Outcome,
    scrambled: Outcome,
    controls: [Option<Outcome>; 3],
    passes: u32,
}

/// A tagged image: filled at a mirrored place, and at the tag's.
struct Removed {
    fills: [Option<(Outcome, Outcome)>; 2],
    passes: u32,
}

/// Puts the wanted pairs to the proof, one after the other.
///
/// # Errors
/// When the dataset can no longer be read or the engine cannot make a session.
pub fn prove<'a>(
    auditor: &Auditor<'a>,
    crew: &Crew<'a>,
    dataset: &Dataset,
    evidence: &Evidence,
    pairs: &mut [Pair],
    wanted: &[(String, String)],
) -> Result<()> {
    let is_wanted = |p: &&mut Pair| wanted.iter().any(|(label, region)| *label == p.label && *region == p.region);
    let wanted = pairs.iter_mut().filter(is_wanted);
    let mut trials: Vec<(&mut Pair, Cast)> = wanted
        .map(|pair| {
            let cast = evidence.cast(pair);
            (pair, cast)
        })
        .collect();
    let most = auditor.plan.verdict.max_forwards as usize;
    let ids = trials.iter().flat_map(|(_, c)| [&c.hosts, &c.tagged, &c.untagged]);
    let samples = fetch(auditor, dataset, ids.flat_map(|ids| ids.iter().take(most).copied()))?;
    for (pair, cast) in &mut trials {
        pair.put_to_proof = true;
        let place = auditor.plan.regions.iter().find(|r| r.name == pair.region && r.kind == RegionKind::Confounder);
        let Some(Place::Annotation { category }) = place.map(|r| &r.place) else { continue };
        let Some(class) = auditor.labels.class_of(&pair.label) else { continue };
        let of = |ids: &[u128], most: usize| -> Vec<&Sample> {
            ids.iter().filter_map(|id| samples.get(id)).take(most).collect()
        };
        let untagged = of(&cast.untagged, DONORS_MAX);
        let without = if untagged.is_empty() { of(&cast.hosts, DONORS_MAX) } else { untagged.clone() };
        let copies = crew.each(auditor, without, |_, sample| Ok(load(sample).ok().map(|p| (sample, thumb(&p)))))?;
        let trial = Trial {
            auditor,
            class,
            region: &pair.region,
            category,
            donors: of(&cast.tagged, DONORS_MAX),
            untagged,
            copies: copies.into_iter().flatten().collect(),
        };
        pair.intervention = trial.run(crew, &of(&cast.hosts, usize::MAX), &of(&cast.tagged, usize::MAX))?;
    }
    Ok(())
}

/// The samples of these ids: the set is streamed once more.
fn fetch(
    auditor: &Auditor<'_>,
    dataset: &Dataset,
    ids: impl IntoIterator<Item = u128>,
) -> Result<BTreeMap<u128, Sample>> {
    let wanted: BTreeSet<u128> = ids.into_iter().collect();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let samples = dataset.samples(auditor.labels)?.filter_map(std::result::Result::ok);
    let known = samples.filter_map(|s| Some((u128::from_str_radix(&s.id, 16).ok()?, s)));
    Ok(known.filter(|(id, _)| wanted.contains(id)).collect())
}

fn load(sample: &Sample) -> std::result::Result<Photo, Skip> {
    input::decode(&input::read(&sample.source)?)
}

impl<'a> Trial<'_, 'a> {
    /// `None` where too few photos take part to say anything.
    fn run(&self, crew: &Crew<'a>, hosts: &[&Sample], tagged: &[&Sample]) -> Result<Option<Intervention>> {
        let policy = &self.auditor.plan.verdict;
        if self.donors.len() < policy.donors_min as usize {
            return Ok(None);
        }
        // Four fifths of the passes for the hosts, and to the tagged images what those leave.
        let most = policy.hosts_max.min(policy.max_forwards * 4 / 5 / PASSES_HOST) as usize;
        let on = hosts.iter().take(most).copied().collect::<Vec<_>>();
        let left = policy.max_forwards - on.len() as u32 * PASSES_HOST;
        let off: Vec<_> = tagged.iter().take(policy.hosts_max.min(left / PASSES_TAGGED) as usize).copied().collect();
        let cut_short = on.len() < hosts.len().min(policy.hosts_max as usize)
            || off.len() < tagged.len().min(policy.hosts_max as usize);
        let inserted = crew.each(self.auditor, on, |worker, host| Ok(self.insert(worker, host).ok().flatten()))?;
        let removed = crew.each(self.auditor, off, |worker, image| Ok(self.remove(worker, image).ok().flatten()))?;
        let inserted: Vec<Inserted> = inserted.into_iter().flatten().collect();
        let removed: Vec<Removed> = removed.into_iter().flatten().collect();
        let clean: Vec<Outcome> = inserted.iter().map(|i| i.clean.clone()).collect();
        let least = Intervention::least(policy.causal_logits, &clean);
        let against = |k: usize| {
            let pairs = inserted.iter().filter_map(|i| Some((i.tag.clone(), i.controls[k].clone()?)));
            Contrasted { against: CONTROLS[k], pairs: pairs.collect() }
        };
        let filled = |k: usize| Contrasted {
            against: FILLS[k],
            pairs: removed.iter().filter_map(|r| r.fills[k].clone()).collect(),
        };
        let insertion = Effect::new(&[0, 1, 2].map(against), self.class, least);
        let removal = Effect::new(&[0, 1].map(filled), self.class, least);
        Ok(Some(Intervention {
            p: Intervention::p(insertion.as_ref(), removal.as_ref()),
            least,
            scrambled: inserted.iter().filter(|i| i.scrambled.says).count() as u32,
            donors: self.donors.len() as u32,
            forwards: inserted.iter().map(|i| i.passes).chain(removed.iter().map(|r| r.passes)).sum(),
            cut_short,
            insertion,
            removal,
        }))
    }

    /// The tag and its controls on one host. `None` where the host says the class by itself, or a photo is gone.
    fn insert(&self, worker: &mut Worker<'_>, host: &Sample) -> std::result::Result<Option<Inserted>, Skip> {
        let mut dice = Dice::new(self.auditor.plan.run.seed, &[&host.id, self.region, "insert"]);
        let photo = load(host)?;
        let clean = self.outcome(&worker.look(&photo)?.0);
        let donor = self.donors[dice.below(self.donors.len())];
        let source = load(donor)?;
        let Some(shape) = self.shape(donor, &source).filter(|_| !clean.says) else { return Ok(None) };
        let Some(tag) = Patch::cut(&source, &shape) else { return Ok(None) };
        let plain = match self.untagged.len() {
            0 => None,
            n => tag.with_pixels_of(&load(self.untagged[dice.below(n)])?, tag.frame),
        };
        let controls = [tag.elsewhere(&source, &mut dice), Some(tag.foreign(&mut dice)), plain];
        let mut passes = 1;
        let mut with = |patch: &Patch| -> std::result::Result<Outcome, Skip> {
            passes += 1;
            Ok(self.outcome(&worker.look(&patch.paste(&photo))?.0))
        };
        let (tagged, scrambled) = (with(&tag)?, with(&tag.scrambled(&mut dice))?);
        let mut outcomes = [None, None, None];
        for (outcome, control) in outcomes.iter_mut().zip(&controls) {
            *outcome = control.as_ref().map(&mut with).transpose()?;
        }
        Ok(Some(Inserted { clean, tag: tagged, scrambled, controls: outcomes, passes }))
    }

    /// One tagged image with the tag filled in, both ways. `None` where no mirrored place is free.
    fn remove(&self, worker: &mut Worker<'_>, image: &Sample) -> std::result::Result<Option<Removed>, Skip> {
        let mut dice = Dice::new(self.auditor.plan.run.seed, &[&image.id, self.region, "remove"]);
        let photo = load(image)?;
        let Some(shape) = self.shape(image, &photo) else { return Ok(None) };
        let regions = &self.auditor.plan.regions;
        let mut fitted = image.clone();
        fitted.fit(photo.size, photo.turned);
        let objects = region::objects(regions, &image.label, &fitted.annotations, &View::identity(photo.size));
        let mirrors = region::mirrors(&shape, objects.as_ref().map(|o| &o.objects), photo.size);
        let free = mirrors.into_iter().next();
        let Some(elsewhere) = free.or_else(|| region::mirrors(&shape, None, photo.size).into_iter().next()) else {
            return Ok(None);
        };
        let small = thumb(&photo);
        let far =
            |other: &[u8]| -> u64 { small.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum() };
        let nearest =
            self.copies.iter().min_by_key(|(_, other)| far(other)).map(|(sample, _)| load(sample)).transpose()?;
        let copied = |place: &Shape| {
            let hole = Patch::cut(&photo, place)?;
            Some(hole.with_pixels_of(nearest.as_ref()?, hole.frame)?.paste(&photo))
        };
        let mut passes = 0;
        let mut both = |away: Option<Photo>, here: Option<Photo>| -> std::result::Result<_, Skip> {
            let Some((away, here)) = away.zip(here) else { return Ok(None) };
            passes += 2;
            Ok(Some((self.outcome(&worker.look(&away)?.0), self.outcome(&worker.look(&here)?.0))))
        };
        let fills = [
            both(imputed(&photo, &elsewhere, &mut dice), imputed(&photo, &shape, &mut dice))?,
            both(copied(&elsewhere), copied(&shape))?,
        ];
        Ok(Some(Removed { fills, passes }))
    }

    /// Where the tag lies, in pixels of the photo.
    fn shape(&self, sample: &Sample, photo: &Photo) -> Option<Shape> {
        let mut sample = sample.clone();
        sample.fit(photo.size, photo.turned);
        region::annotated(&sample.annotations, self.category, photo.size)
    }

    fn outcome(&self, inference: &Inference) -> Outcome {
        let softmax = self.auditor.softmax_classes().is_some();
        let margin = score::margin(&inference.logits, self.class, softmax);
        let says = if softmax { inference.predicted() == self.class } else { margin > 0.0 };
        Outcome { margin, says, logits: inference.logits.clone() }
    }
}
