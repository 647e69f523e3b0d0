//! The figures of a report: for each finding the images that a reviewer is shown, as the model sees
//! them and with heat.

use super::context::AuditContext;
use super::intervention::{InterventionRunner, ObjectsRemoved, remove_objects};
use super::shown::{Shown, shared_scale, show, with_first};
use crate::aggregate::{Classes, MapSum};
use crate::cam::Cam;
use crate::error::Result;
use crate::evidence::Pair;
use crate::finding::{FigureRole, Finding};
use crate::geometry::Size;
use crate::plan::{Pictures, Presence};
use crate::report::{heatmap, panel};
use crate::runs::documents::{Figure, Panel};
use image::{DynamicImage, RgbImage};

/// Findings that are shown with pictures.
const FINDINGS_MAX: usize = 30;

/// Images whose objects are filled to choose from; of these shown: still predicted as the class,
/// and no longer.
const FILLED: usize = 8;
const KEPT: usize = 2;
const LOST: usize = 1;

/// Grey of the background of a mean map.
const BACKGROUND: u8 = 225;

/// Figures of the pairs named, in their order. All figures of one finding share one scale.
///
/// # Errors
/// When a picture cannot be encoded, or the engine cannot make a session.
pub fn pair_figures(
    runner: &InterventionRunner<'_, '_>,
    classes: &Classes,
    pairs: &[Pair],
    reported: &[usize],
) -> Result<Vec<Figure>> {
    let context = runner.context;
    if context.plan.report.pictures == Pictures::None {
        return Ok(Vec::new());
    }
    let mut figures = Vec::new();
    for index in reported.iter().take(FINDINGS_MAX) {
        let pair = &pairs[*index];
        figures.extend(template_figure(context, pair)?);
        figures.extend(mean_figure(context, classes, pair)?);
        figures.extend(example_figures(runner, pair, *index)?);
        runner.pool.observer.part_done();
    }
    Ok(figures)
}

/// How many findings and classes get pictures.
pub fn shown_parts(runner: &InterventionRunner<'_, '_>, findings: [usize; 2]) -> usize {
    if runner.context.plan.report.pictures == Pictures::None {
        return 0;
    }
    let findings = findings.map(|findings| findings.min(FINDINGS_MAX));
    findings.iter().sum::<usize>() + runner.experiments.classes.len()
}

fn example_figures(
    runner: &InterventionRunner<'_, '_>,
    pair: &Pair,
    index: usize,
) -> Result<Vec<Figure>> {
    let mut images = Vec::new();
    for example in runner
        .experiments
        .examples
        .get(&index)
        .into_iter()
        .flatten()
    {
        if let Some(sample) = runner.samples.get(example.image) {
            images.push((example.role, sample));
        }
    }
    let class = pair.class as usize;
    let shown = runner
        .pool
        .map(with_first(images), |worker, (role, sample)| {
            Ok(show(runner.context, worker, role, sample, class))
        })?;
    let shown: Vec<Shown<'_, '_>> = shown.into_iter().flatten().collect();

    let scale = shared_scale(shown.iter());
    let mut figures = Vec::new();
    for shown in &shown {
        let panels = shown.panels(runner.context, &pair.label, &pair.region, scale)?;
        figures.push(shown.figure(&pair.label, &pair.region, panels));
    }
    Ok(figures)
}

/// A few images of each class whose surroundings are reported: as they are, and with the objects
/// filled in.
///
/// # Errors
/// When a picture cannot be encoded, or the engine cannot make a session.
pub fn surroundings_figures(
    runner: &InterventionRunner<'_, '_>,
    reported: &[&Finding],
) -> Result<Vec<Figure>> {
    let context = runner.context;
    if context.plan.report.pictures == Pictures::None {
        return Ok(Vec::new());
    }
    let mut figures = Vec::new();
    for finding in reported.iter().take(FINDINGS_MAX) {
        let class = finding.class as usize;
        let mut chosen = runner.experiments.surroundings.iter();
        let ids = chosen.find(|(of, _)| *of == finding.class);
        let images = ids.map_or_else(Vec::new, |(_, ids)| {
            let shown = &ids[..ids.len().min(FILLED)];
            runner.samples.first(shown, FILLED)
        });

        let shown = runner.pool.map(images, |worker, sample| {
            let removed = remove_objects(context, worker, sample).ok().flatten();
            let shown = show(context, worker, (FigureRole::Filled, false), sample, class);
            Ok(shown.zip(removed))
        })?;
        let (kept, lost): (Vec<_>, Vec<_>) = shown
            .into_iter()
            .flatten()
            .partition(|(_, removed)| removed.predicted_classes.contains(&class));
        let lost = lost.into_iter().take(LOST);
        let shown: Vec<(Shown<'_, '_>, ObjectsRemoved)> =
            kept.into_iter().take(KEPT).chain(lost).collect();

        let scale = shared_scale(shown.iter().map(|(shown, _)| shown));
        for (shown, removed) in shown {
            let mut panels = shown.panels(context, &finding.label, &finding.region, scale)?;
            let class = &context.labels.classes[removed.predicted];
            let caption = format!("objects imputed: predicted {class}");
            panels.push(Panel {
                flipped: !removed
                    .predicted_classes
                    .contains(&(finding.class as usize)),
                ..panel(caption, &removed.picture)?
            });
            figures.push(shown.figure(&finding.label, &finding.region, panels));
        }
        runner.pool.observer.part_done();
    }
    Ok(figures)
}

/// The picture that is searched for, where the region is found by one.
fn template_figure(context: &AuditContext<'_>, pair: &Pair) -> Result<Option<Figure>> {
    let mut regions = context.plan.regions.iter();
    let region = regions.find(|region| region.name == pair.region);
    let Some(Presence::Template(template)) = region.map(|region| &region.presence) else {
        return Ok(None);
    };

    let (width, height) = template.grey.dimensions();
    let caption = format!(
        "{width} x {height} pixels, in grey, found from a correlation of {}",
        template.threshold
    );
    let picture = DynamicImage::from(template.grey.clone()).to_rgb8();
    let panels = vec![panel(caption, &picture)?];
    Ok(Some(without_image(pair, FigureRole::Template, panels)))
}

/// The mean map of the images with the region, of those without, and their difference.
fn mean_figure(
    context: &AuditContext<'_>,
    classes: &Classes,
    pair: &Pair,
) -> Result<Option<Figure>> {
    let Some([without, with]) = classes.maps(pair.class, &pair.region) else {
        return Ok(None);
    };
    let (absent, present) = (mean_map(context, &without), mean_map(context, &with));
    let mut difference = present.clone();
    for (value, absent) in difference.values.iter_mut().zip(&absent.values) {
        *value -= absent;
    }

    let shared = heatmap::scale(&absent).max(heatmap::scale(&present));
    let with_it = format!("mean map of {} images with it", with.images);
    let without_it = format!("of {} without it", without.images);
    let own_scale = heatmap::scale(&difference);
    let panels = vec![
        map_panel(context, &present, shared, &with_it)?,
        map_panel(context, &absent, shared, &without_it)?,
        map_panel(context, &difference, own_scale, "with less without")?,
    ];
    Ok(Some(without_image(pair, FigureRole::Mean, panels)))
}

fn mean_map(context: &AuditContext<'_>, sum: &MapSum) -> Cam {
    let layout = &context.model.layout;
    Cam {
        height: layout.height,
        width: layout.width,
        values: sum.mean(),
        bias: 0.0,
    }
}

/// A map by itself.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn map_panel(context: &AuditContext<'_>, map: &Cam, scale: f64, name: &str) -> Result<Panel> {
    let size = match context.model.frame {
        Some(frame) => Size::new(frame.width().round() as u32, frame.height().round() as u32),
        None => context.plan.preprocess.output,
    };
    let background = image::Rgb([BACKGROUND; 3]);
    let blank = RgbImage::from_pixel(size.width, size.height, background);
    let picture = heatmap::panel(&blank, map, &[], scale);
    Ok(Panel {
        scale: Some(scale),
        ..panel(name.to_owned(), &picture)?
    })
}

/// A figure that shows no single image of the dataset.
fn without_image(pair: &Pair, role: FigureRole, panels: Vec<Panel>) -> Figure {
    Figure {
        label: pair.label.clone(),
        region: pair.region.clone(),
        role,
        path: String::new(),
        panels,
    }
}
