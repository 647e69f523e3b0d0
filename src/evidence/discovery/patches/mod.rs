//! Pictures that many images of a class repeat, as a source tag: found by cells of the feature maps
//! that are alike, proved and outlined by gradients.

mod alarm;
mod descriptors;
mod graph;
mod growth;
mod missed;
mod neighbours;
mod outline;
mod placement;
mod shift;
mod template;

use super::picture::{Gradient, Lengths, SearchPicture};
use graph::{Cell, Match};
use growth::Grown;
use nalgebra::DMatrix;
use placement::Placement;
use serde::{Deserialize, Serialize};
use shift::{PhaseCorrelation, Window, verify};

pub use alarm::{Alarm, SUPPORT_MIN, Scores, alarm, may_alarm, threshold};
pub use missed::missed;
pub use template::{Hit, Template, TemplateSearch};

/// Cells of all images of a class up to which every cell takes part.
const CELLS_MAX: usize = 20_000;
/// Cells of an image that take part at least.
const CELLS_MIN: usize = 8;
/// Nearest cells that are compared, where all cells take part and where few do.
const NEAREST_OF_ALL: usize = 2;
const NEAREST_OF_FEW: usize = 5;

/// An image of the mining half.
pub struct MinedImage {
    pub picture: SearchPicture,
    /// Cells that take part.
    pub cells: Vec<MinedCell>,
}

/// One cell of the feature maps.
pub struct MinedCell {
    /// Its centre in the picture.
    pub centre: [f32; 2],
    /// One number per channel.
    pub features: Vec<f32>,
}

/// A picture that several images repeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repeated {
    pub template: Template,
    /// In which it is searched for, as multiples of the template's; one of 1 where all images show
    /// it at one size.
    pub sizes: Vec<f32>,
    /// Images of the mining half that repeat it.
    pub images: usize,
}

/// Cells of an image that take part: all of them where the class is small enough.
pub fn cells_per_image(images: usize, cells: usize) -> usize {
    let share = CELLS_MAX / images.max(1);
    if cells <= share {
        cells
    } else {
        share.max(CELLS_MIN).min(cells)
    }
}

/// The pictures that images of one class repeat, the most repeated first. `all_cells` says that
/// every cell takes part.
pub fn mine(images: &[MinedImage], all_cells: bool, seed: u64) -> Vec<Repeated> {
    let Some(first) = images.first() else {
        return Vec::new();
    };
    let Some(lengths) = Lengths::of(first.picture.width, first.picture.height) else {
        return Vec::new();
    };
    let gradients: Vec<Gradient> = images
        .iter()
        .map(|image| Gradient::new(&image.picture))
        .collect();
    let cells = listed(images);

    let nearest = if all_cells {
        NEAREST_OF_ALL
    } else {
        NEAREST_OF_FEW
    };
    let of_images: Vec<usize> = cells.iter().map(|cell| cell.image).collect();
    let described = descriptors::descriptors(features(images, &cells), seed);
    let pairs = neighbours::proposals(&described, &of_images, nearest);
    let proposed = pairs.into_iter().map(|(a, b)| [cells[a], cells[b]]);
    let matches = matches(images, &gradients, lengths, proposed);

    let centre_of = |cell: Cell| images[cell.image].cells[cell.cell].centre;
    let mut repeated: Vec<Repeated> = Vec::new();
    let mut several_sizes: Vec<Grown> = Vec::new();
    for alignment in graph::alignments(&matches) {
        let centre = centre_of(alignment.centre);
        let image = alignment.centre.image;
        // Images of other sizes of a picture are components of their own.
        if several_sizes.iter().any(|grown| grown.shows(image, centre)) {
            continue;
        }
        let placed = placement::placements(&gradients, &alignment, centre_of, lengths.window);
        let Some(outline) = outline::outline(&gradients, &placed, centre, lengths) else {
            continue;
        };
        let mut grown = Grown { outline, placed };
        let is_one_size = grown.placed.iter().all(Placement::is_unscaled);
        if !is_one_size {
            grown = grown.grow(&gradients, centre, lengths);
        }
        repeated.push(Repeated {
            template: grown.outline.template.clone(),
            sizes: placement::searched_sizes(&grown.placed),
            images: alignment.images.max(grown.placed.len()),
        });
        several_sizes.extend((!is_one_size).then_some(grown));
    }
    repeated.sort_by_key(|repeated| std::cmp::Reverse(repeated.images));
    repeated
}

fn listed(images: &[MinedImage]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (image, mined) in images.iter().enumerate() {
        cells.extend((0..mined.cells.len()).map(|cell| Cell { image, cell }));
    }
    cells
}

fn features(images: &[MinedImage], cells: &[Cell]) -> DMatrix<f32> {
    let features = |cell: &Cell| &images[cell.image].cells[cell.cell].features;
    let channels = cells.first().map_or(0, |cell| features(cell).len());
    DMatrix::from_row_iterator(
        cells.len(),
        channels,
        cells.iter().flat_map(|cell| features(cell).iter().copied()),
    )
}

/// The proposed pairs that show one picture. They come sorted by their first cell, so that its
/// spectrum is computed once.
fn matches(
    images: &[MinedImage],
    gradients: &[Gradient],
    lengths: Lengths,
    proposed: impl Iterator<Item = [Cell; 2]>,
) -> Vec<Match> {
    let mut correlation = PhaseCorrelation::new(lengths.window);
    let window = |cell: Cell| {
        let centre = images[cell.image].cells[cell.cell].centre;
        Window::around(centre, lengths.window, &gradients[cell.image])
    };
    let mut first_spectrum = None;
    let mut scratch = Vec::new();
    let mut matches = Vec::new();
    for cells in proposed {
        let [first, second] = cells.map(|cell| (&gradients[cell.image], window(cell)));
        let known = first_spectrum.take();
        let (_, spectrum) = match known {
            Some((cell, spectrum)) if cell == cells[0] => (cell, spectrum),
            _ => (cells[0], correlation.spectrum(first.0, first.1)),
        };
        let other = correlation.spectrum(second.0, second.1);
        if let Some(peak) = correlation.peak(&spectrum, &other)
            && let Some(shift) = verify([first, second], peak, &mut scratch)
        {
            matches.push(Match { cells, shift });
        }
        first_spectrum = Some((cells[0], spectrum));
    }
    matches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::discovery::PixelBox;
    use crate::perturb::SeededRng;

    const SIDE: usize = 224;
    const CELLS: usize = 7;
    const TAG: [usize; 2] = [40, 24];

    /// Letters of 8 x 8 pixels with a hole at changing places.
    fn tag_level(x: usize, y: usize) -> u32 {
        let hole = (x / 8 + 3 * (y / 8)) % 5 + 1;
        let is_light = x % 8 < 6 && y % 8 < 6 && x % 8 != hole && y % 8 != hole;
        if is_light { 220 } else { 30 }
    }

    /// The mean over 4 x 4 points of a pixel of the tag, which is drawn at another size.
    fn resized_tag_level(x: usize, y: usize, size: f32) -> u8 {
        let point = |pixel: usize, part: usize| {
            ((pixel as f32 + (part as f32 + 0.5) / 4.0) / size) as usize
        };
        let mut sum = 0;
        for part in 0..16 {
            sum += tag_level(point(x, part % 4), point(y, part / 4));
        }
        (sum / 16) as u8
    }

    fn drawn(number: usize, tag: Option<[usize; 2]>) -> MinedImage {
        drawn_at(number, tag, 1.0)
    }

    /// A picture of smooth random blobs, with the tag at a place and a size where there is one. The
    /// features of a cell say whether it shows the tag, beside noise.
    fn drawn_at(number: usize, tag: Option<[usize; 2]>, size: f32) -> MinedImage {
        let mut rng = SeededRng::new(3, &[&number.to_string()]);
        let blobs: Vec<[f64; 4]> = (0..24)
            .map(|_| {
                [
                    rng.unit() * 224.0,
                    rng.unit() * 224.0,
                    8.0 + 30.0 * rng.unit(),
                    rng.unit(),
                ]
            })
            .collect();
        let level = |x: usize, y: usize| {
            let mut sum = 0.0;
            for [left, top, radius, height] in &blobs {
                let (across, down) = (x as f64 - left, y as f64 - top);
                let distance = (across * across + down * down) / (radius * radius);
                sum += 160.0 * (height - 0.5) * (-distance).exp();
            }
            (120.0 + sum).clamp(0.0, 255.0) as u8
        };
        let mut luma = Vec::new();
        for y in 0..SIDE {
            for x in 0..SIDE {
                luma.push(level(x, y));
            }
        }
        if let Some([left, top]) = tag {
            let [width, height] = TAG.map(|length| (length as f32 * size) as usize);
            for y in 0..height {
                for x in 0..width {
                    luma[(top + y) * SIDE + left + x] = resized_tag_level(x, y, size);
                }
            }
        }

        let step = SIDE as f32 / CELLS as f32;
        let mut cells = Vec::new();
        for cell in 0..CELLS * CELLS {
            let centre = [cell % CELLS, cell / CELLS].map(|i| (i as f32 + 0.5) * step);
            let shows = tag.is_some_and(|[left, top]| {
                let tag = [left as f32 + 20.0 * size, top as f32 + 12.0 * size];
                (0..2).all(|i| (centre[i] - tag[i]).abs() <= step / 2.0)
            });
            let mut features: Vec<f32> = (0..16).map(|_| rng.unit() as f32).collect();
            features.push(if shows { 6.0 } else { 0.0 });
            cells.push(MinedCell { centre, features });
        }
        MinedImage {
            picture: SearchPicture {
                width: SIDE,
                height: SIDE,
                luma,
                content: PixelBox {
                    x0: 0,
                    y0: 0,
                    x1: SIDE,
                    y1: SIDE,
                },
            },
            cells,
        }
    }

    /// Places that differ from image to image.
    fn place(number: usize) -> [usize; 2] {
        [20 + 23 * number % 140, 15 + 31 * number % 150]
    }

    #[test]
    fn a_tag_at_changing_places_is_outlined_and_found_in_new_images() {
        let images: Vec<MinedImage> = (0..16)
            .map(|i| drawn(i, (i % 2 == 0).then(|| place(i))))
            .collect();
        let repeated = mine(&images, true, 0);
        assert_eq!(repeated.len(), 1);
        let template = &repeated[0].template;
        assert!(repeated[0].images >= 6, "{}", repeated[0].images);
        assert!(template.width.abs_diff(TAG[0]) <= 5, "{}", template.width);
        assert!(
            template.height().abs_diff(TAG[1]) <= 5,
            "{}",
            template.height()
        );

        let mut search = TemplateSearch::new(SIDE, SIDE, std::slice::from_ref(template));
        let with = Gradient::new(&drawn(100, Some([101, 77])).picture);
        let hit = search.search(&with)[0];
        assert!(hit.score > 0.65, "{hit:?}");
        assert!(hit.place.x0.abs_diff(101) <= 4, "{hit:?}");
        assert!(hit.place.y0.abs_diff(77) <= 4, "{hit:?}");
        let without = Gradient::new(&drawn(101, None).picture);
        assert!(search.search(&without)[0].score < 0.4);
        assert!(template.similarity(template) > 0.7);
    }

    #[test]
    fn a_tag_of_several_sizes_is_outlined_once_and_searched_for_in_all_of_them() {
        let size = |number: usize| 0.8 * 1.5_f32.powf(number as f32 / 23.0);
        let images: Vec<MinedImage> = (0..24)
            .map(|i| drawn_at(i, Some(place(i)), size(i)))
            .collect();
        let repeated = mine(&images, true, 0);
        let found = repeated.first().expect("a repeated picture");
        let (low, high) = (found.sizes[0], found.sizes[found.sizes.len() - 1]);
        assert!(high / low >= 1.5, "{:?}", found.sizes);

        let templates = found.sizes.iter();
        let templates: Vec<Template> = templates.map(|s| found.template.resized(*s)).collect();
        let mut search = TemplateSearch::new(SIDE, SIDE, &templates);
        let mut best = |image: &MinedImage| {
            let hits = search.search(&Gradient::new(&image.picture));
            hits.into_iter().max_by(|a, b| a.score.total_cmp(&b.score))
        };
        let mut shown = 0;
        for (number, image) in images.iter().enumerate() {
            let hit = best(image).expect("a hit");
            let [left, _] = place(number);
            let is_there = hit.place.x0.abs_diff(left) <= 6;
            shown += usize::from(hit.score > 0.5 && is_there);
        }
        assert!(shown >= 20, "{shown}");
        let without = best(&drawn(101, None)).expect("a hit");
        assert!(without.score < 0.45, "{without:?}");
    }

    #[test]
    fn different_pictures_repeat_nothing() {
        let images: Vec<MinedImage> = (0..16).map(|i| drawn(i, None)).collect();
        assert_eq!(mine(&images, true, 0), []);
    }
}
