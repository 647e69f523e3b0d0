//! tract's tensors as vectors.

use tract_onnx::prelude::{Tensor, TractResult};

/// The numbers of a tensor of 32-bit floats, row by row.
pub fn values(tensor: &Tensor) -> TractResult<Vec<f32>> {
    let view = tensor.to_plain_array_view::<f32>()?;
    Ok(match view.as_slice() {
        Some(values) => values.to_vec(),
        None => view.iter().copied().collect(),
    })
}
