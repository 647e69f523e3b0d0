//! Where the cells of a map lie in the image: the grid of tokens, the order of a flattened map, and
//! the check that the map is upright.

use super::coverage::{Orientation, Responses};
use super::frame::ImageAxes;
use super::graph::{Graph, describe};
use super::layout::MapLayout;
use super::pool::{Pool, layouts};
use super::survey::{Survey, Tensor};
use crate::error::{Error, Result};
use crate::geometry::Rect;

/// Maps with fewer rows or columns than this get a warning.
const SIDE_MIN: usize = 4;
/// Largest difference of a token and the cell that it is a copy of.
const COPY_TOLERANCE: f32 = 1e-5;
/// Least part of the visible image that must move the map.
const COVERAGE_MIN: f64 = 0.8;

/// What is known of a model before its map is laid over the image.
pub struct Surroundings<'a> {
    pub graph: &'a Graph,
    pub survey: &'a Survey,
    /// Shape of the image.
    pub image: &'a [usize],
    /// The rectangle of the input that the map covers, where it is not the whole.
    pub frame: Option<Rect>,
}

/// How a map lies over the image.
pub struct MapPlace {
    /// Part of the image that moves the map.
    pub coverage: f64,
    pub orientation: Orientation,
    pub warnings: Vec<String>,
}

impl MapPlace {
    /// Sets the layout of the pool's map, and checks how it lies over the image. `respond` measures
    /// the responses of the cells for a layout.
    ///
    /// # Errors
    /// When the map is mirrored or transposed, covers a part of the image only, or has tokens in an
    /// unknown order.
    pub fn find(
        pool: &mut Pool,
        model: &Surroundings<'_>,
        respond: impl Fn(&MapLayout) -> Result<Responses>,
    ) -> Result<Self> {
        let mut responses = respond(&pool.layout)?;
        let node = model
            .graph
            .producer(&pool.features)
            .map_or_else(|| pool.features.clone(), describe);

        if pool.layout.height == 1 || pool.layout.width == 1 {
            let Some([height, width]) = grid(pool, model, &responses) else {
                return Err(unknown_order(&responses, pool.layout.cells(), &node));
            };
            pool.layout.height = height;
            pool.layout.width = width;
        }
        let orientation = responses.orientation(pool.layout.height, pool.layout.width);
        if pool.layout.flattened && orientation != Orientation::Upright {
            let features = model.survey.get(&pool.features);
            let shape = features.map_or(&[][..], |tensor| &tensor.shape);
            for layout in layouts(shape).into_iter().skip(1) {
                let layout = MapLayout {
                    flattened: true,
                    ..layout
                };
                let of_layout = respond(&layout)?;
                if of_layout.orientation(layout.height, layout.width) == Orientation::Upright {
                    pool.layout = layout;
                    responses = of_layout;
                    break;
                }
            }
        }

        let mut warnings = check_orientation(&pool.layout, &responses, &node)?;
        let coverage = coverage(&responses, model.frame, model.image, &node)?;
        if coverage == 0.0 {
            warnings.push(
                "no change of the probe image moves the map: the network does not react to it"
                    .into(),
            );
        }
        Ok(Self {
            coverage,
            orientation: responses.orientation(pool.layout.height, pool.layout.width),
            warnings,
        })
    }
}

/// The grid of tokens, or of a map of one row.
fn grid(pool: &Pool, model: &Surroundings<'_>, responses: &Responses) -> Option<[usize; 2]> {
    // A map of one row, as for a line of text, has four axes; tokens have three.
    let (rows, columns) = (pool.layout.height, pool.layout.width);
    let features = model.survey.get(&pool.features);
    let has_axes = features.is_some_and(|tensor| tensor.shape.len() == 4);
    let is_strip = responses.orientation(rows, columns) == Orientation::Upright;

    known_grid(model.survey, pool)
        .or_else(|| responses.grid(pool.layout.cells(), model.image))
        .or((has_axes && is_strip).then_some([rows, columns]))
}

/// Returns warnings.
fn check_orientation(layout: &MapLayout, responses: &Responses, node: &str) -> Result<Vec<String>> {
    let [height, width] = [layout.height, layout.width];
    let mut warnings = Vec::new();
    match responses.orientation(height, width) {
        Orientation::Upright => {}
        Orientation::Unclear => warnings.push(format!(
            "the {height} x {width} cells of the map do not follow the places of the image \
             clearly: each cell sees most of the image"
        )),
        Orientation::Mirrored => return Err(misplaced(node, "mirrored")),
        Orientation::Transposed => return Err(misplaced(node, "transposed")),
    }
    if height < SIDE_MIN || width < SIDE_MIN {
        warnings.push(format!(
            "the map has only {height} x {width} cells, so places are coarse; a larger input makes \
             a finer map"
        ));
    }
    Ok(warnings)
}

/// The part of the image that moves the map.
fn coverage(
    responses: &Responses,
    frame: Option<Rect>,
    image: &[usize],
    node: &str,
) -> Result<f64> {
    let axes = ImageAxes::new(image)?;
    let whole = Rect::new(0.0, 0.0, axes.width as f64, axes.height as f64);
    let visible = frame.map_or(Some(whole), |frame| frame.intersect(whole));
    let visible = visible.map_or(0.0, |rect| rect.area() / whole.area());

    let moving = responses.coverage();
    if moving > 0.0 && moving < COVERAGE_MIN * visible {
        return Err(Error::new(format!(
            "only {:.0} % of the image move the map at {node}; the map could not be laid over the \
             image. Crop or pad the images before the model instead of inside the graph",
            100.0 * moving
        )));
    }
    Ok(moving.min(visible))
}

fn misplaced(node: &str, how: &str) -> Error {
    Error::new(format!(
        "the map at {node} is {how}: its cells answer to other places of the image than their own"
    ))
}

/// The grid of an earlier map that holds the same values in the same order.
fn known_grid(survey: &Survey, pool: &Pool) -> Option<[usize; 2]> {
    let end = survey.position(&pool.features)?;
    let tokens = &survey.tensors[end];
    for tensor in survey.tensors[..end].iter().rev() {
        for layout in layouts(&tensor.shape) {
            let is_grid = layout.height > 1 && layout.width > 1;
            if is_grid && is_copy(&layout, tensor, &pool.layout, tokens) {
                return Some([layout.height, layout.width]);
            }
        }
    }
    None
}

fn is_copy(layout: &MapLayout, map: &Tensor, of_tokens: &MapLayout, tokens: &Tensor) -> bool {
    if layout.channels != of_tokens.channels || layout.cells() != of_tokens.cells() {
        return false;
    }
    for (map, tokens) in map.values.iter().zip(&tokens.values) {
        for cell in 0..layout.cells() {
            for channel in 0..layout.channels {
                let value = map[layout.index(channel, cell)];
                let token = tokens[of_tokens.index(channel, cell)];
                if (value - token).abs() > COPY_TOLERANCE * value.abs().max(1.0) {
                    return false;
                }
            }
        }
    }
    true
}

fn unknown_order(responses: &Responses, cells: usize, node: &str) -> Error {
    let side = cells.isqrt();
    if side * side == cells {
        match responses.orientation(side, side) {
            Orientation::Transposed => return misplaced(node, "transposed"),
            Orientation::Mirrored => return misplaced(node, "mirrored"),
            Orientation::Upright | Orientation::Unclear => {}
        }
    }
    Error::new(format!(
        "{node} holds {cells} tokens whose order in the image is not known: no grid of them \
         answers to the places of the image row by row"
    ))
}
