//! The maps of a few classes of one image, made from its features or inside the graph.

use super::class_weights::ClassWeights;
use super::classifier::Model;
use super::graph::InGraph;
use super::session::{Evidence, GraphMaps};

/// Most bytes of the weights that stand in the graph beside its own.
const TABLE_BYTES_MAX: usize = 512 << 20;

/// The map of one class, and the part of its logit that belongs to no cell.
pub struct ClassMap {
    /// Row by row, in logits.
    pub values: Vec<f64>,
    pub bias: f64,
}

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
        let map = |row: usize, weights: ClassWeights| {
            let plane = maps.rows.get(&row)?;
            Some(ClassMap {
                values: plane.iter().map(|&v| f64::from(v)).collect(),
                bias: weights.bias,
            })
        };
        let raw = map(class, self.fixed_weights(class))?;
        let centred = match self.is_centred() {
            true => self.facts.classes + class,
            false => class,
        };
        let centred = map(centred, self.fixed_centred_weights(class))?;
        Some([raw, centred])
    }

    /// The rows that maps are made with inside the graph: one for each class, then their centred
    /// weights where they differ. `None` where the weights depend on the image, where they are not
    /// those of channels, or where there are too many.
    pub(super) fn graph_rows(&self) -> Option<Vec<ClassWeights>> {
        let has_gates = self.chain.gates().next().is_some();
        let is_fixed = !has_gates && self.pool.is_mean() && !self.layout.flattened;
        let rows = 2 * self.facts.classes;
        let bytes = rows * self.layout.channels * size_of::<f64>();
        if !is_fixed || bytes > TABLE_BYTES_MAX {
            return None;
        }
        let classes = 0..self.facts.classes;
        let raw = classes.clone().map(|class| self.fixed_weights(class));
        let mut rows: Vec<ClassWeights> = raw.collect();
        if self.is_centred() {
            rows.extend(classes.map(|class| self.fixed_centred_weights(class)));
        }
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
            classes: self.facts.classes,
        }
    }
}
