//! One image as the model sees it, with the heat of one class and the regions in view: for
//! `explain`, the figures of a report and contact sheets.

use super::context::AuditContext;
use super::worker::Worker;
use crate::cam::Cam;
use crate::dataset::{Sample, Source};
use crate::error::{Result, Skip};
use crate::geometry::{Size, Transpose, View};
use crate::input::Tensor;
use crate::plan::Plan;
use crate::region::{self, Placed};
use image::RgbImage;

/// One image as the model sees it.
pub struct ModelView<'p> {
    /// The model's input as a picture.
    pub picture: RgbImage,
    /// Where the photo lies in the picture.
    pub placed: View,
    pub heat: Cam,
    pub regions: Vec<Placed<'p>>,
}

/// A view, and what the model predicts for it.
pub struct PredictedView<'p> {
    pub view: ModelView<'p>,
    /// The class of the heat.
    pub class: usize,
    pub logits: Vec<f32>,
    pub predicted: usize,
}

/// How a photo was decoded and laid into the model's input.
pub struct Placement<'t> {
    pub size: Size,
    pub transpose: Option<Transpose>,
    pub view: View,
    pub tensor: &'t Tensor,
}

impl<'p> ModelView<'p> {
    /// Lays the regions of a sample over the model's input; a photo that is not in the dataset has
    /// no annotations.
    pub fn new(
        plan: &'p Plan,
        sample: Option<&Sample>,
        placement: &Placement<'_>,
        heat: Cam,
    ) -> Self {
        let mut annotations = Vec::new();
        if let Some(sample) = sample {
            let mut fitted = sample.clone();
            fitted.fit(placement.size, placement.transpose);
            annotations = fitted.annotations;
        }
        Self {
            picture: placement.tensor.picture(&plan.preprocess),
            placed: placement.view,
            heat,
            regions: region::place(&plan.regions, &annotations, &placement.view),
        }
    }
}

/// Infers one image and takes the map of `class`: without one of the sample's label, else of the
/// predicted class.
///
/// # Errors
/// A skip where the image cannot be read or inferred.
pub fn view<'p>(
    context: &AuditContext<'p>,
    worker: &mut Worker<'_>,
    source: &Source,
    sample: Option<&Sample>,
    class: Option<usize>,
) -> Result<PredictedView<'p>, Skip> {
    let inferred = match sample {
        Some(sample) if sample.measured.is_some() => worker.infer_sample(sample)?,
        _ => worker.infer_file(source)?,
    };
    let inference = &inferred.inference;
    let predicted = inference.predicted();
    let label = sample.map(|sample| sample.class);
    let class = class.or(label).unwrap_or(predicted);

    let weights = context.model.weights(inference, class);
    let heat = Cam::new(&context.model.layout, &inference.features, &weights);
    let placement = Placement {
        size: inferred.size,
        transpose: inferred.transpose,
        view: inferred.view,
        tensor: &inferred.tensor,
    };
    Ok(PredictedView {
        view: ModelView::new(context.plan, sample, &placement, heat),
        class,
        logits: inference.logits.clone(),
        predicted,
    })
}
