//! A part of the graph between two tensors, run on vectors to read it as an affine map.

use super::affine::{AffineMap, OUTPUT_MIN, largest_magnitude, most_exact};
use super::engine::{Engine, Runtime, Values};
use super::graph::{Constants, Graph, attribute, floats};
use crate::error::{Error, Result};
use tract_onnx::pb::NodeProto;

/// Vectors that are run together when a map is read.
const BATCH: usize = 64;
/// Random vectors that a map is tested on.
const TEST_VECTORS: usize = 4;
/// Largest difference between a batch and single runs, relative to the largest output.
const BATCH_TOLERANCE: f32 = 1e-5;
/// Largest relative error of a map that counts as affine.
const AFFINE_TOLERANCE: f64 = 1e-3;
/// Largest rounding error of a map read around zero, relative to the output or 1.
const ROUNDING_MAX: f64 = 1e-5;
/// Longest step along an axis.
const STEP_MAX: f64 = 65_536.0;
/// How much longer than necessary steps are.
const STEP_MARGIN: f64 = 16.0;

/// The part of the graph between two tensors, as a function of vectors.
pub struct Subgraph<'a> {
    pub graph: &'a Graph,
    pub runtime: &'a Runtime,
    pub from: &'a str,
    pub to: &'a str,
    /// Shape of `from` at batch 1.
    pub shape: &'a [usize],
    /// Shape of the image at batch 1.
    pub image: &'a [usize],
}

impl Subgraph<'_> {
    /// Length of the input vector.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// Runs the concatenated vectors `rows` in batches and concatenates the results.
    ///
    /// # Errors
    /// When the graph cannot run at this batch size.
    pub fn run(&self, rows: &[f32], batch: usize) -> Result<Vec<f32>> {
        let (engine, blank) = self.load(batch)?;
        let mut state = engine.state()?;
        let width = batch * self.width();

        let mut outputs = Vec::new();
        for chunk in rows.chunks(width) {
            let mut padded = chunk.to_vec();
            padded.resize(width, 0.0);
            let result = state.run(&engine, &[Values::Floats(&padded), Values::Floats(&blank)])?;
            let values = &result
                .first()
                .ok_or_else(|| Error::new("the head has no output"))?
                .values;
            outputs.extend_from_slice(&values[..values.len() * chunk.len() / width]);
        }
        Ok(outputs)
    }

    /// The engine for a batch size, and a blank image if the part reads the image.
    fn load(&self, batch: usize) -> Result<(Engine, Vec<f32>)> {
        let shape = batched(self.shape, batch);
        let image = batched(self.image, batch);
        let cut = self.graph.cut(&[(self.from, &shape)], &[self.to], &image);

        let mut shapes = vec![shape];
        let mut blank = Vec::new();
        if cut.needs_image {
            blank.resize(image.iter().product(), 0.0);
            shapes.push(image);
        }
        Ok((self.runtime.load(&cut.proto, shapes)?, blank))
    }

    /// Whether the part is an affine map, on random vectors: `f(a + b) + f(0) = f(a) + f(b)` and
    /// `f(-2a) + 2 f(a) = 3 f(0)`.
    pub fn is_affine(&self) -> Result<bool> {
        let width = self.width();
        let random = random_rows(2, width);
        let (a, b) = random.split_at(width);
        let sum: Vec<f32> = a.iter().zip(b).map(|(a, b)| a + b).collect();
        let opposite: Vec<f32> = a.iter().map(|a| -2.0 * a).collect();
        let rows = [&vec![0.0; width], a, b, &sum, &opposite].concat();

        let outputs = self.run(&rows, 1)?;
        let length = outputs.len() / 5;
        if length == 0 {
            return Ok(false);
        }
        let largest = largest_magnitude(&outputs);
        let at = |row: usize, index: usize| f64::from(outputs[row * length + index]);
        for index in 0..length {
            let zero = at(0, index);
            let sum_error = at(3, index) + zero - at(1, index) - at(2, index);
            let scale_error = at(4, index) + 2.0 * at(1, index) - 3.0 * zero;
            let error = sum_error.abs().max(scale_error.abs()) / largest;
            if error.is_nan() || sum_error.is_nan() || error > AFFINE_TOLERANCE {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads an affine part by running 0, e_1 .. e_K. `base` is a vector of an image: where the
    /// rounding errors of its sums are large, the part is read around it with longer steps.
    ///
    /// # Errors
    /// When the part has no values, or is not affine on random vectors.
    pub fn affine(&self, base: &[f32]) -> Result<AffineMap> {
        let inputs = self.width();
        let tests = random_rows(TEST_VECTORS, inputs);
        let expected = self.run(&tests, 1)?;

        let batch = self.batch_size(&tests, &expected);
        let zero = vec![0.0; inputs];
        let results = self.run(&base_and_steps(&zero, 1.0), batch)?;
        if inputs == 0 || results.len() <= inputs {
            return Err(Error::new(format!(
                "the head from {:?} to {:?} has no values",
                self.from, self.to
            )));
        }
        let map = from_results(&results, &zero, 1.0);
        let at_base = self.run(base, 1)?;
        let mut maps = vec![map];
        if maps[0].error_at(base, &at_base) > ROUNDING_MAX {
            let step = self.step(base, &expected)?;
            let results = self.run(&base_and_steps(base, step), batch)?;
            maps.push(from_results(&results, base, step));
        }
        self.most_exact(maps, (base, &at_base), (&tests, &expected))
    }

    /// The length of the steps along each axis: a power of two, longer where the output at the base
    /// is so large that it would swallow the digits of the weights. `outputs` are those of random
    /// vectors.
    fn step(&self, base: &[f32], outputs: &[f32]) -> Result<f32> {
        let at_base = self.run(base, 1)?;
        let zero = self.run(&vec![0.0; self.width()], 1)?;
        let largest = largest_magnitude(&at_base).max(largest_magnitude(&zero));
        let moved = outputs.iter().zip(zero.iter().cycle());
        let moved = moved.fold(OUTPUT_MIN, |max, (y, b)| max.max(f64::from((y - b).abs())));
        let ratio = (largest / moved * STEP_MARGIN).clamp(1.0, STEP_MAX);
        Ok(ratio.log2().ceil().exp2() as f32)
    }

    /// The most exact of several readings.
    fn most_exact(
        &self,
        maps: Vec<AffineMap>,
        base: (&[f32], &[f32]),
        tests: (&[f32], &[f32]),
    ) -> Result<AffineMap> {
        let map = most_exact(maps, base, tests);
        let error = map.as_ref().map_or(f64::NAN, |map| map.error);
        map.filter(|_| error <= AFFINE_TOLERANCE).ok_or_else(|| {
            Error::new(format!(
                "the head from {:?} to {:?} is not affine: relative error {error:.1e}",
                self.from, self.to
            ))
        })
    }

    /// Reads the part from the weights of the matrix product that makes `to`, where the part before
    /// the product only reorders; `None` if it is anything else.
    ///
    /// # Errors
    /// When the part cannot be run, or the weights do not give its outputs.
    pub fn matrix(&self, base: &[f32]) -> Result<Option<AffineMap>> {
        let Some(node) = self.graph.producer(self.to) else {
            return Ok(None);
        };
        let Some((weights, outputs)) = matrix_weights(self.graph, node, self.width()) else {
            return Ok(None);
        };
        let source = Subgraph {
            to: &node.input[0],
            ..*self
        };
        let Some(order) = source.order()? else {
            return Ok(None);
        };

        let inputs = self.width();
        let mut ordered = vec![0.0; outputs * inputs];
        for output in 0..outputs {
            let row = &weights[output * inputs..(output + 1) * inputs];
            let target = &mut ordered[output * inputs..(output + 1) * inputs];
            for (position, from) in order.iter().enumerate() {
                target[*from] = row[position];
            }
        }
        let zero = vec![0.0; inputs];
        let mut maps = vec![through(ordered, &zero, &self.run(&zero, 1)?)];
        let at_base = self.run(base, 1)?;
        if maps[0].error_at(base, &at_base) > ROUNDING_MAX {
            maps.push(through(maps[0].weights.clone(), base, &at_base));
        }

        let tests = random_rows(TEST_VECTORS, inputs);
        let expected = self.run(&tests, 1)?;
        let map = self.most_exact(maps, (base, &at_base), (&tests, &expected))?;
        Ok(Some(map))
    }

    /// For every output the input that it is a copy of; `None` if the part does more than reorder.
    fn order(&self) -> Result<Option<Vec<usize>>> {
        let width = self.width();
        if self.from == self.to {
            return Ok(Some((0..width).collect()));
        }
        // Every index up to 2^24 is exact in 32 bits.
        if width >= 1 << 24 {
            return Ok(None);
        }
        // Both signs, so that a ReLU is not taken for a copy.
        let sign = |index: usize| if index.is_multiple_of(2) { 1.0 } else { -1.0 };
        let values = (0..width).map(|index| sign(index) * (index + 1) as f32);
        let outputs = self.run(&Vec::from_iter(values), 1)?;

        let mut is_used = vec![false; width];
        let mut order = Vec::with_capacity(width);
        for output in outputs {
            let index = (output.abs() as usize).wrapping_sub(1);
            let is_value = index < width && output == sign(index) * (index + 1) as f32;
            if !is_value || is_used[index] {
                return Ok(None);
            }
            is_used[index] = true;
            order.push(index);
        }
        Ok((order.len() == width).then_some(order))
    }

    /// The largest batch size at which the rows of a batch do not affect each other, so that
    /// batches repeat the results of single runs.
    fn batch_size(&self, tests: &[f32], expected: &[f32]) -> usize {
        match self.run(tests, BATCH) {
            Ok(batched) if agree(&batched, expected) => BATCH,
            _ => 1,
        }
    }
}

fn batched(shape: &[usize], batch: usize) -> Vec<usize> {
    let mut shape = shape.to_vec();
    if let Some(first) = shape.first_mut() {
        *first *= batch;
    }
    shape
}

/// The base, and the base with a step along each axis.
fn base_and_steps(base: &[f32], step: f32) -> Vec<f32> {
    let size = base.len();
    let mut rows = base.repeat(size + 1);
    for axis in 0..size {
        rows[(axis + 1) * size + axis] += step;
    }
    rows
}

/// The map whose values at [`base_and_steps`] are `results`.
fn from_results(results: &[f32], base: &[f32], step: f32) -> AffineMap {
    let inputs = base.len();
    let outputs = results.len() / (inputs + 1);
    let (at_base, columns) = results.split_at(outputs);
    let mut weights = vec![0.0; outputs * inputs];
    for (input, column) in columns.chunks_exact(outputs).enumerate() {
        // The step that was taken, after rounding.
        let taken = f64::from(base[input] + step) - f64::from(base[input]);
        for (output, (value, at_base)) in column.iter().zip(at_base).enumerate() {
            let moved = f64::from(*value) - f64::from(*at_base);
            weights[output * inputs + input] = (moved / taken) as f32;
        }
    }
    through(weights, base, at_base)
}

/// The map with these weights that has the value `at_base` at `base`.
fn through(weights: Vec<f32>, base: &[f32], at_base: &[f32]) -> AffineMap {
    let mut map = AffineMap {
        inputs: base.len(),
        weights,
        bias: vec![0.0; at_base.len()],
        error: 0.0,
    };
    let base: Vec<f64> = base.iter().map(|&v| f64::from(v)).collect();
    let linear = map.apply(&base);
    for (output, bias) in map.bias.iter_mut().enumerate() {
        *bias = f64::from(at_base[output]) - linear[output];
    }
    map
}

fn agree(values: &[f32], expected: &[f32]) -> bool {
    let tolerance = BATCH_TOLERANCE * largest_magnitude(expected) as f32;
    let mut pairs = values.iter().zip(expected);
    values.len() == expected.len() && pairs.all(|(a, b)| (a - b).abs() <= tolerance)
}

/// Reproducible vectors with components in `[-2, 2]`, from BLAKE3 as a stream.
fn random_rows(rows: usize, width: usize) -> Vec<f32> {
    let mut bytes = vec![0; rows * width * 4];
    blake3::Hasher::new()
        .update(b"camaudit affine test")
        .finalize_xof()
        .fill(&mut bytes);

    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| unit(*word) * 4.0 - 2.0).collect()
}

/// A number in `[0, 1]`.
fn unit(bytes: [u8; 4]) -> f32 {
    u32::from_le_bytes(bytes) as f32 / u32::MAX as f32
}

/// The constant matrix of a product, `outputs x inputs` row by row, with its number of outputs.
/// `None` if the node is no product of a vector of this length with a constant.
fn matrix_weights(graph: &Graph, node: &NodeProto, inputs: usize) -> Option<(Vec<f32>, usize)> {
    let (scale, transposed) = match node.op_type.as_str() {
        "MatMul" => (1.0, false),
        "Gemm" => (
            attribute(node, "alpha").map_or(1.0, |a| a.f),
            attribute(node, "transB").is_some_and(|a| a.i != 0),
        ),
        // A convolution whose kernel is as large as the map.
        "Conv" => (1.0, true),
        _ => return None,
    };
    if attribute(node, "transA").is_some_and(|a| a.i != 0) {
        return None;
    }
    let constants = Constants::new(graph.graph());
    let tensor = constants.get(node.input.get(1)?)?;
    let (rows, columns) = tensor.dims.split_first()?;
    let (rows, columns) = (*rows as usize, columns.iter().product::<i64>() as usize);
    let (matrix_inputs, outputs) = if transposed {
        (columns, rows)
    } else {
        (rows, columns)
    };
    let values: Vec<f32> = floats(tensor).map(|value| value * scale).collect();
    if matrix_inputs != inputs || values.len() != inputs * outputs {
        return None;
    }
    if transposed {
        return Some((values, outputs));
    }

    let mut weights = vec![0.0; values.len()];
    for (input, row) in values.chunks_exact(outputs).enumerate() {
        for (output, value) in row.iter().enumerate() {
            weights[output * inputs + input] = *value;
        }
    }
    Some((weights, outputs))
}
