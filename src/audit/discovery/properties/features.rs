//! The pooled features of the images of a class.

use super::super::Search;
use super::super::kept::Kept;
use super::sample::MeasuredSample;
use super::samples::{FetchedFiles, featured};
use crate::dataset::Sample;
use crate::error::Result;
use crate::evidence::discovery::properties as evidence;
use crate::evidence::discovery::properties::{FEW_IMAGES, FeatureImage, PropertyFound};

/// How well the features tell the images inside the rule of a finding from the others of its class;
/// `None` where a side has too few.
///
/// # Errors
/// When the run is asked to stop, or the engine cannot make a session.
pub fn visible(
    search: &Search<'_, '_>,
    kept: &Kept<'_>,
    found: &PropertyFound,
    measured: &MeasuredSample,
    files: &FetchedFiles,
) -> Result<Option<f64>> {
    let places = featured(found, measured);
    let inside = &found.rates.members;
    let is_inside = |place: &usize| inside.binary_search(place).is_ok();
    let count = places.iter().filter(|place| is_inside(place)).count();
    if count < FEW_IMAGES || places.len() - count < FEW_IMAGES {
        return Ok(None);
    }

    let mut photos: Vec<(bool, &Sample)> = Vec::new();
    for place in &places {
        let id = measured.images[*place].table.id;
        let samples = files.of(&[id]);
        photos.extend(samples.into_iter().map(|sample| (is_inside(place), sample)));
    }
    let seed = search.context.plan.run.seed;
    let sides: Vec<(bool, u128)> = photos.iter().map(|(side, s)| (*side, s.id.0)).collect();
    let key = kept.sides_key(&format!("visible {seed}"), &sides);
    if let Some(known) = kept.get::<Option<f64>>(key.as_ref()) {
        kept.keep::<Option<f64>>(&[], &Vec::from_iter(key));
        return Ok(known);
    }

    let cells = search.context.model.facts.cells.max(1);
    let images = search.pool.map(photos, |worker, (is_inside, sample)| {
        let inferred = worker.infer_sample(sample).ok();
        Ok(inferred.map(|inferred| FeatureImage {
            id: sample.id.0,
            is_inside,
            features: pooled(&inferred.inference.features, cells),
        }))
    })?;
    let images: Vec<FeatureImage> = images.into_iter().flatten().collect();
    let area = evidence::visible(&images, seed);
    // Where a photo could not be read, another night may read it.
    if let Some(key) = key.filter(|_| images.len() == sides.len()) {
        kept.keep(&[(key, area)], &[]);
    }
    Ok(area)
}

/// The mean of each map.
fn pooled(features: &[f32], cells: usize) -> Vec<f32> {
    let maps = features.chunks(cells);
    maps.map(|map| map.iter().sum::<f32>() / cells as f32)
        .collect()
}
