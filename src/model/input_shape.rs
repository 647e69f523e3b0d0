//! The shape of the input, and a test image of that shape.

use super::graph::Graph;
use crate::error::{Error, Result};

/// Steps of the probe's phase along each axis.
const PROBE_STEPS: [usize; 4] = [7, 5, 3, 2];

/// The shape to run at: `requested`, or else the declared shape at batch 1.
///
/// # Errors
/// When the file leaves a side open that is not requested, or declares another shape.
pub fn input_shape(graph: &Graph, requested: Option<&[usize]>) -> Result<Vec<usize>> {
    let Some(requested) = requested else {
        return declared_shape(graph).ok_or_else(|| {
            Error::new(format!(
                "the input {:?} is {}; pass its size with --input-shape 1,3,224,224",
                graph.input,
                declared_text(graph)
            ))
        });
    };

    let valid = requested.len() == 4 && requested[0] == 1 && !requested.contains(&0);
    if !valid || !matches_declared(&graph.input_dims, requested) {
        return Err(Error::new(format!(
            "the input {:?} is {}, which {} does not fit",
            graph.input,
            declared_text(graph),
            sides(requested)
        )));
    }
    Ok(requested.to_vec())
}

/// The declared shape at batch 1; `None` if a side is open or it is no image.
fn declared_shape(graph: &Graph) -> Option<Vec<usize>> {
    let mut dims = graph.input_dims.clone();
    if dims.len() != 4 {
        return None;
    }
    dims[0] = Some(1);
    dims.into_iter().collect()
}

/// Whether the sides other than the batch equal the declared ones. Open sides fit any.
fn matches_declared(declared: &[Option<usize>], requested: &[usize]) -> bool {
    if declared.is_empty() {
        return true;
    }
    let mut sides = declared.iter().zip(requested).skip(1);
    declared.len() == requested.len()
        && sides.all(|(declared, side)| declared.is_none_or(|declared| declared == *side))
}

/// `?x3x64x64`, with `?` for an open side.
fn declared_text(graph: &Graph) -> String {
    let mut sides = Vec::new();
    for side in &graph.input_dims {
        sides.push(side.map_or_else(|| "?".to_owned(), |side| side.to_string()));
    }
    sides.join("x")
}

fn sides(shape: &[usize]) -> String {
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    sides.join("x")
}

/// Three test images: a smooth one, noise, and noise over another smooth one. For a model that
/// takes 8-bit pixels they are whole numbers from 0 to 255.
pub fn probes(shape: &[usize], takes_bytes: bool) -> [Vec<f32>; 3] {
    let total: usize = shape.iter().product();
    let levels = noise(total).into_iter();
    let noise: Vec<f32> = levels.map(|level| f32::from(level) / 127.5 - 1.0).collect();
    let mixed = (0..total).map(|index| 0.5 * noise[index] - 0.5 * probe_value(shape, index / 2));
    let mut probes = [probe(shape), noise.clone(), mixed.collect()];
    if takes_bytes {
        for value in probes.iter_mut().flatten() {
            *value = (127.5 + 127.5 * *value).round();
        }
    }
    probes
}

/// Reproducible bytes, from BLAKE3 as a stream.
pub fn noise(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    blake3::Hasher::new()
        .update(b"camaudit probe")
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

/// A smooth test image: `sin(0.01 (7 i0 + 5 i1 + 3 i2 + 2 i3))` over the indices of the input.
pub fn probe(shape: &[usize]) -> Vec<f32> {
    let total: usize = shape.iter().product();
    (0..total).map(|index| probe_value(shape, index)).collect()
}

fn probe_value(shape: &[usize], index: usize) -> f32 {
    let mut rest = index;
    let mut phase = 0;
    for (axis, side) in shape.iter().enumerate().rev() {
        phase += PROBE_STEPS.get(axis).unwrap_or(&1) * (rest % side);
        rest /= side;
    }
    (0.01 * phase as f64).sin() as f32
}
