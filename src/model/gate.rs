//! Nonlinear steps of a head that can be held fixed per image: elementwise gates and normalisers.

use super::subgraph::Subgraph;
use super::survey::Tensor;
use crate::error::Result;

/// Largest difference of the factors of a normaliser, relative to the largest.
const FACTOR_TOLERANCE: f32 = 1e-3;
/// Components below this part of the largest give no reliable factor.
const FACTOR_INPUT_MIN: f32 = 1e-3;
/// Largest change of a component by the other components, relative to the largest output.
const CROSSTALK_MAX: f32 = 1e-4;
/// Random halves of the components that are exchanged to test a gate.
const HALVES: usize = 8;
/// Most groups of a normaliser.
const GROUPS_MAX: usize = 64;

/// A gate or a normaliser: the tensors before and after it.
#[derive(Debug, Clone)]
pub struct Gate {
    pub before: String,
    pub after: String,
    /// The output of a gate at zero, which belongs to the bias; zeros for a normaliser.
    pub at_zero: Vec<f32>,
    /// Whether its factors are the same for all images.
    pub is_affine: bool,
}

/// The values of a [`Gate`]'s tensors for one image.
pub struct GateValues {
    pub before: Vec<f32>,
    pub after: Vec<f32>,
}

/// What kind of step a part of the head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateKind {
    /// Every output depends on its own input alone.
    Elementwise,
    /// Every output is its input times a number that all components, or those of a group, share.
    Normaliser,
}

impl Gate {
    /// Reads the part between two tensors as a gate or as a normaliser; `None` if it is neither.
    ///
    /// # Errors
    /// When the part cannot be run.
    pub fn read(
        part: &Subgraph<'_>,
        before: &Tensor,
        after: &Tensor,
    ) -> Result<Option<(Self, GateKind)>> {
        if before.len() != after.len() || !is_finite(before) || !is_finite(after) {
            return Ok(None);
        }
        let kind = if is_elementwise(part, before, after)? {
            GateKind::Elementwise
        } else if is_normaliser(before, after) {
            GateKind::Normaliser
        } else {
            return Ok(None);
        };

        let mut at_zero = vec![0.0; before.len()];
        if kind == GateKind::Elementwise {
            at_zero = part.run(&at_zero, 1)?;
            // A logarithm has no value at zero: then nothing belongs to the bias.
            if at_zero.iter().any(|value| !value.is_finite()) {
                return Ok(None);
            }
        }
        let gate = Self {
            before: part.from.to_owned(),
            after: part.to.to_owned(),
            at_zero,
            is_affine: false,
        };
        Ok(Some((gate, kind)))
    }

    /// What the gate multiplies each component by for one image. A component that is zero stays
    /// zero.
    pub fn factors(&self, values: &GateValues) -> Vec<f64> {
        let mut factors = Vec::with_capacity(self.at_zero.len());
        for (index, at_zero) in self.at_zero.iter().enumerate() {
            let before = f64::from(values.before[index]);
            let moved = f64::from(values.after[index]) - f64::from(*at_zero);
            factors.push(if before == 0.0 { 0.0 } else { moved / before });
        }
        factors
    }
}

fn is_finite(tensor: &Tensor) -> bool {
    let mut values = tensor.values.iter().flatten();
    values.all(|value| value.is_finite())
}

/// Exchanges half of the components of one probe by those of another. Every output must be the one
/// of the probe that its own component comes from.
fn is_elementwise(part: &Subgraph<'_>, before: &Tensor, after: &Tensor) -> Result<bool> {
    let halves = random_halves(before.len());
    let mut mixed = Vec::new();
    for (number, half) in halves.iter().enumerate() {
        let [first, second] = pair(number, before.values.len());
        for (index, from_second) in half.iter().enumerate() {
            let probe = if *from_second { second } else { first };
            mixed.push(before.values[probe][index]);
        }
    }

    let outputs = part.run(&mixed, 1)?;
    let magnitudes = after.values.iter().flatten().map(|v| v.abs());
    let tolerance = CROSSTALK_MAX * magnitudes.fold(f32::MIN_POSITIVE, f32::max);
    for (number, (half, outputs)) in halves
        .iter()
        .zip(outputs.chunks_exact(before.len()))
        .enumerate()
    {
        let [first, second] = pair(number, before.values.len());
        for (index, from_second) in half.iter().enumerate() {
            let probe = if *from_second { second } else { first };
            if (outputs[index] - after.values[probe][index]).abs() > tolerance {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Two different probes.
fn pair(number: usize, probes: usize) -> [usize; 2] {
    [number % probes, (number + 1) % probes]
}

/// Reproducible halves of the components, from BLAKE3 as a stream; the first two exchange a single
/// component.
fn random_halves(width: usize) -> Vec<Vec<bool>> {
    let mut bytes = vec![0; width];
    let mut halves = Vec::new();
    for number in 0..HALVES {
        blake3::Hasher::new()
            .update(b"camaudit gate test")
            .update(&[number as u8])
            .finalize_xof()
            .fill(&mut bytes);
        let single = bytes[0] as usize % width;
        let is_single = number < 2;
        let half = bytes.iter().enumerate().map(|(index, byte)| {
            if is_single {
                index == single
            } else {
                byte % 2 == 0
            }
        });
        halves.push(half.collect());
    }
    halves
}

/// Whether the factors `after / before` are one number for all components, or for the components of
/// a group, on every probe.
fn is_normaliser(before: &Tensor, after: &Tensor) -> bool {
    let width = before.len();
    let mut groups = (1..=GROUPS_MAX.min(width / 2)).filter(|groups| width.is_multiple_of(*groups));
    groups.any(|groups| {
        let mut probes = before.values.iter().zip(&after.values);
        probes.all(|(before, after)| {
            let before = before.chunks_exact(width / groups);
            let mut parts = before.zip(after.chunks_exact(width / groups));
            parts.all(|(before, after)| has_one_factor(before, after))
        })
    })
}

fn has_one_factor(before: &[f32], after: &[f32]) -> bool {
    let largest = before.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
    let mut factors = before
        .iter()
        .zip(after)
        .filter(|(before, _)| before.abs() > FACTOR_INPUT_MIN * largest)
        .map(|(before, after)| after / before);
    let Some(first) = factors.next() else {
        return false;
    };
    factors.all(|factor| (factor - first).abs() <= FACTOR_TOLERANCE * first.abs())
}
