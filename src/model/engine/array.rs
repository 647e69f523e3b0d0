/// A dense row-major array of 32-bit floats.
#[derive(Debug, Clone)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// The numbers of an input, row by row.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    Floats(&'a [f32]),
    Bytes(&'a [u8]),
    Indices(&'a [i64]),
}

/// Largest difference of an image's outputs alone and in a batch, as a part of the largest output.
const BATCH_TOLERANCE: f32 = 1e-3;

/// Whether an image has the same outputs in a batch as alone.
pub fn is_same_in_batch(together: &[f32], alone: &[f32]) -> bool {
    let largest = alone.iter().fold(1.0_f32, |max, v| max.max(v.abs()));
    let mut pairs = together.iter().zip(alone);
    together.len() == alone.len() && pairs.all(|(a, b)| (a - b).abs() <= BATCH_TOLERANCE * largest)
}
