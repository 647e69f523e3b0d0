//! The images of a finished run once more, as the model saw them: photos and transform from the pipeline, heat from the run.

use crate::cam::Cam;
use crate::dataset::{Dataset, LabelMap, Sample};
use crate::error::{Result, Skip};
use crate::input::{self, Preprocessor};
use crate::plan::Plan;
use crate::region;
use crate::report::gallery::Tile;
use crate::report::overlay;
use crate::store::Found;
use std::collections::HashMap;

/// One tile per image, in their order, all on one scale; an image that is gone leaves a tile that says so.
///
/// # Errors
/// When the dataset cannot be opened.
pub fn tiles(plan: &Plan, found: &[Found], region: &str) -> Result<Vec<Tile>> {
    let samples = samples(plan, found)?;
    let mut preprocessor = Preprocessor::new(&plan.preprocess);
    let maps: Vec<Cam> = found.iter().map(cam).collect();
    let scale = maps.iter().map(overlay::scale).fold(1e-9, f64::max);
    let tile = |(found, cam): (&Found, &Cam)| {
        let drawn = samples.get(&found.path).map(|sample| draw(plan, &mut preprocessor, sample, cam, (region, scale)));
        match drawn {
            Some(Ok((view, heat))) => Tile { of: found.clone(), pictures: Some([view, heat]), lost: None },
            Some(Err(skip)) => Tile { of: found.clone(), pictures: None, lost: Some(skip.message) },
            None => Tile { of: found.clone(), pictures: None, lost: Some("no longer in the dataset".into()) },
        }
    };
    Ok(found.iter().zip(&maps).map(tile).collect())
}

fn samples(plan: &Plan, found: &[Found]) -> Result<HashMap<String, Sample>> {
    let dataset = Dataset::open(&plan.dataset, None, plan.run.seed)?;
    let labels = LabelMap::without_model(dataset.listing.labels.keys());
    let wanted: HashMap<&str, ()> = found.iter().map(|f| (f.path.as_str(), ())).collect();
    let samples = dataset.samples(&labels)?.filter_map(std::result::Result::ok);
    Ok(samples.filter(|s| wanted.contains_key(s.path.as_str())).map(|s| (s.path.clone(), s)).collect())
}

fn cam(found: &Found) -> Cam {
    let [height, width] = found.cells;
    Cam { height, width, values: found.cam.iter().map(|v| f64::from(*v)).collect(), bias: 0.0 }
}

/// What the model saw, and the same with heat and the region's edge.
fn draw(
    plan: &Plan,
    preprocessor: &mut Preprocessor,
    sample: &Sample,
    cam: &Cam,
    (region, scale): (&str, f64),
) -> std::result::Result<(image::RgbImage, image::RgbImage), Skip> {
    let photo = input::decode(&input::read(&sample.source)?)?;
    let (tensor, view) = preprocessor.run(&photo)?;
    let mut fitted = sample.clone();
    fitted.fit(photo.size, photo.turned);
    let placed = region::place(&plan.regions, &fitted.annotations, &view);
    let own: Vec<_> = placed.into_iter().filter(|p| p.name == region).collect();
    let picture = tensor.picture(&plan.preprocess);
    let heat = overlay::panel(&picture, cam, &own, scale);
    Ok((picture, heat))
}
