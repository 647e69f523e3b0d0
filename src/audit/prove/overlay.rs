//! Pictures of their own on images of all classes.

use super::{Auditor, Prover, Worker};
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::evidence::{Overlaid, OverlayEffect, overlay};
use crate::geometry::{Rect, View};
use crate::plan::{Place, Unit};
use crate::region;
use crate::retouch::{Dice, Patch};
use image::RgbaImage;

struct Picture<'p> {
    region: &'p str,
    rgba: &'p RgbaImage,
    opacity: f64,
    place: Rect,
    unit: Unit,
}

impl Prover<'_, '_> {
    /// The effects of every declared overlay on every class, the largest first.
    ///
    /// # Errors
    /// When the dataset can no longer be read or the engine cannot make a session.
    pub fn overlays(&self) -> Result<Vec<(String, Vec<OverlayEffect>)>> {
        let plan = self.auditor.plan;
        let pictures = plan.regions.iter().filter_map(|r| match &r.place {
            Place::Overlay { picture, opacity, place, unit } => {
                Some(Picture { region: &r.name, rgba: picture, opacity: *opacity, place: *place, unit: *unit })
            }
            _ => None,
        });
        let pictures: Vec<Picture<'_>> = pictures.collect();
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        let photos = self.evidence.photos.in_turn(self.evidence.seed);
        let ids: Vec<u128> = photos.take(plan.verdict.hosts_max as usize).collect();
        let samples = self.fetch(ids.iter().copied())?;
        let hosts: Vec<&Sample> = ids.iter().filter_map(|id| samples.get(id)).collect();
        let effects = |picture: &Picture<'_>| {
            let lay = |worker: &mut Worker<'_>, host| Ok(self.crew.proved(lay(self.auditor, worker, host, picture)));
            let seen = self.crew.each(self.auditor, hosts.clone(), lay)?;
            let seen: Vec<Overlaid> = seen.into_iter().flatten().collect();
            Ok((picture.region.to_owned(), overlay::effects(&seen, plan.verdict.causal_logits / 2.0)))
        };
        pictures.iter().map(effects).collect()
    }
}

/// One host with the picture and with its controls.
fn lay(
    auditor: &Auditor<'_>,
    worker: &mut Worker<'_>,
    host: &Sample,
    picture: &Picture<'_>,
) -> std::result::Result<Option<Overlaid>, Skip> {
    let mut dice = Dice::new(auditor.plan.run.seed, &[&host.id, picture.region, "overlay"]);
    let photo = worker.photo(&host.source)?;
    let view = if picture.unit == Unit::ViewPixels { worker.look(&photo)?.view } else { View::identity(photo.size) };
    let place = region::on_photo(picture.place, picture.unit, &view);
    let Some(patch) = Patch::of_picture(picture.rgba, place, picture.opacity) else { return Ok(None) };
    let controls = [patch.scrambled(&mut dice), patch.foreign_cover(&mut dice)];
    let mut logits = |patch: &Patch| -> std::result::Result<Vec<f64>, Skip> {
        let logits = worker.look(&patch.paste(&photo))?.logits;
        let logits: Vec<f64> = logits.iter().map(|&z| f64::from(z)).collect();
        let mean = logits.iter().sum::<f64>() / logits.len() as f64;
        let centre = if auditor.softmax_classes().is_some() { mean } else { 0.0 };
        Ok(logits.into_iter().map(|z| z - centre).collect())
    };
    let with = logits(&patch)?;
    let sigmoid = auditor.softmax_classes().is_none();
    Ok(Some(Overlaid { sigmoid, with, controls: [logits(&controls[0])?, logits(&controls[1])?] }))
}
