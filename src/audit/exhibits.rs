//! The images that a reviewer is shown for each finding: as the model saw them, and with heat.

use super::image::Auditor;
use super::prove::{Emptied, Prover, without_objects};
use super::see::Worker;
use crate::aggregate::Classes;
use crate::cam::Cam;
use crate::dataset::Sample;
use crate::error::Result;
use crate::evidence::{Pair, Pick};
use crate::plan::{Pictures, Presence};
use crate::record::FindingRow;
use crate::region;
use crate::report::{Exhibit, Panel, overlay};
use image::{DynamicImage, RgbImage};

/// Findings that are shown with pictures.
const FINDINGS_MAX: usize = 30;

/// Images whose objects are filled to choose from, and of these shown: still called their class, and no longer.
const EMPTIED: usize = 8;
const KEPT: usize = 2;
const LOST: usize = 1;

/// Grey of what stands behind a mean map.
const BLANK: u8 = 225;

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
pub fn exhibits(
    prover: &Prover<'_, '_>,
    classes: &Classes,
    told: &[&Pair],
) -> Result<Vec<Exhibit>> {
    let Prover {
        auditor,
        crew,
        evidence,
        ..
    } = prover;
    if auditor.plan.report.pictures == Pictures::None {
        return Ok(Vec::new());
    }
    let picks: Vec<(&Pair, Vec<Pick>)> = told
        .iter()
        .take(FINDINGS_MAX)
        .map(|pair| (*pair, evidence.picks(pair)))
        .collect();
    let samples = prover.fetch(picks.iter().flat_map(|(_, p)| p).map(|p| p.image))?;
    let mut exhibits = Vec::new();
    for (pair, picks) in &picks {
        let Some(class) = auditor.labels.class_of(&pair.label) else {
            continue;
        };
        exhibits.extend(template(auditor, pair)?);
        exhibits.extend(means(auditor, classes, pair)?);
        let images = picks
            .iter()
            .filter_map(|p| Some((p.role, samples.get(&p.image)?)))
            .collect();
        let shown = crew.each(auditor, images, |worker, (role, sample)| {
            Ok(see(auditor, worker, role, sample, class))
        })?;
        let shown: Vec<Shown<'_>> = shown.into_iter().flatten().collect();
        let scale = scale(shown.iter());
        for s in &shown {
            let (label, region) = (pair.label.clone(), pair.region.clone());
            let panels = s.panels(scale)?;
            exhibits.push(Exhibit {
                label,
                region,
                role: s.role.into(),
                path: s.sample.path.clone(),
                panels,
            });
        }
    }
    Ok(exhibits)
}

/// A few images of each label whose surroundings are told of: as they are, and with the objects filled in.
///
/// # Errors
/// As of [`exhibits`].
pub fn surroundings(prover: &Prover<'_, '_>, told: &[&FindingRow]) -> Result<Vec<Exhibit>> {
    let Prover {
        auditor,
        crew,
        evidence,
        ..
    } = prover;
    if auditor.plan.report.pictures == Pictures::None {
        return Ok(Vec::new());
    }
    let told = &told[..told.len().min(FINDINGS_MAX)];
    let ids = |f: &FindingRow| evidence.framed.of(f.label_index).into_iter().take(EMPTIED);
    let samples = prover.fetch(told.iter().flat_map(|f| ids(f)))?;
    let mut exhibits = Vec::new();
    for finding in told {
        let class = finding.label_index as usize;
        let images: Vec<&Sample> = ids(finding).filter_map(|id| samples.get(&id)).collect();
        let shown = crew.each(auditor, images, |worker, sample| {
            let emptied = crew.proved(without_objects(auditor, worker, sample));
            Ok(see(auditor, worker, "filled", sample, class).zip(emptied))
        })?;
        let (kept, lost): (Vec<_>, Vec<_>) = shown
            .into_iter()
            .flatten()
            .partition(|(_, e)| e.said.contains(&class));
        let shown: Vec<(Shown<'_>, Emptied)> = kept
            .into_iter()
            .take(KEPT)
            .chain(lost.into_iter().take(LOST))
            .collect();
        let scale = scale(shown.iter().map(|(s, _)| s));
        for (s, emptied) in shown {
            let mut panels = s.panels(scale)?;
            let says = &auditor.labels.classes[emptied.predicted];
            panels.push(Panel::new(
                format!("objects imputed: says {says}"),
                &emptied.view,
            )?);
            let (label, region) = (finding.label.clone(), finding.region.clone());
            exhibits.push(Exhibit {
                label,
                region,
                role: s.role.into(),
                path: s.sample.path.clone(),
                panels,
            });
        }
    }
    Ok(exhibits)
}

/// The scale that maps shown beside each other share.
fn scale<'s>(shown: impl Iterator<Item = &'s Shown<'s>>) -> f64 {
    shown.map(|s| overlay::scale(&s.cam)).fold(1e-9, f64::max)
}

impl Shown<'_> {
    /// As the model saw it, and with heat.
    fn panels(&self, scale: f64) -> Result<Vec<Panel>> {
        let heat = overlay::panel(&self.view, &self.cam, &self.placed, scale);
        Ok(vec![
            Panel::new(self.says.clone(), &self.view)?,
            Panel::new(
                format!("heat, orange for and blue against, scale ±{scale:.1} logits"),
                &heat,
            )?,
        ])
    }
}

/// The picture that tells where the region is, if one does.
fn template(auditor: &Auditor<'_>, pair: &Pair) -> Result<Option<Exhibit>> {
    let own = auditor
        .plan
        .regions
        .iter()
        .find(|r| r.name == pair.region)
        .map(|r| &r.presence);
    let Some(Presence::Template(template)) = own else {
        return Ok(None);
    };
    let (width, height) = template.grey.dimensions();
    let caption = format!(
        "{width} x {height} pixels, in grey, from a correlation of {}",
        template.threshold
    );
    let panels = vec![Panel::new(
        caption,
        &DynamicImage::from(template.grey.clone()).to_rgb8(),
    )?];
    let (label, region) = (pair.label.clone(), pair.region.clone());
    Ok(Some(Exhibit {
        label,
        region,
        role: "template".into(),
        path: String::new(),
        panels,
    }))
}

/// The mean map of the images with the region, of those without, and how they differ.
fn means(auditor: &Auditor<'_>, classes: &Classes, pair: &Pair) -> Result<Option<Exhibit>> {
    let Some([without, with]) = classes.maps(&pair.label, &pair.region) else {
        return Ok(None);
    };
    let layout = &auditor.model.layout;
    let map = |values: Vec<f64>| Cam {
        height: layout.height,
        width: layout.width,
        values,
        bias: 0.0,
    };
    let (absent, present) = (map(without.mean()), map(with.mean()));
    let difference = map(present
        .values
        .iter()
        .zip(&absent.values)
        .map(|(a, b)| a - b)
        .collect());
    let size = auditor.plan.preprocess.output;
    let blank = RgbImage::from_pixel(size.width, size.height, image::Rgb([BLANK; 3]));
    let shared = overlay::scale(&absent).max(overlay::scale(&present));
    let panel = |cam: &Cam, scale: f64, what: String| {
        Panel::new(
            format!("{what}, scale ±{scale:.1} logits"),
            &overlay::panel(&blank, cam, &[], scale),
        )
    };
    let panels = vec![
        panel(
            &present,
            shared,
            format!("mean map of {} images with it", with.images),
        )?,
        panel(&absent, shared, format!("of {} without it", without.images))?,
        panel(
            &difference,
            overlay::scale(&difference),
            "with less without".into(),
        )?,
    ];
    let (label, region) = (pair.label.clone(), pair.region.clone());
    Ok(Some(Exhibit {
        label,
        region,
        role: "mean".into(),
        path: String::new(),
        panels,
    }))
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
    let says = format!(
        "says {}",
        auditor.labels.classes[seen.inference.predicted()]
    );
    let view = seen.tensor.picture(&auditor.plan.preprocess);
    Some(Shown {
        role,
        sample,
        view,
        cam: auditor.cam(&seen.inference, class),
        placed,
        says,
    })
}
