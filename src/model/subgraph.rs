//! A part of the graph between two tensors, run on vectors to read it as an affine map.

use super::affine::AffineMap;
use super::engine::{Engine, Runtime};
use super::graph::Graph;
use crate::error::{Error, Result};

/// Vectors that are run together when a map is read.
const BATCH: usize = 64;
/// Random vectors that a map is tested on.
const TEST_VECTORS: usize = 4;
/// Largest difference between a batch and single runs, relative to the largest output.
const BATCH_TOLERANCE: f32 = 1e-5;
/// Largest relative difference of the factors of a normaliser.
const FACTOR_TOLERANCE: f32 = 1e-3;
/// Outputs below this count as zero in relative errors.
const OUTPUT_MIN: f64 = 1e-6;

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
    fn run(&self, rows: &[f32], batch: usize) -> Result<Vec<f32>> {
        let (engine, blank) = self.load(batch)?;
        let mut state = engine.state()?;
        let width = batch * self.width();

        let mut outputs = Vec::new();
        for chunk in rows.chunks(width) {
            let mut padded = chunk.to_vec();
            padded.resize(width, 0.0);
            let result = state.run(&engine, &[&padded, &blank])?;
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

    /// Reads the part as an affine map by running 0, e_1 .. e_K. It is affine if the `error` of the
    /// map is small.
    pub fn affine(&self) -> Result<AffineMap> {
        let inputs = self.width();
        let tests = random_rows(TEST_VECTORS, inputs);
        let expected = self.run(&tests, 1)?;

        let batch = self.batch_size(&tests, &expected);
        let results = self.run(&zero_and_units(inputs), batch)?;
        let outputs = results.len() / (inputs + 1);
        if outputs == 0 || inputs == 0 {
            return Err(Error::new(format!(
                "the head from {:?} to {:?} has no values",
                self.from, self.to
            )));
        }

        let mut map = from_results(&results, inputs, outputs);
        let tests = tests.chunks_exact(inputs);
        for (input, expected) in tests.zip(expected.chunks_exact(outputs)) {
            map.error = map.error.max(relative_error(&map, input, expected));
        }
        Ok(map)
    }

    /// The largest batch size at which the rows of a batch do not affect each other, so that
    /// batches repeat the results of single runs.
    fn batch_size(&self, tests: &[f32], expected: &[f32]) -> usize {
        match self.run(tests, BATCH) {
            Ok(batched) if agree(&batched, expected) => BATCH,
            _ => 1,
        }
    }

    /// Whether inputs and outputs have the same length, so that the part can be held as elementwise
    /// factors.
    pub fn keeps_length(&self) -> Result<bool> {
        let ones = vec![1.0; self.width()];
        Ok(self.run(&ones, 1)?.len() == self.width())
    }

    /// Whether the factor `to / from` is the same for all components: a normaliser, not a gate.
    pub fn is_normaliser(&self) -> Result<bool> {
        let inputs = random_rows(1, self.width());
        let outputs = self.run(&inputs, 1)?;
        let factors: Vec<f32> = outputs.iter().zip(&inputs).map(|(y, x)| y / x).collect();
        let tolerance = FACTOR_TOLERANCE * factors[0].abs();
        Ok(factors.iter().all(|f| (f - factors[0]).abs() <= tolerance))
    }
}

fn batched(shape: &[usize], batch: usize) -> Vec<usize> {
    let mut shape = shape.to_vec();
    if let Some(first) = shape.first_mut() {
        *first *= batch;
    }
    shape
}

/// The zero vector and the unit vectors.
fn zero_and_units(size: usize) -> Vec<f32> {
    let mut rows = vec![0.0; (size + 1) * size];
    for i in 0..size {
        rows[(i + 1) * size + i] = 1.0;
    }
    rows
}

/// The map whose values at 0, e_1 .. e_K are `results`.
fn from_results(results: &[f32], inputs: usize, outputs: usize) -> AffineMap {
    let (bias, columns) = results.split_at(outputs);
    let mut weights = vec![0.0; outputs * inputs];
    for (input, column) in columns.chunks_exact(outputs).enumerate() {
        for (output, (value, bias)) in column.iter().zip(bias).enumerate() {
            weights[output * inputs + input] = value - bias;
        }
    }
    AffineMap {
        inputs,
        weights,
        bias: bias.iter().map(|&b| f64::from(b)).collect(),
        error: 0.0,
    }
}

/// Largest difference between the map and the expected outputs, relative to the largest output.
fn relative_error(map: &AffineMap, input: &[f32], expected: &[f32]) -> f64 {
    let input: Vec<f64> = input.iter().map(|&v| f64::from(v)).collect();
    let largest = largest_magnitude(expected);

    let mut error = 0.0_f64;
    for (value, &expected) in map.apply(&input).into_iter().zip(expected) {
        error = error.max((value - f64::from(expected)).abs() / largest);
    }
    error
}

fn agree(values: &[f32], expected: &[f32]) -> bool {
    let tolerance = BATCH_TOLERANCE * largest_magnitude(expected) as f32;
    let mut pairs = values.iter().zip(expected);
    values.len() == expected.len() && pairs.all(|(a, b)| (a - b).abs() <= tolerance)
}

fn largest_magnitude(values: &[f32]) -> f64 {
    let magnitudes = values.iter().map(|v| f64::from(v.abs()));
    magnitudes.fold(OUTPUT_MIN, f64::max)
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
