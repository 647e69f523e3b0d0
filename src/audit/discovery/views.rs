//! The pictures that are searched: views of the model in grey, read again from the dataset. In
//! memory: 50 kB of an image at 224 pixels, and 4 bytes a number of the features of an image that
//! is mined (250 kB for 49 cells of 1,280 channels).

use super::search::Search;
use crate::audit::worker::Worker;
use crate::cam::Cam;
use crate::dataset::{ImageId, MeasuredContent, Sample};
use crate::error::{Result, Skip};
use crate::evidence::discovery::patches::MinedCell;
use crate::evidence::discovery::{PixelBox, SearchPicture};
use crate::geometry::{Rect, View};
use crate::model::Inference;
use crate::runs::content_hashes;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, RgbImage};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Longer views are reduced to this length.
const SIDE_MAX: u32 = 256;
const SIDE: f64 = 224.0;

/// An image that is searched.
pub struct SearchView {
    pub picture: SearchPicture,
    /// From the photo to the model's input, and how much smaller the picture is than that.
    view: View,
    scale: [f64; 2],
    /// Where the image is mined.
    pub cells: Vec<MinedCell>,
}

/// How the cells of an image that is mined are chosen.
#[derive(Debug, Clone, Copy)]
pub struct CellChoice {
    pub class: usize,
    /// Cells with the largest evidence for the class.
    pub cells: usize,
}

/// Samples by id, each with the hash of the bytes that were measured.
///
/// # Errors
/// When the dataset or the rows can no longer be read.
pub fn samples(search: &Search<'_, '_>, ids: &BTreeSet<ImageId>) -> Result<BTreeMap<u128, Sample>> {
    let hashes = content_hashes(search.folder.path(), ids)?;
    let mut samples = BTreeMap::new();
    for (id, mut sample) in search.dataset.samples_by_id(search.context.labels, ids)? {
        if let Some(hash) = hashes.get(&id) {
            sample.measured = Some(Arc::new(MeasuredContent::new(hash.clone())));
            samples.insert(id.0, sample);
        }
    }
    Ok(samples)
}

/// Reads the views of samples; those with a choice of cells are inferred. Images that can no longer
/// be read are left out.
///
/// # Errors
/// When the run is asked to stop, or the engine cannot make a session.
pub fn read(
    search: &Search<'_, '_>,
    samples: &BTreeMap<u128, Sample>,
    mined: &BTreeMap<u128, CellChoice>,
) -> Result<BTreeMap<u128, SearchView>> {
    let items: Vec<(&u128, &Sample)> = samples.iter().collect();
    let read = search.pool.map(items, |worker, (id, sample)| {
        let view = read_one(search, worker, sample, mined.get(id));
        Ok(view.ok().map(|view| (*id, view)))
    })?;
    Ok(read.into_iter().flatten().collect())
}

fn read_one(
    search: &Search<'_, '_>,
    worker: &mut Worker<'_>,
    sample: &Sample,
    choice: Option<&CellChoice>,
) -> Result<SearchView, Skip> {
    let (tensor, view) = worker.prepare_sample(sample)?;
    let colours = reduced(tensor.picture(&search.context.plan.preprocess));
    let mut cells = Vec::new();
    if let Some(choice) = choice {
        let inference = worker.infer_tensor(&tensor)?;
        cells = mined_cells(search, &inference, choice, colours.dimensions());
    }
    Ok(SearchView::new(&colours, view, cells))
}

/// The picture of the model's view, at most about 256 pixels long.
pub fn reduced(picture: RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    if longer <= SIDE_MAX {
        return picture;
    }
    let scale = SIDE / f64::from(longer);
    let side = |length: u32| (scale * f64::from(length)).round().max(1.0) as u32;
    resize(&picture, side(width), side(height), FilterType::Triangle)
}

fn mined_cells(
    search: &Search<'_, '_>,
    inference: &Inference,
    choice: &CellChoice,
    (width, height): (u32, u32),
) -> Vec<MinedCell> {
    let model = search.context.model;
    let layout = model.layout;
    let mut chosen: Vec<usize> = (0..layout.cells()).collect();
    if choice.cells < chosen.len() {
        let weights = model.centred_weights(inference, choice.class);
        let evidence = Cam::new(&layout, &inference.features, &weights).values;
        chosen.sort_by(|a, b| evidence[*b].total_cmp(&evidence[*a]));
        chosen.truncate(choice.cells);
        chosen.sort_unstable();
    }

    let mut cells = Vec::new();
    for cell in chosen {
        let (column, row) = (cell % layout.width, cell / layout.width);
        let centre = |index: usize, count: usize, side: u32| {
            (index as f32 + 0.5) / count as f32 * side as f32
        };
        let channels = 0..layout.channels;
        cells.push(MinedCell {
            centre: [
                centre(column, layout.width, width),
                centre(row, layout.height, height),
            ],
            features: channels
                .map(|channel| inference.features[layout.index(channel, cell)])
                .collect(),
        });
    }
    cells
}

impl SearchView {
    fn new(colours: &RgbImage, view: View, cells: Vec<MinedCell>) -> Self {
        let (width, height) = colours.dimensions();
        let scale = [
            f64::from(width) / f64::from(view.size.width),
            f64::from(height) / f64::from(view.size.height),
        ];
        let luma = DynamicImage::from(colours.clone()).to_luma8().into_raw();
        let content = view.content().unwrap_or(Rect::new(0.0, 0.0, 0.0, 0.0));
        let edge = |edge: f64, scale: f64, side: u32| {
            (edge * scale).round().clamp(0.0, f64::from(side)) as usize
        };
        Self {
            picture: SearchPicture {
                width: width as usize,
                height: height as usize,
                luma,
                content: PixelBox {
                    x0: edge(content.x0, scale[0], width),
                    y0: edge(content.y0, scale[1], height),
                    x1: edge(content.x1, scale[0], width),
                    y1: edge(content.y1, scale[1], height),
                },
            },
            view,
            scale,
            cells,
        }
    }

    /// A place in the picture as fractions of the photo.
    pub fn in_photo(&self, place: PixelBox) -> Option<Rect> {
        let (view, photo) = (&self.view, self.view.original);
        let x = |x: usize| {
            let in_view = x as f64 / self.scale[0];
            (in_view - view.x_offset) / view.x_scale / f64::from(photo.width)
        };
        let y = |y: usize| {
            let in_view = y as f64 / self.scale[1];
            (in_view - view.y_offset) / view.y_scale / f64::from(photo.height)
        };
        let place = Rect::new(x(place.x0), y(place.y0), x(place.x1), y(place.y1));
        place.intersect(Rect::new(0.0, 0.0, 1.0, 1.0))
    }
}
