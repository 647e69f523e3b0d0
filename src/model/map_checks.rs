//! Checks of the maps when a model is loaded: a map gives its logit, and agrees with a knock-out of
//! cells.

use super::classifier::Model;
use super::knockout::Knockout;
use super::session::Inference;
use super::subgraph::Subgraph;
use crate::error::{Error, Result};

/// Largest accepted `|mean(CAM) + bias - logit| / max(1, |logit|)`.
const INVARIANT_TOLERANCE: f64 = 1e-4;
/// The same for a head whose sums lose more digits in float32: this many times the error on the
/// probes, up to a limit.
const PROBE_ERRORS: f64 = 5.0;
const INVARIANT_TOLERANCE_MAX: f64 = 1e-3;
/// A logit whose terms cancel is compared with this part of the sum of their magnitudes instead,
/// though with no more than the largest logit of the image: with the tolerance of 1e-4 that is 4e-6
/// of the sum, some 60 roundings of float32. So the check does not depend on the scale of the head.
const CANCELLED_FRACTION: f64 = 0.04;
/// Most classes whose logits are recomputed when a model is loaded.
const PROBED_CLASSES_MAX: usize = 32;
/// Correlation of maps and knock-out below which a detached head gets a warning.
const KNOCKOUT_CORRELATION_MIN: f64 = 0.5;

impl Model {
    /// Checks the logit invariant and the knock-out on all probes. `features` are those of the
    /// probes. Returns warnings.
    pub(super) fn check_maps(
        &mut self,
        head: &Subgraph<'_>,
        features: &[Vec<f32>],
        probes: &[Vec<f32>],
    ) -> Result<Vec<String>> {
        let mut knockout = Knockout::default();
        let mut invariant_error = 0.0_f64;
        self.facts.invariant_unit = 1.0;
        for (probe, features) in probes.iter().zip(features) {
            let inference = self.session()?.run(probe)?;
            self.facts.invariant_unit = self.unit(&inference).max(self.facts.invariant_unit);
            invariant_error = invariant_error.max(self.check(&inference)?);
            self.knock_out(&mut knockout, head, features, &inference)?;
        }

        let mut warnings = Vec::new();
        let facts = &mut self.facts;
        facts.invariant_error = invariant_error;
        facts.invariant_tolerance =
            (PROBE_ERRORS * invariant_error).clamp(INVARIANT_TOLERANCE, INVARIANT_TOLERANCE_MAX);
        if facts.invariant_tolerance > INVARIANT_TOLERANCE {
            warnings.push(format!(
                "the sums of this head lose digits in float32: a map gives its logit within {:.0e} \
                 instead of {INVARIANT_TOLERANCE:.0e} of it",
                facts.invariant_tolerance
            ));
        }
        if facts.decomposition.is_exact() {
            facts.knockout_error = Some(knockout.check()?);
            return Ok(warnings);
        }

        let correlation = knockout.correlation();
        facts.knockout_correlation = Some(correlation);
        if correlation < KNOCKOUT_CORRELATION_MIN {
            warnings.push(format!(
                "the maps of this head correlate only {correlation:.2} with a knock-out of cells: \
                 the factors that are held fixed carry much of the evidence, so a map shows little \
                 of what the network uses"
            ));
        }
        Ok(warnings)
    }

    /// Compares the maps of one probe with a knock-out of cells.
    fn knock_out(
        &self,
        knockout: &mut Knockout,
        head: &Subgraph<'_>,
        features: &[f32],
        inference: &Inference,
    ) -> Result<()> {
        let mut maps = Vec::new();
        let logits = if self.binary {
            let weights = self.weights(inference, 1);
            maps.push((0, weights.map(&self.layout, &inference.features)));
            &inference.logits[1..]
        } else {
            for class in self.probed_classes() {
                let weights = self.weights(inference, class);
                maps.push((class, weights.map(&self.layout, &inference.features)));
            }
            &inference.logits[..]
        };
        knockout.add(head, &self.pool.layout, features, &maps, logits)
    }

    /// Evenly spaced classes.
    fn probed_classes(&self) -> impl Iterator<Item = usize> {
        let step = self.facts.classes.div_ceil(PROBED_CLASSES_MAX).max(1);
        (0..self.facts.classes).step_by(step)
    }

    /// The least size that the error of a logit is relative to, see [`CANCELLED_FRACTION`].
    fn unit(&self, inference: &Inference) -> f64 {
        let pooled = self.layout.pooled(&inference.features);
        let (mut magnitude, mut logit) = (0.0_f64, 0.0_f64);
        for class in self.probed_classes() {
            magnitude = magnitude.max(self.weights(inference, class).magnitude(&pooled));
            logit = logit.max(f64::from(inference.logits[class].abs()));
        }
        (CANCELLED_FRACTION * magnitude).min(logit)
    }

    /// Largest relative violation of the invariant over evenly spaced classes on one image.
    fn check(&self, inference: &Inference) -> Result<f64> {
        let pooled = self.layout.pooled(&inference.features);
        let mut worst = 0.0_f64;
        for class in self.probed_classes() {
            let weights = self.weights(inference, class);
            let sum = weights.apply(&pooled);
            let logit = f64::from(inference.logits[class]);
            let error = (sum - logit).abs() / logit.abs().max(self.facts.invariant_unit);
            if error.is_nan() || error > INVARIANT_TOLERANCE_MAX {
                let magnitude = weights.magnitude(&pooled);
                let rounding = INVARIANT_TOLERANCE * CANCELLED_FRACTION * magnitude;
                let why = if (sum - logit).abs() <= rounding {
                    format!(
                        "its terms of {magnitude:.0e} in all cancel, so that float32 leaves too \
                         few digits; train the head with weight decay"
                    )
                } else {
                    let pool = &self.facts.pool_node;
                    format!("the logits do not depend on the pool {pool:?} alone")
                };
                return Err(Error::new(format!(
                    "the logit invariant fails for class {class}: mean(CAM) + bias = {sum:.6}, \
                     logit = {logit:.6}; {why}"
                )));
            }
            worst = worst.max(error);
        }
        Ok(worst)
    }
}
