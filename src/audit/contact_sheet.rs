//! The images of a finished run as contact-sheet tiles: photos and transform from the pipeline,
//! heat from the run's rows.

use super::limits;
use super::presence;
use super::view::{ModelView, Placement};
use crate::cam::Cam;
use crate::dataset::{Dataset, ImageBytes, LabelMap, Sample};
use crate::error::{Result, Skip};
use crate::input::{self, Decoder, Preprocessor, Use};
use crate::model::Facts;
use crate::plan::Plan;
use crate::report::contact_sheet::Tile;
use crate::report::heatmap;
use crate::runs::images::FoundImage;
use image::RgbImage;
use std::collections::{HashMap, HashSet};

/// One tile per image, in their order, and the scale of their heat in logits. An image that is
/// missing, or no longer the one that was scored, gets a tile that says so.
///
/// # Errors
/// When the dataset cannot be opened.
pub fn tiles(
    plan: &Plan,
    model: &Facts,
    images: &[FoundImage],
    region: &str,
) -> Result<(Vec<Tile>, f64)> {
    let samples = samples(plan, images)?;
    let heats: Vec<Cam> = images.iter().map(heat).collect();
    let mut scale = 1e-9_f64;
    for heat in &heats {
        scale = scale.max(heatmap::scale(heat));
    }

    let mut drawing = Drawing {
        plan,
        region,
        scale,
        decoder: Decoder::new(
            plan.run.decode_timeout,
            &plan.preprocess,
            limits::pictures(&plan.run),
            || false,
        ),
        preprocessor: Preprocessor::new(&plan.preprocess, model.frame()),
    };
    let mut tiles = Vec::new();
    for (image, heat) in images.iter().zip(heats) {
        tiles.push(match samples.get(&image.path) {
            None => tile(image, Err("no longer in the dataset".to_owned())),
            Some(sample) => match drawing.draw(sample, image, heat) {
                Ok(Some(pictures)) => tile(image, Ok(pictures)),
                Ok(None) => tile(image, Err("the photo has changed since the run".to_owned())),
                Err(skip) => tile(image, Err(skip.message)),
            },
        });
    }
    Ok((tiles, scale))
}

fn samples(plan: &Plan, images: &[FoundImage]) -> Result<HashMap<String, Sample>> {
    let dataset = Dataset::open(&plan.dataset, None, plan.run.seed)?;
    let labels = LabelMap::without_model(dataset.stats.labels.keys());
    let paths: HashSet<&str> = images.iter().map(|image| image.path.as_str()).collect();

    let mut samples = HashMap::new();
    for sample in dataset.samples(&labels, ImageBytes::Read)?.flatten() {
        if paths.contains(sample.path.as_str()) {
            samples.insert(sample.path.clone(), sample);
        }
    }
    Ok(samples)
}

/// The map of an image as the run wrote it.
fn heat(image: &FoundImage) -> Cam {
    let [height, width] = image.cells;
    Cam {
        height,
        width,
        values: image.cam.iter().map(|v| f64::from(*v)).collect(),
        bias: 0.0,
    }
}

fn tile(image: &FoundImage, pictures: Result<[RgbImage; 2], String>) -> Tile {
    let (pictures, missing) = match pictures {
        Ok(pictures) => (Some(pictures), None),
        Err(why) => (None, Some(why)),
    };
    Tile {
        path: image.path.clone(),
        predicted: image.predicted.clone(),
        present: image.present,
        share: image.share,
        contrast: image.contrast,
        margin: image.margin,
        pictures,
        missing,
    }
}

/// What drawing one tile after the other needs.
struct Drawing<'p> {
    plan: &'p Plan,
    region: &'p str,
    scale: f64,
    decoder: Decoder<'p>,
    preprocessor: Preprocessor,
}

impl Drawing<'_> {
    /// The model's input, and the same with heat and the region's outline; `None` where the file is
    /// not the one that was scored.
    fn draw(
        &mut self,
        sample: &Sample,
        image: &FoundImage,
        heat: Cam,
    ) -> Result<Option<[RgbImage; 2]>, Skip> {
        let bytes = self.decoder.read(&sample.source)?;
        if blake3::hash(bytes.as_slice()).to_hex().as_str() != image.content {
            return Ok(None);
        }
        let photo = self.decoder.decode(&bytes)?;
        let (tensor, view) = self.preprocessor.run(&photo)?;

        let mut annotated = sample.clone();
        let places = presence::search(&self.plan.regions, |template| {
            let photo = self.decoder.decode_exactly(&bytes, Use::Search)?;
            Ok::<_, Skip>(input::locate_template(template, &photo))
        })?;
        presence::annotate(&self.plan.regions, &mut annotated, &places);

        let placement = Placement {
            size: photo.original,
            transpose: photo.transpose,
            view,
            tensor: &tensor,
        };
        let mut view = ModelView::new(self.plan, Some(&annotated), &placement, heat);
        view.regions.retain(|placed| placed.name == self.region);
        let heat = heatmap::panel(&view.picture, &view.heat, &view.regions, self.scale);
        Ok(Some([view.picture, heat]))
    }
}
