//! The geometry of tract's convolutions, products and pools.

use super::convolution::Geometry;
use tract_onnx::prelude::{Datum, OutletId, TypedModel};
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, PoolSpec};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::nn::DataFormat;

/// `[channels, rows, columns]` of a tensor of 32-bit floats at batch 1.
pub fn image_shape(model: &TypedModel, outlet: OutletId) -> Option<[usize; 3]> {
    let fact = model.outlet_fact(outlet).ok()?;
    if fact.datum_type != f32::datum_type() {
        return None;
    }
    let shape = fact.shape.as_concrete()?;
    let (batch, sides) = shape.split_at(shape.len().checked_sub(3)?);
    if batch.iter().any(|n| *n != 1) {
        return None;
    }
    sides.try_into().ok()
}

/// Geometry of a convolution in planes.
pub fn conv_geometry(conv: &Conv, input: [usize; 2], output: [usize; 2]) -> Option<Geometry> {
    if conv.q_params.is_some() || conv.kernel_fmt != KernelFormat::OIHW {
        return None;
    }
    pool_geometry(&conv.pool_spec, input, output)
}

/// Geometry of windows over planar channels.
pub fn pool_geometry(pool: &PoolSpec, input: [usize; 2], output: [usize; 2]) -> Option<Geometry> {
    let planar = matches!(pool.data_format, DataFormat::NCHW | DataFormat::CHW);
    if !planar || pool.rank() != 2 {
        return None;
    }

    let padding = pool.computed_padding(&input);
    Some(Geometry {
        input,
        output,
        kernel: [pool.kernel_shape[0], pool.kernel_shape[1]],
        stride: [pool.stride(0), pool.stride(1)],
        dilation: [pool.dilation(0), pool.dilation(1)],
        padding: [padding[0].pad_before, padding[1].pad_before],
    })
}

/// Geometry of a 1 x 1 convolution, which tract writes as a product of image and weights.
pub fn product_geometry(product: &EinSum, sides: [usize; 2]) -> Option<Geometry> {
    let (inputs, outputs) = product.axes.to_strs();
    let [image, weights] = &inputs[..] else {
        return None;
    };
    let image: Vec<char> = image.chars().collect();
    let weights: Vec<char> = weights.chars().collect();
    let result: Vec<char> = outputs.first()?.chars().collect();

    // The axes before the channel are batch axes of length 1, which either side may omit.
    let ([.., from, y, x], [.., to, v, u]) = (&image[..], &result[..]) else {
        return None;
    };
    if weights != [*to, *from] || [y, x] != [v, u] || product.q_params.is_some() {
        return None;
    }
    Some(Geometry {
        input: sides,
        output: sides,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0],
    })
}
