//! Pictures of their own on images of all classes.

use super::{Auditor, Prover, Worker};
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::evidence::{Overlaid, OverlayEffect, overlay};
use crate::geometry::{Rect, View};
use crate::input::Photo;
use crate::model::predicted;
use crate::plan::{Pictures, Place, Region, Unit};
use crate::record::FindingRow;
use crate::region;
use crate::report::{Exhibit, Panel};
use crate::retouch::{Dice, Patch};
use image::RgbaImage;

/// Images shown under an overlay.
const SHOWN: usize = 3;

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
        let pictures: Vec<Picture<'_>> = plan.regions.iter().filter_map(of).collect();
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        let ids = self.overlaid(plan.verdict.hosts_max as usize);
        let samples = self.fetch(ids.iter().copied())?;
        let hosts: Vec<&Sample> = ids.iter().filter_map(|id| samples.get(id)).collect();
        let effects = |picture: &Picture<'_>| {
            let lay = |worker: &mut Worker<'_>, host| {
                Ok(self.crew.proved(lay(self.auditor, worker, host, picture)))
            };
            let seen = self.crew.each(self.auditor, hosts.clone(), lay)?;
            let seen: Vec<Overlaid> = seen.into_iter().flatten().collect();
            Ok((
                picture.region.to_owned(),
                overlay::effects(&seen, plan.verdict.causal_logits / 2.0),
            ))
        };
        pictures.iter().map(effects).collect()
    }

    /// The images that pictures are laid over, of all classes in turn.
    fn overlaid(&self, most: usize) -> Vec<u128> {
        self.evidence
            .photos
            .in_turn(self.evidence.seed)
            .take(most)
            .collect()
    }

    /// The first few images under each overlay that is told of, with what the model says.
    ///
    /// # Errors
    /// When the dataset can no longer be read or the engine cannot make a session.
    pub fn show_overlays(&self, told: &[&FindingRow]) -> Result<Vec<Exhibit>> {
        let auditor = self.auditor;
        let ids = self.overlaid(SHOWN);
        if told.is_empty() || auditor.plan.report.pictures == Pictures::None {
            return Ok(Vec::new());
        }
        let samples = self.fetch(ids.iter().copied())?;
        let mut exhibits = Vec::new();
        for finding in told {
            let Some(picture) = auditor
                .plan
                .regions
                .iter()
                .find_map(|r| of(r).filter(|p| p.region == finding.region))
            else {
                continue;
            };
            let hosts: Vec<&Sample> = ids.iter().filter_map(|id| samples.get(id)).collect();
            let show = |worker: &mut Worker<'_>, host: &Sample| {
                Ok(show(auditor, worker, host, &picture, finding))
            };
            let shown = self.crew.each(auditor, hosts, show)?;
            exhibits.extend(shown.into_iter().flatten());
        }
        Ok(exhibits)
    }
}

/// The picture of a region that is one.
fn of(region: &Region) -> Option<Picture<'_>> {
    match &region.place {
        Place::Overlay {
            picture,
            opacity,
            place,
            unit,
        } => Some(Picture {
            region: &region.name,
            rgba: picture,
            opacity: *opacity,
            place: *place,
            unit: *unit,
        }),
        _ => None,
    }
}

/// A host as it is, with the picture and with its controls.
type Laid = (Photo, Patch, [Patch; 2]);

fn dress(
    auditor: &Auditor<'_>,
    worker: &mut Worker<'_>,
    host: &Sample,
    picture: &Picture<'_>,
) -> std::result::Result<Option<Laid>, Skip> {
    let mut dice = Dice::new(
        auditor.plan.run.seed,
        &[&host.id, picture.region, "overlay"],
    );
    let photo = worker.photo(&host.source)?;
    let view = if picture.unit == Unit::ViewPixels {
        worker.look(&photo)?.view
    } else {
        View::identity(photo.size)
    };
    let place = region::on_photo(picture.place, picture.unit, &view);
    let Some(patch) = Patch::of_picture(picture.rgba, place, picture.opacity) else {
        return Ok(None);
    };
    let controls = [patch.scrambled(&mut dice), patch.foreign_cover(&mut dice)];
    Ok(Some((photo, patch, controls)))
}

/// What the network says of one host with the picture and with its controls.
fn lay(
    auditor: &Auditor<'_>,
    worker: &mut Worker<'_>,
    host: &Sample,
    picture: &Picture<'_>,
) -> std::result::Result<Option<Overlaid>, Skip> {
    let Some((photo, patch, controls)) = dress(auditor, worker, host, picture)? else {
        return Ok(None);
    };
    let mut logits = |patch: &Patch| -> std::result::Result<Vec<f64>, Skip> {
        let logits = worker.look(&patch.paste(&photo))?.logits;
        let logits: Vec<f64> = logits.iter().map(|&z| f64::from(z)).collect();
        let mean = logits.iter().sum::<f64>() / logits.len() as f64;
        let centre = if auditor.softmax_classes().is_some() {
            mean
        } else {
            0.0
        };
        Ok(logits.into_iter().map(|z| z - centre).collect())
    };
    let with = logits(&patch)?;
    let sigmoid = auditor.softmax_classes().is_none();
    Ok(Some(Overlaid {
        sigmoid,
        with,
        controls: [logits(&controls[0])?, logits(&controls[1])?],
    }))
}

/// `None` where the image can no longer be read: the finding stands all the same.
fn show(
    auditor: &Auditor<'_>,
    worker: &mut Worker<'_>,
    host: &Sample,
    picture: &Picture<'_>,
    finding: &FindingRow,
) -> Option<Exhibit> {
    let (photo, patch, [scrambled, foreign]) = dress(auditor, worker, host, picture).ok()??;
    let photos = [
        ("as it is", photo.clone()),
        ("with the picture", patch.paste(&photo)),
        ("in shuffled blocks", scrambled.paste(&photo)),
        ("a foreign picture", foreign.paste(&photo)),
    ];
    let class = finding.label_index as usize;
    let panel = |(name, photo): (&str, Photo)| {
        let seen = worker.look(&photo).ok()?;
        let says = &auditor.labels.classes[predicted(&seen.logits)];
        let caption = format!(
            "{name}: {says}, {} {:+.1}",
            finding.label, seen.logits[class]
        );
        Panel::new(caption, &seen.tensor.picture(&auditor.plan.preprocess)).ok()
    };
    let panels: Vec<Panel> = photos.into_iter().map(panel).collect::<Option<_>>()?;
    let (label, region) = (finding.label.clone(), finding.region.clone());
    Some(Exhibit {
        label,
        region,
        role: "laid".into(),
        path: host.path.clone(),
        panels,
    })
}
