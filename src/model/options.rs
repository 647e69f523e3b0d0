//! What a model file leaves open.

use super::normalisation::Normalisation;
use super::opened::Opening;
use crate::plan::{self, Activation, InputValue};
use std::collections::BTreeMap;

/// How to read a model file where the file leaves a choice.
#[derive(Debug, Clone, Default)]
pub struct Options<'a> {
    /// Shape of the input at batch 1; needed where the file leaves height or width open.
    pub input_shape: Option<&'a [usize]>,
    /// Where that shape comes from, for the errors of a model that cannot run at it.
    pub shaped_by: Option<&'a str>,
    /// Name of the output, or of another tensor.
    pub output: Option<&'a str>,
    /// Values of inputs other than the image.
    pub inputs: BTreeMap<String, InputValue>,
    pub activation: Option<Activation>,
    pub engine: plan::Engine,
    /// The normalisation of [`super::PixelSession`]s.
    pub normalisation: Option<Normalisation>,
}

impl Options<'_> {
    pub(super) fn opening(&self) -> Opening<'_> {
        Opening {
            input_shape: self.input_shape,
            output: self.output,
            inputs: &self.inputs,
        }
    }
}
