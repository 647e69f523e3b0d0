//! A picture that images show at several sizes. Few of them are so near in size that their cells
//! match; the others are found by the picture that these few share.

use super::outline::{Outline, outline};
use super::placement::{Placement, refined, searched_sizes};
use super::template::{Hit, Template, TemplateSearch};
use crate::evidence::discovery::picture::{Gradient, Lengths};

/// Correlation from which an image surely shows the picture.
const SCORE_MIN: f32 = 0.5;
/// Rounds, each of which reaches sizes a little beyond those of the last one.
const ROUNDS: usize = 3;
/// Images that are outlined.
const OUTLINED_MAX: usize = 30;

/// An outlined picture, and the images that show it.
pub struct Grown {
    pub outline: Outline,
    pub placed: Vec<Placement>,
}

impl Grown {
    /// Searches the images for the picture at the sizes near those that are known, and outlines it
    /// anew from those that show it.
    pub fn grow(self, gradients: &[Gradient], centre: [f32; 2], lengths: Lengths) -> Self {
        let mut grown = self;
        for _ in 0..ROUNDS {
            let placed = grown.search(gradients);
            if placed.len() <= grown.placed.len() {
                break;
            }
            let strongest = placed[..placed.len().min(OUTLINED_MAX)].to_vec();
            let aligned = refined(gradients, strongest, centre, lengths.window);
            let Some(outline) = outline(gradients, &aligned, centre, lengths) else {
                break;
            };
            grown = Self { outline, placed };
        }
        grown
    }

    /// The images that show the picture, the strongest first.
    fn search(&self, gradients: &[Gradient]) -> Vec<Placement> {
        let sizes = searched_sizes(&self.placed);
        let template = &self.outline.template;
        let templates: Vec<Template> = sizes.iter().map(|size| template.resized(*size)).collect();
        let [width, height] = gradients.first().map_or([0, 0], |g| [g.width, g.height]);
        let mut search = TemplateSearch::new(width, height, &templates);

        let mut found: Vec<(f32, Placement)> = Vec::new();
        for (image, gradient) in gradients.iter().enumerate() {
            if [gradient.width, gradient.height] != [width, height] {
                continue;
            }
            let hits = search.search(gradient).into_iter().zip(&sizes);
            let best = hits.reduce(|best, hit| {
                if hit.0.score > best.0.score {
                    hit
                } else {
                    best
                }
            });
            if let Some((hit, size)) = best.filter(|(hit, _)| hit.score >= SCORE_MIN) {
                found.push((hit.score, self.placement(image, hit, *size)));
            }
        }
        // A stable sort: images of one score keep their order.
        found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        found.into_iter().map(|(_, placement)| placement).collect()
    }

    /// Where an image shows what the outline was made from.
    fn placement(&self, image: usize, hit: Hit, scale: f32) -> Placement {
        let place = [hit.place.x0 as f32, hit.place.y0 as f32];
        Placement {
            image,
            scale,
            offset: [0, 1].map(|i| place[i] - scale * self.outline.origin[i]),
        }
    }

    /// Whether an image shows the picture around a point.
    pub fn shows(&self, image: usize, point: [f32; 2]) -> bool {
        let Outline { template, origin } = &self.outline;
        let size = [template.width as f32, template.height() as f32];
        let mut placed = self.placed.iter().filter(|p| p.image == image);
        placed.any(|placement| {
            let corner = placement.of(*origin);
            let inside =
                |i: usize| (0.0..placement.scale * size[i]).contains(&(point[i] - corner[i]));
            inside(0) && inside(1)
        })
    }
}
