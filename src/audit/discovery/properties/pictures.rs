//! Photos before and after a change, with the model's predictions.

use super::super::super::context::AuditContext;
use super::super::super::worker::Prediction;
use crate::finding::{FigureRole, Finding};
use crate::model::predicted;
use crate::report::panel;
use crate::runs::documents::Figure;
use image::RgbImage;

/// One photo in the model's view, twice.
pub struct ShownHost {
    path: String,
    panels: Vec<ShownPrediction>,
}

struct ShownPrediction {
    name: String,
    predicted: String,
    logits: Vec<f32>,
    picture: RgbImage,
}

impl ShownHost {
    pub fn new(
        context: &AuditContext<'_>,
        path: &str,
        before: &Prediction,
        after: &Prediction,
        change: String,
    ) -> Self {
        let panel = |name: String, prediction: &Prediction| ShownPrediction {
            name,
            predicted: context.labels.classes[predicted(&prediction.logits)].clone(),
            logits: prediction.logits.clone(),
            picture: prediction.tensor.picture(&context.plan.preprocess),
        };
        Self {
            path: path.to_owned(),
            panels: vec![panel("original".to_owned(), before), panel(change, after)],
        }
    }

    /// `None` where a picture cannot be encoded: the finding stays without it.
    pub fn figure(&self, finding: &Finding) -> Option<Figure> {
        let mut panels = Vec::new();
        for shown in &self.panels {
            let logit = shown.logits[finding.class as usize];
            let ShownPrediction {
                name, predicted, ..
            } = shown;
            let caption = format!("{name}: {predicted}, {} {logit:+.1}", finding.label);
            panels.push(panel(caption, &shown.picture).ok()?);
        }
        Some(Figure {
            label: finding.label.clone(),
            region: finding.region.clone(),
            role: FigureRole::Changed,
            path: self.path.clone(),
            panels,
        })
    }
}
