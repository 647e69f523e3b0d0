//! Puts the depthwise convolution of this room in the place of the engine's, and the clamp that follows it inside.

use super::depthwise::{Depthwise, Shape};
use std::collections::HashMap;
use tract_onnx::prelude::{IntoTensor, OutletId, TValue, Tensor, TractError, TractResult, TypedFact, TypedModel, tvec};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::{BinMiniOp, OptBinByScalar, OptBinChain};
use tract_onnx::tract_core::ops::cnn::Conv;
use tract_onnx::tract_core::ops::nn::DataFormat;

/// Optimises a model and swaps its depthwise convolutions; says how many.
///
/// The engine's own operator hides its geometry: it is noted down from the convolutions before the engine chooses its
/// operators, and found again by the name of the node.
pub fn depthwise(model: TypedModel) -> TractResult<(TypedModel, usize)> {
    let model = model.into_decluttered()?;
    let shapes: HashMap<String, Shape> =
        model.nodes().iter().filter_map(|n| Some((n.name.clone(), shape(&model, n)?))).collect();
    let mut model = model.into_optimized()?;
    let swaps: Vec<_> = (0..model.nodes().len()).filter_map(|id| swap(&model, id, &shapes)).collect();
    for (id, last, op) in &swaps {
        let node = &model.nodes()[*id];
        let mut patch = TypedModelPatch::new("depthwise");
        let inputs = patch.taps(&model, &node.inputs)?;
        let wire = patch.wire_node(&node.name, op.clone(), &inputs)?;
        patch.shunt_outside(&model, OutletId::new(*last, 0), wire[0])?;
        patch.apply(&mut model)?;
    }
    let swapped = swaps.len();
    Ok((if swapped == 0 { model } else { model.into_compact()? }, swapped))
}

/// Geometry of a convolution that takes every channel for itself, in planes of 32-bit floats.
fn shape(model: &TypedModel, node: &TypedNode) -> Option<Shape> {
    let conv = node.op_as::<Conv>()?;
    let pool = &conv.pool_spec;
    let planar = matches!(pool.data_format, DataFormat::NCHW | DataFormat::CHW);
    let own = conv.group == pool.input_channels && conv.group == pool.output_channels && conv.q_params.is_none();
    let input = model.outlet_fact(*node.inputs.first()?).ok()?;
    if !planar || !own || pool.rank() != 2 || input.datum_type != f32::datum_type() {
        return None;
    }
    let sides = |fact: &TypedFact| -> Option<[usize; 2]> {
        let shape = fact.shape.as_concrete()?;
        shape.get(shape.len().checked_sub(2)?..)?.try_into().ok()
    };
    let input = sides(input)?;
    let padding = pool.computed_padding(&input);
    Some(Shape {
        channels: conv.group,
        input,
        output: [padding[0].convoluted, padding[1].convoluted],
        kernel: [pool.kernel_shape[0], pool.kernel_shape[1]],
        stride: [pool.stride(0), pool.stride(1)],
        dilation: [pool.dilation(0), pool.dilation(1)],
        padding: [padding[0].pad_before, padding[1].pad_before],
    })
}

/// What takes the place of a node, and the last node that it covers.
fn swap(model: &TypedModel, id: usize, shapes: &HashMap<String, Shape>) -> Option<(usize, usize, Operator)> {
    let node = &model.nodes()[id];
    let shape = shapes.get(&node.name).filter(|_| node.op.name() == "DepthWiseConv")?;
    let volume = |outlet: OutletId| model.outlet_fact(outlet).ok()?.shape.volume().as_i64();
    let of = |sides: [usize; 2]| Some((shape.channels * sides[0] * sides[1]) as i64);
    let [input, kernel, bias] = node.inputs[..] else { return None };
    let fits = volume(input) == of(shape.input)
        && volume(OutletId::new(id, 0)) == of(shape.output)
        && volume(kernel) == of(shape.kernel)
        && volume(bias) == of([1, 1])
        && model.outlet_fact(kernel).ok()?.shape.as_concrete()?.first() == Some(&shape.channels);
    let convolution = Depthwise::new(shape.clone()).filter(|_| fits)?;
    let clamp =
        clamp(model, id).filter(|_| !model.output_outlets().ok().is_none_or(|o| o.iter().any(|o| o.node == id)));
    let (last, convolution) = match clamp {
        Some((last, [least, most])) => (last, convolution.clamped(least, most)),
        None => (id, convolution),
    };
    let output = model.outlet_fact(OutletId::new(last, 0)).ok()?.clone();
    Some((id, last, Operator { convolution, output }))
}

/// The only reader of a node, where it is a chain of `Max` and `Min` with constants.
fn clamp(model: &TypedModel, id: usize) -> Option<(usize, [f32; 2])> {
    let [reader] = &model.nodes()[id].outputs[0].successors[..] else { return None };
    let node = &model.nodes()[reader.node];
    let steps: Vec<&dyn BinMiniOp> = match (node.op_as::<OptBinChain>(), node.op_as::<OptBinByScalar>()) {
        (Some(chain), _) => chain.steps.iter().map(|step| &*step.binop).collect(),
        (_, Some(single)) => vec![&*single.binop],
        _ => return None,
    };
    if reader.slot != 0 {
        return None;
    }
    let mut range = [f32::NEG_INFINITY, f32::INFINITY];
    for (step, input) in steps.iter().zip(&node.inputs[1..]) {
        let constant = model.outlet_fact(*input).ok()?.konst.clone()?;
        let values = constant.to_plain_array_view::<f32>().ok()?;
        let value = *values.first().filter(|_| values.len() == 1)?;
        // Steps follow each other: what a later bound cuts, an earlier one does not bring back.
        match step.name() {
            "Max" => range = range.map(|bound| bound.max(value)),
            "Min" => range = range.map(|bound| bound.min(value)),
            _ => return None,
        }
    }
    Some((node.id, range))
}

/// The convolution as an operator of the engine: image, kernel and bias in, image out.
#[derive(Debug, Clone, PartialEq)]
struct Operator {
    convolution: Depthwise,
    output: TypedFact,
}

impl Eq for Operator {}

impl Op for Operator {
    fn name(&self) -> StaticName {
        "Depthwise".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Operator {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, mut inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let (Some(bias), Some(kernel), Some(image)) = (inputs.pop(), inputs.pop(), inputs.pop()) else {
            return Err(TractError::msg("a depthwise convolution takes an image, a kernel and a bias"));
        };
        let (kernel, bias) = (kernel.to_plain_array_view::<f32>()?, bias.to_plain_array_view::<f32>()?);
        let flat = || TractError::msg("a tensor of a depthwise convolution is not dense");
        let (kernel, bias) = (kernel.as_slice().ok_or_else(flat)?, bias.as_slice().ok_or_else(flat)?);
        let shape = self.output.shape.as_concrete().ok_or_else(|| TractError::msg("an open shape"))?;
        let mut image = image.into_tensor();
        if image.shape() == shape {
            let mut values = image.to_plain_array_view_mut::<f32>()?;
            self.convolution.run_in_place(values.as_slice_mut().ok_or_else(flat)?, kernel, bias);
            return Ok(tvec!(image.into()));
        }
        let mut output = Tensor::zero::<f32>(shape)?;
        let mut to = output.to_plain_array_view_mut::<f32>()?;
        let from = image.to_plain_array_view::<f32>()?;
        let (from, to) = (from.as_slice().ok_or_else(flat)?, to.as_slice_mut().ok_or_else(flat)?);
        self.convolution.run(from, kernel, bias, to);
        Ok(tvec!(output.into()))
    }
}

impl TypedOp for Operator {
    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(self.output.without_value()))
    }

    as_op!();
}
