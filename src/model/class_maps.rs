//! The maps of a few classes of one image, made from its features or inside the graph.

use super::class_weights::ClassWeights;
use super::classifier::Model;
use super::evidence::{ClassMap, Evidence, GraphMaps};
use super::graph::InGraph;

/// Most bytes of the weights that stand in the graph beside its own.
const TABLE_BYTES_MAX: usize = 512 << 20;

impl Model {
    /// The map of a class, and that of its centred weights; `None` for a class that was not asked
    /// for and has not the largest logit.
    pub fn maps(&self, evidence: &Evidence, class: usize) -> Option<[ClassMap; 2]> {
        match evidence {
            Evidence::Features(inference) => {
                let weights = [
                    self.weights(inference, class),
                    self.centred_weights(inference, class),
                ];
                Some(weights.map(|weights| ClassMap {
                    values: weights.map(&self.layout, &inference.features),
                    bias: weights.bias,
                }))
            }
            Evidence::Maps(maps) => self.maps_of_graph(maps, class),
        }
    }

    fn maps_of_graph(&self, maps: &GraphMaps, class: usize) -> Option<[ClassMap; 2]> {
        let exact = |row| {
            let plane: &Vec<f32> = maps.rows.get(&row)?;
            Some(plane.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>())
        };
        let map = ClassMap {
            values: exact(class)?,
            bias: self.fixed_weights(class).bias,
        };
        let centred = match self.fixed_mean_weights() {
            None => ClassMap {
                values: map.values.clone(),
                bias: map.bias,
            },
            Some(mean) => {
                let pairs = map.values.iter().zip(exact(self.facts.classes)?);
                ClassMap {
                    values: pairs.map(|(value, mean)| value - mean).collect(),
                    bias: map.bias - mean.bias,
                }
            }
        };
        Some([map, centred])
    }

    /// The rows that maps are made with inside the graph: one for each class, then their mean where
    /// centred weights need it. `None` where the weights depend on the image, where they are not
    /// those of channels, or where there are too many.
    pub(super) fn graph_rows(&self) -> Option<Vec<ClassWeights>> {
        let has_gates = self.chain.gates().next().is_some();
        let is_fixed = !has_gates && self.pool.is_mean() && !self.layout.flattened;
        let rows = self.facts.classes + 1;
        let bytes = rows * self.layout.channels * size_of::<f64>();
        if !is_fixed || bytes > TABLE_BYTES_MAX {
            return None;
        }
        let classes = 0..self.facts.classes;
        let mut rows: Vec<ClassWeights> = classes.map(|class| self.fixed_weights(class)).collect();
        rows.extend(self.fixed_mean_weights());
        Some(rows)
    }

    /// The maps of `rows` inside the graph, of `images` images.
    pub(super) fn in_graph<'a>(
        &'a self,
        logits: &'a str,
        images: usize,
        rows: &'a [ClassWeights],
    ) -> InGraph<'a> {
        InGraph {
            features: &self.pool.features,
            logits,
            layout: self.layout,
            images,
            binary: self.binary,
            rows,
        }
    }
}
