//! The head, which turns K feature means into C logits, read as affine maps.
//!
//! An affine head is one map. A gated or normalised head is a chain of maps with elementwise
//! factors between them. The factors are held fixed per image (detached), so that
//! mean(CAM) + bias = logit still holds.

use super::affine::AffineMap;
use super::class_weights::ClassWeights;
use super::graph::{Graph, describe};
use super::subgraph::Subgraph;
use crate::error::{Error, Result};

/// Largest relative error of a map that counts as affine.
const AFFINE_TOLERANCE: f64 = 1e-3;

/// How the head was decomposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decomposition {
    /// One affine map.
    #[default]
    ExactLinear,
    /// Affine maps with normalisers between them.
    DetachedNorm,
    /// Affine maps with gates between them.
    DetachedGate,
}

impl Decomposition {
    pub fn name(self) -> &'static str {
        match self {
            Self::ExactLinear => "exact_linear",
            Self::DetachedNorm => "detached_norm",
            Self::DetachedGate => "detached_gate",
        }
    }
}

/// The chain from feature means to logits: `maps[0]`, `gates[0]`, `maps[1]`, ...
#[derive(Debug, Clone)]
pub struct AffineChain {
    pub maps: Vec<AffineMap>,
    pub gates: Vec<Gate>,
    pub decomposition: Decomposition,
}

/// A gate or a normaliser: the tensors before and after it.
#[derive(Debug, Clone)]
pub struct Gate {
    pub before: String,
    pub after: String,
}

/// The values of a [`Gate`]'s tensors for one image.
pub struct GateValues {
    pub before: Vec<f32>,
    pub after: Vec<f32>,
}

impl AffineChain {
    /// Reads the head as one affine map, or as affine maps between gates on its dominators.
    ///
    /// # Errors
    /// When a part is neither affine nor elementwise; the message names its last node.
    pub fn read(head: &Subgraph<'_>) -> Result<Self> {
        let map = head.affine()?;
        if map.error <= AFFINE_TOLERANCE {
            return Ok(Self {
                maps: vec![map],
                gates: Vec::new(),
                decomposition: Decomposition::ExactLinear,
            });
        }
        Self::read_between_gates(head)
    }

    /// Reads the longest affine maps; the node after each is a gate.
    fn read_between_gates(head: &Subgraph<'_>) -> Result<Self> {
        let path = DominatorPath::new(head)?;
        let mut chain = Self {
            maps: Vec::new(),
            gates: Vec::new(),
            decomposition: Decomposition::DetachedNorm,
        };

        let mut start = 0;
        let mut longest = None;
        for end in 1..path.tensors.len() {
            let longer = path.subgraph(start, end).affine()?;
            if longer.error <= AFFINE_TOLERANCE {
                longest = Some(longer);
                continue;
            }

            let gate = path.subgraph(end - 1, end);
            if !gate.keeps_length()? {
                return Err(unreadable(head.graph, gate.to));
            }
            if !gate.is_normaliser()? {
                chain.decomposition = Decomposition::DetachedGate;
            }
            let map = longest.take();
            chain
                .maps
                .push(map.unwrap_or_else(|| AffineMap::identity(gate.width())));
            chain.gates.push(Gate {
                before: gate.from.to_owned(),
                after: gate.to.to_owned(),
            });
            start = end;
        }

        let map = longest.unwrap_or_else(|| AffineMap::identity(path.last_width()));
        chain.maps.push(map);
        Ok(chain)
    }

    /// Number of logits.
    pub fn logits(&self) -> usize {
        self.maps.last().map_or(0, AffineMap::outputs)
    }

    /// Largest error of its maps.
    pub fn error(&self) -> f64 {
        self.maps.iter().fold(0.0, |max, map| map.error.max(max))
    }

    /// One logit as a function of the last map's inputs.
    pub fn row(&self, logit: usize) -> ClassWeights {
        let Some(last) = self.maps.last() else {
            return ClassWeights::default();
        };
        ClassWeights {
            weights: last.row(logit).iter().map(|&w| f64::from(w)).collect(),
            bias: last.bias[logit],
        }
    }

    /// The mean of all logits as a function of the last map's inputs.
    pub fn mean_row(&self) -> ClassWeights {
        let Some(last) = self.maps.last() else {
            return ClassWeights::default();
        };
        let n = last.outputs();
        last.combine(&vec![1.0 / n as f64; n])
    }

    /// Carries a function of the last map's inputs back to the feature means of one image, with the
    /// gates held at the image's values.
    pub fn pull_back(&self, mut row: ClassWeights, gates: &[GateValues]) -> ClassWeights {
        for (map, gate) in self.maps.iter().zip(gates).rev() {
            let factors = gate.before.iter().zip(&gate.after);
            let held: Vec<f64> = row
                .weights
                .iter()
                .zip(factors)
                .map(|(weight, (before, after))| weight * factor(*before, *after))
                .collect();

            let earlier = map.combine(&held);
            row = ClassWeights {
                weights: earlier.weights,
                bias: row.bias + earlier.bias,
            };
        }
        row
    }
}

/// What a gate multiplies a component by; a component that is zero stays zero.
fn factor(before: f32, after: f32) -> f64 {
    if before == 0.0 {
        0.0
    } else {
        f64::from(after) / f64::from(before)
    }
}

/// The dominators of the logits behind the pool, with their shapes at batch 1.
struct DominatorPath<'a> {
    head: &'a Subgraph<'a>,
    tensors: Vec<String>,
    shapes: Vec<Vec<usize>>,
}

impl<'a> DominatorPath<'a> {
    fn new(head: &'a Subgraph<'a>) -> Result<Self> {
        let dominators = head.graph.dominators(head.from, head.to);
        let mut shapes = vec![head.shape.to_vec()];
        shapes.extend(tensor_shapes(head, &dominators)?);
        let mut tensors = vec![head.from.to_owned()];
        tensors.extend(dominators);
        Ok(Self {
            head,
            tensors,
            shapes,
        })
    }

    /// The part between two tensors of the path.
    fn subgraph(&self, from: usize, to: usize) -> Subgraph<'_> {
        Subgraph {
            from: &self.tensors[from],
            to: &self.tensors[to],
            shape: &self.shapes[from],
            ..*self.head
        }
    }

    fn last_width(&self) -> usize {
        self.shapes.last().map_or(1, |shape| shape.iter().product())
    }
}

/// Shapes of tensors inside the head, found by running it once.
fn tensor_shapes(head: &Subgraph<'_>, tensors: &[String]) -> Result<Vec<Vec<usize>>> {
    let names: Vec<&str> = tensors.iter().map(String::as_str).collect();
    let cut = head
        .graph
        .cut(&[(head.from, head.shape)], &names, head.image);

    let mut shapes = vec![head.shape.to_vec()];
    if cut.needs_image {
        shapes.push(head.image.to_vec());
    }
    let ones = vec![1.0; head.width()];
    let blank = vec![0.0; head.image.iter().product()];
    let arrays = head
        .runtime
        .load(&cut.proto, shapes)?
        .run(&[&ones, &blank])?;
    Ok(arrays.into_iter().map(|array| array.shape).collect())
}

fn unreadable(graph: &Graph, tensor: &str) -> Error {
    let node = match graph.producer(tensor) {
        Some(node) => describe(node),
        None => format!("node {tensor}"),
    };
    Error::new(format!(
        "the head is neither affine nor gated nor normalised at {node}; \
         a CAM cannot attribute its logits to places"
    ))
}
