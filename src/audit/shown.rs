//! One image as it is shown with a finding or a class: what the model sees, and the same with heat.

use super::context::AuditContext;
use super::enlarge::enlarged;
use super::view::{PredictedView, view};
use super::worker::Worker;
use crate::dataset::Sample;
use crate::error::Result;
use crate::finding::FigureRole;
use crate::plan::Channels;
use crate::report::{heatmap, panel};
use crate::runs::documents::{Figure, Panel};
use image::RgbImage;

/// Longest side of a picture of a photo in pixels, and of the first one of a strip.
const SIDE: u32 = 320;
const FIRST_SIDE: u32 = 640;

/// One image that is shown.
pub struct Shown<'s, 'p> {
    pub role: FigureRole,
    sample: &'s Sample,
    predicted: PredictedView<'p>,
    /// What the model sees, and how many times as large as its input.
    picture: RgbImage,
    zoom: f64,
}

/// `None` where the image can no longer be read: the finding stays without it. The first of a strip
/// is larger.
pub fn show<'s, 'p>(
    context: &AuditContext<'p>,
    worker: &mut Worker<'_>,
    (role, is_first): (FigureRole, bool),
    sample: &'s Sample,
    class: usize,
) -> Option<Shown<'s, 'p>> {
    let predicted = view(context, worker, &sample.source, Some(sample), Some(class)).ok()?;
    let side = if is_first { FIRST_SIDE } else { SIDE };
    let seen = &predicted.view;
    let photo = worker.decode_sample(sample);
    let (picture, zoom) = match photo {
        Ok(photo) if context.plan.preprocess.channels != Channels::Grey => {
            enlarged(&seen.picture, &seen.placed, &photo, side)
        }
        _ => (seen.picture.clone(), 1.0),
    };
    Some(Shown {
        role,
        sample,
        predicted,
        picture,
        zoom,
    })
}

/// Whether each role is the first of its kind.
pub fn with_first<T>(items: Vec<(FigureRole, T)>) -> Vec<((FigureRole, bool), T)> {
    let mut seen = Vec::new();
    let mut marked = Vec::new();
    for (role, item) in items {
        marked.push(((role, !seen.contains(&role)), item));
        seen.push(role);
    }
    marked
}

/// The scale that maps shown beside each other share.
pub fn shared_scale<'s, 'p: 's>(shown: impl Iterator<Item = &'s Shown<'s, 'p>>) -> f64 {
    let mut scale = 1e-9_f64;
    for shown in shown {
        scale = scale.max(heatmap::scale(&shown.predicted.view.heat));
    }
    scale
}

impl Shown<'_, '_> {
    /// What the model sees, and the same with heat and the outline of `region`. Heat is of the
    /// class `name`.
    ///
    /// # Errors
    /// When a picture cannot be encoded.
    pub fn panels(
        &self,
        context: &AuditContext<'_>,
        name: &str,
        region: &str,
        scale: f64,
    ) -> Result<Vec<Panel>> {
        let seen = &self.predicted.view;
        let mut regions = seen.regions.clone();
        regions.retain(|placed| placed.name == region && placed.shape.is_some());

        let class = &context.labels.classes[self.predicted.predicted];
        let head = context.model.head();
        let margin = head.margin(&self.predicted.logits, self.predicted.class);
        let label = &self.sample.label;
        let facts = format!("labeled {label}, predicted {class}, margin of {name} {margin:+.1}");

        let mut of_heat = format!("heat for {name}");
        if !regions.is_empty() {
            of_heat += &format!(", outlined: {region}");
        }
        let heat = heatmap::enlarged_panel(&self.picture, &seen.heat, &regions, scale, self.zoom);
        Ok(vec![
            panel(facts, &self.picture)?,
            Panel {
                scale: Some(scale),
                ..panel(of_heat, &heat)?
            },
        ])
    }

    pub fn figure(&self, label: &str, region: &str, panels: Vec<Panel>) -> Figure {
        Figure {
            label: label.to_owned(),
            region: region.to_owned(),
            role: self.role,
            path: self.sample.path.clone(),
            panels,
        }
    }
}
