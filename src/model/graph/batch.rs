//! Graphs that were exported for a fixed batch, rewritten for another.

use super::unsupported::integers;
use super::wiring::Graph;
use crate::error::Result;
use std::collections::HashSet;
use tract_onnx::pb::TensorProto;

impl Graph {
    /// Replaces the batch size `from` by `to` where a Reshape names it. The caller compares the
    /// results with those of the graph as it is.
    ///
    /// # Errors
    /// As of [`Graph::new`].
    pub fn for_batch(&self, from: usize, to: usize) -> Result<Self> {
        let mut proto = self.proto.clone();
        if let Some(graph) = &mut proto.graph {
            let mut shapes = HashSet::new();
            for node in &graph.node {
                if node.op_type == "Reshape" {
                    shapes.extend(node.input.get(1).cloned());
                }
            }
            for weight in &mut graph.initializer {
                if shapes.contains(&weight.name) {
                    set_batch(weight, from, to);
                }
            }
            for node in graph.node.iter_mut().filter(|n| n.op_type == "Constant") {
                let is_shape = node.output.first().is_some_and(|o| shapes.contains(o));
                for attribute in node.attribute.iter_mut().filter(|_| is_shape) {
                    if let Some(value) = &mut attribute.t {
                        set_batch(value, from, to);
                    }
                }
            }
        }
        Self::new(proto, &Default::default())
    }
}

fn set_batch(shape: &mut TensorProto, from: usize, to: usize) {
    let mut sizes = integers(shape);
    if sizes.first() != Some(&(from as i64)) {
        return;
    }
    sizes[0] = to as i64;
    shape.raw_data.clear();
    shape.int64_data = sizes;
}
