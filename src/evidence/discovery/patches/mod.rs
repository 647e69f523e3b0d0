//! Pictures that many images of a class repeat, as a source tag: found by cells of the feature maps
//! that are alike, proved and outlined by gradients.

mod alarm;
mod descriptors;
mod graph;
mod neighbours;
mod outline;
mod shift;
mod template;

use super::picture::{Gradient, Lengths, SearchPicture};
use graph::{Cell, Match};
use nalgebra::DMatrix;
use shift::{PhaseCorrelation, Window, verify};

pub use alarm::{Alarm, Scores, alarm, threshold};
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
#[derive(Debug, Clone, PartialEq)]
pub struct Repeated {
    pub template: Template,
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

    let mut repeated: Vec<Repeated> = Vec::new();
    for alignment in graph::alignments(&matches) {
        let Cell { image, cell } = alignment.centre;
        let centre = images[image].cells[cell].centre;
        if let Some(template) = outline::template(&gradients, &alignment, centre, lengths) {
            repeated.push(Repeated {
                template,
                images: alignment.images,
            });
        }
    }
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
