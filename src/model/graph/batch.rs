//! Graphs that were exported for a fixed batch, rewritten for one image.

use super::unsupported::integers;
use super::wiring::Graph;
use crate::error::Result;
use std::collections::HashSet;
use tract_onnx::pb::TensorProto;

impl Graph {
    /// Replaces the batch size by 1 where a Reshape names it. The caller compares the results with
    /// those of the graph as it is.
    ///
    /// # Errors
    /// As of [`Graph::new`].
    pub fn for_one_image(&self, batch: usize) -> Result<Self> {
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
                    set_batch_to_one(weight, batch);
                }
            }
            for node in graph.node.iter_mut().filter(|n| n.op_type == "Constant") {
                let is_shape = node.output.first().is_some_and(|o| shapes.contains(o));
                for attribute in node.attribute.iter_mut().filter(|_| is_shape) {
                    if let Some(value) = &mut attribute.t {
                        set_batch_to_one(value, batch);
                    }
                }
            }
        }
        Self::new(proto, &Default::default())
    }
}

fn set_batch_to_one(shape: &mut TensorProto, batch: usize) {
    let mut sizes = integers(shape);
    if sizes.first() != Some(&(batch as i64)) {
        return;
    }
    sizes[0] = 1;
    shape.raw_data.clear();
    shape.int64_data = sizes;
}
