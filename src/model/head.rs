//! The head: what turns K pooled numbers into C logits, read off as affine maps.
//!
//! An affine head is one map. A gated or normalised head is a chain of maps with elementwise factors between them that
//! are held fixed per image (detached), so that mean + bias = logit still holds.

use super::engine::{Array, Runtime};
use super::graph::Graph;
use crate::error::{Error, Result};

/// Relative error up to which a piece of the head counts as affine.
const AFFINE_TOLERANCE: f64 = 1e-3;
/// Rows run at once when a map is read off.
const BATCH: usize = 64;

/// `y = W x + b`, read off by running 0, e_1 .. e_K.
#[derive(Debug, Clone)]
pub struct AffineMap {
    pub inputs: usize,
    /// `outputs x inputs`, row by row.
    pub weights: Vec<f32>,
    pub bias: Vec<f64>,
    /// Largest difference between the map and the graph on random vectors, relative to the largest output.
    pub error: f64,
}

impl AffineMap {
    pub fn row(&self, output: usize) -> &[f32] {
        &self.weights[output * self.inputs..(output + 1) * self.inputs]
    }

    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        let dot = |row: &[f32]| {
            row.iter()
                .zip(x)
                .map(|(&w, x)| f64::from(w) * x)
                .sum::<f64>()
        };
        self.bias
            .iter()
            .enumerate()
            .map(|(i, b)| dot(self.row(i)) + b)
            .collect()
    }

    /// `y^T W` and `y . b`.
    pub fn transposed(&self, y: &[f64]) -> (Vec<f64>, f64) {
        let mut out = vec![0.0; self.inputs];
        for (i, &y) in y.iter().enumerate().filter(|(_, y)| **y != 0.0) {
            out.iter_mut()
                .zip(self.row(i))
                .for_each(|(o, &w)| *o += y * f64::from(w));
        }
        (out, y.iter().zip(&self.bias).map(|(y, b)| y * b).sum())
    }
}

/// One part of the graph between two tensors, as a function of vectors.
pub struct Piece<'a> {
    pub graph: &'a Graph,
    pub runtime: &'a Runtime,
    pub from: &'a str,
    pub to: &'a str,
    /// Shape of `from` at batch 1.
    pub shape: &'a [usize],
    /// Shape of the image at batch 1.
    pub image: &'a [usize],
}

impl Piece<'_> {
    /// Runs `rows` vectors one behind the other in batches; `Err` when the graph does not take that batch.
    fn run(&self, rows: &[f32], batch: usize) -> Result<Vec<f32>> {
        let scaled = |shape: &[usize]| {
            let mut shape = shape.to_vec();
            if let Some(first) = shape.first_mut() {
                *first *= batch;
            }
            shape
        };
        let (shape, image) = (scaled(self.shape), scaled(self.image));
        let (proto, needs_image) = self.graph.cut(&[(self.from, &shape)], &[self.to], &image);
        let blank = vec![
            0.0;
            if needs_image {
                image.iter().product()
            } else {
                0
            }
        ];
        let mut shapes = vec![shape];
        if needs_image {
            shapes.push(image);
        }
        let engine = self.runtime.load(&proto, shapes)?;
        let mut state = engine.state()?;
        let width = batch * self.width();
        let mut out = Vec::new();
        for chunk in rows.chunks(width) {
            let mut padded = chunk.to_vec();
            padded.resize(width, 0.0);
            let result = state.run(&engine, &[&padded, &blank])?;
            let values = &result
                .first()
                .ok_or_else(|| Error::new("the head has no output"))?
                .values;
            out.extend_from_slice(&values[..values.len() * chunk.len() / width]);
        }
        Ok(out)
    }

    fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// Reads the piece off as an affine map. It is one if `error` is small; `scale` is the size of usual inputs.
    pub fn affine(&self, scale: f32) -> Result<AffineMap> {
        let k = self.width();
        let mut rows = vec![0.0; (k + 1) * k];
        (0..k).for_each(|i| rows[(i + 1) * k + i] = 1.0);
        let random = random_rows(4, k, scale);
        // Rows of one batch must not see each other: the batch is believed only where it repeats single runs.
        let single = self.run(&random, 1)?;
        let batched = self.run(&random, BATCH).ok().filter(|b| agree(b, &single));
        let batch = if batched.is_some() { BATCH } else { 1 };
        let read = self.run(&rows, batch)?;
        let outputs = read.len() / (k + 1);
        if outputs == 0 || k == 0 {
            return Err(Error::new(format!(
                "the head from {:?} to {:?} has no values",
                self.from, self.to
            )));
        }
        let (bias, columns) = read.split_at(outputs);
        let mut weights = vec![0.0; outputs * k];
        for (i, column) in columns.chunks_exact(outputs).enumerate() {
            column
                .iter()
                .zip(bias)
                .enumerate()
                .for_each(|(o, (v, b))| weights[o * k + i] = v - b);
        }
        let bias: Vec<f64> = bias.iter().map(|&b| f64::from(b)).collect();
        let mut map = AffineMap {
            inputs: k,
            weights,
            bias,
            error: 0.0,
        };
        for (x, y) in random.chunks_exact(k).zip(single.chunks_exact(outputs)) {
            let x: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
            let largest = y.iter().fold(1e-6_f64, |m, v| m.max(f64::from(v.abs())));
            let differences = map
                .apply(&x)
                .into_iter()
                .zip(y)
                .map(|(m, &v)| (m - f64::from(v)).abs() / largest);
            map.error = differences.fold(map.error, f64::max);
        }
        Ok(map)
    }

    /// Whether the piece maps vectors to vectors of the same length, so that it can be a detached factor.
    fn keeps_length(&self) -> Result<bool> {
        Ok(self.run(&vec![1.0; self.width()], 1)?.len() == self.width())
    }

    /// Whether the factor `to / from` is one number for all components: a normaliser, not a gate.
    fn is_normaliser(&self) -> Result<bool> {
        let x = random_rows(1, self.width(), 1.0);
        let factors: Vec<f32> = self
            .run(&x, 1)?
            .iter()
            .zip(&x)
            .map(|(y, x)| y / x)
            .collect();
        Ok(factors
            .iter()
            .all(|f| (f - factors[0]).abs() <= 1e-3 * factors[0].abs()))
    }
}

fn agree(a: &[f32], b: &[f32]) -> bool {
    let largest = b.iter().fold(1e-6_f32, |m, v| m.max(v.abs()));
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| (a - b).abs() <= 1e-5 * largest)
}

/// Reproducible vectors with components in `[-2 scale, 2 scale]`, from BLAKE3 as a stream.
pub fn random_rows(rows: usize, width: usize, scale: f32) -> Vec<f32> {
    let mut bytes = vec![0; rows * width * 4];
    blake3::Hasher::new()
        .update(b"camaudit affine test")
        .finalize_xof()
        .fill(&mut bytes);
    let unit = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f32 / u32::MAX as f32;
    bytes
        .chunks_exact(4)
        .map(|b| (unit(b) * 4.0 - 2.0) * scale)
        .collect()
}

/// How the head came apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decomposition {
    #[default]
    ExactLinear,
    DetachedNorm,
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

/// The chain from pooled features to logits: `maps[0]`, gate, `maps[1]`, gate, ...
#[derive(Debug, Clone)]
pub struct Chain {
    pub maps: Vec<AffineMap>,
    /// Tensor before and after each gate.
    pub gates: Vec<(String, String)>,
    pub decomposition: Decomposition,
}

impl Chain {
    /// Reads the head off: as one affine map if it is one, else as affine pieces between gates on the waist.
    ///
    /// # Errors
    /// When a piece is neither affine nor elementwise; the message names its last node.
    pub fn read(head: &Piece<'_>, scale: f32) -> Result<Self> {
        let whole = head.affine(scale)?;
        if whole.error <= AFFINE_TOLERANCE {
            return Ok(Self {
                maps: vec![whole],
                gates: Vec::new(),
                decomposition: Decomposition::ExactLinear,
            });
        }
        let mut waist = vec![head.from.to_owned()];
        waist.extend(head.graph.waist(head.from, head.to));
        let shapes = shapes(head, &waist)?;
        let mut chain = Self {
            maps: Vec::new(),
            gates: Vec::new(),
            decomposition: Decomposition::DetachedNorm,
        };
        let (mut start, mut map) = (0, None);
        for end in 1..waist.len() {
            let piece = |from: usize| Piece {
                from: &waist[from],
                to: &waist[end],
                shape: &shapes[from],
                ..*head
            };
            let longer = piece(start).affine(scale)?;
            if longer.error <= AFFINE_TOLERANCE {
                map = Some(longer);
                continue;
            }
            let gate = piece(end - 1);
            if !gate.keeps_length()? {
                return Err(unreadable(head.graph, &waist[end]));
            }
            if !gate.is_normaliser()? {
                chain.decomposition = Decomposition::DetachedGate;
            }
            chain
                .maps
                .push(map.take().unwrap_or_else(|| identity(gate.width())));
            chain
                .gates
                .push((waist[end - 1].clone(), waist[end].clone()));
            start = end;
        }
        let last: usize = shapes.last().map_or(1, |s| s.iter().product());
        chain.maps.push(map.unwrap_or_else(|| identity(last)));
        Ok(chain)
    }

    /// The last map, whose rows are the logits.
    fn last(&self) -> Option<&AffineMap> {
        self.maps.last()
    }

    pub fn logits(&self) -> usize {
        self.last().map_or(0, |m| m.bias.len())
    }

    /// Row and bias of one logit in the last map.
    pub fn row(&self, logit: usize) -> (Vec<f64>, f64) {
        self.last().map_or_else(Default::default, |m| {
            (
                m.row(logit).iter().map(|&w| f64::from(w)).collect(),
                m.bias[logit],
            )
        })
    }

    /// Mean row and mean bias over all logits.
    pub fn mean_row(&self) -> (Vec<f64>, f64) {
        let n = self.logits();
        self.last()
            .map_or_else(Default::default, |m| m.transposed(&vec![1.0 / n as f64; n]))
    }

    /// Carries a combination of logits, given as `w` and `b` on the last map's inputs, back to the pooled features of
    /// one image: `sum_c y_c z_c = w . g + b` with the gates held. `gates` are each gate's tensors, before and after.
    pub fn pull_back(
        &self,
        (mut w, mut b): (Vec<f64>, f64),
        gates: &[(Vec<f32>, Vec<f32>)],
    ) -> (Vec<f64>, f64) {
        for (map, (before, after)) in self.maps.iter().zip(gates).rev() {
            let factor = |(u, v): (&f32, &f32)| {
                if *u == 0.0 {
                    0.0
                } else {
                    f64::from(*v) / f64::from(*u)
                }
            };
            let held: Vec<f64> = w
                .iter()
                .zip(before.iter().zip(after).map(factor))
                .map(|(w, q)| w * q)
                .collect();
            let (next, bias) = map.transposed(&held);
            (w, b) = (next, b + bias);
        }
        (w, b)
    }
}

fn identity(n: usize) -> AffineMap {
    let mut weights = vec![0.0; n * n];
    (0..n).for_each(|i| weights[i * n + i] = 1.0);
    AffineMap {
        inputs: n,
        weights,
        bias: vec![0.0; n],
        error: 0.0,
    }
}

fn unreadable(graph: &Graph, tensor: &str) -> Error {
    let node = graph.producer(tensor).map_or(tensor.to_owned(), |n| {
        format!("{:?} ({})", super::graph::label(n), n.op_type)
    });
    Error::new(format!(
        "the head is neither affine nor gated nor normalised at node {node}; a CAM cannot share out its logits"
    ))
}

/// Shapes of the waist's tensors at batch 1.
fn shapes(head: &Piece<'_>, waist: &[String]) -> Result<Vec<Vec<usize>>> {
    let names: Vec<&str> = waist[1..].iter().map(String::as_str).collect();
    let (proto, needs_image) = head
        .graph
        .cut(&[(head.from, head.shape)], &names, head.image);
    let mut shapes = vec![head.shape.to_vec()];
    let blank = vec![0.0; head.image.iter().product()];
    if needs_image {
        shapes.push(head.image.to_vec());
    }
    let ones = vec![1.0; head.width()];
    let arrays: Vec<Array> = head.runtime.load(&proto, shapes)?.run(&[&ones, &blank])?;
    Ok(std::iter::once(head.shape.to_vec())
        .chain(arrays.into_iter().map(|a| a.shape))
        .collect())
}
