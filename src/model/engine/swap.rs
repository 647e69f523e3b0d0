//! Puts the convolutions of this room in the place of the engine's, with what follows them: a bias, a sum with another
//! branch, a clamp.

use super::convolution::{Convolution, Geometry};
use super::tract::values;
use std::collections::BTreeSet;
use tract_onnx::prelude::{
    IntoTensor, OutletId, TValue, Tensor, TractError, TractResult, TypedFact, TypedModel, tvec,
};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::nn::DataFormat;

/// Fewest pixels and outputs of a dense convolution: with less, most of a vector or of a block would be empty.
const DENSE_MIN: [usize; 2] = [32, 8];

/// Swaps the convolutions of a model and optimises the rest; says how many were swapped.
pub fn convolutions(model: TypedModel) -> TractResult<(TypedModel, usize)> {
    let mut model = model.into_decluttered()?;
    let mut taken = BTreeSet::new();
    let ids = model.eval_order()?;
    let swaps: Vec<Swap> = ids
        .into_iter()
        .filter_map(|id| Swap::new(&model, id, &mut taken))
        .collect();
    for Swap {
        first,
        last,
        addend,
        operator,
    } in &swaps
    {
        let mut patch = TypedModelPatch::new("own convolution");
        let addend = addend.map(|slot| model.nodes()[slot.node].inputs[slot.slot]);
        let inputs: Vec<OutletId> = model.nodes()[*first]
            .inputs
            .iter()
            .copied()
            .take(1)
            .chain(addend)
            .collect();
        let inputs = patch.taps(&model, &inputs)?;
        let wire = patch.wire_node(&model.nodes()[*last].name, operator.clone(), &inputs)?;
        patch.shunt_outside(&model, OutletId::new(*last, 0), wire[0])?;
        patch.apply(&mut model)?;
    }
    Ok((model.into_optimized()?, swaps.len()))
}

/// One operator in the place of the nodes from `first` to `last`.
struct Swap {
    first: usize,
    last: usize,
    /// Where the branch comes in that is added.
    addend: Option<InletId>,
    operator: Operator,
}

impl Swap {
    /// What takes the place of a node and of those that follow it, which are `taken` from then on.
    fn new(model: &TypedModel, first: usize, taken: &mut BTreeSet<usize>) -> Option<Self> {
        let node = &model.nodes()[first];
        let sides = |outlet: OutletId| -> Option<[usize; 3]> {
            let fact = model
                .outlet_fact(outlet)
                .ok()
                .filter(|fact| fact.datum_type == f32::datum_type())?;
            let shape = fact.shape.as_concrete()?;
            // One image at a time.
            let (batch, sides) = shape.split_at(shape.len().checked_sub(3)?);
            sides
                .try_into()
                .ok()
                .filter(|_| batch.iter().all(|n| *n == 1))
        };
        let [inputs, input @ ..] = sides(*node.inputs.first()?)?;
        let [outputs, output @ ..] = sides(OutletId::new(first, 0))?;
        let kernel = constant(model, *node.inputs.get(1)?)?;
        let (geometry, group, bias) = match (node.op_as::<Conv>(), node.op_as::<EinSum>()) {
            (Some(conv), _) => (
                window(conv, input, output)?,
                conv.group,
                Some(constant(model, *node.inputs.get(2)?)?),
            ),
            (_, Some(product)) => (pixels(product, input)?, 1, None),
            _ => return None,
        };
        let depthwise = group == inputs && group == outputs && group > 1;
        let dense = group == 1
            && Convolution::dense_pays()
            && output[0] * output[1] >= DENSE_MIN[0]
            && outputs >= DENSE_MIN[1];
        if !(depthwise || dense)
            || kernel.len() != outputs * inputs / group * geometry.kernel[0] * geometry.kernel[1]
        {
            return None;
        }
        let mut last = first;
        let mut follow = |operation: &str, wanted: &dyn Fn(OutletId) -> bool| -> Option<InletId> {
            let slot = other_side(model, last, operation)?;
            let fits =
                wanted(model.nodes()[slot.node].inputs[slot.slot]) && taken.insert(slot.node);
            fits.then(|| last = slot.node)?;
            Some(slot)
        };
        let value = |slot: InletId| constant(model, model.nodes()[slot.node].inputs[slot.slot]);
        let of_channels = |other: OutletId| per_channel(model, other, outputs);
        let shape = &model.outlet_fact(OutletId::new(first, 0)).ok()?.shape;
        let same = |other: OutletId| {
            model
                .outlet_fact(other)
                .is_ok_and(|f| f.konst.is_none() && f.shape == *shape)
        };
        // A product has its bias behind it; one that was split into a sum of two has it behind that.
        let bias = bias.or_else(|| follow("Add", &of_channels).and_then(value));
        let addend = if dense { follow("Add", &same) } else { None };
        let bias = bias
            .or_else(|| follow("Add", &of_channels).and_then(value))
            .unwrap_or_else(|| vec![0.0]);
        let bias = if bias.len() == 1 {
            vec![bias[0]; outputs]
        } else {
            bias
        };
        if bias.len() != outputs {
            return None;
        }
        let mut clamp = [f32::NEG_INFINITY, f32::INFINITY];
        let single =
            |other: OutletId| constant(model, other).is_some_and(|values| values.len() == 1);
        loop {
            // Steps follow each other: what a later bound cuts, an earlier one does not bring back.
            if let Some(least) = follow("Max", &single).and_then(value) {
                clamp = clamp.map(|bound| bound.max(least[0]));
            } else if let Some(most) = follow("Min", &single).and_then(value) {
                clamp = clamp.map(|bound| bound.min(most[0]));
            } else {
                break;
            }
        }
        let convolution = if depthwise {
            Convolution::depthwise(geometry, kernel, bias)
        } else {
            Convolution::dense(geometry, &kernel, &bias)
        };
        let convolution = convolution?.clamped(clamp[0], clamp[1]);
        let output = model
            .outlet_fact(OutletId::new(last, 0))
            .ok()?
            .without_value();
        Some(Self {
            first,
            last,
            addend,
            operator: Operator {
                convolution,
                output,
            },
        })
    }
}

/// Geometry of a convolution in planes.
fn window(conv: &Conv, input: [usize; 2], output: [usize; 2]) -> Option<Geometry> {
    let pool = &conv.pool_spec;
    let planar = matches!(pool.data_format, DataFormat::NCHW | DataFormat::CHW);
    if !planar
        || pool.rank() != 2
        || conv.q_params.is_some()
        || conv.kernel_fmt != KernelFormat::OIHW
    {
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

/// Geometry of a convolution of one pixel, which the engine writes as a product of two tensors: image and weights.
fn pixels(product: &EinSum, sides: [usize; 2]) -> Option<Geometry> {
    let (inputs, outputs) = product.axes.to_strs();
    let [image, weights] = &inputs[..] else {
        return None;
    };
    let [image, weights, result]: [Vec<char>; 3] =
        [image, weights, outputs.first()?].map(|s| s.chars().collect());
    // Axes before the channel are of one image, and may be left out on either side.
    let ([.., from, y, x], [.., to, v, u]) = (&image[..], &result[..]) else {
        return None;
    };
    let plain = weights == [*to, *from] && [y, x] == [v, u] && product.q_params.is_none();
    plain.then_some(Geometry {
        input: sides,
        output: sides,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0],
    })
}

/// The values of a constant.
fn constant(model: &TypedModel, outlet: OutletId) -> Option<Vec<f32>> {
    values(model.outlet_fact(outlet).ok()?.konst.as_ref()?).ok()
}

/// Whether a constant has one number for each channel.
fn per_channel(model: &TypedModel, outlet: OutletId, channels: usize) -> bool {
    let Ok(fact) = model.outlet_fact(outlet) else {
        return false;
    };
    let shape = fact.shape.as_concrete().unwrap_or_default();
    let channel = shape.len().checked_sub(3);
    let lies = |(axis, side): (usize, &usize)| *side == 1 || Some(axis) == channel;
    fact.konst.is_some()
        && shape.iter().product::<usize>() == channels
        && shape.iter().enumerate().all(lies)
}

/// What the only reader of a node takes beside it, where that is such an operation of two sides.
fn other_side(model: &TypedModel, id: usize, operation: &str) -> Option<InletId> {
    let [reader] = model.nodes()[id].outputs[0].successors[..] else {
        return None;
    };
    let node = &model.nodes()[reader.node];
    let wanted = model
        .output_outlets()
        .ok()?
        .iter()
        .any(|outlet| outlet.node == id);
    let binary = node
        .op_as::<TypedBinOp>()
        .filter(|binary| binary.0.name() == operation)?;
    (!wanted && binary.1.is_none()).then(|| InletId::new(reader.node, 1 - reader.slot))
}

/// A convolution as an operator of the engine: image in, and what is added; image out.
#[derive(Debug, Clone, PartialEq)]
struct Operator {
    convolution: Convolution,
    output: TypedFact,
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
        let flat = || TractError::msg("a tensor of a convolution is not dense");
        let shape = self
            .output
            .shape
            .as_concrete()
            .ok_or_else(|| TractError::msg("an open shape"))?;
        let addend = inputs.next();
        let adds = addend.is_some();
        if image.shape() == shape && self.convolution.in_place() {
            let mut image = image.into_tensor();
            self.convolution.run_in_place(
                image
                    .to_plain_array_view_mut::<f32>()?
                    .as_slice_mut()
                    .ok_or_else(flat)?,
            );
            return Ok(tvec!(image.into()));
        }
        let mut output = addend.map_or_else(
            || Tensor::zero::<f32>(shape),
            |addend| Ok(addend.into_tensor()),
        )?;
        let mut to = output.to_plain_array_view_mut::<f32>()?;
        let from = image.to_plain_array_view::<f32>()?;
        self.convolution.run(
            from.as_slice().ok_or_else(flat)?,
            to.as_slice_mut().ok_or_else(flat)?,
            adds,
        );
        Ok(tvec!(output.into()))
    }
}

impl TypedOp for Operator {
    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(self.output.clone()))
    }

    as_op!();
}
