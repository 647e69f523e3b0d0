//! How many regions a template finds: the found ones are pasted on photos without them, shifted and
//! rescaled a little, and searched again. What the template misses counts as untagged, so that
//! prevalence and effects come out too small.

use super::confounder::ConfounderTest;
use super::readable::readable;
use crate::audit::pool::WorkerPool;
use crate::audit::worker::Worker;
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::finding::TemplateHits;
use crate::geometry::Rect;
use crate::input;
use crate::perturb::{Patch, SeededRng};
use crate::plan::{Presence, Template};

/// Sizes of a pasted region relative to the one that was found.
const SCALES: [f64; 4] = [0.85, 0.93, 1.08, 1.18];
/// Largest shift, as a part of the region's own size.
const SHIFT: f64 = 0.5;

impl<'a> ConfounderTest<'_, 'a> {
    /// `None` where presence does not come from a template, or there is no photo to paste on.
    pub(super) fn template_hits(
        &self,
        pool: &WorkerPool<'a>,
        hosts: &[&Sample],
    ) -> Result<Option<TemplateHits>> {
        let Some(template) = self.template() else {
            return Ok(None);
        };
        let pairs: Vec<(usize, &Sample)> = (0..self.donors.len())
            .zip(hosts.iter().copied().cycle())
            .collect();

        let found = pool.map(pairs, |worker, (donor, host)| {
            Ok(self.found_variants(worker, template, donor, host))
        })?;

        let (found, _) = readable(found, pool.observer);
        let mut hits = TemplateHits::default();
        for of_donor in &found {
            hits.found += of_donor.found;
            hits.tried += of_donor.tried;
        }
        Ok((hits.tried > 0).then_some(hits))
    }

    fn template(&self) -> Option<&'a Template> {
        let regions = &self.context.plan.regions;
        let region = regions.iter().find(|region| region.name == self.region)?;
        match &region.presence {
            Presence::Template(template) => Some(template),
            _ => None,
        }
    }

    /// The region of one donor in every size on one host.
    fn found_variants(
        &self,
        worker: &mut Worker<'_>,
        template: &Template,
        donor: usize,
        host: &Sample,
    ) -> Result<Option<TemplateHits>, Skip> {
        let donor = &self.donors[donor];
        let seed = self.context.plan.run.seed;
        let id = donor.sample.id.to_string();
        let mut rng = SeededRng::new(seed, &[&id, self.region, "template"]);

        let source = worker.decode_sample(donor.sample)?;
        let photo = worker.decode_sample(host)?;
        let Some(tag) = Patch::cut(&source, &donor.region) else {
            return Ok(None);
        };

        let mut hits = TemplateHits::default();
        for scale in SCALES {
            let Some(frame) = moved(tag.frame, scale, template.area, &mut rng) else {
                continue;
            };
            let pasted = Patch {
                frame,
                ..tag.clone()
            };
            let place = input::locate_template(template, &pasted.paste(&photo));
            let is_there = place.is_some_and(|place| place.intersect(frame).is_some());
            hits.tried += 1;
            hits.found += u32::from(is_there);
        }
        Ok(Some(hits))
    }
}

/// The rectangle in another size and shifted at random, inside of an area; `None` where it does not
/// fit.
fn moved(frame: Rect, scale: f64, area: Rect, rng: &mut SeededRng) -> Option<Rect> {
    let (width, height) = (scale * frame.width(), scale * frame.height());
    if width > area.width() || height > area.height() {
        return None;
    }
    let shift = |rng: &mut SeededRng, side: f64| SHIFT * side * (2.0 * rng.unit() - 1.0);
    let x = (frame.x0 + shift(rng, width)).clamp(area.x0, area.x1 - width);
    let y = (frame.y0 + shift(rng, height)).clamp(area.y0, area.y1 - height);
    Some(Rect::new(x, y, x + width, y + height))
}
