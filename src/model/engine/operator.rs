//! A convolution of this crate as an operator of tract.

use super::convolution::Convolution;
use tract_onnx::prelude::{IntoTensor, TValue, Tensor, TractError, TractResult, TypedFact, tvec};
use tract_onnx::tract_core::internal::*;

/// Takes an image and, optionally, an addend of the output's shape; returns an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    pub convolution: Convolution,
    pub output: TypedFact,
}

impl Eq for Operator {}

impl Op for Operator {
    fn name(&self) -> StaticName {
        "OwnConvolution".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Operator {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut inputs = inputs.into_iter();
        let image = inputs
            .next()
            .ok_or_else(|| TractError::msg("a convolution takes an image"))?;
        let shape = self
            .output
            .shape
            .as_concrete()
            .ok_or_else(|| TractError::msg("an open shape"))?;

        let output = match inputs.next() {
            None if self.convolution.in_place() && image.shape() == shape => {
                self.overwrite(image)?
            }
            None => self.convolve(&image, Tensor::zero::<f32>(shape)?, false)?,
            Some(addend) => self.convolve(&image, addend.into_tensor(), true)?,
        };
        Ok(tvec!(output.into()))
    }
}

impl Operator {
    /// Convolves in the memory of the image.
    fn overwrite(&self, image: TValue) -> TractResult<Tensor> {
        let mut image = image.into_tensor();
        let mut view = image.to_plain_array_view_mut::<f32>()?;
        self.convolution
            .run_in_place(view.as_slice_mut().ok_or_else(not_dense)?);
        Ok(image)
    }

    /// Convolves into `output`; with `adds`, its previous content is added.
    fn convolve(&self, image: &TValue, mut output: Tensor, adds: bool) -> TractResult<Tensor> {
        let image = image.to_plain_array_view::<f32>()?;
        let mut view = output.to_plain_array_view_mut::<f32>()?;
        self.convolution.run(
            image.as_slice().ok_or_else(not_dense)?,
            view.as_slice_mut().ok_or_else(not_dense)?,
            adds,
        );
        Ok(output)
    }
}

fn not_dense() -> TractError {
    TractError::msg("a tensor of a convolution is not dense")
}

impl TypedOp for Operator {
    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(self.output.clone()))
    }

    as_op!();
}
