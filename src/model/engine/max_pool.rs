//! Max pooling as an operator of tract: first over the rows of a window, then over its columns,
//! each in whole vectors, where tract's own visits every window number by number.

use super::convolution::Geometry;
use pulp::{Arch, Simd, WithSimd};
use tract_onnx::prelude::{TValue, Tensor, TractError, TractResult, TypedFact, tvec};
use tract_onnx::tract_core::internal::*;

/// Takes an image and returns the largest value of each window. What lies outside of the image
/// does not count, and NaN never does.
#[derive(Debug, Clone, PartialEq)]
pub struct MaxPool {
    pub geometry: Geometry,
    pub output: TypedFact,
}

impl Eq for MaxPool {}

impl Op for MaxPool {
    fn name(&self) -> StaticName {
        "OwnMaxPool".into()
    }

    op_as_typed_op!();
}

impl EvalOp for MaxPool {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let image = inputs
            .first()
            .ok_or_else(|| TractError::msg("max pooling takes an image"))?;
        let shape = self.output.shape.as_concrete();
        let shape = shape.ok_or_else(|| TractError::msg("an open shape"))?;

        let image = image.to_plain_array_view::<f32>()?;
        let mut output = Tensor::zero::<f32>(shape)?;
        let mut view = output.to_plain_array_view_mut::<f32>()?;
        let not_dense = || TractError::msg("a tensor of a max pooling is not dense");
        Arch::new().dispatch(Run {
            geometry: &self.geometry,
            input: image.as_slice().ok_or_else(not_dense)?,
            output: view.as_slice_mut().ok_or_else(not_dense)?,
        });
        Ok(tvec!(output.into()))
    }
}

impl TypedOp for MaxPool {
    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(self.output.clone()))
    }

    as_op!();
}

/// One call, dispatched to the CPU's vector width. The loops are plain, so that they become vectors
/// of that width.
struct Run<'a> {
    geometry: &'a Geometry,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Geometry {
            input: [height, width],
            output: [out_height, out_width],
            kernel: [kernel_rows, kernel_columns],
            stride,
            dilation,
            padding,
        } = *self.geometry;

        // One row of the windows' maxima over rows, with the padding; and the maxima over columns
        // that start at each of its columns.
        let reach = (kernel_columns - 1) * dilation[1];
        let starts = (out_width - 1) * stride[1] + 1;
        let mut row = vec![f32::MIN; (starts + reach).max(padding[1] + width)];
        let mut largest = vec![f32::MIN; starts];

        let channels = self.input.chunks_exact(height * width);
        let outputs = self.output.chunks_exact_mut(out_height * out_width);
        for (channel, output) in channels.zip(outputs) {
            for (y, output) in output.chunks_exact_mut(out_width).enumerate() {
                let inside = &mut row[padding[1]..padding[1] + width];
                inside.fill(f32::MIN);
                for i in 0..kernel_rows {
                    let from = (y * stride[0] + i * dilation[0]).checked_sub(padding[0]);
                    let Some(from) = from.filter(|from| *from < height) else {
                        continue;
                    };
                    raise(inside, &channel[from * width..(from + 1) * width]);
                }

                largest.fill(f32::MIN);
                for j in 0..kernel_columns {
                    raise(&mut largest, &row[j * dilation[1]..][..starts]);
                }
                let windows = largest.iter().step_by(stride[1]);
                output
                    .iter_mut()
                    .zip(windows)
                    .for_each(|(to, max)| *to = *max);
            }
        }
    }
}

/// The larger of each pair; NaN changes nothing.
#[inline(always)]
fn raise(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = if *to < *from { *from } else { *to };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest number of one window, which NaN and the padding leave as it is.
    fn window(geometry: &Geometry, channel: &[f32], y: usize, x: usize) -> f32 {
        let [height, width] = geometry.input;
        let mut largest = f32::MIN;
        for i in 0..geometry.kernel[0] {
            for j in 0..geometry.kernel[1] {
                let row = y * geometry.stride[0] + i * geometry.dilation[0];
                let column = x * geometry.stride[1] + j * geometry.dilation[1];
                let place = row.checked_sub(geometry.padding[0]);
                let place = place.zip(column.checked_sub(geometry.padding[1]));
                if let Some((row, column)) = place.filter(|(r, c)| *r < height && *c < width) {
                    largest = largest.max(channel[row * width + column]);
                }
            }
        }
        largest
    }

    #[test]
    fn a_window_gives_its_largest_number() {
        // Input, output, kernel, stride, dilation, padding; two of them with windows that reach
        // beyond the image (ceil mode).
        for [input, output, kernel, stride, dilation, padding] in [
            [[112, 112], [56, 56], [3, 3], [2, 2], [1, 1], [1, 1]],
            [[13, 27], [13, 27], [3, 3], [1, 1], [1, 1], [1, 1]],
            [[14, 14], [7, 7], [2, 2], [2, 2], [1, 1], [0, 0]],
            [[55, 55], [28, 28], [3, 3], [2, 2], [1, 1], [0, 0]],
            [[9, 8], [3, 3], [3, 2], [3, 3], [1, 1], [0, 0]],
            [[16, 17], [12, 13], [3, 3], [1, 1], [2, 2], [0, 0]],
            [[1, 1], [1, 1], [3, 3], [2, 2], [1, 1], [1, 1]],
        ] {
            let geometry = Geometry {
                input,
                output,
                kernel,
                stride,
                dilation,
                padding,
            };
            let area = input[0] * input[1];
            let mut image: Vec<f32> = (0..3 * area).map(|i| (0.7 * i as f32).sin()).collect();
            image[area / 2] = f32::NAN;
            let mut pooled = vec![f32::NAN; 3 * output[0] * output[1]];
            Arch::new().dispatch(Run {
                geometry: &geometry,
                input: &image,
                output: &mut pooled,
            });

            for (i, found) in pooled.iter().enumerate() {
                let (channel, place) = (i / (output[0] * output[1]), i % (output[0] * output[1]));
                let channel = &image[channel * area..][..area];
                let (y, x) = (place / output[1], place % output[1]);
                let wanted = window(&geometry, channel, y, x);
                assert_eq!(*found, wanted, "{geometry:?} at {y}, {x}");
            }
        }
    }
}
