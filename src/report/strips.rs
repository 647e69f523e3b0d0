//! Figures as strips of pictures: those of one role beside each other.

use super::image_budget::ImageBudget;
use super::pictures::is_own_picture;
use crate::finding::FigureRole;
use crate::runs::documents::Figure;
use serde::Serialize;

/// The figures of one role.
#[derive(Serialize)]
pub struct Strip<'a> {
    title: String,
    figures: Vec<ShownFigure<'a>>,
}

#[derive(Serialize)]
struct ShownFigure<'a> {
    path: &'a str,
    panels: Vec<ShownPanel<'a>>,
}

#[derive(Serialize)]
struct ShownPanel<'a> {
    caption: &'a str,
    /// Place among the pictures of the page; `None` where the picture is not included.
    picture: Option<usize>,
    scale: Option<f64>,
    flipped: bool,
}

/// The strips of some figures, in the order of the roles.
pub fn strips<'a>(
    figures: &[&'a Figure],
    pictures: &dyn Fn(&str) -> Option<Vec<u8>>,
    budget: &mut ImageBudget,
) -> Vec<Strip<'a>> {
    let mut strips = Vec::new();
    for &role in FigureRole::ALL {
        let mut shown = Vec::new();
        for figure in figures.iter().filter(|figure| figure.role == role) {
            shown.push(shown_figure(figure, pictures, budget));
        }
        if !shown.is_empty() {
            strips.push(Strip {
                title: title(role, figures).to_owned(),
                figures: shown,
            });
        }
    }
    strips
}

/// Figures beside each other under a title.
pub fn strip<'a>(
    title: String,
    figures: &[&'a Figure],
    pictures: &dyn Fn(&str) -> Option<Vec<u8>>,
    budget: &mut ImageBudget,
) -> Strip<'a> {
    let mut shown = Vec::new();
    for figure in figures {
        shown.push(shown_figure(figure, pictures, budget));
    }
    Strip {
        title,
        figures: shown,
    }
}

fn shown_figure<'a>(
    figure: &'a Figure,
    pictures: &dyn Fn(&str) -> Option<Vec<u8>>,
    budget: &mut ImageBudget,
) -> ShownFigure<'a> {
    let mut panels = Vec::new();
    for panel in &figure.panels {
        let is_own = is_own_picture(&panel.file);
        let jpeg = if is_own { pictures(&panel.file) } else { None };
        panels.push(ShownPanel {
            caption: &panel.caption,
            picture: budget.embed(jpeg.as_deref()),
            scale: panel.scale,
            flipped: panel.flipped,
        });
    }
    ShownFigure {
        path: &figure.path,
        panels,
    }
}

fn title(role: FigureRole, figures: &[&Figure]) -> &'static str {
    let is_of_class = figures.iter().all(|figure| figure.region.is_empty());
    match role {
        FigureRole::Mean if is_of_class => "Mean map",
        FigureRole::Strongest if is_of_class => "Strongest",
        FigureRole::Median if is_of_class => "Median",
        FigureRole::Random if is_of_class => "Chosen at random",
        FigureRole::Pattern => "What many images of the class repeat",
        FigureRole::Concept => "Concepts",
        FigureRole::HeatCluster => "Images whose heat lies alike",
        FigureRole::Template => "The template",
        FigureRole::Mean => "Mean maps",
        FigureRole::Consensus => "What the photos with the region have in common there",
        FigureRole::Pasted => "Pasted on images of other classes",
        FigureRole::Laid => "Laid over images",
        FigureRole::Changed => "Images of other classes, changed to follow the rule",
        FigureRole::Filled => "Filled in",
        FigureRole::Strongest => "Largest contrast",
        FigureRole::Median => "Median contrast",
        FigureRole::Random => "Chosen at random, with the region",
        FigureRole::Untagged => "Chosen at random, without the region",
    }
}
