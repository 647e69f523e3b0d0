//! The images that a reviewer is shown for each finding: as the model saw them, and with heat.

use super::crew::Crew;
use super::image::Auditor;
use super::prove::fetch;
use super::see::Worker;
use crate::cam::Cam;
use crate::dataset::{Dataset, Sample};
use crate::error::Result;
use crate::evidence::{Evidence, Pair, Pick};
use crate::plan::Pictures;
use crate::region;
use crate::report::{Exhibit, Panel, overlay};
use image::RgbImage;

/// Findings that are shown with pictures.
const FINDINGS_MAX: usize = 30;

/// One image, seen again.
struct Shown<'s> {
    role: &'static str,
    sample: &'s Sample,
    view: RgbImage,
    cam: Cam,
    placed: Vec<region::Placed<'s>>,
    says: String,
}

/// Pictures for the findings named, in their order. All of one finding share one scale.
///
/// # Errors
/// When the dataset can no longer be read or the engine cannot make a session.
pub fn exhibits<'a>(
    auditor: &Auditor<'a>,
    crew: &Crew<'a>,
    dataset: &Dataset,
    evidence: &Evidence,
    told: &[&Pair],
) -> Result<Vec<Exhibit>> {
    if auditor.plan.report.pictures == Pictures::None {
        return Ok(Vec::new());
    }
    let picks: Vec<(&Pair, Vec<Pick>)> =
        told.iter().take(FINDINGS_MAX).map(|pair| (*pair, evidence.picks(pair))).collect();
    let samples = fetch(auditor, dataset, picks.iter().flat_map(|(_, p)| p).map(|p| p.image))?;
    let mut exhibits = Vec::new();
    for (pair, picks) in &picks {
        let Some(class) = auditor.labels.class_of(&pair.label) else { continue };
        let images = picks.iter().filter_map(|p| Some((p.role, samples.get(&p.image)?))).collect();
        let shown =
            crew.each(auditor, images, |worker, (role, sample)| Ok(see(auditor, worker, role, sample, class)))?;
        let shown: Vec<Shown<'_>> = shown.into_iter().flatten().collect();
        let scale = shown.iter().map(|s| overlay::scale(&s.cam)).fold(1e-9, f64::max);
        for s in &shown {
            let heat = overlay::panel(&s.view, &s.cam, &s.placed, scale);
            let panels = vec![
                Panel::new(s.says.clone(), &s.view)?,
                Panel::new(format!("heat, orange for and blue against, up to {scale:.1} logits"), &heat)?,
            ];
            let (label, region) = (pair.label.clone(), pair.region.clone());
            exhibits.push(Exhibit { label, region, role: s.role.into(), path: s.sample.path.clone(), panels });
        }
    }
    Ok(exhibits)
}

/// `None` where the image can no longer be read: the run has its rows all the same.
fn see<'s>(
    auditor: &Auditor<'s>,
    worker: &mut Worker<'_>,
    role: &'static str,
    sample: &'s Sample,
    class: usize,
) -> Option<Shown<'s>> {
    let seen = worker.see(&sample.source).ok()?;
    let mut fitted = sample.clone();
    fitted.fit(seen.size, seen.turned);
    let placed = region::place(&auditor.plan.regions, &fitted.annotations, &seen.view);
    let says = format!("says {}", auditor.labels.classes[seen.inference.predicted()]);
    let view = seen.tensor.picture(&auditor.plan.preprocess);
    Some(Shown { role, sample, view, cam: auditor.cam(&seen.inference, class), placed, says })
}
