//! The head, which turns the pooled vector into C logits, read as affine maps.
//!
//! An affine head is one map. Other heads are a chain of maps with gates and normalisers between
//! them. The factors of these are held fixed per image (detached), so that mean(CAM) + bias = logit
//! still holds.

use super::affine::AffineMap;
use super::class_weights::ClassWeights;
use super::gate::{Gate, GateKind, GateValues};
use super::graph::{Graph, describe};
use super::logits::changed_probability;
use super::subgraph::Subgraph;
use super::survey::{Survey, Tensor};
use crate::error::{Error, Result};
use std::borrow::Cow;

/// Widest vector whose affine map is read by running every unit vector.
const UNIT_VECTORS_MAX: usize = 8192;
/// Vectors wider than this are read from the weights of the next matrix product, where there is
/// one.
const PRODUCTS_MIN: usize = 2048;

/// Largest value of a vector that a map is read around.
const BASE_MAX: f32 = 1e4;

/// How the head was decomposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decomposition {
    /// Affine maps alone.
    #[default]
    ExactLinear,
    /// Affine maps with normalisers between them.
    DetachedNorm,
    /// Affine maps with gates between them.
    DetachedGate,
    /// A maximum over the cells, attributed to the cell that has it.
    DetachedArgmax,
    /// A power mean over the cells (GeM).
    DetachedPower,
}

impl Decomposition {
    pub fn name(self) -> &'static str {
        match self {
            Self::ExactLinear => "exact_linear",
            Self::DetachedNorm => "detached_norm",
            Self::DetachedGate => "detached_gate",
            Self::DetachedArgmax => "detached_argmax",
            Self::DetachedPower => "detached_power",
        }
    }

    /// Whether setting a cell to zero must change the logits by what the map says.
    pub fn is_exact(self) -> bool {
        self == Self::ExactLinear
    }
}

/// The steps from the pooled vector to the logits. The last step is a map.
#[derive(Debug, Clone)]
pub struct AffineChain {
    pub steps: Vec<Step>,
    pub decomposition: Decomposition,
}

/// One step of the head.
#[derive(Debug, Clone)]
pub enum Step {
    Map(AffineMap),
    Gate(Gate),
}

impl AffineChain {
    /// Reads the head between two tensors of the survey.
    ///
    /// # Errors
    /// When a step is neither affine nor a gate nor a normaliser, or the last one is a gate; the
    /// message names its node.
    pub fn read(head: &Subgraph<'_>, survey: &Survey) -> Result<Self> {
        let path = Path::new(head, survey)?;
        let mut chain = Self {
            steps: Vec::new(),
            decomposition: Decomposition::ExactLinear,
        };

        let last = path.tensors.len() - 1;
        let mut start = 0;
        while start < last {
            let (map, end) = path.next_map(start)?;
            chain.steps.extend(map.map(Step::Map));
            if end > start {
                start = end;
                continue;
            }

            let part = path.subgraph(start, start + 1);
            let read = Gate::read(&part, path.tensors[start], path.tensors[start + 1])?;
            let Some((mut gate, kind)) = read else {
                return Err(unreadable(head, &path.tensors[start + 1].name));
            };
            // A wide elementwise map is held as a gate whose factors are the same for all images.
            gate.is_affine = part.is_affine()?;
            if !gate.is_affine {
                chain.note_gate(&gate, kind, head.graph);
            }
            chain.steps.push(Step::Gate(gate));
            start += 1;
        }

        if chain.steps.is_empty() {
            let identity = AffineMap::identity(path.tensors[last].len());
            chain.steps.push(Step::Map(identity));
        }
        if chain.ends_in_a_gate() {
            return Err(no_logits(head));
        }
        if !matches!(chain.steps.last(), Some(Step::Map(_))) {
            let identity = AffineMap::identity(path.tensors[last].len());
            chain.steps.push(Step::Map(identity));
        }
        Ok(chain)
    }

    /// Whether nothing but elementwise maps follows a gate that is not affine: what comes out is a
    /// function of logits, not logits.
    fn ends_in_a_gate(&self) -> bool {
        for step in self.steps.iter().rev() {
            match step {
                Step::Map(map) if map.is_diagonal() => {}
                Step::Gate(gate) if gate.is_affine => {}
                Step::Map(_) => return false,
                Step::Gate(_) => return true,
            }
        }
        false
    }

    fn note_gate(&mut self, gate: &Gate, kind: GateKind, graph: &Graph) {
        let is_power = graph
            .producer(&gate.after)
            .is_some_and(|node| node.op_type == "Pow");
        let decomposition = match kind {
            GateKind::Elementwise if is_power && self.is_exact() => Decomposition::DetachedPower,
            GateKind::Elementwise => Decomposition::DetachedGate,
            GateKind::Normaliser if self.is_exact() => Decomposition::DetachedNorm,
            GateKind::Normaliser => self.decomposition,
        };
        self.decomposition = decomposition;
    }

    fn is_exact(&self) -> bool {
        self.decomposition.is_exact()
    }

    /// Number of logits.
    pub fn logits(&self) -> usize {
        self.last_map().map_or(0, AffineMap::outputs)
    }

    /// The gates, in order.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.steps.iter().filter_map(|step| match step {
            Step::Gate(gate) => Some(gate),
            Step::Map(_) => None,
        })
    }

    fn last_map(&self) -> Option<&AffineMap> {
        match self.steps.last() {
            Some(Step::Map(map)) => Some(map),
            _ => None,
        }
    }

    /// Largest error of its maps.
    pub fn error(&self) -> f64 {
        let mut error = 0.0_f64;
        for step in &self.steps {
            if let Step::Map(map) = step {
                error = error.max(map.error);
            }
        }
        error
    }

    /// One logit as a function of the last map's inputs.
    pub fn row(&self, logit: usize) -> ClassWeights {
        let Some(last) = self.last_map() else {
            return ClassWeights::default();
        };
        ClassWeights {
            weights: last.row(logit).iter().map(|&w| f64::from(w)).collect(),
            bias: last.bias[logit],
        }
    }

    /// The mean of all logits as a function of the last map's inputs.
    pub fn mean_row(&self) -> ClassWeights {
        let Some(last) = self.last_map() else {
            return ClassWeights::default();
        };
        let n = last.outputs();
        last.combine(&vec![1.0 / n as f64; n])
    }

    /// Carries a function of the last map's inputs back to the pooled vector of one image, with the
    /// gates held at the image's values.
    pub fn pull_back(&self, mut row: ClassWeights, gates: &[GateValues]) -> ClassWeights {
        let mut values = gates.iter().rev();
        let earlier = self.steps.iter().rev().skip(1);
        for step in earlier {
            match step {
                Step::Map(map) => {
                    let before = map.combine(&row.weights);
                    row = ClassWeights {
                        weights: before.weights,
                        bias: row.bias + before.bias,
                    };
                }
                Step::Gate(gate) => {
                    let Some(values) = values.next() else {
                        continue;
                    };
                    for (weight, at_zero) in row.weights.iter().zip(&gate.at_zero) {
                        row.bias += weight * f64::from(*at_zero);
                    }
                    for (weight, factor) in row.weights.iter_mut().zip(gate.factors(values)) {
                        *weight *= factor;
                    }
                }
            }
        }
        row
    }
}

/// The tensors from the pooled vector to the logits that every path passes.
struct Path<'a> {
    head: &'a Subgraph<'a>,
    tensors: Vec<&'a Tensor>,
}

impl<'a> Path<'a> {
    fn new(head: &'a Subgraph<'a>, survey: &'a Survey) -> Result<Self> {
        let (Some(from), Some(to)) = (survey.position(head.from), survey.position(head.to)) else {
            return Err(Error::new(format!(
                "the logits {:?} do not depend on {:?} alone",
                head.to, head.from
            )));
        };
        Ok(Self {
            head,
            tensors: survey.tensors[from..=to].iter().collect(),
        })
    }

    /// The part between two tensors of the path.
    fn subgraph(&self, from: usize, to: usize) -> Subgraph<'_> {
        Subgraph {
            from: &self.tensors[from].name,
            to: &self.tensors[to].name,
            shape: &self.tensors[from].shape,
            ..*self.head
        }
    }

    /// The values of a tensor on the first probe; zeros where they are so large that a step from
    /// them would be lost.
    fn base(&self, at: usize) -> Cow<'_, [f32]> {
        let tensor = self.tensors[at];
        match tensor.values.first() {
            Some(values) if values.iter().all(|value| value.abs() < BASE_MAX) => {
                Cow::Borrowed(values)
            }
            _ => Cow::Owned(vec![0.0; tensor.len()]),
        }
    }

    /// The affine map that follows a tensor, and the position of its output. `None` and `start` if
    /// no map follows.
    fn next_map(&self, start: usize) -> Result<(Option<AffineMap>, usize)> {
        let width = self.tensors[start].len();
        if width <= PRODUCTS_MIN {
            return self.longest_map(start);
        }
        for end in start + 1..self.tensors.len() {
            if let Some(map) = self.subgraph(start, end).matrix(&self.base(start))? {
                return Ok((Some(map), end));
            }
        }
        if width <= UNIT_VECTORS_MAX && self.tensors[start + 1].len() != width {
            return self.longest_map(start);
        }
        Ok((None, start))
    }

    /// The affine map to the last tensor that is reached without a gate.
    fn longest_map(&self, start: usize) -> Result<(Option<AffineMap>, usize)> {
        let mut longest = start;
        for end in start + 1..self.tensors.len() {
            if !self.subgraph(start, end).is_affine()? {
                break;
            }
            longest = end;
        }
        if longest == start {
            return Ok((None, start));
        }
        let map = self.subgraph(start, longest).affine(&self.base(start))?;
        Ok((Some(map), longest))
    }
}

fn unreadable(head: &Subgraph<'_>, tensor: &str) -> Error {
    let node = head.graph.producer(tensor);
    if node.is_some_and(|node| ["Softmax", "LogSoftmax"].contains(&node.op_type.as_str())) {
        return changed_probability(head.graph, tensor, head.to);
    }
    Error::new(format!(
        "the head is neither affine nor gated nor normalised at {}; \
         a CAM cannot attribute its logits to places",
        node.map_or_else(|| format!("node {tensor}"), describe)
    ))
}

/// The last step is no map: what comes out is no logit.
fn no_logits(head: &Subgraph<'_>) -> Error {
    let node = head.graph.producer(head.to);
    Error::new(format!(
        "the output {:?} is no logit: behind the last weights there is a nonlinear function, up \
         to {}; name the logits with model.output",
        head.to,
        node.map_or_else(String::new, describe)
    ))
}
