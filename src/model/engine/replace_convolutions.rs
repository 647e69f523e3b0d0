//! Replaces tract's convolutions, with the bias, the addition of a branch and the clamp that follow
//! them, and its max pools by the operators of this crate.

use super::convolution::{Convolution, Geometry};
use super::geometries::{conv_geometry, image_shape, pool_geometry, product_geometry};
use super::max_pool::MaxPool;
use super::operator::Operator;
use super::tensor::values;
use std::collections::BTreeSet;
use tract_onnx::prelude::{OutletId, TractResult, TypedModel};
use tract_onnx::tract_core::internal::{InletId, TypedModelPatch};
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cnn::{Conv, MaxPool as TractMaxPool};
use tract_onnx::tract_core::ops::einsum::EinSum;

/// Fewest pixels and outputs of a dense convolution: with fewer, most of a vector or of a block
/// would be empty.
const DENSE_PIXELS_MIN: usize = 32;
const DENSE_OUTPUTS_MIN: usize = 8;

/// How many convolutions were replaced, and how many of these by Winograd's algorithm.
#[derive(Debug, Clone, Copy, Default)]
pub struct Replaced {
    pub convolutions: usize,
    pub winograd: usize,
}

/// Replaces the convolutions of a model and optimises the rest. With `exact`, every product of an
/// input and a weight is computed: no algorithm of Winograd.
pub fn replace_convolutions(model: TypedModel, exact: bool) -> TractResult<(TypedModel, Replaced)> {
    let mut model = model.into_decluttered()?;

    let mut taken = BTreeSet::new();
    let mut replacements = Vec::new();
    for id in model.eval_order()? {
        replacements.extend(Replacement::new(&model, id, exact, &mut taken));
    }

    for replacement in &replacements {
        replacement.apply(&mut model)?;
    }
    replace_max_pools(&mut model)?;

    let by_winograd = replacements
        .iter()
        .filter(|replacement| replacement.operator.convolution.is_winograd());
    let replaced = Replaced {
        convolutions: replacements.len(),
        winograd: by_winograd.count(),
    };
    Ok((model.into_optimized()?, replaced))
}

/// One operator that replaces the nodes from `first` to `last`.
struct Replacement {
    first: usize,
    last: usize,
    /// The input of a replaced addition that takes the other branch.
    addend: Option<InletId>,
    operator: Operator,
}

impl Replacement {
    /// The replacement of a node and of the nodes after it, which are added to `taken`.
    fn new(
        model: &TypedModel,
        first: usize,
        exact: bool,
        taken: &mut BTreeSet<usize>,
    ) -> Option<Self> {
        let layer = Layer::read(model, first)?;
        let depthwise = layer.is_depthwise();
        let by_winograd = !exact && layer.is_worth_winograd();
        if !(depthwise || by_winograd || layer.is_worth_dense()) || !layer.kernel_fits() {
            return None;
        }

        let mut after = Followers {
            model,
            last: first,
            taken,
        };
        // A matrix product has its bias in a following addition, and a sum of two branches may
        // come before that addition.
        let mut bias = layer.bias.or_else(|| after.take_bias(layer.outputs));
        let addend = if depthwise {
            None
        } else {
            after.take_addend(first)
        };
        if bias.is_none() {
            bias = after.take_bias(layer.outputs);
        }
        let bias = bias_per_output(bias, layer.outputs)?;
        let [min, max] = after.take_clamp();

        let last = after.last;
        let convolution = if depthwise {
            Convolution::depthwise(layer.geometry, layer.kernel, bias)
        } else if by_winograd {
            Convolution::winograd(layer.geometry, &layer.kernel, &bias)
        } else {
            Convolution::dense(layer.geometry, &layer.kernel, &bias)
        };
        let output = model.outlet_fact(OutletId::new(last, 0)).ok()?;
        Some(Self {
            first,
            last,
            addend,
            operator: Operator {
                convolution: convolution?.clamped(min, max),
                output: output.without_value(),
            },
        })
    }

    fn apply(&self, model: &mut TypedModel) -> TractResult<()> {
        let image = model.nodes()[self.first].inputs.iter().take(1).copied();
        let addend = self.addend.map(|inlet| source(model, inlet));
        let inputs: Vec<OutletId> = image.chain(addend).collect();

        let mut patch = TypedModelPatch::new("own convolution");
        let inputs = patch.taps(model, &inputs)?;
        let name = &model.nodes()[self.last].name;
        let wire = patch.wire_node(name, self.operator.clone(), &inputs)?;
        patch.shunt_outside(model, OutletId::new(self.last, 0), wire[0])?;
        patch.apply(model)
    }
}

/// Replaces the max pools of one image.
fn replace_max_pools(model: &mut TypedModel) -> TractResult<()> {
    for id in model.eval_order()? {
        let node = &model.nodes()[id];
        let (Some(pool), [input]) = (node.op_as::<TractMaxPool>(), &node.inputs[..]) else {
            continue;
        };
        let sides = image_shape(model, *input).zip(image_shape(model, OutletId::new(id, 0)));
        let Some(([_, input_sides @ ..], [_, output_sides @ ..])) = sides else {
            continue;
        };
        let geometry = pool_geometry(&pool.pool_spec, input_sides, output_sides);
        let Some(geometry) = geometry.filter(|_| pool.with_index_outputs.is_none()) else {
            continue;
        };

        let operator = MaxPool {
            geometry,
            output: model.outlet_fact(OutletId::new(id, 0))?.without_value(),
        };
        let patch = TypedModelPatch::replace_single_op(model, node, &[*input], operator)?;
        patch.apply(model)?;
    }
    Ok(())
}

/// One bias per output: none is zero, a single one is repeated. `None` where the length differs.
fn bias_per_output(bias: Option<Vec<f32>>, outputs: usize) -> Option<Vec<f32>> {
    let bias = bias.unwrap_or_else(|| vec![0.0]);
    match bias.len() {
        1 => Some(vec![bias[0]; outputs]),
        length if length == outputs => Some(bias),
        _ => None,
    }
}

/// A convolution as tract has it.
struct Layer {
    inputs: usize,
    outputs: usize,
    group: usize,
    geometry: Geometry,
    kernel: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Layer {
    /// Reads a node; `None` if it is no convolution of one image with constant weights.
    fn read(model: &TypedModel, id: usize) -> Option<Self> {
        let node = &model.nodes()[id];
        let [inputs, input @ ..] = image_shape(model, *node.inputs.first()?)?;
        let [outputs, output @ ..] = image_shape(model, OutletId::new(id, 0))?;
        let kernel = constant(model, *node.inputs.get(1)?)?;

        let (geometry, group, bias) = if let Some(conv) = node.op_as::<Conv>() {
            let geometry = conv_geometry(conv, input, output)?;
            let bias = constant(model, *node.inputs.get(2)?)?;
            (geometry, conv.group, Some(bias))
        } else {
            let product = node.op_as::<EinSum>()?;
            (product_geometry(product, input)?, 1, None)
        };
        Some(Self {
            inputs,
            outputs,
            group,
            geometry,
            kernel,
            bias,
        })
    }

    fn is_depthwise(&self) -> bool {
        self.group > 1 && self.group == self.inputs && self.group == self.outputs
    }

    fn is_worth_dense(&self) -> bool {
        let [height, width] = self.geometry.output;
        self.group == 1
            && Convolution::dense_pays(self.inputs)
            && height * width >= DENSE_PIXELS_MIN
            && self.outputs >= DENSE_OUTPUTS_MIN
    }

    fn is_worth_winograd(&self) -> bool {
        let Geometry {
            kernel,
            stride,
            dilation,
            ..
        } = self.geometry;
        let ones = stride == [1, 1] && dilation == [1, 1];
        let suits = self.group == 1 && kernel == [3, 3] && ones;
        suits && Convolution::winograd_pays(&self.geometry, self.inputs, self.outputs)
    }

    fn kernel_fits(&self) -> bool {
        let [height, width] = self.geometry.kernel;
        self.kernel.len() == self.outputs * self.inputs / self.group * height * width
    }
}

/// The nodes after a convolution that its operator takes over.
struct Followers<'a> {
    model: &'a TypedModel,
    /// The last node that was taken.
    last: usize,
    /// Nodes that belong to a replacement.
    taken: &'a mut BTreeSet<usize>,
}

impl Followers<'_> {
    /// Takes the only reader of the last node if it is `operation` and `accepts` holds for its
    /// other operand; returns the inlet of that operand.
    fn take(&mut self, operation: &str, accepts: impl Fn(OutletId) -> bool) -> Option<InletId> {
        let inlet = other_operand(self.model, self.last, operation)?;
        if !accepts(source(self.model, inlet)) || !self.taken.insert(inlet.node) {
            return None;
        }
        self.last = inlet.node;
        Some(inlet)
    }

    /// Takes the addition of one constant per output.
    fn take_bias(&mut self, outputs: usize) -> Option<Vec<f32>> {
        let model = self.model;
        let inlet = self.take("Add", |operand| is_per_channel(model, operand, outputs))?;
        constant(model, source(model, inlet))
    }

    /// Takes the addition of a branch with the shape of the output of `first`.
    fn take_addend(&mut self, first: usize) -> Option<InletId> {
        let model = self.model;
        let shape = &model.outlet_fact(OutletId::new(first, 0)).ok()?.shape;
        self.take("Add", |operand| {
            model
                .outlet_fact(operand)
                .is_ok_and(|fact| fact.konst.is_none() && fact.shape == *shape)
        })
    }

    /// Takes all bounds and returns the range they clamp to.
    fn take_clamp(&mut self) -> [f32; 2] {
        let mut clamp = [f32::NEG_INFINITY, f32::INFINITY];
        // Each bound also clamps the bounds before it, because the steps are applied in order.
        loop {
            if let Some(min) = self.take_scalar("Max") {
                clamp = clamp.map(|bound| bound.max(min));
            } else if let Some(max) = self.take_scalar("Min") {
                clamp = clamp.map(|bound| bound.min(max));
            } else {
                return clamp;
            }
        }
    }

    /// Takes an operation with a constant of one value.
    fn take_scalar(&mut self, operation: &str) -> Option<f32> {
        let model = self.model;
        let inlet = self.take(operation, |operand| scalar(model, operand).is_some())?;
        scalar(model, source(model, inlet))
    }
}

/// The tensor that an inlet reads.
fn source(model: &TypedModel, inlet: InletId) -> OutletId {
    model.nodes()[inlet.node].inputs[inlet.slot]
}

/// The values of a constant.
fn constant(model: &TypedModel, outlet: OutletId) -> Option<Vec<f32>> {
    values(model.outlet_fact(outlet).ok()?.konst.as_ref()?).ok()
}

/// The value of a constant that has only one.
fn scalar(model: &TypedModel, outlet: OutletId) -> Option<f32> {
    match constant(model, outlet)?[..] {
        [value] => Some(value),
        _ => None,
    }
}

/// Whether a tensor is a constant with one number per channel.
fn is_per_channel(model: &TypedModel, outlet: OutletId, channels: usize) -> bool {
    let Ok(fact) = model.outlet_fact(outlet) else {
        return false;
    };
    let shape = fact.shape.as_concrete().unwrap_or_default();
    if fact.konst.is_none() || shape.iter().product::<usize>() != channels {
        return false;
    }

    let channel_axis = shape.len().checked_sub(3);
    shape
        .iter()
        .enumerate()
        .all(|(axis, side)| *side == 1 || Some(axis) == channel_axis)
}

/// The other operand of the only reader of a node, if that reader is the binary `operation` and
/// the node is no output of the model.
fn other_operand(model: &TypedModel, id: usize, operation: &str) -> Option<InletId> {
    let [reader] = model.nodes()[id].outputs[0].successors[..] else {
        return None;
    };
    let outputs = model.output_outlets().ok()?;
    if outputs.iter().any(|outlet| outlet.node == id) {
        return None;
    }

    let binary = model.nodes()[reader.node].op_as::<TypedBinOp>()?;
    if binary.0.name() != operation || binary.1.is_some() {
        return None;
    }
    Some(InletId::new(reader.node, 1 - reader.slot))
}
