//! A few pictures of a proof: before and after, with what the model says under each.

use super::super::crew::Crew;
use super::super::see::Worker;
use super::trial::{Inserted, Removed, Trial};
use crate::dataset::Sample;
use crate::error::Result;
use crate::input::Photo;
use crate::model::predicted;
use crate::plan::Pictures;
use crate::report::{Exhibit, Panel};

/// Hosts and tagged images shown: some that the change moves, and one that it does not.
const MOVED: usize = 2;
const UNMOVED: usize = 1;

impl<'a> Trial<'_, 'a> {
    /// The first hosts and tagged images, in order of hash, of either kind.
    pub fn show(
        &self,
        crew: &Crew<'a>,
        on: &[Inserted<'_>],
        off: &[Removed<'_>],
    ) -> Result<Vec<Exhibit>> {
        if self.auditor.plan.report.pictures == Pictures::None {
            return Ok(Vec::new());
        }
        let some = |moved: Vec<(bool, (bool, &Sample))>| -> Vec<(bool, Sample)> {
            let of = |wanted: bool, n: usize| {
                moved
                    .iter()
                    .filter(move |(m, _)| *m == wanted)
                    .take(n)
                    .map(|(_, s)| (s.0, s.1.clone()))
            };
            of(true, MOVED).chain(of(false, UNMOVED)).collect()
        };
        let hosts = some(on.iter().map(|i| (i.tag.says, (true, i.host))).collect());
        let lost = |r: &Removed<'_>| {
            r.fills[0]
                .as_ref()
                .is_some_and(|(away, here)| away.says && !here.says)
        };
        let images = some(off.iter().map(|r| (lost(r), (false, r.image))).collect());
        let shown = crew.each(
            self.auditor,
            [hosts, images].concat(),
            |worker, (pasted, sample)| {
                if pasted {
                    self.pasted(worker, &sample)
                } else {
                    self.filled(worker, &sample)
                }
            },
        )?;
        Ok(shown.into_iter().flatten().collect())
    }

    fn pasted(&self, worker: &mut Worker<'_>, host: &Sample) -> Result<Option<Exhibit>> {
        let Ok(Some(dressed)) = self.dress(worker, host) else {
            return Ok(None);
        };
        let mut photos = vec![
            ("as it is", dressed.photo.clone()),
            ("with the region", dressed.tag.paste(&dressed.photo)),
        ];
        let names = ["another patch", "a foreign patch", "the place without it"];
        let controls = names
            .iter()
            .zip(&dressed.controls)
            .filter_map(|(name, c)| Some((*name, c.as_ref()?.paste(&dressed.photo))));
        photos.extend(controls);
        photos.push((
            "in shuffled blocks",
            dressed.scrambled.paste(&dressed.photo),
        ));
        self.exhibit(worker, "pasted", host, photos)
    }

    fn filled(&self, worker: &mut Worker<'_>, image: &Sample) -> Result<Option<Exhibit>> {
        let Ok(Some((photo, fills))) = self.fill(worker, image) else {
            return Ok(None);
        };
        let mut photos = vec![("as it is", photo)];
        let names = [
            ["mirrored place imputed", "region imputed"],
            ["mirrored place copied over", "region copied over"],
        ];
        for (names, fill) in names.into_iter().zip(fills) {
            photos.extend(
                fill.into_iter()
                    .flat_map(|fill| names.into_iter().zip(fill)),
            );
        }
        self.exhibit(worker, "filled", image, photos)
    }

    fn exhibit(
        &self,
        worker: &mut Worker<'_>,
        role: &str,
        sample: &Sample,
        photos: Vec<(&str, Photo)>,
    ) -> Result<Option<Exhibit>> {
        let mut panels = Vec::new();
        for (name, photo) in photos {
            let Ok(seen) = worker.look(&photo) else {
                return Ok(None);
            };
            let outcome = self.outcome(&seen.logits);
            let says = &self.auditor.labels.classes[predicted(&seen.logits)];
            let caption = format!("{name}: {says}, margin {:+.1}", outcome.margin);
            panels.push(Panel::new(
                caption,
                &seen.tensor.picture(&self.auditor.plan.preprocess),
            )?);
        }
        let (label, region) = (self.label.to_owned(), self.region.to_owned());
        Ok(Some(Exhibit {
            label,
            region,
            role: role.to_owned(),
            path: sample.path.clone(),
            panels,
        }))
    }
}
