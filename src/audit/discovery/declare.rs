//! How a pipeline declares what was found: a picture cut from the photos, and the area, sizes and
//! threshold with which the search for a template finds it again.

use super::gallery::{Hits, PlacedHit};
use super::naming::Named;
use super::regions::FoundRegion;
use super::search::Search;
use crate::dataset::Sample;
use crate::error::{Error, Result};
use crate::evidence::discovery::separating;
use crate::geometry::{Rect, Shape};
use crate::input::{Photo, template_correlation};
use crate::perturb::{Patch, PatchStack};
use crate::plan::{Pictures, Template};
use crate::runs::patterns::PatternDeclaration;
use image::{DynamicImage, ImageFormat, RgbImage};
use std::collections::BTreeMap;
use std::io::Cursor;

/// Images that the picture is the median of.
const MEDIAN_OF: usize = 15;
/// Images that show it, and that do not, in which the template is tried.
const TRIED: usize = 40;
/// Beyond the places that were found, as the default of `template.margin`.
const MARGIN: f64 = 0.05;
/// Sizes that are tried at most, and the step between them.
const SCALES_MAX: usize = 9;
const SCALE_STEP: f64 = 1.08;

/// A declaration with its picture as PNG.
pub struct Declared {
    pub declaration: PatternDeclaration,
    pub png: Vec<u8>,
}

/// Declares a found picture; `None` where no pictures are written, or none of the photos can be
/// read.
///
/// # Errors
/// When the picture cannot be encoded, or the run is asked to stop.
pub fn declare(
    search: &Search<'_, '_>,
    (index, named): (usize, &Named),
    region: &FoundRegion,
    hits: &Hits,
    samples: &BTreeMap<u128, Sample>,
) -> Result<Option<Declared>> {
    if search.context.plan.report.pictures == Pictures::None {
        return Ok(None);
    }
    let (mut shown, mut others) = (Vec::new(), Vec::new());
    for (image, hits) in hits {
        let hit = hits[index];
        match (samples.get(image), hit.in_photo) {
            (Some(sample), Some(place)) if hit.score >= named.threshold => {
                shown.push((sample, hit, place));
            }
            (Some(sample), _) if !region.is_unclear(*image) => others.push(sample),
            _ => {}
        }
    }

    let patches = cut(search, &shown)?;
    let Some(picture) = median(&patches) else {
        return Ok(None);
    };
    let widths = patches.iter().map(|patch| f64::from(patch.rgb.width()));
    let scales = scales(widths.collect(), f64::from(picture.width()));
    let rect = rounded_out(shown.iter().map(|(_, _, place)| *place));
    let area = Rect::new(
        rect.x0 - MARGIN,
        rect.y0 - MARGIN,
        rect.x1 + MARGIN,
        rect.y1 + MARGIN,
    );
    let template = Template {
        grey: DynamicImage::from(picture.clone()).to_luma8(),
        area: area
            .intersect(Rect::new(0.0, 0.0, 1.0, 1.0))
            .unwrap_or(rect),
        scales: scales.clone(),
        threshold: 0.0,
        hash: String::new(),
    };

    let tried: Vec<&Sample> = shown.iter().map(|(sample, _, _)| *sample).collect();
    let present = correlations(search, &template, spread(&tried))?;
    let absent = correlations(search, &template, spread(&others))?;
    let threshold = (100.0 * separating(&present, &absent)).round() / 100.0;
    let count = |values: &[f64]| {
        let found = values.iter().filter(|value| **value >= threshold).count();
        [found as u32, values.len() as u32]
    };
    Ok(Some(Declared {
        declaration: PatternDeclaration {
            rect: [rect.x0, rect.y0, rect.x1, rect.y1],
            scales,
            threshold,
            found: count(&present),
            elsewhere: count(&absent),
        },
        png: png(&picture)?,
    }))
}

/// The places cut out of the photos, the strongest first.
fn cut(search: &Search<'_, '_>, shown: &[(&Sample, PlacedHit, Rect)]) -> Result<Vec<Patch>> {
    let mut strongest = shown.to_vec();
    strongest.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
    strongest.truncate(TRIED);
    let patches = search.pool.map(strongest, |worker, (sample, _, place)| {
        let photo = worker.decode_sample(sample).ok();
        Ok(photo.and_then(|photo| Patch::cut(&photo, &in_pixels(place, &photo))))
    })?;
    Ok(patches.into_iter().flatten().collect())
}

fn in_pixels(place: Rect, photo: &Photo) -> Shape {
    let (width, height) = (f64::from(photo.size.width), f64::from(photo.size.height));
    Shape::Rects(vec![Rect::new(
        (place.x0 * width).round(),
        (place.y0 * height).round(),
        (place.x1 * width).round(),
        (place.y1 * height).round(),
    )])
}

fn median(patches: &[Patch]) -> Option<RgbImage> {
    let strongest = &patches[..patches.len().min(MEDIAN_OF)];
    let sizes = strongest.iter().map(|patch| patch.rgb.dimensions());
    let sizes: Vec<(u32, u32)> = sizes.collect();
    if sizes.is_empty() {
        return None;
    }
    PatchStack::new(strongest, PatchStack::size(&sizes)).median()
}

/// Sizes in steps from the smallest to the largest width, without the extremes.
fn scales(mut widths: Vec<f64>, picture: f64) -> Vec<f64> {
    widths.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = part * (widths.len().saturating_sub(1)) as f64;
        widths
            .get(index.round() as usize)
            .copied()
            .unwrap_or(picture)
            / picture
    };
    let (low, high) = (at(0.05) / SCALE_STEP, at(0.95) * SCALE_STEP);
    let steps = ((high / low).ln() / SCALE_STEP.ln()).round().max(2.0);
    let steps = steps.min((SCALES_MAX - 1) as f64);
    let mut scales = Vec::new();
    for step in 0..=steps as usize {
        let scale = low * (high / low).powf(step as f64 / steps);
        scales.push((1_000.0 * scale.clamp(0.1, 10.0)).round() / 1_000.0);
    }
    scales
}

/// The rectangle around places, to hundredths.
fn rounded_out(places: impl Iterator<Item = Rect>) -> Rect {
    let corners = places.flat_map(|place| [[place.x0, place.y0], [place.x1, place.y1]]);
    let around = Rect::around(&corners.collect::<Vec<_>>());
    let down = |edge: f64| ((100.0 * edge).floor() / 100.0).max(0.0);
    let up = |edge: f64| ((100.0 * edge).ceil() / 100.0).min(1.0);
    Rect::new(
        down(around.x0),
        down(around.y0),
        up(around.x1),
        up(around.y1),
    )
}

/// Some of the images, evenly spread.
fn spread<'s>(samples: &[&'s Sample]) -> Vec<&'s Sample> {
    let step = samples.len().div_ceil(TRIED).max(1);
    samples.iter().copied().step_by(step).collect()
}

fn correlations(
    search: &Search<'_, '_>,
    template: &Template,
    samples: Vec<&Sample>,
) -> Result<Vec<f64>> {
    let found = search.pool.map(samples, |worker, sample| {
        let photo = worker.decode_sample(sample).ok();
        Ok(photo.map(|photo| template_correlation(template, &photo).unwrap_or(0.0)))
    })?;
    Ok(found.into_iter().flatten().collect())
}

fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(Error::cause("encode the picture of a found region"))?;
    Ok(bytes.into_inner())
}
