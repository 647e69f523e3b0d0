//! What all workers share: pipeline, model, labels and cache, built once.

use crate::cache::Cache;
use crate::dataset::LabelMap;
use crate::error::Result;
use crate::input::Preprocessor;
use crate::model::{Model, Normalisation, Options};
use crate::plan::Plan;

/// The immutable parts of an audit.
#[derive(Clone, Copy)]
pub struct AuditContext<'a> {
    pub plan: &'a Plan,
    pub model: &'a Model,
    pub labels: &'a LabelMap,
    /// Inference results of earlier runs.
    pub cache: Option<&'a Cache>,
}

/// Loads the plan's model at the input size that its preprocessing makes.
///
/// # Errors
/// As [`Model::load`]; a size that does not fit names the key to change.
pub fn load_model(plan: &Plan) -> Result<Model> {
    let shape = Preprocessor::shape(&plan.preprocess);
    let size = plan.preprocess.output;
    let channels = plan.preprocess.mean.len();
    let shaped_by = format!("[preprocess] makes {size} pixels, {channels} channels");

    let options = Options {
        input_shape: Some(&shape),
        shaped_by: Some(&shaped_by),
        output: plan.model.output.as_deref(),
        inputs: plan.model.inputs.clone(),
        activation: plan.model.activation,
        engine: plan.model.engine.clone(),
        normalisation: Some(Normalisation::new(&plan.preprocess)),
    };
    Model::load(&plan.model.path, &options)
}
