//! Where images show one concept, over the whole dataset.

use super::super::search::{Sampled, Search};
use super::analysed::concepts_of_one;
use super::features::cells;
use crate::dataset::{ImageBytes, Sample, Skipped};
use crate::error::{Error, Result};
use crate::evidence::discovery::concepts::{CONCEPTS, ClassConcepts, project};
use crate::geometry::{Rect, Size, View};
use crate::model::MapLayout;
use nalgebra::DMatrix;

/// Images that are read at once.
const PART: usize = 256;
/// Fewest cells of an image that shows the concept.
const CELLS_MIN: usize = 2;
/// Least side of a place in pixels of the photo: cells may lie over the edge.
const SIDE_MIN: f64 = 1.0;

/// Where one image shows a concept, in pixels of the photo.
pub struct ImagePlaces {
    pub path: String,
    pub photo: Size,
    /// Empty where it does not show it.
    pub places: Vec<Rect>,
}

/// Finds a concept, counted from 1, of the one class that is searched in all images of the dataset.
/// Returns how many could not be read.
///
/// # Errors
/// When the class has no such concept, the dataset can no longer be read, `take` fails, or the run
/// is asked to stop.
pub fn places(
    search: &Search<'_, '_>,
    sampled: &Sampled,
    concept: usize,
    mut take: impl FnMut(ImagePlaces) -> Result<()>,
) -> Result<usize> {
    let sought = Sought::find(search, sampled, concept)?;
    let pool = search.pool;
    pool.observer.stage("find the concept", None);
    let samples = search
        .dataset
        .samples(search.context.labels, ImageBytes::Read)?;
    let mut samples = samples.fuse();
    let mut lost = 0;
    loop {
        let part: Vec<Result<Sample, Skipped>> = samples.by_ref().take(PART).collect();
        if part.is_empty() {
            return Ok(lost);
        }
        lost += part.iter().filter(|sample| sample.is_err()).count();
        let part: Vec<Sample> = part.into_iter().flatten().collect();
        let found = pool.map(part, |worker, sample| {
            let inferred = worker.infer_sample(&sample).ok();
            let layout = &search.context.model.layout;
            Ok(inferred.map(|inferred| {
                let features = &inferred.inference.features;
                ImagePlaces {
                    path: sample.path,
                    photo: inferred.view.original,
                    places: sought.places(features, layout, &inferred.view),
                }
            }))
        })?;
        for image in found {
            match image {
                Some(image) => take(image)?,
                None => lost += 1,
            }
        }
    }
}

/// One of the concepts of a class.
pub struct Sought {
    directions: DMatrix<f32>,
    place: usize,
    cell_level: f32,
}

impl Sought {
    /// A concept, counted from 1, of the one class that is searched.
    ///
    /// # Errors
    /// When the class has no such concept, or the dataset can no longer be read.
    pub fn find(search: &Search<'_, '_>, sampled: &Sampled, concept: usize) -> Result<Self> {
        let concepts = concepts_of_one(search, sampled)?;
        let concepts = concepts.ok_or_else(|| Error::new("the class has no concepts"))?;
        if !(1..=concepts.concepts.len()).contains(&concept) {
            return Err(Error::new(format!(
                "there is no concept {concept}: they are counted from 1 to {CONCEPTS}"
            )));
        }
        Ok(Self::new(&concepts, concept - 1))
    }

    fn new(concepts: &ClassConcepts, place: usize) -> Self {
        let concepts = &concepts.concepts;
        let channels = concepts[place].direction.len();
        Self {
            directions: DMatrix::from_fn(concepts.len(), channels, |row, channel| {
                concepts[row].direction[channel]
            }),
            place,
            cell_level: concepts[place].cell_level,
        }
    }

    /// The activation of each cell.
    pub fn activations(&self, layout: &MapLayout, features: &[f32]) -> Vec<f32> {
        let (values, _) = cells(layout, features);
        let features = DMatrix::from_vec(layout.channels, layout.cells(), values);
        let activations = project(&features, &self.directions);
        activations.row(self.place).iter().copied().collect()
    }

    fn places(&self, features: &[f32], layout: &MapLayout, view: &View) -> Vec<Rect> {
        let shows: Vec<bool> = self
            .activations(layout, features)
            .iter()
            .map(|value| *value > 0.0 && *value >= self.cell_level)
            .collect();
        if shows.iter().filter(|shows| **shows).count() < CELLS_MIN {
            return Vec::new();
        }
        cells_in_photo(&shows, layout, view)
    }
}

/// Rectangles of cells, in pixels of the photo.
pub fn cells_in_photo(shows: &[bool], layout: &MapLayout, view: &View) -> Vec<Rect> {
    let rects = runs(shows, layout.width).into_iter();
    rects
        .filter_map(|cells| in_photo(cells, layout, view))
        .collect()
}

/// The cells that lie in the photo with at least half of their area: others are padding.
pub fn cells_of_photo(layout: &MapLayout, view: &View) -> Vec<usize> {
    let width = f64::from(view.size.width) / layout.width as f64 / view.x_scale;
    let height = f64::from(view.size.height) / layout.height as f64 / view.y_scale;
    let is_in_photo = |cell: &usize| {
        let (x, y) = ((cell % layout.width) as f64, (cell / layout.width) as f64);
        let place = in_photo(Rect::new(x, y, x + 1.0, y + 1.0), layout, view);
        place.is_some_and(|place| place.width() * place.height() >= 0.5 * width * height)
    };
    (0..layout.cells()).filter(is_in_photo).collect()
}

/// Rectangles of neighbouring cells, in cells: runs of rows, equal ones below each other as one.
fn runs(shows: &[bool], width: usize) -> Vec<Rect> {
    let mut rects: Vec<Rect> = Vec::new();
    for (row, cells) in shows.chunks_exact(width).enumerate() {
        let (top, bottom) = (row as f64, row as f64 + 1.0);
        let mut column = 0;
        while column < width {
            let length = cells[column..].iter().take_while(|shows| **shows).count();
            if length == 0 {
                column += 1;
                continue;
            }
            let run = Rect::new(column as f64, top, (column + length) as f64, bottom);
            let above = rects
                .iter_mut()
                .find(|rect| rect.y1 == top && rect.x0 == run.x0 && rect.x1 == run.x1);
            match above {
                Some(rect) => rect.y1 = bottom,
                None => rects.push(run),
            }
            column += length;
        }
    }
    rects
}

/// Cells in pixels of the photo; `None` where they lie on padding.
fn in_photo(cells: Rect, layout: &MapLayout, view: &View) -> Option<Rect> {
    let cell_width = f64::from(view.size.width) / layout.width as f64;
    let cell_height = f64::from(view.size.height) / layout.height as f64;
    let x = |column: f64| (column * cell_width - view.x_offset) / view.x_scale;
    let y = |row: f64| (row * cell_height - view.y_offset) / view.y_scale;
    let place = Rect::new(x(cells.x0), y(cells.y0), x(cells.x1), y(cells.y1));
    let place = place.intersect(view.original.rect())?;
    let is_seen = place.width() >= SIDE_MIN && place.height() >= SIDE_MIN;
    is_seen.then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_cells_are_one_rectangle() {
        let rows = ["##.", "##.", ".##"].concat();
        let shows: Vec<bool> = rows.chars().map(|c| c == '#').collect();
        let expected = [Rect::new(0.0, 0.0, 2.0, 2.0), Rect::new(1.0, 2.0, 3.0, 3.0)];
        assert_eq!(runs(&shows, 3), expected);
    }
}
