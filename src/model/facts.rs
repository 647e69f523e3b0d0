use super::chain::Decomposition;
use super::coverage::Orientation;
use crate::geometry::Rect;
use crate::plan::Activation;
use serde::{Deserialize, Serialize};

/// The properties of a model that `camaudit inspect` prints and `run.json` keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub input: String,
    pub input_shape: Vec<usize>,
    pub pool_node: String,
    pub pool_op: String,
    pub features_tensor: String,
    pub features_shape: Vec<usize>,
    /// Cells of a map: rows times columns of the features.
    pub cells: usize,
    /// Rows and columns of a map.
    #[serde(default)]
    pub map: [usize; 2],
    pub classes: usize,
    pub output_activation: OutputActivation,
    /// Convolutions that the built-in engine runs by operators of this crate.
    pub own_convolutions: usize,
    /// Of these, the ones by Winograd's algorithm.
    #[serde(default)]
    pub winograd_convolutions: usize,
    pub decomposition: Decomposition,
    /// Largest relative error of the head as an affine map on random vectors.
    pub affine_error: f64,
    /// Largest relative difference of mean(CAM) + bias and the logit on a probe image.
    pub invariant_error: f64,
    /// Largest such difference that does not stop a run.
    #[serde(default)]
    pub invariant_tolerance: f64,
    /// The least size, in logits, that such a difference is relative to: 1, or more where the
    /// terms of the head cancel, at most the largest logit of a probe.
    #[serde(default)]
    pub invariant_unit: f64,
    /// Largest difference of the maps and a knock-out of cells, relative to the largest value; for
    /// exact heads.
    #[serde(default)]
    pub knockout_error: Option<f64>,
    /// Correlation of the maps and a knock-out of cells; for detached heads.
    #[serde(default)]
    pub knockout_correlation: Option<f64>,
    /// Part of the input that moves the map.
    #[serde(default)]
    pub coverage: f64,
    /// How the map lies over the image.
    #[serde(default)]
    pub orientation: Orientation,
    /// The rectangle of the input, in pixels, that the map covers, where the graph crops or pads.
    #[serde(default)]
    pub frame: Option<[f64; 4]>,
    /// Precisions of the file other than float32; the model is computed in float32.
    #[serde(default)]
    pub precisions: Vec<String>,
    /// What a reader of the maps should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Facts {
    /// [`Facts::frame`] as a rectangle.
    pub fn frame(&self) -> Option<Rect> {
        self.frame.map(|[x0, y0, x1, y1]| Rect::new(x0, y0, x1, y1))
    }
}

/// The activation between the logits and the output of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputActivation {
    /// The output is the logits.
    #[default]
    None,
    Softmax,
    Sigmoid,
}

impl OutputActivation {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
        }
    }
}

impl From<Option<Activation>> for OutputActivation {
    fn from(activation: Option<Activation>) -> Self {
        match activation {
            None => Self::None,
            Some(Activation::Softmax) => Self::Softmax,
            Some(Activation::Sigmoid) => Self::Sigmoid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `run.json` is read again by later versions.
    #[test]
    fn facts_are_read_back_from_json() {
        let facts = Facts {
            output_activation: OutputActivation::Softmax,
            decomposition: Decomposition::DetachedGate,
            ..Facts::default()
        };
        let json = serde_json::to_value(&facts).expect("JSON");
        assert_eq!(json["output_activation"], facts.output_activation.name());
        assert_eq!(json["decomposition"], facts.decomposition.name());

        let read: Facts = serde_json::from_value(json).expect("facts");
        assert_eq!(read, facts);
    }
}
