//! The experiment: photos of other classes are changed to follow a rule, and the model predicts
//! them.

use super::super::Search;
use super::super::kept::Kept;
use super::changed::{ChangedPhoto, ChangedPhotos, rng};
use super::dose::{Choice, Doses, distance, doses};
use super::features::visible;
use super::hosts::{HOSTS_MIN, Hosts};
use super::pictures::ShownHost;
use super::sample::MeasuredSample;
use super::samples::FetchedFiles;
use crate::dataset::Sample;
use crate::error::Result;
use crate::evidence::discovery::properties::{
    ChangedHost, PropertyFound, PropertyTable, usage_effect,
};
use crate::finding::{
    Finding, PropertyFamily, PropertyNotTested, PropertyTrial, PropertyUsage, PropertyValue,
    ShamChange,
};
use crate::input::{Border, FileProperties, border};
use crate::perturb::{FileChange, HostFile};
use crate::plan::Pictures;
use crate::runs::documents::Figure;
use std::collections::BTreeMap;

/// Hosts that the strength of a change is tried on.
const PROBES: usize = 14;
/// Images of a rule whose borders are given to the hosts.
const DONORS_MAX: usize = 16;
/// Hosts that are shown before and after.
const SHOWN: usize = 3;

/// What became of each finding.
pub struct Trials {
    pub outcomes: Vec<PropertyTrial>,
    /// Area under the curve, as of [`crate::finding::PropertyEvidence`].
    pub visible: Vec<Option<f64>>,
    shown: Vec<Vec<ShownHost>>,
    /// Photos that could no longer be read.
    pub lost: usize,
}

/// What the trials share.
struct Laboratory<'l, 's, 'a> {
    search: &'l Search<'s, 'a>,
    photos: ChangedPhotos<'l, 's, 'a>,
    measured: &'l MeasuredSample,
    files: &'l FetchedFiles,
    /// Logits of hosts that were predicted before: written again, and under each of
    /// [`ShamChange::ALL`].
    same: BTreeMap<u128, Vec<Vec<f32>>>,
    shams: BTreeMap<u128, Vec<Vec<f32>>>,
}

impl Trials {
    /// Tests the findings one after the other, the most certain first.
    ///
    /// # Errors
    /// When the dataset can no longer be read, or the run is asked to stop.
    pub fn run<'a>(
        search: &Search<'_, 'a>,
        table: &PropertyTable,
        found: &[PropertyFound],
        measured: &MeasuredSample,
        kept: &Kept<'a>,
    ) -> Result<Self> {
        let policy = &search.context.plan.verdict;
        let most = (policy.max_candidates as usize).min(found.len());
        let hosts: Vec<Hosts> = found[..most]
            .iter()
            .map(|found| Hosts::choose(table, found, measured, policy.hosts_max as usize))
            .collect();
        let files = FetchedFiles::fetch(search, &found[..most], &hosts, measured)?;

        let mut trials = Self {
            outcomes: Vec::new(),
            visible: Vec::new(),
            shown: Vec::new(),
            lost: files.lost,
        };
        let mut laboratory = Laboratory {
            search,
            photos: ChangedPhotos { search, kept },
            measured,
            files: &files,
            same: BTreeMap::new(),
            shams: BTreeMap::new(),
        };
        for (found, hosts) in found.iter().zip(&hosts) {
            let (outcome, shown) = laboratory.test(found, hosts)?;
            trials.outcomes.push(outcome);
            trials.shown.push(shown);
            trials
                .visible
                .push(visible(search, kept, found, measured, &files)?);
        }
        for _ in most..found.len() {
            let limit = PropertyNotTested::CandidateLimit {
                max_candidates: policy.max_candidates,
            };
            trials.outcomes.push(PropertyTrial::NotTested(limit));
            trials.shown.push(Vec::new());
            trials.visible.push(None);
        }
        Ok(trials)
    }

    /// The pictures of a finding.
    pub fn figures(&self, index: usize, finding: &Finding) -> Vec<Figure> {
        let shown = self.shown.get(index).into_iter().flatten();
        shown.filter_map(|host| host.figure(finding)).collect()
    }
}

impl Laboratory<'_, '_, '_> {
    fn test(
        &mut self,
        found: &PropertyFound,
        hosts: &Hosts,
    ) -> Result<(PropertyTrial, Vec<ShownHost>)> {
        let not_tested = |reason| (PropertyTrial::NotTested(reason), Vec::new());
        let places = found.rates.members.iter();
        let inside: Vec<&FileProperties> = places.map(|i| self.measured.of_file(*i)).collect();
        let outside: Vec<&FileProperties> = hosts
            .places
            .iter()
            .map(|i| self.measured.of_file(*i))
            .collect();
        let borders = self.borders(found)?;
        let Some(doses) = doses(found, &inside, &outside, &borders) else {
            return Ok(not_tested(PropertyNotTested::CannotBeChanged));
        };
        if hosts.places.len() < HOSTS_MIN {
            return Ok(not_tested(PropertyNotTested::HostsInside {
                hosts: hosts.places.len() as u32,
                needed: HOSTS_MIN as u32,
            }));
        }

        let samples = self.files.of(&hosts.ids);
        let Some(choice) = self.choose(&doses, &samples, &inside)? else {
            return Ok(not_tested(PropertyNotTested::NotReached));
        };
        let changed = self.predict_changed(&choice, &samples)?;
        predict_new(&self.photos, &mut self.same, &samples, &[FileChange::Same])?;
        let Some(mut usage) = self.usage(found, &changed, &[]) else {
            return Ok(not_tested(PropertyNotTested::TooFewPhotos));
        };

        // Most changes fail before the shams, which are the larger part of the cost.
        if usage.moves_the_class() {
            let shams = ShamChange::ALL.iter().copied();
            let changes: Vec<FileChange> = shams.map(sham_change).collect();
            predict_new(&self.photos, &mut self.shams, &samples, &changes)?;
            let shams = shams_beside(found.property.family());
            let Some(compared) = self.usage(found, &changed, &shams) else {
                return Ok(not_tested(PropertyNotTested::TooFewPhotos));
            };
            usage = compared;
        }
        let change = choice.of_host(0).words();
        let shown = self.show(&choice, &samples)?;
        Ok((PropertyTrial::Tested { change, usage }, shown))
    }

    /// The effect of the change, against these shams.
    fn usage(
        &self,
        found: &PropertyFound,
        changed: &BTreeMap<u128, Vec<f32>>,
        shams: &[ShamChange],
    ) -> Option<PropertyUsage> {
        let context = self.search.context;
        let hosts = self.changed_hosts(changed, shams);
        let fraction = context.plan.verdict.causal_fraction;
        let class = found.class as usize;
        usage_effect(&hosts, shams, class, context.model.head(), fraction)
    }

    /// The borders of images of the rule, for the properties that are changed by them.
    fn borders(&self, found: &PropertyFound) -> Result<Vec<Border>> {
        if found.property.family() != PropertyFamily::Border {
            return Ok(Vec::new());
        }
        let donors = found.rates.members.iter().take(DONORS_MAX);
        let ids: Vec<u128> = donors.map(|i| self.measured.images[*i].table.id).collect();
        let borders = self
            .search
            .pool
            .map(self.files.of(&ids), |worker, sample| {
                let read = worker.read_and_decode(sample).ok();
                Ok(read.map(|(_, photo)| border(&photo.rgb)))
            })?;
        let borders = borders.into_iter().flatten();
        Ok(borders.filter(|border| !border.is_empty()).collect())
    }

    /// The strength that brings the hosts nearest to the images of the rule; `None` where it brings
    /// less than half of them into the rule.
    fn choose(
        &self,
        doses: &Doses,
        samples: &[&Sample],
        inside: &[&FileProperties],
    ) -> Result<Option<Choice>> {
        let mut best: Option<(f64, f64, &Choice)> = None;
        for choice in &doses.choices {
            let values = self.probe(choice, doses, samples)?;
            let reached = values
                .iter()
                .filter(|value| doses.rule.holds(value))
                .count();
            let part = reached as f64 / values.len().max(1) as f64;
            let mut distances: Vec<f64> = values
                .iter()
                .map(|value| distance(value, inside, doses.property))
                .collect();
            distances.sort_unstable_by(f64::total_cmp);
            let distance = distances.get(distances.len() / 2).copied();
            let distance = distance.unwrap_or(f64::INFINITY);
            if best.is_none_or(|(least, _, _)| distance < least) {
                best = Some((distance, part, choice));
            }
        }
        let reached = best.filter(|(_, part, _)| *part >= 0.5);
        Ok(reached.map(|(_, _, choice)| choice.clone()))
    }

    /// The values of a few changed hosts.
    fn probe(
        &self,
        choice: &Choice,
        doses: &Doses,
        samples: &[&Sample],
    ) -> Result<Vec<PropertyValue>> {
        let probes = samples.iter().take(PROBES);
        let photos = placed(choice, probes.copied());
        let values = self.photos.values(photos, doses.property)?;
        Ok(values.into_iter().flatten().flatten().collect())
    }

    /// The logits of the hosts under the change, by id.
    fn predict_changed(
        &self,
        choice: &Choice,
        samples: &[&Sample],
    ) -> Result<BTreeMap<u128, Vec<f32>>> {
        let photos = placed(choice, samples.iter().copied());
        let predicted = self.photos.logits(photos)?;
        let mut logits = BTreeMap::new();
        for (sample, changed) in samples.iter().zip(predicted) {
            let changed = changed.and_then(|logits| logits.into_iter().next());
            logits.extend(changed.map(|changed| (sample.id.0, changed)));
        }
        Ok(logits)
    }

    /// The first hosts before and after the change, for the report.
    fn show(&self, choice: &Choice, samples: &[&Sample]) -> Result<Vec<ShownHost>> {
        let context = self.search.context;
        if context.plan.report.pictures == Pictures::None {
            return Ok(Vec::new());
        }
        let hosts = samples.iter().copied().take(SHOWN).enumerate().collect();
        let shown = self
            .search
            .pool
            .map(hosts, |worker, (place, sample): (usize, &Sample)| {
                let Ok((bytes, photo)) = worker.read_and_decode(sample) else {
                    return Ok(None);
                };
                let host = HostFile::new(&bytes, photo);
                let change = choice.of_host(place);
                let Ok(changed) = host.changed(&change, &mut rng(self.search, sample)) else {
                    return Ok(None);
                };
                let predictions = worker.predict(&host.photo).and_then(|before| {
                    let after = worker.predict(&changed.photo)?;
                    Ok((before, after))
                });
                Ok(predictions.ok().map(|(before, after)| {
                    ShownHost::new(context, &sample.path, &before, &after, change.words())
                }))
            })?;
        Ok(shown.into_iter().flatten().collect())
    }

    /// The hosts of which everything was predicted, with the shams that are used.
    fn changed_hosts(
        &self,
        changed: &BTreeMap<u128, Vec<f32>>,
        shams: &[ShamChange],
    ) -> Vec<ChangedHost> {
        let mut hosts = Vec::new();
        for (id, changed) in changed {
            let Some([same]) = self.same.get(id).map(Vec::as_slice) else {
                continue;
            };
            let mut of_shams = Vec::new();
            for sham in shams {
                let logits = self.shams.get(id).map(|logits| &logits[*sham as usize]);
                of_shams.extend(logits.cloned());
            }
            if of_shams.len() == shams.len() {
                hosts.push(ChangedHost {
                    same: same.clone(),
                    changed: changed.clone(),
                    shams: of_shams,
                });
            }
        }
        hosts
    }
}

/// The hosts with the change that each takes.
fn placed<'p>(choice: &Choice, samples: impl Iterator<Item = &'p Sample>) -> Vec<ChangedPhoto<'p>> {
    let of_place = |(place, sample)| ChangedPhoto {
        sample,
        changes: vec![choice.of_host(place)],
    };
    samples.enumerate().map(of_place).collect()
}

/// Adds the logits of the hosts that were not predicted before, under each change.
fn predict_new(
    photos: &ChangedPhotos<'_, '_, '_>,
    known: &mut BTreeMap<u128, Vec<Vec<f32>>>,
    samples: &[&Sample],
    changes: &[FileChange],
) -> Result<()> {
    let is_new = |sample: &&&Sample| !known.contains_key(&sample.id.0);
    let new: Vec<&Sample> = samples.iter().filter(is_new).copied().collect();
    let changed = new.iter().map(|sample| ChangedPhoto {
        sample,
        changes: changes.to_vec(),
    });
    let predicted = photos.logits(changed.collect())?;
    for (sample, logits) in new.iter().zip(predicted) {
        known.extend(logits.map(|logits| (sample.id.0, logits)));
    }
    Ok(())
}

/// The shams that do not change the family of a rule.
fn shams_beside(family: PropertyFamily) -> Vec<ShamChange> {
    let is_beside = |sham: &ShamChange| match sham.family() {
        // Resizing blurs.
        Some(PropertyFamily::Sharpness) => {
            !matches!(family, PropertyFamily::Sharpness | PropertyFamily::Size)
        }
        of_sham => of_sham != Some(family),
    };
    ShamChange::ALL.iter().copied().filter(is_beside).collect()
}

fn sham_change(sham: ShamChange) -> FileChange {
    let border = |rows: f64, columns: f64, colour: [f64; 3]| {
        FileChange::Border(Border {
            top: rows,
            bottom: rows,
            left: columns,
            right: columns,
            colour,
        })
    };
    match sham {
        ShamChange::Grey => FileChange::Colour(0.0),
        ShamChange::Blurred => FileChange::Blur(3.0),
        ShamChange::Quality30 => FileChange::Quality(30),
        ShamChange::BlackBars => border(0.12, 0.0, [0.0; 3]),
        ShamChange::WhiteFrame => border(0.027, 0.027, [240.0, 240.0, 236.0]),
        ShamChange::Noise => FileChange::Noise(14.0),
        ShamChange::Darker => FileChange::Levels {
            gain: 0.75,
            offset: 0.0,
        },
    }
}
