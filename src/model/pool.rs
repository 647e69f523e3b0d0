//! Finding the global average pool that all evidence passes on its way to the logits.

use super::engine::{Array, Runtime};
use super::graph::{Graph, label};
use crate::error::{Error, Result};
use tract_onnx::pb::NodeProto;

/// Operators that can write a global average pool.
const POOLS: [&str; 3] = ["GlobalAveragePool", "ReduceMean", "AveragePool"];
/// Relative error allowed between a pool's output and the mean that we compute.
const MEAN_TOLERANCE: f32 = 1e-3;

/// The pool and the tensor that feeds it.
#[derive(Debug, Clone)]
pub struct Pool {
    pub node: String,
    pub op: String,
    /// The tensor that feeds the pool.
    pub features: String,
    /// The pooled tensor.
    pub pooled: String,
    pub pooled_shape: Vec<usize>,
    pub layout: MapLayout,
}

/// Shape and order of the feature maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapLayout {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    /// `[1, h, w, k]` rather than `[1, k, h, w]`.
    pub channels_last: bool,
}

impl MapLayout {
    pub fn cells(&self) -> usize {
        self.height * self.width
    }

    /// Mean of each channel over the cells, in f64.
    pub fn means(&self, features: &[f32]) -> Vec<f64> {
        let n = self.cells() as f64;
        if self.channels_last {
            let mut sums = vec![0.0; self.channels];
            for cell in features.chunks_exact(self.channels) {
                sums.iter_mut()
                    .zip(cell)
                    .for_each(|(s, &v)| *s += f64::from(v));
            }
            sums.iter().map(|s| s / n).collect()
        } else {
            let mean = |plane: &[f32]| plane.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
            features.chunks_exact(self.cells()).map(mean).collect()
        }
    }
}

/// Finds the last node on the waist of the graph that averages a map over its two spatial axes.
///
/// Candidates are told by a probe: the node's output is compared with the mean, whatever the operator calls it.
///
/// # Errors
/// When there is none; the message names the node in its place and what would work.
pub fn find(
    graph: &Graph,
    logits: &str,
    runtime: &Runtime,
    probe: &[f32],
    shape: &[usize],
) -> Result<Pool> {
    let waist = graph.waist(&graph.input, logits);
    let is_pool = |t: &&String| {
        graph
            .producer(t)
            .is_some_and(|n| POOLS.contains(&n.op_type.as_str()))
    };
    let candidates: Vec<&String> = waist.iter().filter(is_pool).collect();
    if candidates.is_empty() {
        return Err(refuse(graph, logits, &waist, &[]));
    }
    let mut outputs: Vec<&str> = Vec::new();
    for pooled in &candidates {
        let features = graph
            .producer(pooled)
            .and_then(|n| n.input.first())
            .map_or("", String::as_str);
        outputs.extend([features, pooled.as_str()]);
    }
    let mut unique = outputs.clone();
    unique.sort_unstable();
    unique.dedup();
    let (proto, _) = graph.cut(&[(&graph.input, shape)], &unique, shape);
    let ran = runtime
        .load(&proto, vec![shape.to_vec()])
        .and_then(|engine| engine.run(&[probe]));
    let arrays = ran.map_err(|e| match graph.last_ancestor(logits, &["Softmax"]) {
        Some(node) => Error::new(format!(
            "attention at node {:?} (Softmax), and the engine cannot run it: {e}",
            label(node)
        )),
        None => Error::new(format!(
            "the engine cannot run the model up to its pool: {e}"
        )),
    })?;
    let array = |name: &str| unique.iter().position(|u| *u == name).map(|i| &arrays[i]);
    let mut found = None;
    for pair in outputs.chunks_exact(2) {
        let (Some(features), Some(pooled)) = (array(pair[0]), array(pair[1])) else {
            continue;
        };
        let Some(layout) = spatial_mean(features, pooled) else {
            continue;
        };
        let Some(node) = graph.producer(pair[1]) else {
            continue;
        };
        found = Some(Pool {
            node: label(node).to_owned(),
            op: node.op_type.clone(),
            features: pair[0].to_owned(),
            pooled: pair[1].to_owned(),
            pooled_shape: pooled.shape.clone(),
            layout,
        });
    }
    let shapes: Vec<(&str, &[usize])> = outputs
        .chunks_exact(2)
        .filter_map(|p| Some((p[1], array(p[0])?.shape.as_slice())))
        .collect();
    found.ok_or_else(|| refuse(graph, logits, &waist, &shapes))
}

/// The layout under which `pooled` is the mean of `features` over both spatial axes, if there is one.
fn spatial_mean(features: &Array, pooled: &Array) -> Option<MapLayout> {
    let [1, a, b, c] = features.shape[..] else {
        return None;
    };
    if a * b * c == 0 {
        return None;
    }
    let first = MapLayout {
        channels: a,
        height: b,
        width: c,
        channels_last: false,
    };
    let last = MapLayout {
        channels: c,
        height: a,
        width: b,
        channels_last: true,
    };
    [first, last].into_iter().find(|layout| {
        let scale = features
            .values
            .iter()
            .fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let close = |(mean, &p): (&f64, &f32)| (*mean as f32 - p).abs() <= MEAN_TOLERANCE * scale;
        pooled.values.len() == layout.channels
            && layout
                .means(&features.values)
                .iter()
                .zip(&pooled.values)
                .all(close)
    })
}

/// Says what stands where a global average pool should.
fn refuse(graph: &Graph, logits: &str, waist: &[String], tried: &[(&str, &[usize])]) -> Error {
    let on_waist = |ops: &[&str]| {
        waist
            .iter()
            .rev()
            .filter_map(|t| graph.producer(t))
            .find(|n| ops.contains(&n.op_type.as_str()))
    };
    let named = |n: &NodeProto| format!("node {:?} ({})", label(n), n.op_type);
    let tokens = tried.iter().find(|(_, shape)| shape.len() == 3);
    let reason = if let Some(node) = graph.last_ancestor(logits, &["NonMaxSuppression", "TopK"]) {
        format!(
            "{} picks boxes: this is a detector, not a classifier",
            named(node)
        )
    } else if let Some((node, shape)) = tokens.and_then(|(t, s)| Some((graph.producer(t)?, s))) {
        format!(
            "{} averages tokens {shape:?}, whose place in the image is not known",
            named(node)
        )
    } else if let Some(softmax) = graph.last_ancestor(logits, &["Softmax"]) {
        match on_waist(&["Gather", "Slice", "Split"]) {
            Some(node) => format!(
                "{} picks a class token out of an attention network",
                named(node)
            ),
            None => format!("{} pools by attention", named(softmax)),
        }
    } else if let Some(node) = on_waist(&["GlobalMaxPool", "ReduceMax"]) {
        format!(
            "{} pools by maximum, which no class weight can share out",
            named(node)
        )
    } else if let Some((joint, node)) = joined_pools(graph, waist) {
        format!(
            "{} joins the average with other poolings at {}, so that no average pool carries all evidence",
            named(joint),
            named(node)
        )
    } else if let Some(node) = on_waist(&["Flatten", "Reshape"]) {
        format!(
            "{} flattens the map into the classifier without pooling it",
            named(node)
        )
    } else if let Some(node) = on_waist(&["AveragePool"]) {
        format!("{} averages windows, not the whole map", named(node))
    } else {
        format!("nothing between the input and {logits:?} averages a whole map")
    };
    let works = "a CAM needs a CNN that ends in global average pooling and a head (ResNet, DenseNet, EfficientNet, MobileNet, ConvNeXt)";
    Error::new(format!("{reason}; {works}"))
}

/// A Concat or Add on the waist that joins an average pool with something else.
fn joined_pools<'a>(graph: &'a Graph, waist: &[String]) -> Option<(&'a NodeProto, &'a NodeProto)> {
    let joints = waist
        .iter()
        .filter_map(|t| graph.producer(t))
        .filter(|n| ["Concat", "Add", "Sum"].contains(&n.op_type.as_str()));
    let pool = |joint: &NodeProto| {
        joint
            .input
            .iter()
            .filter_map(|t| graph.producer(t))
            .find(|n| n.op_type == "GlobalAveragePool")
    };
    joints
        .filter_map(|joint| Some((joint, pool(joint)?)))
        .next()
}
