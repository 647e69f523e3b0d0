//! Overlays on images of all classes.

use super::super::context::AuditContext;
use super::super::worker::{Prediction, Worker};
use super::readable::readable;
use super::runner::InterventionRunner;
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::evidence::{OverlaidHost, OverlayEffect, overlay_effects};
use crate::finding::{FigureRole, Finding};
use crate::geometry::{Rect, View};
use crate::input::Photo;
use crate::model::predicted;
use crate::perturb::{Patch, SeededRng};
use crate::plan::{Pictures, Place, Region, Unit};
use crate::region;
use crate::report::panel;
use crate::runs::documents::{Figure, Panel};
use image::RgbaImage;

/// Images shown under an overlay.
const SHOWN: usize = 3;

/// The picture of a region that is laid over photos.
struct Overlay<'p> {
    region: &'p str,
    picture: &'p RgbaImage,
    opacity: f64,
    place: Rect,
    unit: Unit,
}

/// A host, and the patches to lay over it.
struct OverlayVariants {
    photo: Photo,
    /// Of the photo as it is.
    clean: Prediction,
    overlay: Patch,
    scrambled: Patch,
    synthetic: Patch,
}

impl<'a> InterventionRunner<'_, 'a> {
    /// The effects of every declared overlay on every class, the largest first.
    ///
    /// # Errors
    /// When the run is asked to stop, or the engine cannot make a session.
    pub fn overlays(&self) -> Result<Vec<(String, Vec<OverlayEffect>)>> {
        let context = self.context;
        let policy = &context.plan.verdict;
        let chosen = &self.experiments.overlay_hosts;
        let hosts = self.samples.first(chosen, policy.hosts_max as usize);

        let mut effects = Vec::new();
        for overlay in context.plan.regions.iter().filter_map(overlay_of) {
            let predicted = self.pool.map(hosts.clone(), |worker, host| {
                Ok(apply_overlay(context, worker, host, &overlay))
            })?;
            let (predicted, _) = readable(predicted, self.pool.observer);
            let of_region = overlay_effects(&predicted, context.model.head(), policy);
            effects.push((overlay.region.to_owned(), of_region));
            self.pool.observer.part_done();
        }
        Ok(effects)
    }

    /// The first few images under each reported overlay, with the model's predictions.
    ///
    /// # Errors
    /// When the run is asked to stop, or the engine cannot make a session.
    pub fn overlay_figures(&self, reported: &[&Finding]) -> Result<Vec<Figure>> {
        let context = self.context;
        if context.plan.report.pictures == Pictures::None {
            return Ok(Vec::new());
        }
        let hosts = self.samples.first(&self.experiments.overlay_hosts, SHOWN);

        let mut figures = Vec::new();
        for finding in reported {
            let regions = &context.plan.regions;
            let region = regions.iter().find(|r| r.name == finding.region);
            let Some(overlay) = region.and_then(overlay_of) else {
                continue;
            };
            let shown = self.pool.map(hosts.clone(), |worker, host| {
                Ok(figure(context, worker, host, &overlay, finding))
            })?;
            figures.extend(shown.into_iter().flatten());
        }
        Ok(figures)
    }
}

/// The overlay of a region that is one.
fn overlay_of(region: &Region) -> Option<Overlay<'_>> {
    match &region.place {
        Place::Overlay {
            picture,
            opacity,
            place,
            unit,
        } => Some(Overlay {
            region: &region.name,
            picture,
            opacity: *opacity,
            place: *place,
            unit: *unit,
        }),
        _ => None,
    }
}

/// A host with the overlay and its controls. `None` where the overlay is outside of the photo.
fn prepare_overlay(
    context: &AuditContext<'_>,
    worker: &mut Worker<'_>,
    host: &Sample,
    overlay: &Overlay<'_>,
) -> Result<Option<OverlayVariants>, Skip> {
    let seed = context.plan.run.seed;
    let mut rng = SeededRng::new(seed, &[&host.id.to_string(), overlay.region, "overlay"]);
    let photo = worker.decode_sample(host)?;
    let clean = worker.predict(&photo)?;
    let identity = View::identity(photo.size);
    let view = if overlay.unit == Unit::ViewPixels {
        &clean.view
    } else {
        &identity
    };

    let place = region::on_photo(overlay.place, overlay.unit, view);
    let Some(patch) = Patch::from_picture(overlay.picture, place, overlay.opacity) else {
        return Ok(None);
    };
    let scrambled = patch.scrambled_in_blocks(block(&clean.view), &mut rng);
    let synthetic = patch.synthetic_overlay(&mut rng);
    Ok(Some(OverlayVariants {
        photo,
        clean,
        overlay: patch,
        scrambled,
        synthetic,
    }))
}

/// Side of the blocks of a scrambled overlay, as a fraction of the photo's width: 4 pixels of a
/// model's input of 224. Larger ones would keep parts of the form, so the input counts and not the
/// photo, of which it may be a crop.
fn block(view: &View) -> f64 {
    let input = f64::from(view.input_place().size.width);
    let on_photo = 4.0 / 224.0 * input / view.x_scale;
    on_photo / f64::from(view.original.width)
}

/// The logits of one host as it is, with the overlay and with its controls.
fn apply_overlay(
    context: &AuditContext<'_>,
    worker: &mut Worker<'_>,
    host: &Sample,
    overlay: &Overlay<'_>,
) -> Result<Option<OverlaidHost>, Skip> {
    let Some(variants) = prepare_overlay(context, worker, host, overlay)? else {
        return Ok(None);
    };
    let photo = &variants.photo;
    let with = worker.predict(&variants.overlay.paste(photo))?.logits;
    let scrambled = worker.predict(&variants.scrambled.paste(photo))?.logits;
    let synthetic = worker.predict(&variants.synthetic.paste(photo))?.logits;
    Ok(Some(OverlaidHost {
        clean: variants.clean.logits,
        with,
        controls: [scrambled, synthetic],
    }))
}

/// `None` where the image can no longer be read: the finding stays without it.
fn figure(
    context: &AuditContext<'_>,
    worker: &mut Worker<'_>,
    host: &Sample,
    overlay: &Overlay<'_>,
    finding: &Finding,
) -> Option<Figure> {
    let variants = prepare_overlay(context, worker, host, overlay).ok()??;
    let photo = &variants.photo;
    let photos = [
        ("original", photo.clone()),
        ("with the overlay", variants.overlay.paste(photo)),
        ("in shuffled blocks", variants.scrambled.paste(photo)),
        ("a synthetic pattern", variants.synthetic.paste(photo)),
    ];

    let mut panels = Vec::new();
    let mut before = None;
    for (name, photo) in photos {
        let prediction = worker.predict(&photo).ok()?;
        let predicted = predicted(&prediction.logits);
        let class = &context.labels.classes[predicted];
        let logit = prediction.logits[finding.class as usize];
        let label = &finding.label;
        let caption = format!("{name}: predicted {class}, logit of {label} {logit:+.1}");
        let picture = prediction.tensor.picture(&context.plan.preprocess);
        panels.push(Panel {
            flipped: *before.get_or_insert(predicted) != predicted,
            ..panel(caption, &picture).ok()?
        });
    }
    Some(Figure {
        label: finding.label.clone(),
        region: finding.region.clone(),
        role: FigureRole::Laid,
        path: host.path.clone(),
        panels,
    })
}
