//! `[model]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The ONNX classifier: a network that pools or flattens a map in front of its head.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelFile {
    /// The ONNX file.
    pub path: Option<String>,
    /// Class names in the model's order, one per line. Default: the dataset's labels, sorted.
    pub classes: Option<String>,
    /// Output, or any other tensor of the graph, that holds the logits (or their softmax or
    /// sigmoid). Default: the first output.
    pub output: Option<String>,
    /// Constants for inputs other than the image, by their names: a number, `true` or `false`, or a
    /// list of all numbers.
    pub inputs: BTreeMap<String, InputValue>,
    /// How logits become scores. Default: the activation at the end of the graph, else `softmax`.
    pub activation: Option<Activation>,
    /// What runs the model: `tract` (default, built in) or `onnxruntime` (your own library, usually
    /// 1.2 to 1.4 times as fast).
    pub engine: Option<EngineName>,
    /// No 3 x 3 convolution of the built-in engine by Winograd's algorithm, which is about twice as
    /// fast and rounds otherwise: logits differ by less than a ten-thousandth of the largest.
    /// Default `false`.
    pub exact_convolutions: Option<bool>,
    /// Library of the engine `onnxruntime`. Default: `ORT_DYLIB_PATH`, else the library of the
    /// active Python environment.
    pub library: Option<String>,
    /// Where the engine `onnxruntime` runs: `cpu` (default), `cuda` or `cuda:1`.
    pub device: Option<String>,
    /// Images that the engine `onnxruntime` runs at once, of all workers together. Default: 1 on
    /// the CPU, 64 with CUDA.
    pub batch: Option<u32>,
    /// Known top-1 accuracy of the model. An accuracy that is 10 points lower, and by more than
    /// three standard errors, is a warning.
    pub expected_accuracy: Option<f64>,
    /// Splits of the manifest that the model was trained on. Interventions use images of the other
    /// splits if there are any. Default `["train"]`.
    pub trained_splits: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    Softmax,
    Sigmoid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EngineName {
    Tract,
    Onnxruntime,
}

/// The constant of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum InputValue {
    Flag(bool),
    /// Every number of the input.
    Number(f64),
    List(Vec<f64>),
}
