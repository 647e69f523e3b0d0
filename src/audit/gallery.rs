//! The images of a finished run once more, as the model saw them: photos and transform from the pipeline, heat from the run.

use super::presence;
use crate::cam::Cam;
use crate::dataset::{Dataset, LabelMap, Sample};
use crate::error::{Result, Skip};
use crate::input::{self, Decoder, Preprocessor};
use crate::plan::Plan;
use crate::region;
use crate::report::gallery::Tile;
use crate::report::overlay;
use crate::store::Found;
use image::RgbImage;
use std::collections::HashMap;
use std::sync::Arc;

/// One tile per image, in their order, and the scale of their heat in logits. An image that is gone, or no longer the one
/// that was scored, leaves a tile that says so.
///
/// # Errors
/// When the dataset cannot be opened.
pub fn tiles(plan: &Plan, found: &[Found], region: &str) -> Result<(Vec<Tile>, f64)> {
    let samples = samples(plan, found)?;
    let mut eye = (
        Decoder::new(plan.run.image_time, &plan.preprocess, || false),
        Preprocessor::new(&plan.preprocess),
    );
    let maps: Vec<Cam> = found.iter().map(cam).collect();
    let scale = maps.iter().map(overlay::scale).fold(1e-9, f64::max);
    let mut tile = |(found, cam): (&Found, &Cam)| {
        let lost = |why: String| Tile {
            of: found.clone(),
            pictures: None,
            lost: Some(why),
        };
        let Some(sample) = samples.get(&found.path) else {
            return lost("no longer in the dataset".into());
        };
        match draw(plan, &mut eye, sample, (found, cam), (region, scale)) {
            Ok(Some(pictures)) => Tile {
                of: found.clone(),
                pictures: Some(pictures),
                lost: None,
            },
            Ok(None) => lost("the photo has changed since the run".into()),
            Err(skip) => lost(skip.message),
        }
    };
    Ok((found.iter().zip(&maps).map(&mut tile).collect(), scale))
}

fn samples(plan: &Plan, found: &[Found]) -> Result<HashMap<String, Sample>> {
    let dataset = Dataset::open(&plan.dataset, None, plan.run.seed)?;
    let labels = LabelMap::without_model(dataset.listing.labels.keys());
    let wanted: HashMap<&str, ()> = found.iter().map(|f| (f.path.as_str(), ())).collect();
    let samples = dataset
        .samples(&labels)?
        .filter_map(std::result::Result::ok);
    Ok(samples
        .filter(|s| wanted.contains_key(s.path.as_str()))
        .map(|s| (s.path.clone(), s))
        .collect())
}

fn cam(found: &Found) -> Cam {
    let [height, width] = found.cells;
    Cam {
        height,
        width,
        values: found.cam.iter().map(|v| f64::from(*v)).collect(),
        bias: 0.0,
    }
}

/// What the model saw, and the same with heat and the region's edge; `None` where the file is not the one that was scored.
fn draw(
    plan: &Plan,
    (decoder, preprocessor): &mut (Decoder<'_>, Preprocessor),
    sample: &Sample,
    (found, cam): (&Found, &Cam),
    (region, scale): (&str, f64),
) -> std::result::Result<Option<[RgbImage; 2]>, Skip> {
    let bytes = Arc::new(input::read(&sample.source)?.into_owned());
    if blake3::hash(&bytes).to_hex().as_str() != found.content {
        return Ok(None);
    }
    let photo = decoder.decode(&bytes)?;
    let (tensor, view) = preprocessor.run(&photo)?;
    let mut fitted = sample.clone();
    let pictures = presence::search(&plan.regions, |template| {
        Ok::<_, Skip>(input::find(template, &decoder.decode_exactly(&bytes)?))
    })?;
    presence::annotate(&plan.regions, &mut fitted, &pictures);
    fitted.fit(photo.original, photo.turned);
    let placed = region::place(&plan.regions, &fitted.annotations, &view);
    let own: Vec<_> = placed.into_iter().filter(|p| p.name == region).collect();
    let picture = tensor.picture(&plan.preprocess);
    let heat = overlay::panel(&picture, cam, &own, scale);
    Ok(Some([picture, heat]))
}
