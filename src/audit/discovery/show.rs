//! Pictures of what was found: the median of the places, and some of the images with the place.

use super::gallery::{Hits, PlacedHit};
use super::naming::Named;
use super::regions::Known;
use super::search::Search;
use super::views::reduced;
use crate::dataset::Sample;
use crate::error::Result;
use crate::evidence::discovery::PixelBox;
use crate::finding::FigureRole;
use crate::plan::Pictures;
use crate::report::panel;
use crate::runs::documents::{Figure, Panel};
use image::imageops::{FilterType, crop_imm, resize};
use image::{Rgb, RgbImage};
use std::collections::BTreeMap;

/// Images that the median is taken of, and that are shown.
const MEDIAN_OF: usize = 15;
const SHOWN: usize = 10;
/// Longest side of the enlarged median.
const ENLARGED: u32 = 224;
const OUTLINE: Rgb<u8> = Rgb([255, 96, 0]);

/// Where an image shows what was found.
struct Places<'h> {
    first: PlacedHit,
    further: &'h [PlacedHit],
}

/// What is needed to show found pictures.
pub struct Shown<'s, 'x, 'a> {
    pub search: &'s Search<'x, 'a>,
    pub samples: &'s BTreeMap<u128, Sample>,
    pub hits: &'s Hits,
}

impl Shown<'_, '_, '_> {
    /// One figure for each found picture and class.
    ///
    /// # Errors
    /// When a picture cannot be encoded, or the run is asked to stop.
    pub fn figures(&self, found: &[Named], known: &Known) -> Result<Vec<Figure>> {
        let context = self.search.context;
        if context.plan.report.pictures == Pictures::None {
            return Ok(Vec::new());
        }
        let names = context.labels.pooled_names();
        let mut figures = Vec::new();
        for (index, named) in found.iter().enumerate() {
            for class in named.classes.keys() {
                let panels = self.panels(index, named, *class, known)?;
                figures.push(Figure {
                    label: names.get(&(*class as usize)).cloned().unwrap_or_default(),
                    region: named.name.clone(),
                    role: FigureRole::Pattern,
                    path: String::new(),
                    panels,
                });
            }
        }
        Ok(figures)
    }

    fn panels(&self, index: usize, named: &Named, class: u32, known: &Known) -> Result<Vec<Panel>> {
        let mut chosen: Vec<(&Sample, Places<'_>)> = Vec::new();
        for (image, hits) in self.hits {
            let is_of_class = known.get(image).is_some_and(|(of, _)| *of == class);
            if is_of_class
                && hits[index].score >= named.threshold
                && let Some(sample) = self.samples.get(image)
            {
                let places = Places {
                    first: hits[index],
                    further: named.parts.get(image).map_or(&[], Vec::as_slice),
                };
                chosen.push((sample, places));
            }
        }
        let count = chosen.len();
        chosen.sort_by(|(_, a), (_, b)| b.first.score.total_cmp(&a.first.score));
        chosen.truncate(MEDIAN_OF);

        let preprocess = &self.search.context.plan.preprocess;
        let pool = self.search.pool;
        let pictures = pool.map(chosen, |worker, (sample, places)| {
            let prepared = worker.prepare_sample(sample).ok();
            let picture = prepared.map(|(tensor, _)| reduced(tensor.picture(preprocess)));
            Ok(picture.map(|picture| (sample, places, picture)))
        })?;
        let pictures: Vec<(&Sample, Places<'_>, RgbImage)> =
            pictures.into_iter().flatten().collect();

        let mut panels = vec![median_panel(named, &pictures, count)?];
        for (sample, places, mut picture) in pictures.into_iter().take(SHOWN) {
            for hit in std::iter::once(&places.first).chain(places.further) {
                picture = outlined(picture, hit.place);
            }
            let caption = format!("{}, correlation {:.2}", sample.path, places.first.score);
            panels.push(panel(caption, &picture)?);
        }
        Ok(panels)
    }
}

/// The median of the first places, of `count` images with one.
fn median_panel(
    named: &Named,
    pictures: &[(&Sample, Places<'_>, RgbImage)],
    count: usize,
) -> Result<Panel> {
    let template = &named.sought.template;
    let size = [template.width as u32, template.height() as u32];
    let mut crops = Vec::new();
    let mut most = 0;
    for (_, places, picture) in pictures {
        crops.push(cut(picture, places.first.place, size));
        most = most.max(1 + places.further.len());
    }

    let mut caption = format!(
        "median of {} of {count} images, correlation from {:.2}",
        crops.len(),
        named.threshold
    );
    if most > 1 {
        caption += &format!(", the first of {most} places");
    }
    panel(caption, &enlarged(&median(&crops)))
}

/// A place at the size of the template: images may show it at others.
fn cut(picture: &RgbImage, place: PixelBox, [width, height]: [u32; 2]) -> RgbImage {
    let [x, y] = [place.x0 as u32, place.y0 as u32];
    let [place_width, place_height] = [place.width() as u32, place.height() as u32];
    let cut = crop_imm(picture, x, y, place_width, place_height).to_image();
    if cut.dimensions() == (width, height) {
        return cut;
    }
    resize(&cut, width, height, FilterType::Triangle)
}

/// The median of pictures of one size, by channel.
fn median(pictures: &[RgbImage]) -> RgbImage {
    let Some(first) = pictures.first() else {
        return RgbImage::new(1, 1);
    };
    RgbImage::from_fn(first.width(), first.height(), |x, y| {
        Rgb([0, 1, 2].map(|channel| {
            let mut levels: Vec<u8> = pictures
                .iter()
                .map(|p| p.get_pixel(x, y).0[channel])
                .collect();
            levels.sort_unstable();
            levels[levels.len() / 2]
        }))
    })
}

fn enlarged(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let times = (ENLARGED / width.max(height)).max(1);
    resize(picture, times * width, times * height, FilterType::Nearest)
}

/// The picture with a place framed by one pixel.
fn outlined(mut picture: RgbImage, place: PixelBox) -> RgbImage {
    let (right, bottom) = (place.x1 as u32, place.y1 as u32);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (left, top) = (
            (place.x0 as u32).saturating_sub(1),
            (place.y0 as u32).saturating_sub(1),
        );
        let is_inside = (left..=right).contains(&x) && (top..=bottom).contains(&y);
        let is_edge = x == left || x == right || y == top || y == bottom;
        if is_inside && is_edge {
            *pixel = OUTLINE;
        }
    }
    picture
}
