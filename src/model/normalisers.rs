//! Decomposes the normalisations of a head into primitives, so that centring becomes an affine map
//! and the division a normaliser.

use super::graph::{Graph, attribute};
use super::survey::Survey;
use crate::error::Result;
use tract_onnx::pb::{
    AttributeProto, NodeProto, TensorProto, attribute_proto::AttributeType, tensor_proto::DataType,
};

/// The default of ONNX.
const EPSILON: f32 = 1e-5;
/// From this opset on, ReduceMean takes its axes as an input instead of an attribute.
const AXES_INPUT_OPSET: i64 = 18;
/// From this opset on, GroupNormalization has one scale for each channel.
const CHANNEL_SCALE_OPSET: i64 = 21;

/// Replaces every normalisation that is a dominator between `from` and `to`. Returns whether there
/// was one.
///
/// # Errors
/// As of [`Graph::new`].
pub fn decompose(mut graph: Graph, survey: &Survey, from: &str, to: &str) -> Result<(Graph, bool)> {
    let mut found = false;
    while let Some((index, shape)) = find(&graph, survey, from, to) {
        let norm = graph.nodes()[index].clone();
        let Some((nodes, weights)) = primitives(&norm, &shape, graph.opset()) else {
            break;
        };
        graph = graph.replace(index, nodes, weights)?;
        found = true;
    }
    Ok((graph, found))
}

/// The first normalisation on the way, with the shape of what it normalises.
fn find(graph: &Graph, survey: &Survey, from: &str, to: &str) -> Option<(usize, Vec<usize>)> {
    for tensor in graph.dominators(from, to) {
        let Some(node) = graph.producer(&tensor) else {
            continue;
        };
        let shape = survey.get(&tensor).map(|tensor| tensor.shape.clone());
        if let Some(shape) = shape
            && Norm::new(node, &shape, graph.opset()).is_some()
        {
            let index = graph.nodes().iter().position(|n| std::ptr::eq(n, node))?;
            return Some((index, shape));
        }
    }
    None
}

/// A normalisation over the last axes of a tensor.
struct Norm {
    /// The shape in which all axes from `axis` on are normalised.
    view: Vec<usize>,
    axis: usize,
    /// Shape in which scale and bias are applied.
    scaled: Vec<usize>,
    /// The shape of scale and bias, so that they meet their axis.
    weights: Vec<usize>,
    /// Whether scale and bias have that shape already.
    is_shaped: bool,
    centres: bool,
}

impl Norm {
    /// `None` for other nodes, and for a batch larger than 1.
    fn new(node: &NodeProto, shape: &[usize], opset: i64) -> Option<Self> {
        if shape.first() != Some(&1) || shape.len() < 2 {
            return None;
        }
        let rank = shape.len();
        let from_end = |axis: i64| if axis < 0 { axis + rank as i64 } else { axis };
        match node.op_type.as_str() {
            op @ ("LayerNormalization" | "RMSNormalization") => {
                let axis = from_end(attribute(node, "axis").map_or(-1, |a| a.i));
                let axis = usize::try_from(axis).ok().filter(|axis| *axis < rank)?;
                Some(Self {
                    view: shape.to_vec(),
                    axis,
                    scaled: shape.to_vec(),
                    weights: shape[axis..].to_vec(),
                    is_shaped: true,
                    centres: op == "LayerNormalization",
                })
            }
            "InstanceNormalization" if rank >= 3 => {
                let mut weights = vec![shape[1]];
                weights.resize(rank - 1, 1);
                Some(Self {
                    view: shape.to_vec(),
                    axis: 2,
                    scaled: shape.to_vec(),
                    weights,
                    is_shaped: false,
                    centres: true,
                })
            }
            "GroupNormalization" => {
                let groups = attribute(node, "num_groups")?.i as usize;
                let channels = *shape.get(1)?;
                if groups == 0 || channels % groups != 0 {
                    return None;
                }
                let cells: usize = shape[2..].iter().product();
                // Before this opset there is one scale for each group.
                let scales = if opset < CHANNEL_SCALE_OPSET {
                    groups
                } else {
                    channels
                };
                Some(Self {
                    view: vec![1, groups, channels / groups * cells],
                    axis: 2,
                    scaled: vec![1, scales, channels / scales * cells],
                    weights: vec![scales, 1],
                    is_shaped: false,
                    centres: true,
                })
            }
            _ => None,
        }
    }
}

/// `y = (x - mean) / sqrt(variance + epsilon) * scale + bias` as nodes and weights.
fn primitives(
    norm: &NodeProto,
    shape: &[usize],
    opset: i64,
) -> Option<(Vec<NodeProto>, Vec<TensorProto>)> {
    let form = Norm::new(norm, shape, opset)?;
    let output = norm.output[0].as_str();
    let mut steps = Steps {
        norm,
        opset,
        nodes: Vec::new(),
        weights: Vec::new(),
    };

    let axes: Vec<i64> = (form.axis as i64..form.view.len() as i64).collect();
    let x = steps.viewed(&norm.input[0], "viewed", shape, &form.view);
    let centred = if form.centres {
        let mean = steps.mean(&x, "mean", &axes);
        steps.add("Sub", &[&x, &mean], "centred")
    } else {
        x
    };
    let square = steps.add("Mul", &[&centred, &centred], "square");
    let variance = steps.mean(&square, "variance", &axes);
    let epsilon = steps.epsilon();
    let safe = steps.add("Add", &[&variance, &epsilon], "safe");
    let deviation = steps.add("Sqrt", &[&safe], "deviation");
    let normalised = steps.add("Div", &[&centred, &deviation], "normalised");

    let y = steps.viewed(&normalised, "unscaled", &form.view, &form.scaled);
    let scale = steps.weight(&norm.input[1], "scale", &form);
    let scaled = steps.add("Mul", &[&y, &scale], "scaled");
    let shifted = match norm.input.get(2).filter(|name| !name.is_empty()) {
        Some(bias) => {
            let bias = steps.weight(bias, "bias", &form);
            steps.add("Add", &[&scaled, &bias], "shifted")
        }
        None => scaled,
    };
    if form.scaled == shape {
        steps.rename_last(output);
    } else {
        steps.reshape_to(&shifted, output, shape);
    }
    Some((steps.nodes, steps.weights))
}

/// The primitives so far.
struct Steps<'a> {
    norm: &'a NodeProto,
    opset: i64,
    nodes: Vec<NodeProto>,
    weights: Vec<TensorProto>,
}

impl Steps<'_> {
    fn add(&mut self, op: &str, inputs: &[&str], step: &str) -> String {
        let output = name(self.norm, step);
        self.nodes.push(node(op, inputs, &output));
        output
    }

    fn mean(&mut self, input: &str, step: &str, axes: &[i64]) -> String {
        let output = name(self.norm, step);
        let mut mean = node("ReduceMean", &[input], &output);
        if self.opset >= AXES_INPUT_OPSET {
            let tensor = integers(name(self.norm, &format!("{step} axes")), axes);
            mean.input.push(tensor.name.clone());
            self.weights.push(tensor);
        } else {
            mean.attribute.push(AttributeProto {
                name: "axes".into(),
                ints: axes.to_vec(),
                r#type: AttributeType::Ints as i32,
                ..Default::default()
            });
        }
        self.nodes.push(mean);
        output
    }

    /// A tensor of the shape `from` in the shape `to`.
    fn viewed(&mut self, input: &str, step: &str, from: &[usize], to: &[usize]) -> String {
        if from == to {
            return input.to_owned();
        }
        let output = name(self.norm, step);
        self.reshape_to(input, &output, to);
        output
    }

    /// Scale or bias in the shape that meets its axis.
    fn weight(&mut self, input: &str, step: &str, form: &Norm) -> String {
        if form.is_shaped {
            return input.to_owned();
        }
        let output = name(self.norm, step);
        self.reshape_to(input, &output, &form.weights);
        output
    }

    /// The last step makes the output of the normalisation.
    fn rename_last(&mut self, output: &str) {
        if let Some(last) = self.nodes.last_mut() {
            last.output = vec![output.to_owned()];
            last.name = output.to_owned();
        }
    }

    fn reshape_to(&mut self, input: &str, output: &str, shape: &[usize]) {
        let sizes: Vec<i64> = shape.iter().map(|&side| side as i64).collect();
        let tensor = integers(format!("{output} shape"), &sizes);
        self.nodes
            .push(node("Reshape", &[input, &tensor.name], output));
        self.weights.push(tensor);
    }

    fn epsilon(&mut self) -> String {
        let value = attribute(self.norm, "epsilon").map_or(EPSILON, |a| a.f);
        let tensor = TensorProto {
            name: name(self.norm, "epsilon"),
            data_type: DataType::Float as i32,
            float_data: vec![value],
            ..Default::default()
        };
        let name = tensor.name.clone();
        self.weights.push(tensor);
        name
    }
}

/// A name for one step of a normalisation.
fn name(norm: &NodeProto, step: &str) -> String {
    format!("{}/{step}", norm.output[0])
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: output.into(),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

fn integers(name: String, values: &[i64]) -> TensorProto {
    TensorProto {
        name,
        data_type: DataType::Int64 as i32,
        dims: vec![values.len() as i64],
        int64_data: values.to_vec(),
        ..Default::default()
    }
}
