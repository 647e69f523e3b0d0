//! The figures of whole classes, whatever was found: the mean map, and images with their heat.

use super::figures::map_panel;
use super::intervention::InterventionRunner;
use super::shown::{Shown, shared_scale, show, with_first};
use crate::aggregate::Classes;
use crate::cam::Cam;
use crate::error::Result;
use crate::finding::FigureRole;
use crate::plan::Pictures;
use crate::report::heatmap;
use crate::runs::documents::{Figure, Panel};

/// Figures of the classes chosen, the largest first. All images of a class share one scale.
///
/// # Errors
/// When a picture cannot be encoded, or the engine cannot make a session.
pub fn class_figures(
    runner: &InterventionRunner<'_, '_>,
    classes: &Classes,
) -> Result<Vec<Figure>> {
    let context = runner.context;
    if context.plan.report.pictures == Pictures::None {
        return Ok(Vec::new());
    }
    let mut figures = Vec::new();
    for shown in &runner.experiments.classes {
        let class = shown.class as usize;
        if let Some(sum) = classes.map(shown.class) {
            let layout = &context.model.layout;
            let map = Cam {
                height: layout.height,
                width: layout.width,
                values: sum.mean(),
                bias: 0.0,
            };
            let caption = format!("mean map of {} images", sum.images);
            let panel = map_panel(context, &map, heatmap::scale(&map), &caption)?;
            figures.push(figure(&shown.name, panel));
        }

        let mut images = Vec::new();
        for example in &shown.examples {
            let sample = runner.samples.get(example.image);
            images.extend(sample.map(|sample| (example.role, sample)));
        }
        let views = runner
            .pool
            .map(with_first(images), |worker, (role, sample)| {
                Ok(show(context, worker, role, sample, class))
            })?;
        let views: Vec<Shown<'_, '_>> = views.into_iter().flatten().collect();
        let scale = shared_scale(views.iter());
        for view in &views {
            let panels = view.panels(context, &shown.name, "", scale)?;
            figures.push(view.figure(&shown.name, "", panels));
        }
        runner.pool.observer.part_done();
    }
    Ok(figures)
}

fn figure(name: &str, panel: Panel) -> Figure {
    Figure {
        label: name.to_owned(),
        region: String::new(),
        role: FigureRole::Mean,
        path: String::new(),
        panels: vec![panel],
    }
}
