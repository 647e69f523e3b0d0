//! The classifier and the engine that runs it.

use crate::plan::file::{Activation, InputValue};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The ONNX classifier.
#[derive(Debug, Clone)]
pub struct Model {
    pub path: PathBuf,
    /// Class names in the model's order.
    pub classes: Option<Vec<String>>,
    /// The file that they are from.
    pub class_file: Option<PathBuf>,
    pub output: Option<String>,
    /// Constants for inputs other than the image.
    pub inputs: BTreeMap<String, InputValue>,
    pub activation: Option<Activation>,
    pub engine: Engine,
    pub expected_accuracy: Option<f64>,
    /// Splits that the model was trained on.
    pub trained_splits: Vec<String>,
}

impl Model {
    /// Whether images of this split may be training images; true for images without a split.
    pub fn trained_on(&self, split: Option<&str>) -> bool {
        split.is_none_or(|split| self.trained_splits.iter().any(|s| s == split))
    }
}

/// What runs the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// Built in.
    Tract {
        /// No convolution by Winograd's algorithm.
        exact_convolutions: bool,
    },
    OnnxRuntime {
        /// The shared library; searched for if `None`.
        library: Option<PathBuf>,
        device: Device,
        /// Images of one run of the graph.
        batch: usize,
    },
}

impl Engine {
    /// Images of one run of the graph.
    pub fn batch(&self) -> usize {
        match self {
            Self::Tract { .. } => 1,
            Self::OnnxRuntime { batch, .. } => *batch,
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::Tract {
            exact_convolutions: false,
        }
    }
}

/// Where ONNX Runtime runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Device {
    #[default]
    Cpu,
    /// The number of the device.
    Cuda(u16),
}
