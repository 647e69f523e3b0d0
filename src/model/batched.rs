//! The graph for several images at once.

use super::chain::AffineChain;
use super::engine::{Batches, Engine, Runtime, is_same_in_batch};
use super::graph::Graph;
use super::pool::Pool;
use crate::error::{Error, Result};

/// The tensors that an audit reads: features, logits, and those before and after each gate.
pub fn outputs<'a>(pool: &'a Pool, logits: &'a str, chain: &'a AffineChain) -> Vec<&'a str> {
    let mut outputs = vec![pool.features.as_str(), logits];
    for gate in chain.gates() {
        outputs.extend([gate.before.as_str(), gate.after.as_str()]);
    }
    outputs
}

/// A graph, and what it gives for single images.
pub struct Single<'a> {
    pub graph: &'a Graph,
    pub runtime: &'a Runtime,
    pub engine: &'a Engine,
    pub outputs: &'a [&'a str],
    /// Shape of the input.
    pub shape: &'a [usize],
    pub probes: &'a [Vec<f32>],
}

impl Single<'_> {
    /// The graph for `size` images at once. Its results are compared with those of single images.
    ///
    /// # Errors
    /// When it cannot run so many, or gives other results; names the key and the remedy.
    pub fn together(&self, size: usize) -> Result<Batches> {
        let as_it_is = self.open(self.graph, size);
        let Err(error) = as_it_is else {
            return as_it_is;
        };
        // An export for exactly one image names the batch where it reshapes.
        let rewritten = self.graph.for_batch(1, size);
        let rewritten = rewritten.and_then(|graph| self.open(&graph, size));
        rewritten.map_err(|_| {
            Error::new(format!(
                "model.batch: the graph cannot run {size} images at once ({error}); export it with \
                 an open batch, or set model.batch = 1"
            ))
        })
    }

    fn open(&self, graph: &Graph, size: usize) -> Result<Batches> {
        let mut shape = self.shape.to_vec();
        shape[0] = size;
        let cut = graph.cut(&[(&graph.input, &shape)], self.outputs, &shape);
        let engine = self.runtime.load(&cut.proto, vec![shape])?;
        let batches = Batches::new(engine, size)?;

        // As many probes as fit, twice, so that places of a batch are compared too.
        let probes: Vec<&[f32]> = self.probes.iter().map(Vec::as_slice).collect();
        for probes in [probes.clone(), probes.into_iter().rev().collect()] {
            let probes = &probes[..size.min(probes.len())];
            for (probe, together) in probes.iter().zip(batches.run_all(probes)?) {
                let alone = self.engine.run(&[probe])?;
                for (together, alone) in together.iter().zip(&alone) {
                    if !is_same_in_batch(&together.values, &alone.values) {
                        let message = "an image has other outputs in a batch than alone";
                        return Err(Error::new(message));
                    }
                }
            }
        }
        Ok(batches)
    }
}
