//! One label and one region on trial: insertion and removal, each with its controls.

use super::super::crew::Crew;
use super::super::image::Auditor;
use super::super::see::Worker;
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::evidence::{Contrasted, Effect, Intervention, Outcome};
use crate::geometry::{Shape, View};
use crate::input::Photo;
use crate::model::predicted;
use crate::region;
use crate::report::Exhibit;
use crate::retouch::{Dice, Patch, imputed, thumb};
use crate::score;

/// Passes for one host: clean, the tag, its scramble and three controls.
const PASSES_HOST: u32 = 6;
/// Passes for one tagged image: two ways to fill at two places.
const PASSES_TAGGED: u32 = 4;
/// What is pasted instead of the tag.
const CONTROLS: [&str; 3] = [
    "another patch of the same photo",
    "a foreign patch",
    "the same place without the tag",
];
/// Ways to fill the tag's place.
const FILLS: [&str; 2] = [
    "imputed from around it",
    "copied from the nearest photo without it",
];

/// One label and one region on trial.
pub struct Trial<'t, 'a> {
    pub auditor: &'t Auditor<'a>,
    pub class: usize,
    pub label: &'t str,
    pub region: &'t str,
    pub category: &'t str,
    pub donors: Vec<&'t Sample>,
    /// Untagged images of the label.
    pub untagged: Vec<&'t Sample>,
    /// Photos without the tag that its place is copied from, each with its small picture.
    pub copies: Vec<(&'t Sample, Vec<u8>)>,
}

/// A host, and what is to be pasted on it.
pub struct Dressed {
    pub photo: Photo,
    pub tag: Patch,
    pub scrambled: Patch,
    pub controls: [Option<Patch>; 3],
}

/// A host under everything that was pasted on it.
pub struct Inserted<'t> {
    pub host: &'t Sample,
    pub clean: Outcome,
    pub tag: Outcome,
    pub scrambled: Outcome,
    pub controls: [Option<Outcome>; 3],
    pub passes: u32,
}

/// A tagged photo, and the same filled: per way to fill, at a mirrored place and at the tag's.
pub type Filled = (Photo, [Option<[Photo; 2]>; 2]);

/// A tagged image: filled at a mirrored place, and at the tag's.
pub struct Removed<'t> {
    pub image: &'t Sample,
    pub fills: [Option<(Outcome, Outcome)>; 2],
    pub passes: u32,
}

impl<'t, 'a> Trial<'t, 'a> {
    /// The proof, and a few pictures of it. `None` where too few photos take part to say anything.
    pub fn run(
        &self,
        crew: &Crew<'a>,
        hosts: &[&'t Sample],
        tagged: &[&'t Sample],
    ) -> Result<Option<(Intervention, Vec<Exhibit>)>> {
        let policy = &self.auditor.plan.verdict;
        if self.donors.len() < policy.donors_min as usize {
            return Ok(None);
        }
        // Four fifths of the passes for the hosts, and to the tagged images what those leave.
        let most = policy
            .hosts_max
            .min(policy.max_forwards * 4 / 5 / PASSES_HOST) as usize;
        let on = hosts.iter().take(most).copied().collect::<Vec<_>>();
        let left = policy.max_forwards - on.len() as u32 * PASSES_HOST;
        let off: Vec<_> = tagged
            .iter()
            .take(policy.hosts_max.min(left / PASSES_TAGGED) as usize)
            .copied()
            .collect();
        let cut_short = on.len() < hosts.len().min(policy.hosts_max as usize)
            || off.len() < tagged.len().min(policy.hosts_max as usize);
        let inserted = crew.each(self.auditor, on, |worker, host| {
            Ok(crew.proved(self.insert(worker, host)))
        })?;
        let removed = crew.each(self.auditor, off, |worker, image| {
            Ok(crew.proved(self.remove(worker, image)))
        })?;
        let inserted: Vec<Inserted<'_>> = inserted.into_iter().flatten().collect();
        let removed: Vec<Removed<'_>> = removed.into_iter().flatten().collect();
        let clean: Vec<Outcome> = inserted.iter().map(|i| i.clean.clone()).collect();
        let least = Intervention::least(policy.causal_logits, &clean);
        let against = |k: usize| {
            let pairs = inserted
                .iter()
                .filter_map(|i| Some((i.tag.clone(), i.controls[k].clone()?)));
            Contrasted {
                against: CONTROLS[k],
                pairs: pairs.collect(),
            }
        };
        let filled = |k: usize| Contrasted {
            against: FILLS[k],
            pairs: removed.iter().filter_map(|r| r.fills[k].clone()).collect(),
        };
        let insertion = Effect::new(&[0, 1, 2].map(against), self.class, least);
        let removal = Effect::new(&[0, 1].map(filled), self.class, least);
        let shown = self.show(crew, &inserted, &removed)?;
        let intervention = Intervention {
            p: Intervention::p(insertion.as_ref(), removal.as_ref()),
            least,
            scrambled: inserted.iter().filter(|i| i.scrambled.says).count() as u32,
            donors: self.donors.len() as u32,
            forwards: inserted
                .iter()
                .map(|i| i.passes)
                .chain(removed.iter().map(|r| r.passes))
                .sum(),
            cut_short,
            insertion,
            removal,
        };
        Ok(Some((intervention, shown)))
    }

    /// A host with a donor's tag and the controls for it, all by hash. `None` where the donor's tag lies out of its photo.
    pub fn dress(
        &self,
        worker: &mut Worker<'_>,
        host: &Sample,
    ) -> std::result::Result<Option<Dressed>, Skip> {
        let mut dice = Dice::new(
            self.auditor.plan.run.seed,
            &[&host.id, self.region, "insert"],
        );
        let photo = worker.photo(&host.source)?;
        let donor = self.donors[dice.below(self.donors.len())];
        let source = worker.photo(&donor.source)?;
        let shape = self.shape(donor, &source);
        let Some(tag) = shape.and_then(|shape| Patch::cut(&source, &shape)) else {
            return Ok(None);
        };
        let plain = match self.untagged.len() {
            0 => None,
            n => tag.with_pixels_of(
                &worker.photo(&self.untagged[dice.below(n)].source)?,
                tag.frame,
            ),
        };
        let controls = [
            tag.elsewhere(&source, &mut dice),
            Some(tag.foreign(&mut dice)),
            plain,
        ];
        let scrambled = tag.scrambled(&mut dice);
        Ok(Some(Dressed {
            photo,
            tag,
            scrambled,
            controls,
        }))
    }

    /// The tag and its controls on one host. `None` where the host says the class by itself, or a photo is gone.
    fn insert(
        &self,
        worker: &mut Worker<'_>,
        host: &'t Sample,
    ) -> std::result::Result<Option<Inserted<'t>>, Skip> {
        let Some(Dressed {
            photo,
            tag,
            scrambled,
            controls,
        }) = self.dress(worker, host)?
        else {
            return Ok(None);
        };
        let clean = self.outcome(&worker.look(&photo)?.logits);
        if clean.says {
            return Ok(None);
        }
        let mut passes = 1;
        let mut with = |patch: &Patch| -> std::result::Result<Outcome, Skip> {
            passes += 1;
            Ok(self.outcome(&worker.look(&patch.paste(&photo))?.logits))
        };
        let (tagged, scrambled) = (with(&tag)?, with(&scrambled)?);
        let mut outcomes = [None, None, None];
        for (outcome, control) in outcomes.iter_mut().zip(&controls) {
            *outcome = control.as_ref().map(&mut with).transpose()?;
        }
        Ok(Some(Inserted {
            host,
            clean,
            tag: tagged,
            scrambled,
            controls: outcomes,
            passes,
        }))
    }

    /// One tagged image filled both ways: at a mirrored place and at the tag's. `None` where the tag cannot be mirrored.
    pub fn fill(
        &self,
        worker: &mut Worker<'_>,
        image: &Sample,
    ) -> std::result::Result<Option<Filled>, Skip> {
        let mut dice = Dice::new(
            self.auditor.plan.run.seed,
            &[&image.id, self.region, "remove"],
        );
        let photo = worker.photo(&image.source)?;
        let mut fitted = image.clone();
        fitted.fit(photo.size, photo.turned);
        let Some(shape) = self.shape(image, &photo) else {
            return Ok(None);
        };
        let regions = &self.auditor.plan.regions;
        let objects = region::objects(
            regions,
            &image.label,
            &fitted.annotations,
            &View::identity(photo.size),
        );
        let mirrors = region::mirrors(&shape, objects.as_ref().map(|o| &o.objects), photo.size);
        let elsewhere = mirrors.into_iter().next();
        let Some(elsewhere) = elsewhere else {
            return Ok(None);
        };
        let small = thumb(&photo);
        let far = |other: &[u8]| -> u64 {
            small
                .iter()
                .zip(other)
                .map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2))
                .sum()
        };
        let nearest = self.copies.iter().min_by_key(|(_, other)| far(other));
        let nearest = nearest
            .map(|(sample, _)| worker.photo(&sample.source))
            .transpose()?;
        let copied = |place: &Shape| {
            let hole = Patch::cut(&photo, place)?;
            Some(
                hole.with_pixels_of(nearest.as_ref()?, hole.frame)?
                    .paste(&photo),
            )
        };
        let imputed = [
            imputed(&photo, &elsewhere, &mut dice),
            imputed(&photo, &shape, &mut dice),
        ];
        let copied = [copied(&elsewhere), copied(&shape)];
        let both = |[away, here]: [Option<Photo>; 2]| Some([away?, here?]);
        let fills = [both(imputed), both(copied)];
        Ok(Some((photo, fills)))
    }

    fn remove(
        &self,
        worker: &mut Worker<'_>,
        image: &'t Sample,
    ) -> std::result::Result<Option<Removed<'t>>, Skip> {
        let Some((_, filled)) = self.fill(worker, image)? else {
            return Ok(None);
        };
        let (mut passes, mut fills) = (0, [None, None]);
        for (fill, [away, here]) in fills
            .iter_mut()
            .zip(&filled)
            .filter_map(|(fill, f)| Some((fill, f.as_ref()?)))
        {
            passes += 2;
            *fill = Some((
                self.outcome(&worker.look(away)?.logits),
                self.outcome(&worker.look(here)?.logits),
            ));
        }
        Ok(Some(Removed {
            image,
            fills,
            passes,
        }))
    }

    /// Where the tag lies, in pixels of the photo.
    fn shape(&self, sample: &Sample, photo: &Photo) -> Option<Shape> {
        let mut sample = sample.clone();
        sample.fit(photo.size, photo.turned);
        region::annotated(&sample.annotations, self.category, photo.size)
    }

    pub fn outcome(&self, logits: &[f32]) -> Outcome {
        let softmax = self.auditor.softmax_classes().is_some();
        let margin = score::margin(logits, self.class, softmax);
        let says = if softmax {
            predicted(logits) == self.class
        } else {
            margin > 0.0
        };
        Outcome {
            margin,
            says,
            logits: logits.to_vec(),
        }
    }
}
